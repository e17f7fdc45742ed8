//! Commit messages: a Conventional Commit subject, why, and the trailers that trace the work.

use std::fmt::Write as _;

use atelier_model::{Checkpoint, Digest, MicroUsd, RunId, Task};

/// Longest subject line, as the tools that list commits expect it.
const SUBJECT_CHARS_MAX: usize = 72;

/// What the trailers of a task's commit say.
#[derive(Debug)]
pub(crate) struct Trace<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) task: &'a Task,
    pub(crate) model: &'a str,
    pub(crate) prompt: Digest,
    pub(crate) reply: Digest,
    pub(crate) evidence: Digest,
    pub(crate) cost: MicroUsd,
}

/// The subject line of a task's commit.
pub(crate) fn subject(task: &Task) -> String {
    let scope = task.step.as_deref().unwrap_or(task.id.as_str());
    short(&format!(
        "{}({scope}): {}",
        kind(task),
        lower_first(task.title.trim())
    ))
}

/// The whole message of a task's commit.
pub(crate) fn message(trace: &Trace<'_>) -> String {
    let task = trace.task;
    let mut text = format!("{}\n", subject(task));
    let body = if task.why.trim().is_empty() {
        &task.description
    } else {
        &task.why
    };
    if !body.trim().is_empty() {
        let _ = write!(text, "\n{}\n", wrapped(body.trim()));
    }
    let _ = write!(
        text,
        "\nAtelier-Run: {}\nAtelier-Task: {}\nAtelier-Model: {}\nAtelier-Prompt: {}\n\
         Atelier-Reply: {}\nAtelier-Evidence: {}\nAtelier-Cost: {}\n",
        trace.run,
        task.id,
        trace.model,
        trace.prompt,
        trace.reply,
        trace.evidence,
        trace.cost.exact()
    );
    text
}

/// The message of a commit of no task: the plan, or the documents. It names the newest checkpoint of
/// the audit log, so that a log which is cut off before it contradicts the history.
pub(crate) fn house_message(
    run: &RunId,
    subject: &str,
    evidence: Digest,
    audited: Option<&Checkpoint>,
) -> String {
    let audited = audited.map_or_else(String::new, |newest| {
        format!("{}: {}\n", Checkpoint::TRAILER, newest.trailer())
    });
    format!(
        "{}\n\nAtelier-Run: {run}\nAtelier-Evidence: {evidence}\n{audited}",
        short(subject)
    )
}

/// The kind of change, from what the task writes and how its title begins.
fn kind(task: &Task) -> &'static str {
    let paths = if task.outputs.is_empty() {
        &task.owns
    } else {
        &task.outputs
    };
    let all = |test: &dyn Fn(&str) -> bool| !paths.is_empty() && paths.iter().all(|p| test(p));
    let first = task
        .title
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_lowercase();
    if all(&|path| path.starts_with(".github/") || path.contains("ci.y")) {
        "ci"
    } else if all(&|path| path.to_lowercase().ends_with(".md") || path.starts_with("docs/")) {
        "docs"
    } else if all(&|path| {
        path.parse()
            .is_ok_and(|path| atelier_recipe::is_test_path(&path))
    }) {
        "test"
    } else if matches!(first.as_str(), "fix" | "repair" | "correct") {
        "fix"
    } else if matches!(
        first.as_str(),
        "refactor" | "simplify" | "extract" | "rename"
    ) {
        "refactor"
    } else {
        "feat"
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    // An acronym or a name in capitals stays as it is.
    if chars.clone().next().is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    first.to_lowercase().chain(chars).collect()
}

fn short(subject: &str) -> String {
    let line = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SUBJECT_CHARS_MAX {
        return line;
    }
    let mut cut: String = line.chars().take(SUBJECT_CHARS_MAX - 1).collect();
    if let Some(space) = cut
        .rfind(' ')
        .filter(|space| *space > SUBJECT_CHARS_MAX / 2)
    {
        cut.truncate(space);
    }
    cut + "…"
}

/// Paragraphs broken at 72 columns.
fn wrapped(text: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + word.chars().count() >= SUBJECT_CHARS_MAX
            {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
