//! Right answers out of a fixture, with edits in each of the forms the product accepts.

mod blocks;

use std::fmt::Write as _;

use atelier_model::{FileTree, Step, Summary, TreePath};
use serde::Serialize;

use crate::{fixture::Fixture, stage::StageSeen};

/// How the title of a task begins that takes the work of a step back.
const TAKE_BACK: &str = "Take back: ";

/// What a summary of any text says.
pub const SUMMARISED: &str = "Everything that is asked for, in few words.";

/// The form of an answer's edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EditForm {
    /// Every file whole.
    Whole,
    /// Search and replace for every file that is there already.
    SearchReplace,
    /// The same, with the path inside the fence.
    DiffFenced,
    /// A patch for every file that is there already.
    ApplyPatch,
    /// The first changed file by search and replace, the next whole, and so on.
    #[default]
    Mixed,
}

/// The right answer to a stage; `None` where the fixture has none.
pub(crate) fn answer(fixture: &Fixture, stage: &StageSeen, form: EditForm) -> Option<String> {
    match stage {
        StageSeen::Design => Some(json(&fixture.design)),
        StageSeen::Plan => Some(json(&fixture.plan)),
        StageSeen::Detail { phase } => {
            let mut phases = fixture.phases.iter();
            phases.find(|found| found.number == *phase).map(json)
        }
        StageSeen::Handoff => Some(json(&fixture.handoff)),
        StageSeen::Summary => Some(json(&Summary {
            goal: SUMMARISED.to_owned(),
            ..Summary::default()
        })),
        StageSeen::Docs => Some(json(&fixture.prose)),
        StageSeen::Code { number, title } if title.starts_with(TAKE_BACK) => {
            let work = fixture.work.get(number.trim_start_matches('t'))?;
            Some(work.writes.keys().map(delete).collect())
        }
        StageSeen::Code { number, .. } => {
            let step = step(fixture, number)?;
            let (before, after) = (fixture.tree_before(number), fixture.tree_after(number));
            Some(reply(step, &before, &after, form))
        }
        StageSeen::Change | StageSeen::Review { .. } | StageSeen::Unknown(_) => None,
    }
}

/// The right edits of a step with every file whole, whatever stands there now.
pub(crate) fn whole_files(fixture: &Fixture, number: &str) -> Option<String> {
    let step = step(fixture, number)?;
    let (before, after) = (fixture.tree_before(number), fixture.tree_after(number));
    Some(reply(step, &before, &after, EditForm::Whole))
}

/// The edits of a step that is done again beside others, with every file whole; `None` where the
/// fixture does not say what they are.
pub(crate) fn reworked(fixture: &Fixture, number: &str) -> Option<String> {
    let (step, after) = (step(fixture, number)?, fixture.rework(number)?);
    Some(reply(step, &FileTree::default(), &after, EditForm::Whole))
}

pub(crate) fn step<'a>(fixture: &'a Fixture, number: &str) -> Option<&'a Step> {
    fixture.steps().find(|step| step.number == number)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The words around the edits, and the edits that turn one tree into another.
pub(crate) fn reply(step: &Step, before: &FileTree, after: &FileTree, form: EditForm) -> String {
    let mut text = introduction(step);
    let mut changed = 0;
    for (path, file) in before.changes_to(after) {
        let Some(new) = file.as_ref().and_then(|file| file.as_text()) else {
            text.push_str(&delete(&path));
            continue;
        };
        let old = before.text(&path);
        changed += usize::from(old.is_some());
        let in_blocks = match form {
            EditForm::Whole => false,
            EditForm::SearchReplace | EditForm::DiffFenced | EditForm::ApplyPatch => true,
            EditForm::Mixed => changed % 2 == 1,
        };
        let blocks = old
            .filter(|_| in_blocks)
            .and_then(|old| blocks::between(old, new));
        match blocks {
            Some(blocks) => text.push_str(&match form {
                EditForm::DiffFenced => diff_fenced(&path, &blocks),
                EditForm::ApplyPatch => apply_patch(&path, &blocks),
                EditForm::Whole | EditForm::SearchReplace | EditForm::Mixed => {
                    search_replace(&path, &blocks)
                }
            }),
            None => text.push_str(&whole(&path, new)),
        }
    }
    text
}

pub(crate) fn introduction(step: &Step) -> String {
    let mut text = format!("## Context\n\n{}\n\n## Implementation Steps\n\n", step.why);
    for (index, criterion) in step.acceptance.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}. {}", index + 1, criterion.text);
    }
    text.push_str("\n## Edits\n\n");
    text
}

/// A file in whole, in a fence that is longer than any inside it.
pub(crate) fn whole(path: &TreePath, content: &str) -> String {
    let fence = fence(content);
    let language = language(path);
    let end = if content.is_empty() || content.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("### File: `{path}`\n\n{fence}{language}\n{content}{end}{fence}\n\n")
}

pub(crate) fn delete(path: &TreePath) -> String {
    format!("*** Delete File: {path}\n\n")
}

fn search_replace(path: &TreePath, blocks: &[blocks::Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        let body = marked(block);
        let fence = fence(&body);
        let language = language(path);
        let _ = write!(text, "`{path}`\n\n{fence}{language}\n{body}{fence}\n\n");
    }
    text
}

fn marked(block: &blocks::Block) -> String {
    format!(
        "<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n",
        block.search, block.replace
    )
}

fn diff_fenced(path: &TreePath, blocks: &[blocks::Block]) -> String {
    let each = blocks.iter().map(|block| {
        let body = marked(block);
        let fence = fence(&body);
        format!("{fence}\n{path}\n{body}{fence}\n\n")
    });
    each.collect()
}

fn apply_patch(path: &TreePath, blocks: &[blocks::Block]) -> String {
    let lines = |mark: &str, text: &str| {
        let marked = text.split_inclusive('\n').flat_map(|line| [mark, line]);
        marked.collect::<String>()
    };
    let hunks = blocks.iter().map(|block| {
        format!(
            "@@\n{}{}",
            lines("-", &block.search),
            lines("+", &block.replace)
        )
    });
    let hunks: String = hunks.collect();
    format!("*** Begin Patch\n*** Update File: {path}\n{hunks}*** End Patch\n\n")
}

fn fence(content: &str) -> String {
    let runs = content.lines().map(|line| {
        let line = line.trim_start();
        line.len() - line.trim_start_matches('`').len()
    });
    "`".repeat(runs.max().unwrap_or(0).max(2) + 1)
}

fn language(path: &TreePath) -> &'static str {
    match (path.name(), path.extension()) {
        ("CMakeLists.txt", _) => "cmake",
        (_, Some("rs")) => "rust",
        (_, Some("py")) => "python",
        (_, Some("js" | "mjs")) => "javascript",
        (_, Some("go")) => "go",
        (_, Some("c" | "h")) => "c",
        (_, Some("toml")) => "toml",
        (_, Some("json")) => "json",
        (_, Some("md")) => "markdown",
        _ => "",
    }
}
