//! `ARCHITECTURE.md`, of the project and of each component that is a folder.

use std::fmt::Write as _;

use atelier_model::{Component, FileTree, PathError, TreePath};

use super::{
    Document, Draft, ProjectState, Rendered, Section, design::components, fact, folder_name, link,
    paragraph, paths,
};
use crate::{
    diagram::Flowchart,
    markdown::{block, code, list, titled, words},
    state::{Folder, is_document},
};

pub(super) struct Architecture;

impl Document for Architecture {
    fn kind(&self) -> &'static str {
        "architecture"
    }

    fn drafts(&self, state: &ProjectState<'_>, _: &[Rendered]) -> Vec<Draft> {
        let (design, files) = (&state.plan.design, state.files);
        let overview = match state.prose {
            Some(prose) if !prose.overview.trim().is_empty() => &prose.overview,
            _ => &design.architecture_overview,
        };
        let sections = vec![
            Section::new(
                "overview",
                titled(2, "Overview", &block(overview, 3, files)),
            ),
            Section::new("dependencies", uses_chart(state, |_| true)),
            Section::new(
                "components",
                titled(2, "Components", &components(design, files)),
            ),
            Section::new(
                "details",
                titled(2, "The components one by one", &details(state)),
            ),
            Section::new("layout", titled(2, "Layout", &layout(state))),
        ];
        vec![Draft {
            path: "ARCHITECTURE.md".to_owned(),
            title: "Architecture".to_owned(),
            about: "How the parts work together, and where each of them lives.".to_owned(),
            sections,
        }]
    }
}

pub(super) struct ComponentArchitecture;

impl Document for ComponentArchitecture {
    fn kind(&self) -> &'static str {
        "component-architecture"
    }

    fn drafts(&self, state: &ProjectState<'_>, _: &[Rendered]) -> Vec<Draft> {
        state
            .folders()
            .iter()
            .map(|folder| draft(state, folder))
            .collect()
    }
}

fn draft(state: &ProjectState<'_>, folder: &Folder<'_>) -> Draft {
    let here = |name: &str| folder.components.iter().any(|part| part.name == name);
    let near = |part: &Component| {
        let user_of_this = part.depends_on.iter().any(|used| here(used));
        let used_by_this = folder
            .components
            .iter()
            .any(|own| own.depends_on.contains(&part.name));
        here(&part.name) || user_of_this || used_by_this
    };
    let purpose: Vec<String> = folder
        .components
        .iter()
        .map(|part| component(state, part, 2))
        .collect();
    let sections = vec![
        Section::new("purpose", purpose.join("\n")),
        Section::new("dependencies", uses_chart(state, near)),
        Section::new("files", titled(2, "Files", &files_of(state, &folder.path))),
    ];
    let names: Vec<&str> = folder
        .components
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    Draft {
        path: component_path(&folder.path),
        title: format!("Architecture of {}", folder_name(folder.path.as_str())),
        about: format!(
            "What {} is responsible for, and its files.",
            names.join(", ")
        ),
        sections,
    }
}

/// The components that are no folder with a document of its own.
fn details(state: &ProjectState<'_>) -> String {
    let folders = state.folders();
    let mut text = String::new();
    for part in &state.plan.design.components {
        let path = TreePath::parse(&part.path).ok();
        let own = folders
            .iter()
            .find(|folder| Some(&folder.path) == path.as_ref());
        if own.is_none() {
            text.push_str(&component(state, part, 3));
            text.push('\n');
        }
    }
    for Folder { path, components } in &folders {
        let document = link(&component_path(path), state.files);
        for part in components {
            let name = name(part, state.files);
            _ = writeln!(text, "### {name}\n\nDescribed in {document}.\n");
        }
    }
    text
}

fn component_path(folder: &TreePath) -> String {
    format!("{folder}/ARCHITECTURE.md")
}

/// Heading, purpose, dependencies and note of one component.
fn component(state: &ProjectState<'_>, part: &Component, level: usize) -> String {
    let files = state.files;
    let users: Vec<&str> = state
        .plan
        .design
        .components
        .iter()
        .filter(|other| other.depends_on.contains(&part.name))
        .map(|other| other.name.as_str())
        .collect();
    let note = state.prose.into_iter().flat_map(|prose| &prose.components);
    let said = |text: &str| text.trim() == part.purpose.trim();
    let note = note.filter(|note| note.name == part.name && !said(&note.text));
    let mut text = format!("{} {}\n\n", "#".repeat(level), name(part, files));
    text.push_str(&paragraph(&part.purpose, files));
    text.push_str(&fact("Path", &path_of(state, part)));
    text.push_str(&fact("Uses", &words(&part.depends_on.join(", "), files)));
    text.push_str(&fact("Used by", &words(&users.join(", "), files)));
    for note in note {
        text.push('\n');
        text.push_str(&block(&note.text, level + 1, files));
    }
    text
}

fn name(part: &Component, files: &FileTree) -> String {
    let name = words(&part.name, files);
    if name.is_empty() {
        "unnamed".to_owned()
    } else {
        name
    }
}

/// The path of a component, and whether it is there.
fn path_of(state: &ProjectState<'_>, part: &Component) -> String {
    let path = match TreePath::parse(&part.path) {
        Ok(path) => path,
        Err(PathError::Empty) => return "the whole project".to_owned(),
        Err(_) => return format!("{} (no path inside the project)", code(&part.path)),
    };
    if state.files.contains(&path) {
        paths([path.as_str()], state.files)
    } else if state.files_in(&path).next().is_some() {
        folder_name(path.as_str())
    } else {
        format!("{} (not there yet)", code(&part.path))
    }
}

fn uses_chart(state: &ProjectState<'_>, shown: impl Fn(&Component) -> bool) -> String {
    let mut chart = Flowchart::new("LR");
    let all = &state.plan.design.components;
    let parts: Vec<&Component> = all.iter().filter(|part| shown(part)).collect();
    for part in &parts {
        chart.node(&part.name, &part.name);
    }
    for part in &parts {
        for used in &part.depends_on {
            chart.edge(&part.name, used);
        }
    }
    let drawn = chart.render();
    if drawn.is_empty() {
        return String::new();
    }
    let text = format!("An arrow leads from a component to one it uses.\n\n{drawn}");
    titled(2, "Dependencies", &text)
}

fn files_of(state: &ProjectState<'_>, folder: &TreePath) -> String {
    let all: Vec<&TreePath> = state.files_in(folder).collect();
    let shown = all.iter().take(super::PATHS_LISTED_MAX);
    let mut text = list(shown.map(|path| paths([path.as_str()], state.files)));
    if let Some(more) = all
        .len()
        .checked_sub(super::PATHS_LISTED_MAX)
        .filter(|more| *more > 0)
    {
        _ = writeln!(text, "- and {more} more");
    }
    text
}

/// The entries at the root of the project; a folder with how many files it holds.
fn layout(state: &ProjectState<'_>) -> String {
    let mut entries: Vec<(String, u64)> = Vec::new();
    for path in state.files.paths().filter(|path| !is_document(path)) {
        match path.as_str().split_once('/') {
            Some((folder, _)) => match entries.last_mut() {
                Some((name, count)) if *name == format!("{folder}/") => *count += 1,
                _ => entries.push((format!("{folder}/"), 1)),
            },
            None => entries.push((path.as_str().to_owned(), 0)),
        }
    }
    let more = entries.len().saturating_sub(super::PATHS_LISTED_MAX);
    entries.truncate(super::PATHS_LISTED_MAX);
    let mut text = list(entries.iter().map(|(name, count)| match count {
        0 => paths([name], state.files),
        _ => format!("{} ({})", code(name), super::counted(*count, "file")),
    }));
    if more > 0 {
        _ = writeln!(text, "- and {more} more");
    }
    text
}
