//! Reports of Nim's `unittest`: a line a test, and no line that closes them.

use std::sync::LazyLock;

use atelier_model::TestCounts;
use regex::Regex;

use crate::report::text::{capped, counts, failure, pattern};

static LINE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^ *\[(?P<verdict>OK|FAILED|SKIPPED)\] (?P<name>.+)$"));
static CHECK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?m)^ *(?P<place>\S+\.nim\(\d+), \d+\): (?P<message>(?:.+\n)+?) *\[FAILED\] (?P<name>.+)$",
    )
});

/// The run that was printed.
pub(crate) fn runs(output: &str) -> Vec<TestCounts> {
    let of = |verdict: &str| {
        let lines = LINE.captures_iter(output);
        lines.filter(|line| &line["verdict"] == verdict).count() as u64
    };
    let mut run = counts(of("OK"), of("FAILED"), of("SKIPPED"));
    if run == TestCounts::default() {
        return Vec::new();
    }
    run.failures = capped(CHECK.captures_iter(output).map(|found| {
        let place = found["place"].replacen('(', ":", 1);
        failure(&found["name"], Some(place), &found["message"])
    }));
    vec![run]
}
