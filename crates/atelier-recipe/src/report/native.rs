//! Reports of `ctest` and of the usual C and C++ test frameworks.

use std::sync::LazyLock;

use atelier_model::TestCounts;
use regex::Regex;

use crate::report::text::{capped, counts, failure, number, pattern};

static CTEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?m)^\d+% tests passed, (?P<failed>\d+) tests? failed out of (?P<total>\d+)$")
});

/// The runs of `ctest`.
///
/// Its closing line counts skipped tests as passed, so tests are counted by their own lines.
pub(crate) fn ctest(output: &str) -> Vec<TestCounts> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?m)^ *\d+/\d+ Test +#\d+: (?P<name>.+?) (?:\.+ *)?",
            r"(?P<verdict>Passed|\*{3}Failed|\*{3}Skipped|\*{3}Not Run(?: \(Disabled\))?",
            r"|\*{3}Timeout|\*{3}Exception|\*{3}\w+)",
        ))
    });
    static NONE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^No tests were found!!!$"));
    let lines: Vec<_> = LINE.captures_iter(output).collect();
    let of = |verdict: &str| {
        let same = lines.iter().filter(|line| &line["verdict"] == verdict);
        same.count() as u64
    };
    let skipped = of("***Skipped");
    let disabled = of("***Not Run (Disabled)");
    let failed = lines.iter().filter(|line| {
        !matches!(
            &line["verdict"],
            "Passed" | "***Skipped" | "***Not Run (Disabled)"
        )
    });
    let failures = capped(failed.map(|line| failure(&line["name"], None, &line["verdict"][3..])));
    let mut runs: Vec<_> = CTEST
        .captures_iter(output)
        .filter_map(|found| {
            let failed = number(&found, "failed")?;
            let passed = number(&found, "total")?.checked_sub(failed)?;
            let passed = passed.min(of("Passed"));
            let mut run = counts(passed, failed, skipped + disabled);
            run.failures.clone_from(&failures);
            Some(run)
        })
        .collect();
    if runs.is_empty() && NONE.is_match(output) {
        runs.push(TestCounts::default());
    }
    runs
}

/// Closing lines of frameworks. `total` minus the others has passed where `passed` is no group.
static FRAMEWORKS: LazyLock<[Regex; 7]> = LazyLock::new(|| {
    [
        // Unity.
        r"(?m)^(?P<total>\d+) Tests (?P<failed>\d+) Failures (?P<skipped>\d+) Ignored ?$",
        // Check.
        r"(?m)^\d+%: Checks: (?P<total>\d+), Failures: (?P<failed>\d+), Errors: (?P<errors>\d+)$",
        // Catch2.
        r"(?m)^All tests passed \(\d+ assertions? in (?P<passed>\d+) test cases?\)$",
        r"(?m)^test cases: +\d+(?: \| +(?P<passed>\d+) passed)?(?: \| +(?P<failed>\d+) failed)?$",
        // doctest.
        concat!(
            r"(?m)^\[doctest\] test cases: +\d+ \| +(?P<passed>\d+) passed \| +",
            r"(?P<failed>\d+) failed(?: \| +(?P<skipped>\d+) skipped)?",
        ),
        // GoogleTest.
        concat!(
            r"(?m)^\[  PASSED  \] (?P<passed>\d+) tests?\.\n",
            r"(?:\[  SKIPPED \] (?P<skipped>\d+) tests?, listed below:\n(?:\[  SKIPPED \] .*\n)*)?",
            r"(?:\[  FAILED  \] (?P<failed>\d+) tests?, listed below:)?",
        ),
        // Criterion.
        concat!(
            r"(?m)^\[=+\] Synthesis: Tested: (?P<total>\d+) \| Passing: (?P<passed>\d+) \| ",
            r"Failing: (?P<failed>\d+) \| Crashing: (?P<errors>\d+) ?$",
        ),
    ]
    .map(pattern)
});

/// The runs of test programs written with a framework.
pub(crate) fn frameworks(output: &str) -> Vec<TestCounts> {
    let runs = FRAMEWORKS.iter().flat_map(|framework| {
        framework.captures_iter(output).filter_map(|found| {
            let of = |group| number(&found, group).unwrap_or(0);
            let failed = of("failed") + of("errors");
            let passed = match number(&found, "passed") {
                Some(passed) => passed,
                None => of("total")
                    .checked_sub(failed)?
                    .checked_sub(of("skipped"))?,
            };
            Some(counts(passed, failed, of("skipped")))
        })
    });
    runs.collect()
}
