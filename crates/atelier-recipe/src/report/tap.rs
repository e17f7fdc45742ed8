//! The Test Anything Protocol.

use std::{iter, sync::LazyLock};

use atelier_model::TestCounts;
use regex::Regex;

use crate::report::text::{capped, count, failure, pattern};

static PLAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^1\.\.(\d+)(?:\s.*)?$"));
static POINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?P<not>not )?ok\b(?: \d+)?(?: - | )?(?P<name>[^#]*)(?P<directive>#.*)?$")
});

/// The run that was printed, if it has as many results as its plan says.
pub(crate) fn runs(output: &str) -> Vec<TestCounts> {
    let mut run = TestCounts::default();
    let mut planned: Option<u64> = None;
    let mut failures = Vec::new();
    let mut lines = output.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(plan) = PLAN.captures(line).and_then(|found| count(&found[1])) {
            planned = Some(planned.unwrap_or(0) + plan);
        } else if let Some(found) = POINT.captures(line) {
            let directive = found.name("directive").map_or("", |text| text.as_str());
            let directive = directive
                .trim_start_matches(['#', ' '])
                .to_ascii_lowercase();
            if directive.starts_with("skip") || directive.starts_with("todo") {
                run.skipped += 1;
            } else if found.name("not").is_some() {
                run.failed += 1;
                let said = iter::from_fn(|| lines.next_if(|line| line.starts_with('#')));
                let said: Vec<&str> = said.map(comment).collect();
                let said = said.join("\n");
                failures.push(failure(&found["name"], place(&said), &said));
            } else {
                run.passed += 1;
            }
        }
    }
    run.failures = capped(failures);
    let whole = planned == Some(run.executed() + run.skipped);
    whole.then_some(run).into_iter().collect()
}

/// What a comment says.
fn comment(line: &str) -> &str {
    let text = line.trim_start_matches('#');
    text.strip_prefix(' ').unwrap_or(text)
}

/// Where a test broke, as Perl, Bats and Busted write it.
fn place(said: &str) -> Option<String> {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?m)\bat (\S+) line (\d+)|\(in test file ([^,\n]+), line (\d+)\)|^(\S+) @ (\d+)$")
    });
    let found = PLACE.captures(said)?;
    let mut parts = found.iter().skip(1).flatten().map(|part| part.as_str());
    Some(format!("{}:{}", parts.next()?, parts.next()?))
}
