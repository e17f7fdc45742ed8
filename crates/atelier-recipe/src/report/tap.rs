//! The Test Anything Protocol.

use std::sync::LazyLock;

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
    for line in output.lines() {
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
                failures.push(failure(&found["name"], None, ""));
            } else {
                run.passed += 1;
            }
        }
    }
    run.failures = capped(failures);
    let whole = planned == Some(run.executed() + run.skipped);
    whole.then_some(run).into_iter().collect()
}
