//! Small tools for reading printed reports.

use std::{collections::BTreeMap, sync::LazyLock};

use atelier_model::{TestCounts, TestFailure};
use regex::{Captures, Regex};

/// Tests of one report; a larger number is no report of tests.
const TESTS_MAX: u64 = 1_000_000_000;
/// Failures of one report that are kept by name.
const FAILURES_MAX: usize = 100;
/// Lines of a failure's message that are kept.
const MESSAGE_LINES_MAX: usize = 12;
/// Bytes of a failure's message that are kept.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// Members of a workspace whose reports are read.
const MEMBERS_MAX: usize = 1_000;

/// Compiles a pattern that is part of this crate; each is used by a test.
#[expect(
    clippy::expect_used,
    reason = "the pattern is a constant that a test compiles"
)]
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// The text without colours and cursor movements.
pub(crate) fn plain(text: &str) -> String {
    static ESCAPE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\))"));
    ESCAPE.replace_all(text, "").replace("\r\n", "\n")
}

/// The text up to the end of its last whole line.
pub(crate) fn whole_lines(text: &str) -> &str {
    text.rfind('\n').map_or("", |end| &text[..=end])
}

/// What each member of a workspace printed, where a runner of many commands puts the member's name
/// before each line: `packages/a test: `, `web:test: `, `[a]: `, `@x/a: `.
pub(crate) fn members(output: &str) -> Vec<String> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?m)^(?P<member>[\w@./-]+ [\w-]*(?:test|check)[\w:-]*|[\w@./-]+:[\w-]*(?:test|check)[\w:-]*",
            r"|\[[\w@./-]+\]|[\w@./-]+):(?: (?P<line>.*)|$)",
        ))
    });
    let mut members: BTreeMap<String, String> = BTreeMap::new();
    for found in LINE.captures_iter(output) {
        let printed = members.entry(found["member"].to_owned()).or_default();
        printed.push_str(found.name("line").map_or("", |line| line.as_str()));
        printed.push('\n');
    }
    members.into_values().take(MEMBERS_MAX).collect()
}

/// How many tests a text says; none if the number is absurd. Sums of what is left cannot overflow.
pub(crate) fn count(text: &str) -> Option<u64> {
    text.parse().ok().filter(|count| *count <= TESTS_MAX)
}

/// The number in a named group; none if the group is absent or the number is absurd.
pub(crate) fn number(found: &Captures<'_>, group: &str) -> Option<u64> {
    count(found.name(group)?.as_str())
}

/// Counts without the names of failures.
pub(crate) fn counts(passed: u64, failed: u64, skipped: u64) -> TestCounts {
    TestCounts {
        passed,
        failed,
        skipped,
        failures: Vec::new(),
    }
}

/// A failure, its message shortened.
pub(crate) fn failure(name: &str, place: Option<String>, message: &str) -> TestFailure {
    let mut text = String::new();
    let lines = message.trim_matches('\n').lines().take(MESSAGE_LINES_MAX);
    let filled = lines.clone().filter(|line| !line.trim().is_empty());
    let indent = filled
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min();
    for line in lines {
        let line = line.get(indent.unwrap_or(0)..).unwrap_or_default();
        let room = MESSAGE_BYTES_MAX.saturating_sub(text.len());
        let mut end = line.len().min(room);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        text.push_str(&line[..end]);
        text.push('\n');
    }
    TestFailure {
        name: name.trim().to_owned(),
        place: place.map(|place| place.trim_start_matches("file://").to_owned()),
        message: text.trim_end().to_owned(),
    }
}

/// As many failures as are kept.
pub(crate) fn capped(failures: impl IntoIterator<Item = TestFailure>) -> Vec<TestFailure> {
    failures.into_iter().take(FAILURES_MAX).collect()
}
