//! A check as a `JUnit` file, as continuous integration reads it.

use std::fmt::Write as _;

use atelier_model::{StepKind, TestCounts, TestFailure};

use crate::{CheckReport, StepReport};

impl CheckReport {
    /// The check as one `JUnit` document: a suite for each step.
    ///
    /// Test steps list their failures by name. Tests that passed or were skipped are known only by
    /// their number, so they are numbered. Any other step is one case of its own name.
    pub fn junit(&self) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let totals = self.steps.iter().map(totals);
        let (tests, failures, skipped) = totals.fold((0, 0, 0), |sum, of| {
            (sum.0 + of.0, sum.1 + of.1, sum.2 + of.2)
        });
        let _ = writeln!(
            text,
            "<testsuites name=\"atelier check\" tests=\"{tests}\" failures=\"{failures}\" \
             skipped=\"{skipped}\" time=\"{}\">",
            seconds(self.took_ms)
        );
        for step in &self.steps {
            suite(&mut text, step);
        }
        text.push_str("</testsuites>\n");
        text
    }
}

/// Cases, failures and skipped ones that the suite of a step lists.
fn totals(step: &StepReport) -> (u64, u64, u64) {
    match counted(step) {
        Some(counts) => (
            counts.passed + counts.failed + counts.skipped,
            counts.failed,
            counts.skipped,
        ),
        None => (1, u64::from(is_failed(step)), u64::from(is_skipped(step))),
    }
}

/// The tests of a step, where they say all of it: a step can fail although its tests passed.
fn counted(step: &StepReport) -> Option<&TestCounts> {
    let counts = step.tests.as_ref()?;
    let says_all = counts.executed() > 0 && (counts.failed > 0) == is_failed(step);
    (step.kind == StepKind::Test && says_all).then_some(counts)
}

fn is_failed(step: &StepReport) -> bool {
    step.verdict == "failed"
}

fn is_skipped(step: &StepReport) -> bool {
    matches!(step.verdict.as_str(), "not_reached" | "cancelled")
}

fn suite(text: &mut String, step: &StepReport) {
    let (tests, failures, skipped) = totals(step);
    let name = escaped(&step.step);
    let _ = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" \
         skipped=\"{skipped}\" time=\"{}\">",
        seconds(step.took_ms)
    );
    match counted(step) {
        Some(counts) => cases(text, &name, counts),
        None => case(text, &name, step),
    }
    text.push_str("  </testsuite>\n");
}

fn cases(text: &mut String, suite: &str, counts: &TestCounts) {
    for failure in &counts.failures {
        failed(text, suite, failure);
    }
    let named = counts.failures.len() as u64;
    let unnamed = counts.failed.saturating_sub(named);
    numbered(
        text,
        suite,
        "failed",
        unnamed,
        "<failure message=\"failed\"/>",
    );
    numbered(text, suite, "skipped", counts.skipped, "<skipped/>");
    numbered(text, suite, "passed", counts.passed, "");
}

fn failed(text: &mut String, suite: &str, failure: &TestFailure) {
    let _ = write!(
        text,
        "    <testcase classname=\"{suite}\" name=\"{}\"",
        escaped(&failure.name)
    );
    if let Some((file, line)) = failure.place.as_deref().map(place) {
        let _ = write!(text, " file=\"{}\"", escaped(file));
        if let Some(line) = line {
            let _ = write!(text, " line=\"{line}\"");
        }
    }
    let first = failure.message.lines().next().unwrap_or("failed");
    let _ = writeln!(
        text,
        "><failure message=\"{}\">{}</failure></testcase>",
        escaped(first),
        escaped(&failure.message)
    );
}

/// `src/lib.rs` and `12` for `src/lib.rs:12` and `src/lib.rs:12:5`.
fn place(place: &str) -> (&str, Option<u32>) {
    let mut parts = place.splitn(3, ':');
    let file = parts.next().unwrap_or(place);
    (file, parts.next().and_then(|line| line.parse().ok()))
}

fn numbered(text: &mut String, suite: &str, word: &str, count: u64, inner: &str) {
    for number in 1..=count {
        let _ = writeln!(
            text,
            "    <testcase classname=\"{suite}\" name=\"{word} {number}\">{inner}</testcase>"
        );
    }
}

fn case(text: &mut String, name: &str, step: &StepReport) {
    let why = escaped(step.failure.as_deref().unwrap_or(&step.why));
    let inner = if is_failed(step) {
        format!("<failure message=\"{why}\"/>")
    } else if is_skipped(step) {
        format!("<skipped message=\"{why}\"/>")
    } else {
        String::new()
    };
    let _ = writeln!(
        text,
        "    <testcase classname=\"{}\" name=\"{name}\" time=\"{}\">{inner}</testcase>",
        step.kind.as_str(),
        seconds(step.took_ms)
    );
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// The text as it may stand in XML; characters that XML cannot hold become a replacement.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
