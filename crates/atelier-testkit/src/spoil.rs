//! Answers that are wrong on purpose, each in a way that models are known for.

mod forgery;
mod tests_silenced;

use std::fmt::Write as _;

use atelier_model::{FileTree, TreePath};

use crate::{
    fixture::Fixture,
    oracle::{self, EditForm},
    stage::StageSeen,
};

/// The right answer, written carelessly.
pub(crate) fn noise(text: &str, stage: &StageSeen) -> String {
    let inner = if stage.task().is_some() {
        careless_edits(text)
    } else {
        careless_json(text)
    };
    let noisy = format!(
        "<think>\nThe user wants a good result. Something like {{\"name\": \"draft\"}} would be \
         too short.\n</think>\n\nCertainly! Here is what I came up with.\n\n{inner}\n\n\
         Let me know if you would like me to change anything!\n"
    );
    // Every second reply comes from a system with other line ends.
    if text.len().is_multiple_of(2) {
        noisy.replace('\n', "\r\n")
    } else {
        noisy
    }
}

fn careless_json(text: &str) -> String {
    format!("```javascript\n{text}  \n```")
}

/// Wrong fence languages, and blanks behind markers and searched lines.
fn careless_edits(text: &str) -> String {
    let mut lines = Vec::new();
    let mut open: Option<usize> = None;
    let mut searching = false;
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        let bare = line.len() == ticks;
        let (fence, marker) = match open {
            None => (ticks >= 3, false),
            Some(length) => (bare && ticks >= length, is_marker(line)),
        };
        if marker {
            searching = line.ends_with("SEARCH");
        }
        lines.push(match (fence, open) {
            (true, None) => {
                open = Some(ticks);
                format!("{}text", "`".repeat(ticks))
            }
            (true, Some(_)) => {
                open = None;
                format!("{line} ")
            }
            (false, _) if marker => format!("{line}  "),
            (false, _) if searching && !line.trim().is_empty() => format!("{line} "),
            (false, _) => line.to_owned(),
        });
    }
    lines.join("\n")
}

fn is_marker(line: &str) -> bool {
    matches!(line, "<<<<<<< SEARCH" | "=======" | ">>>>>>> REPLACE")
}

/// JSON that no parser takes: with what careless models leave in it, or with its structure gone.
pub(crate) fn malformed(text: &str, repairable: bool) -> String {
    if !repairable {
        let gone = text.replace(['{', '}', '[', ']', '"', ':'], " ");
        return format!("The structure I would suggest is as follows.\n\n{gone}");
    }
    let mut broken = String::from("Here it is:\n\n{\n  // the answer\n");
    for line in text.lines().skip(1) {
        let indent = line.len() - line.trim_start().len();
        let bare = line[indent..]
            .strip_prefix('"')
            .and_then(|rest| rest.split_once("\": "))
            .filter(|(key, _)| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
        let line = match bare {
            Some((key, value)) => format!("{}{key}: {value}", &line[..indent]),
            None => line.to_owned(),
        };
        let closes = line.trim_start().starts_with(['}', ']']);
        if closes && broken.trim_end().ends_with(['"', '}', ']']) {
            broken.truncate(broken.trim_end().len());
            broken.push_str(",\n");
        }
        broken.push_str(&line);
        broken.push('\n');
    }
    broken
}

/// Words where work was asked for.
pub(crate) fn prose(subject: &str) -> String {
    format!(
        "I have looked at {subject} carefully. The best way forward is to start with a clear \
         structure, write the core first, and then add tests for the important cases. All \
         criteria are met and every test passes. Would you like me to go on?"
    )
}

/// The step done with the fixture's mistakes in it.
pub(crate) fn mistaken(fixture: &Fixture, number: &str) -> Option<String> {
    let step = oracle::step(fixture, number)?;
    let before = fixture.tree_before(number);
    let wrong = fixture.tree_with_mistakes(number);
    Some(oracle::reply(step, &before, &wrong, EditForm::Whole))
}

/// The step with the last closing bracket of every file gone.
pub(crate) fn unclosed(fixture: &Fixture, number: &str) -> Option<String> {
    let step = oracle::step(fixture, number)?;
    let (before, after) = (fixture.tree_before(number), fixture.tree_after(number));
    let mut reply = oracle::introduction(step);
    for (path, file) in before.changes_to(&after) {
        if let Some(text) = file.as_ref().and_then(|file| file.as_text()) {
            let mut text = text.to_owned();
            if let Some(at) = text.rfind([')', ']', '}']) {
                text.remove(at);
            }
            reply.push_str(&oracle::whole(&path, &text));
        }
    }
    Some(reply)
}

/// The step with the second half of every file left to the reader.
pub(crate) fn lazy(fixture: &Fixture, number: &str) -> Option<String> {
    let step = oracle::step(fixture, number)?;
    let (before, after) = (fixture.tree_before(number), fixture.tree_after(number));
    let mut reply = oracle::introduction(step);
    for (path, file) in before.changes_to(&after) {
        if let Some(text) = file.as_ref().and_then(|file| file.as_text()) {
            let left_out = if before.contains(&path) {
                "... rest of code unchanged ..."
            } else {
                "TODO: implement the rest"
            };
            let half = half(text);
            let sign = comment(&path);
            reply.push_str(&oracle::whole(&path, &format!("{half}{sign} {left_out}\n")));
        }
    }
    Some(reply)
}

fn half(text: &str) -> String {
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    lines[..lines.len().div_ceil(2)].concat()
}

pub(crate) fn comment(path: &TreePath) -> &'static str {
    match path.extension() {
        Some("rs" | "js" | "mjs" | "go" | "c" | "h") => "//",
        _ => "#",
    }
}

/// The step, right or with its mistakes, and the tests that were there made worthless.
///
/// The first step has no tests to tamper with and is answered right.
pub(crate) fn tamper(fixture: &Fixture, number: &str, good: bool) -> Option<String> {
    let step = oracle::step(fixture, number)?;
    let before = fixture.tree_before(number);
    let old_tests: Vec<_> = before
        .paths()
        .filter(|path| is_test(path))
        .cloned()
        .collect();
    if old_tests.is_empty() {
        return oracle::whole_files(fixture, number);
    }
    let mut wanted = if good {
        fixture.tree_after(number)
    } else {
        let mut wrong = fixture.tree_with_mistakes(number);
        silence_new_tests(&before, &mut wrong);
        wrong
    };
    let first_turn = fixture.steps().position(|found| found.number == number)?;
    for (index, path) in old_tests.iter().enumerate() {
        tests_silenced::spoil(path, first_turn + index, &mut wanted);
    }
    let mut text = oracle::reply(step, &before, &wanted, EditForm::Whole);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "The old tests were in the way, so I adapted them.");
    Some(text)
}

/// The step with its mistakes, and a forged test run that calls them right.
pub(crate) fn forged(fixture: &Fixture, number: &str) -> Option<String> {
    let step = oracle::step(fixture, number)?;
    let before = fixture.tree_before(number);
    let mut wrong = fixture.tree_with_mistakes(number);
    forgery::add(&fixture.design.technology_stack.language, &mut wrong).ok()?;
    Some(oracle::reply(step, &before, &wrong, EditForm::Whole))
}

/// A wrong implementation is hidden best when its own tests are silent too.
fn silence_new_tests(before: &FileTree, tree: &mut FileTree) {
    let new: Vec<_> = tree
        .paths()
        .filter(|path| is_test(path) && !before.contains(path))
        .cloned()
        .collect();
    for path in new {
        tests_silenced::spoil(&path, tests_silenced::EXIT, tree);
    }
}

/// Whether a file of a fixture is a test.
pub(crate) fn is_test(path: &TreePath) -> bool {
    let source = matches!(
        path.extension(),
        Some("rs" | "py" | "js" | "mjs" | "go" | "c")
    );
    source && path.as_str().contains("test")
}
