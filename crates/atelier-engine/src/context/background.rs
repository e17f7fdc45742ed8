//! The long texts that tasks need as background: which are worth a summary, and what stands in their
//! place.
//!
//! What is decided here follows from the requirement, the plan and the files of two commits, never
//! from what runs beside a task.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{ContextHints, DevPlan, FileTree, Step, Summary, Task, TreePath};
use atelier_prompt::{
    context::{self, Block},
    summary, tokens,
};

use super::{Piece, below};

/// Tokens of passages that stand beside a summary.
const PASSAGES_TOKENS_MAX: usize = 800;
/// Tokens of the outline of a document.
const OUTLINE_TOKENS_MAX: usize = 400;
/// Tokens below which a generated document that stands beside the work is shown whole.
const GENERATED_TOKENS_MIN: usize = 600;
/// Names of text that is prose.
const PROSE: [&str; 5] = ["md", "txt", "rst", "adoc", "markdown"];
/// How much the passages of the requirement matter.
const OF_REQUIREMENT: i32 = 75;
/// How much a document matters that the task names.
const NAMED: i32 = 65;
/// How much a document of the project matters.
const OF_PROJECT: i32 = 50;

/// What stands for long texts in the prompts of a task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reminders {
    /// The summary of the requirement, where it stands for it.
    pub(crate) requirement: Option<Summary>,
    /// Summaries of documents.
    pub(crate) documents: BTreeMap<TreePath, Summary>,
}

/// The requirement as every task of a run is shown it: word for word, or its summary with every
/// statement of it word for word.
pub(crate) fn requirement(requirement: &str, plan: &DevPlan, made: Option<&Summary>) -> String {
    let Some(made) = made else {
        return requirement.to_owned();
    };
    format!(
        "(A summary: the requirement as a whole has about {} tokens. Passages of it that concern \
         the task stand with the files.)\n\n{}\n\n{}",
        tokens::estimate(requirement),
        summary::render(made),
        statements(plan)
    )
}

/// Every statement of the requirement: what is pinned, whatever else is left out.
fn statements(plan: &DevPlan) -> String {
    let all = plan.design.requirements.iter();
    let lines: Vec<String> = all
        .map(|one| format!("- {}: {}", one.id, one.text))
        .collect();
    format!("What is required, word for word:\n{}", lines.join("\n"))
}

/// Whether the tasks of a plan are better off with a summary of the requirement.
pub(crate) fn is_long(requirement: &str, plan: &DevPlan) -> bool {
    // Without its statements a summary would stand for something else.
    if plan.design.requirements.is_empty() {
        return false;
    }
    let pinned = tokens::estimate(&statements(plan));
    let shown = summary::SUMMARY_TOKENS_MAX + pinned + PASSAGES_TOKENS_MAX;
    let uses = plan.phases.iter().map(|phase| phase.steps.len()).sum();
    summary::pays(tokens::estimate(requirement), shown, uses)
}

/// The documents a task needs as background that are better summarised: long ones that several steps
/// need and that are as they were when the run began.
pub(crate) fn long_documents(
    task: &Task,
    plan: &DevPlan,
    (first, now): (&FileTree, &FileTree),
) -> Vec<TreePath> {
    let own = needed(now, &task.context, changed(task));
    let steps: Vec<BTreeSet<TreePath>> = plan
        .phases
        .iter()
        .flat_map(|phase| &phase.steps)
        .map(|step| needed(now, &step.context, written(step)))
        .collect();
    let is_long = |path: &TreePath| {
        let uses = steps.iter().filter(|step| step.contains(path)).count();
        let shown = summary::SUMMARY_TOKENS_MAX + PASSAGES_TOKENS_MAX;
        now.text(path).is_some_and(|text| {
            first.text(path) == Some(text) && summary::pays(tokens::estimate(text), shown, uses)
        })
    };
    own.into_iter().filter(is_long).collect()
}

fn changed(task: &Task) -> impl Iterator<Item = &String> {
    task.outputs.iter().chain(&task.owns).chain(&task.inputs)
}

fn written(step: &Step) -> impl Iterator<Item = &String> {
    step.outputs.iter().chain(&step.owns).chain(&step.inputs)
}

/// The prose that hints name and that is not worked on itself.
fn needed<'a>(
    tree: &FileTree,
    hints: &ContextHints,
    worked_on: impl Iterator<Item = &'a String>,
) -> BTreeSet<TreePath> {
    let worked_on: BTreeSet<TreePath> = below(tree, worked_on).into_iter().collect();
    let named = below(tree, hints.documents.iter().chain(&hints.files));
    let background = named.into_iter().filter(is_prose);
    background
        .filter(|path| !worked_on.contains(path))
        .collect()
}

/// Whether a file is long prose, or a document that is written anew after every task and has grown
/// long: where it only stands beside the work, a task is told in short what it tells at length.
pub(super) fn is_lengthy(tree: &FileTree, path: &TreePath) -> bool {
    let text = tree.text(path).unwrap_or_default();
    let is_generated = atelier_docs::managed::has_markers(text);
    let tokens_min = if is_generated {
        GENERATED_TOKENS_MIN
    } else {
        summary::SOURCE_TOKENS_MIN
    };
    is_prose(path) && tokens::estimate(text) >= tokens_min
}

fn is_prose(path: &TreePath) -> bool {
    path.extension().is_some_and(|one| PROSE.contains(&one))
}

/// What of the whole requirement concerns a task, where only its summary is shown.
pub(super) fn passages(requirement: &str, task: &Task, plan: &DevPlan) -> Piece {
    let found = summary::passages(requirement, &about(task, plan), PASSAGES_TOKENS_MAX);
    let serves = task.requirements.join(", ");
    let of_which = if serves.is_empty() {
        String::new()
    } else {
        format!(", of which the task serves {serves}")
    };
    let text = format!(
        "From the requirement{of_which}:\n\n{}",
        context::fence("", &found)
    );
    let is_found = !found.is_empty();
    Piece {
        block: Block {
            id: "passages of the requirement".to_owned(),
            rungs: if is_found { vec![text] } else { Vec::new() },
            priority: OF_REQUIREMENT,
            required: false,
        },
        forms: vec!["what concerns the task".to_owned()],
        tokens_full: tokens::estimate(requirement),
    }
}

/// The words of a task, its criteria and the statements it serves.
fn about(task: &Task, plan: &DevPlan) -> String {
    let served = plan.design.requirements.iter();
    let served = served.filter(|one| task.requirements.contains(&one.id));
    let criteria = task.acceptance.iter().map(|one| one.text.as_str());
    [&*task.title, &task.description, &task.why]
        .into_iter()
        .chain(served.map(|one| one.text.as_str()))
        .chain(criteria)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A document: one that the task names whole if it is short, else its summary or outline with the
/// passages that concern the task; any other one as its outline.
pub(super) fn document(
    task: &Task,
    plan: &DevPlan,
    (path, text): (&TreePath, &str),
    made: Option<&Summary>,
) -> Piece {
    let full = tokens::estimate(text);
    let outline = || {
        let outline = atelier_docs::summary(text, OUTLINE_TOKENS_MAX);
        (
            "outline",
            context::data(&format!("{path} (summary)"), &outline),
        )
    };
    let is_named = is_named(task, path);
    let with_passages = |what: &str, short: &str| {
        let found = summary::passages(text, &about(task, plan), PASSAGES_TOKENS_MAX);
        let both = format!("{short}\n\nPassages that concern the task:\n\n{found}");
        let label = format!("{path} ({what} and passages)");
        (!found.is_empty()).then(|| context::data(&label, &both))
    };
    let mut forms = Vec::new();
    if let Some(made) = made {
        let short = summary::render(made);
        let both = with_passages("summary", &short);
        forms.extend(both.map(|text| ("summary and passages", text)));
        forms.push((
            "summary",
            context::data(&format!("{path} (summary)"), &short),
        ));
    } else if is_named && full < summary::SOURCE_TOKENS_MIN {
        forms.push(("whole", context::data(path.as_str(), text)));
        forms.push(outline());
    } else if is_named {
        let short = atelier_docs::summary(text, OUTLINE_TOKENS_MAX);
        let both = with_passages("outline", &short);
        forms.extend(both.map(|text| ("outline and passages", text)));
        forms.push(outline());
    } else {
        forms.push(outline());
    }
    let priority = if is_named || made.is_some() {
        NAMED
    } else {
        OF_PROJECT
    };
    Piece::of(path.as_str(), forms, (priority, false), full)
}

fn is_named(task: &Task, path: &TreePath) -> bool {
    let named = task.context.documents.iter();
    named
        .map(|one| one.trim_start_matches("./"))
        .any(|one| one == path.as_str())
}
