//! The finished tasks that a task builds on: what they did, and the interfaces they left.

use atelier_model::{FileTree, Task, TaskId, TreePath};
use atelier_prompt::{context, tokens};
use atelier_recipe::is_test_path;

use super::{Piece, below};

/// Finished tasks of a run of which each is told by its title alone: their files are shown.
const FEW: usize = 12;
/// Tokens of the titles of other tasks.
const TITLES_TOKENS_MAX: usize = 600;
/// Files whose interfaces are always there.
const INTERFACES_MAX: usize = 16;
/// Tokens of the interface of one file.
const INTERFACE_TOKENS_MAX: usize = 400;
/// Tokens of what one finished task says it did.
const SAID_TOKENS_MAX: usize = 120;
/// How much the interfaces matter that are not shown otherwise.
const INTERFACE: i32 = 45;
/// How much it matters what was done.
const DONE: i32 = 85;
/// The heading in a reply under which the work is told.
const SAID_UNDER: &str = "Implementation Steps";

/// A task that is part of the base and that another one builds on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished {
    /// Its id.
    pub(crate) id: TaskId,
    /// Its number.
    pub(crate) number: String,
    /// Its title.
    pub(crate) title: String,
    /// Where it wrote.
    pub(crate) outputs: Vec<String>,
    /// What the reply that was merged says it did, one step each.
    pub(crate) said: Vec<String>,
}

impl Finished {
    /// A task with the reply that was merged.
    pub(crate) fn new(task: &Task, reply: &str) -> Self {
        Self {
            id: task.id.clone(),
            number: task.step.clone().unwrap_or_else(|| task.id.to_string()),
            title: task.title.clone(),
            outputs: task.outputs.clone(),
            said: said(reply),
        }
    }
}

/// Whether a run has come so far that titles no longer tell what was done.
pub(crate) fn are_many(done: usize) -> bool {
    done > FEW
}

/// The numbered steps under the heading that every answer begins with.
fn said(reply: &str) -> Vec<String> {
    let mut lines = reply.lines().map(str::trim);
    let is_heading = |line: &str| line.starts_with('#') && line.ends_with(SAID_UNDER);
    if !lines.by_ref().any(is_heading) {
        return Vec::new();
    }
    let mut said = Vec::new();
    let mut used = 0;
    for line in lines.skip_while(|line| line.is_empty()) {
        let step = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let step = step.trim_start_matches(['.', ')', '-', '*', ' ']);
        let is_step = step.len() < line.len() && !line.starts_with('#');
        used += tokens::estimate(step);
        if !is_step || used > SAID_TOKENS_MAX {
            break;
        }
        said.push(step.to_owned());
    }
    said
}

/// What the tasks did that this one builds on.
pub(super) fn reminder(finished: &[Finished]) -> Option<Piece> {
    let line = |one: &Finished| {
        let mut line = format!("- {} {}", one.number, one.title);
        if !one.said.is_empty() {
            line = format!("{line}: {}", one.said.join("; "));
        }
        context::clean(&line).replace('\n', " ")
    };
    let short: Vec<String> = finished
        .iter()
        .map(|one| format!("- {} wrote {}", one.number, one.outputs.join(", ")))
        .collect();
    let full: Vec<String> = finished
        .iter()
        .zip(&short)
        .map(|(one, wrote)| format!("{}\n  {}", line(one), wrote.trim_start_matches("- ")))
        .collect();
    let head = "Finished tasks that this one builds on:\n";
    let forms = vec![
        ("what they did", format!("{head}{}", full.join("\n"))),
        (
            "which files they wrote",
            format!("{head}{}", short.join("\n")),
        ),
    ];
    let full = forms.first().map_or(0, |(_, text)| tokens::estimate(text));
    (!finished.is_empty()).then(|| Piece::of("finished tasks", forms, (DONE, true), full))
}

/// The files that the finished tasks wrote and whose interfaces others need, in their order.
pub(super) fn interfaces(tree: &FileTree, finished: &[Finished]) -> Vec<TreePath> {
    let outputs = finished.iter().flat_map(|one| &one.outputs);
    let written = below(tree, outputs).into_iter();
    let has_one = |path: &TreePath| {
        let text = tree.text(path).unwrap_or_default();
        atelier_outline::skeleton(path, text).is_some()
    };
    let needed = written.filter(|path| !is_test_path(path) && has_one(path));
    needed.take(INTERFACES_MAX).collect()
}

/// The interface of a file: its skeleton, as far as there is room for one.
pub(super) fn interface(path: &TreePath, text: &str) -> Option<(&'static str, String)> {
    let skeleton = atelier_outline::skeleton(path, text)?;
    let mut shown = String::new();
    for line in skeleton.split_inclusive('\n') {
        if tokens::estimate(&shown) + tokens::estimate(line) > INTERFACE_TOKENS_MAX {
            shown.push_str("…\n");
            break;
        }
        shown.push_str(line);
    }
    let label = format!("{path} (without bodies)");
    Some(("without bodies", context::data(&label, &shown)))
}

/// A file of a finished task that is shown for its interface alone.
pub(super) fn interface_only(path: &TreePath, text: &str) -> Option<Piece> {
    let forms = vec![interface(path, text)?];
    let full = tokens::estimate(text);
    Some(Piece::of(path.as_str(), forms, (INTERFACE, true), full))
}

/// The titles of tasks within their budget, those that `matters` says first, then from the end that
/// is nearer; how many are left out stands in their place.
pub(crate) fn titles(
    all: Vec<(TaskId, String, String)>,
    needed: &[TaskId],
    from_end: bool,
) -> Vec<(String, String)> {
    let cost = |(_, number, title): &(TaskId, String, String)| {
        tokens::estimate(number) + tokens::estimate(title) + 2
    };
    let pinned = |one: &(TaskId, String, String)| needed.contains(&one.0);
    let mut used: usize = all.iter().filter(|one| pinned(one)).map(cost).sum();
    let mut kept: Vec<bool> = all.iter().map(pinned).collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    if from_end {
        order.reverse();
    }
    for at in order {
        if kept[at] {
            continue;
        }
        used += cost(&all[at]);
        if used > TITLES_TOKENS_MAX {
            break;
        }
        kept[at] = true;
    }
    let left_out = kept.iter().filter(|kept| !**kept).count();
    let shown = all.into_iter().zip(kept).filter(|(_, kept)| *kept);
    let mut shown: Vec<_> = shown
        .map(|((_, number, title), _)| (number, title))
        .collect();
    if left_out > 0 {
        let more = ("…".to_owned(), format!("and {left_out} more"));
        let place = if from_end { 0 } else { shown.len() };
        shown.insert(place, more);
    }
    shown
}
