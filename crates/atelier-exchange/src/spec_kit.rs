//! A feature of spec-kit: `tasks.md` with its phases, beside `spec.md` and `plan.md`.

use std::{collections::BTreeSet, sync::LazyLock};

use atelier_model::RequirementItem;
use regex::Regex;

use crate::{
    Files, Format, ImportError, Planned,
    draft::{Draft, ForeignTask},
    words,
};

const TASKS: &str = "tasks.md";
const SPEC: &str = "spec.md";
const PLAN: &str = "plan.md";

static TASK: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"^\s*[-*+] +\[(?P<done>[ xX])\] +\**(?P<id>T\d+[a-z]?)\**:?\**\s+(?P<rest>.*)$";
    words::pattern(text)
});

static MARK: LazyLock<Regex> =
    LazyLock::new(|| words::pattern(r"^\[(?P<mark>P|US\d+|[A-Za-z]+\d*)\]\s*"));

static PHASE: LazyLock<Regex> =
    LazyLock::new(|| words::pattern(r"^##+\s+Phase\s+[\w.]+\s*:?\s*(?P<title>.*)$"));

static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"^\s*[-*] \*\*(?P<id>(?:FR|SC|NFR)-?\d+[a-z]?)\*\*:?\s*(?P<text>.+)$";
    words::pattern(text)
});

static STORY: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"^###\s+User Story\s+(?P<number>\d+)\s*[-–—:]\s*(?P<title>.+)$";
    words::pattern(text)
});

static FACT: LazyLock<Regex> =
    LazyLock::new(|| words::pattern(r"^\s*[-*]?\s*\*\*(?P<key>[^*]+?):?\*\*:?\s*(?P<value>.+)$"));

/// Whether these files are a feature: they have a list of tasks, by its name.
pub(crate) fn is_feature(files: &Files) -> bool {
    find(files, TASKS).is_some() && files.len() > 1
}

/// Whether a text is a list of such tasks.
pub(crate) fn is_tasks(text: &str) -> bool {
    text.lines().any(|line| TASK.is_match(line.trim_end()))
}

fn find<'a>(files: &'a Files, name: &str) -> Option<&'a str> {
    let mut files = files.iter();
    let found = files.find(|(path, _)| path.rsplit('/').next() == Some(name));
    found.map(|(_, text)| text.as_str())
}

/// Reads a feature.
pub(crate) fn read(files: &Files) -> Result<Planned, ImportError> {
    let lone = || {
        files
            .values()
            .next()
            .filter(|_| files.len() == 1)
            .map(String::as_str)
    };
    let tasks = find(files, TASKS).or_else(lone);
    let tasks = tasks.ok_or_else(|| ImportError::Missing(format!("the file {TASKS}")))?;
    let title = heading(tasks, "Tasks");
    let mut draft = Draft {
        name: words::name(&title),
        requirement: format!("Carry out the tasks of {title}."),
        summary: title,
        ..Draft::default()
    };
    if let Some(spec) = find(files, SPEC) {
        specified(&mut draft, spec);
    }
    if let Some(plan) = find(files, PLAN) {
        designed(&mut draft, plan);
    }
    listed(&mut draft, tasks);
    let used = [TASKS, SPEC, PLAN];
    let beside: Vec<&str> = files
        .keys()
        .map(String::as_str)
        .filter(|path| files.len() > 1 && !used.contains(&path.rsplit('/').next().unwrap_or(path)))
        .collect();
    if !beside.is_empty() {
        let text = format!("not read, but there to be read: {}", beside.join(", "));
        draft.notes.push(text);
    }
    draft.planned(Format::SpecKit)
}

/// The title of a document, without the word before it.
fn heading(text: &str, word: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix("# "));
    let line = line.unwrap_or("feature").trim();
    let rest = line
        .split_once(':')
        .filter(|(before, _)| before.contains(word));
    rest.map_or(line, |(_, rest)| rest.trim()).to_owned()
}

/// The specification: its text is the requirement, its numbered statements and stories the items.
fn specified(draft: &mut Draft, spec: &str) {
    let text = spec.replace("\r\n", "\n");
    text.trim().clone_into(&mut draft.requirement);
    let title = heading(spec, "Specification");
    draft.name = words::name(&title);
    draft.summary = title;
    for line in spec.lines() {
        let line = line.trim_end();
        if let Some(found) = STORY.captures(line) {
            let title = found["title"].trim();
            draft.items.push(RequirementItem {
                id: format!("US{}", &found["number"]),
                text: title.to_owned(),
            });
        } else if let Some(found) = ITEM.captures(line) {
            draft.items.push(RequirementItem {
                id: found["id"].to_owned(),
                text: found["text"].trim().to_owned(),
            });
        }
    }
    let open = spec.matches("[NEEDS CLARIFICATION").count();
    if open > 0 {
        draft.notes.push(format!(
            "the specification leaves {open} questions open (NEEDS CLARIFICATION)"
        ));
    }
}

/// The technical plan: what it says of language, packages and tests, and the rest word for word.
fn designed(draft: &mut Draft, plan: &str) {
    for found in plan.lines().filter_map(|line| FACT.captures(line)) {
        let value = found["value"].trim().to_owned();
        match found["key"].trim() {
            "Language/Version" => {
                let language = value.split_whitespace().next().unwrap_or_default();
                language
                    .trim_end_matches(',')
                    .clone_into(&mut draft.language);
            }
            "Testing" => draft.testing = value,
            "Primary Dependencies" => {
                draft.dependencies = value.split(", ").map(str::to_owned).collect();
            }
            _ => {}
        }
    }
    let text = plan.replace("\r\n", "\n");
    text.trim().clone_into(&mut draft.overview);
}

/// What a phase is while its tasks are read.
#[derive(Default)]
struct Section {
    number: u32,
    title: String,
    about: Vec<String>,
    /// Whether it is one story of several, which need nothing of each other.
    story: bool,
    /// Tasks that everything after them waits for.
    before: Vec<String>,
    /// Tasks since then that may run at once.
    beside: Vec<String>,
    /// All of its tasks.
    all: Vec<String>,
}

/// The list of tasks. In a phase one task follows the other, but those marked `[P]` run at once; the
/// stories run at once after what stands before them, and what stands behind them waits for all.
fn listed(draft: &mut Draft, text: &str) {
    let mut sections: Vec<Section> = Vec::new();
    let mut rest: Vec<&str> = Vec::new();
    let mut in_task = false;
    let mut outside = false;
    let mut fenced = false;
    for line in text.lines().map(str::trim_end) {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fence || fenced {
            if outside {
                rest.push(line);
            }
        } else if let Some(found) = PHASE.captures(line) {
            sections.push(section(&sections, found["title"].trim()));
            (in_task, outside) = (false, false);
        } else if let Some(found) = TASK.captures(line) {
            if sections.is_empty() || outside {
                sections.push(section(&sections, "Tasks"));
                outside = false;
            }
            let basis = basis(&sections);
            if let Some(current) = sections.last_mut() {
                let task = task(
                    current,
                    &basis,
                    &found["id"],
                    &found["done"],
                    &found["rest"],
                );
                draft.tasks.push(task);
                ordered(draft, &found["rest"]);
            }
            in_task = true;
        } else if line.starts_with("## ") {
            (in_task, outside) = (false, true);
            rest.push(line);
        } else if in_task && line.starts_with(' ') {
            continued(draft, line);
        } else if let Some(current) = sections.last_mut().filter(|_| !outside) {
            in_task = in_task && line.is_empty();
            if !line.is_empty() && line != "---" {
                current.about.push(line.to_owned());
            }
        } else if !sections.is_empty() {
            rest.push(line);
        }
    }
    settle(draft, sections, &rest);
}

fn section(before: &[Section], title: &str) -> Section {
    Section {
        number: u32::try_from(before.len() + 1).unwrap_or(u32::MAX),
        title: title.to_owned(),
        story: title.starts_with("User Story"),
        ..Section::default()
    }
}

/// What the first tasks of the last phase wait for.
fn basis(sections: &[Section]) -> Vec<String> {
    let Some((current, earlier)) = sections.split_last() else {
        return Vec::new();
    };
    let filled = || earlier.iter().rev().filter(|one| !one.all.is_empty());
    if current.story {
        let base = filled().find(|one| !one.story);
        return base.map(|one| one.all.clone()).unwrap_or_default();
    }
    let stories: Vec<&Section> = filled().take_while(|one| one.story).collect();
    if stories.is_empty() {
        return filled()
            .next()
            .map(|one| one.all.clone())
            .unwrap_or_default();
    }
    stories
        .iter()
        .rev()
        .flat_map(|one| one.all.clone())
        .collect()
}

fn task(section: &mut Section, basis: &[String], id: &str, done: &str, rest: &str) -> ForeignTask {
    let (mut parallel, mut requirements, mut text) = (false, Vec::new(), rest);
    while let Some(found) = MARK.captures(text) {
        match &found["mark"] {
            "P" => parallel = true,
            story => requirements.push(story.to_owned()),
        }
        text = &text[found[0].len()..];
    }
    let mut behind = if parallel || section.beside.is_empty() {
        section.before.clone()
    } else {
        section.beside.clone()
    };
    if behind.is_empty() {
        behind = basis.to_vec();
    }
    if parallel {
        section.beside.push(id.to_owned());
    } else {
        section.before = vec![id.to_owned()];
        section.beside.clear();
    }
    section.all.push(id.to_owned());
    ForeignTask {
        key: id.to_owned(),
        phase: section.number,
        place: place(id),
        title: words::title(text),
        description: text.to_owned(),
        behind,
        outputs: words::paths(text),
        requirements,
        left_out: (done != " ").then(|| "it is done".to_owned()),
        ..ForeignTask::default()
    }
}

/// The place of `T012`; one of `T012a`, which was put in later, that no other task has.
fn place(id: &str) -> u32 {
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    let place = digits.parse().unwrap_or(u32::MAX);
    match id.bytes().last() {
        Some(letter) if letter.is_ascii_lowercase() => {
            let within = u32::from(letter - b'a') + 1;
            place.saturating_mul(100).saturating_add(within)
        }
        Some(_) | None => place,
    }
}

/// What a text of a task says of the order: of its own directly, of others as a hint.
fn ordered(draft: &mut Draft, text: &str) {
    let Some(task) = draft.tasks.last_mut() else {
        return;
    };
    for (later, earlier) in words::orders(text, Some(&task.key)) {
        if later != task.key {
            draft.hints.push((later, earlier));
        } else if !task.needs.contains(&earlier) {
            task.needs.push(earlier);
        }
    }
}

/// A line below a task belongs to it.
fn continued(draft: &mut Draft, line: &str) {
    let Some(task) = draft.tasks.last_mut() else {
        return;
    };
    task.description.push('\n');
    task.description.push_str(line);
    for path in words::paths(line) {
        if !task.outputs.contains(&path) {
            task.outputs.push(path);
        }
    }
    ordered(draft, line);
}

fn settle(draft: &mut Draft, sections: Vec<Section>, rest: &[&str]) {
    let known: BTreeSet<String> = draft.items.iter().map(|item| item.id.clone()).collect();
    for section in sections {
        let about = section.about.join("\n");
        draft.phases.push((section.number, section.title, about));
    }
    // A story that the specification does not name is a statement all the same.
    let mut missing: Vec<String> = Vec::new();
    for id in draft.tasks.iter().flat_map(|task| &task.requirements) {
        if id.starts_with("US") && !known.contains(id) && !missing.contains(id) {
            missing.push(id.clone());
        }
    }
    for id in missing {
        let story = format!("User Story {} ", id.trim_start_matches("US"));
        let title = draft
            .phases
            .iter()
            .find(|(_, title, _)| title.starts_with(&story));
        let text = title.map_or_else(|| id.clone(), |(_, title, _)| title.clone());
        draft.items.push(RequirementItem { id, text });
    }
    for line in rest {
        draft.hints.extend(words::orders(line, None));
    }
    let rest = rest.join("\n");
    if !rest.trim().is_empty() {
        let text = format!("{}\n\n{}", draft.overview, rest.trim());
        text.trim().clone_into(&mut draft.overview);
    }
}
