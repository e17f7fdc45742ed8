//! The registry of document kinds.

mod architecture;
mod design;
mod devplan;
mod handoff;
mod index;
mod progress;

use std::fmt::Write as _;

use atelier_model::{Acceptance, FileTree, Task, TreePath};

use crate::{
    ProjectState, Rendered,
    citations::cite,
    markdown::{code, line, words},
    render::place,
    state::Standing,
};

/// One kind of document. It says what stands in the documents of its kind; merging them with what
/// people wrote is not its business.
pub trait Document: Sync {
    /// Its name, such as `progress`.
    fn kind(&self) -> &'static str;
    /// The documents of this kind; `earlier` are the ones of the kinds before it in [`DOCUMENTS`].
    fn drafts(&self, state: &ProjectState<'_>, earlier: &[Rendered]) -> Vec<Draft>;
}

/// A document before it is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Where it will stand.
    pub path: String,
    /// Its title; it does not depend on the state, for it is written once.
    pub title: String,
    /// What a reader finds in it, in one line.
    pub about: String,
    /// Its sections in reading order.
    pub sections: Vec<Section>,
}

/// A managed section. One without text is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its id, unique in its document.
    pub id: String,
    /// Its Markdown.
    pub text: String,
}

impl Section {
    pub(crate) fn new(id: impl Into<String>, text: String) -> Self {
        let id = id.into();
        Self { id, text }
    }
}

/// Every kind of document, in the order in which a reader new to a project reads them. The index
/// stands last: it lists the others.
pub const DOCUMENTS: &[&dyn Document] = &[
    &design::DesignDocument,
    &devplan::DevPlanDocument,
    &architecture::Architecture,
    &architecture::ComponentArchitecture,
    &progress::Progress,
    &progress::ComponentProgress,
    &handoff::HandoffDocument,
    &index::Index,
];

/// Paths listed one by one; of more, only the count is given.
const PATHS_LISTED_MAX: usize = 40;

/// Paths in one line, those that exist as citations.
fn paths<T: AsRef<str>>(all: impl IntoIterator<Item = T>, files: &FileTree) -> String {
    let mut shown: Vec<String> = all
        .into_iter()
        .filter(|path| !path.as_ref().trim().is_empty())
        .map(|path| cite(path.as_ref(), files))
        .collect();
    let more = shown.len().saturating_sub(PATHS_LISTED_MAX);
    shown.truncate(PATHS_LISTED_MAX);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

/// A list item `Label: text`, or nothing where there is no text.
fn fact(label: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("- {label}: {text}\n")
    }
}

/// The criteria with how each is checked.
fn acceptance(all: &[Acceptance], files: &FileTree) -> String {
    all.iter().fold(String::new(), |mut out, one| {
        let (id, text) = (words(&one.id, files), words(&one.text, files));
        _ = writeln!(out, "- **{id}** {text}");
        _ = writeln!(out, "  - Checked: {}", words(&one.how(), files));
        if one.must_fail_before {
            out.push_str("  - The check fails before the step is done.\n");
        }
        out
    })
}

/// A text as a paragraph of one line, with the blank line behind it; nothing where there is none.
fn paragraph(text: &str, files: &FileTree) -> String {
    let text = line(text, files);
    if text.is_empty() {
        text
    } else {
        format!("{text}\n\n")
    }
}

/// A count with its noun.
fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// What a finished task's verification showed, in a few words.
fn proof_words(state: &ProjectState<'_>, task: &Task) -> String {
    state.proof(task).map_or_else(String::new, |proof| {
        let (checks, tests) = (counted(proof.checks, "check"), counted(proof.tests, "test"));
        format!("{checks} passed, {tests} executed")
    })
}

/// Number, or id, and title of a task.
fn task_name(task: &Task, files: &FileTree) -> String {
    let number = task.step.as_deref().unwrap_or(task.id.as_str());
    format!("{} {}", words(number, files), words(&task.title, files))
}

/// The tasks that stand in one of these ways, one list item each.
fn tasks_standing(state: &ProjectState<'_>, wanted: &[Standing]) -> String {
    state
        .tasks
        .iter()
        .map(|task| (task, Standing::of(task.state)))
        .filter(|(_, standing)| wanted.contains(standing))
        .fold(String::new(), |mut out, (task, standing)| {
            let name = task_name(task, state.files);
            _ = match standing {
                Standing::Done | Standing::Open => writeln!(out, "- {name}"),
                Standing::NeedsPerson
                | Standing::Failed
                | Standing::Cancelled
                | Standing::Skipped
                | Standing::Waived => writeln!(out, "- {name} ({})", standing.word()),
            };
            out
        })
}

/// A path as code, with a slash behind a folder.
fn folder_name(path: &str) -> String {
    code(&format!("{}/", path.trim_end_matches('/')))
}

/// A link from the root to the document at a path, under the name it has in the tree.
fn link(path: &str, files: &FileTree) -> String {
    match place(path, files) {
        Ok(path) => link_from("", &path),
        Err(_) => code(path),
    }
}

/// A link to a file of the project; `up` leads from the document to the root.
fn link_from(up: &str, path: &TreePath) -> String {
    let mut name = path.as_str().to_owned();
    for mark in ["[", "]", "`", "*", "_"] {
        name = name.replace(mark, &format!("\\{mark}"));
    }
    format!("[{name}](<{up}{path}>)")
}
