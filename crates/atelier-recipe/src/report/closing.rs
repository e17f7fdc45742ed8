//! Runners that close with a line of counts: the line, and how a failure looks above it, as data.

use std::{collections::BTreeSet, sync::LazyLock};

use atelier_model::{TestCounts, TestFailure};
use regex::{Captures, Regex};

use crate::{
    ReportFormat,
    report::text::{capped, counts, failure, number, pattern},
};

/// What one runner prints.
///
/// `closing` has the groups `total` or `passed` (with `ran`, which the failed ones are part of), and any of `failed`, `errors`, `skipped` and
/// `more`, which all count nothing where they are absent; `total` is all of them together. `more`
/// is a second group of skipped ones. A `by_name` is a total whose failures count by their names. `failure` has the group `name` and perhaps `message` and
/// `place` (or `at`, where it stands before the name).
struct Runner {
    format: ReportFormat,
    closing: &'static str,
    failure: &'static str,
}

/// Runners that were seen to print this.
const RUNNERS: &[Runner] = &[
    Runner {
        format: ReportFormat::Minitest,
        closing: r"(?m)^(?P<total>\d+) (?:runs|tests), \d+ assertions, (?P<failed>\d+) failures, (?P<errors>\d+) errors, (?P<skipped>\d+) skips$",
        failure: r"(?m)^ +\d+\) (?:Failure|Error):\n(?P<name>[^\[\n]+?)(?: \[(?P<place>[^\]\n]+)\])?:\n(?P<message>(?:.+\n)+)",
    },
    // What came with Ruby before, and still does.
    Runner {
        format: ReportFormat::Minitest,
        closing: r"(?m)^(?P<total>\d+) tests, \d+ assertions, (?P<failed>\d+) failures, (?P<errors>\d+) errors, (?P<skipped>\d+) pendings, (?P<more>\d+) omissions, \d+ notifications$",
        failure: r"(?m)^(?:Failure|Error): (?P<name>test[^\n]*\([^)\n]+\)):?(?P<message>.*\n(?:.+\n)*)",
    },
    // Also Crystal's own runner and Haskell's Hspec.
    Runner {
        format: ReportFormat::Rspec,
        closing: r"(?m)^(?P<total>\d+) examples?, (?P<failed>\d+) failures?(?:, (?P<errors>\d+) errors?)?(?:, (?P<skipped>\d+) pending)?(?:, \d+ errors? occurred outside of examples)?$",
        failure: r"(?m)(?:^  (?P<at>\S+:\d+):\d+: *\n)?^  \d+\) (?P<name>.+)\n(?P<message> {5} *[^#\s].*\n(?: {5}.*\n|\n)*?)(?: +# (?P<place>\S+:\d+)|  To rerun)",
    },
    Runner {
        format: ReportFormat::Phpunit,
        closing: r"(?m)^(?:OK \((?P<passed>\d+) tests?, \d+ assertions?\)|Tests: (?P<total>\d+), Assertions: \d+(?:, Errors: (?P<errors>\d+))?(?:, Failures: (?P<failed>\d+))?(?:, (?:PHPUnit )?(?:Warnings|Deprecations|Notices): \d+)*(?:, Skipped: (?P<skipped>\d+))?(?:, Incomplete: (?P<more>\d+))?(?:, Risky: \d+)?\.)$",
        failure: r"(?m)^\d+\) (?P<name>\S+::.+)\n(?P<message>(?:.+\n)+)\n(?P<place>\S+:\d+)$",
    },
    // Pest, and the runner of Laravel.
    Runner {
        format: ReportFormat::Phpunit,
        closing: r"(?m)^  Tests: +(?:(?P<failed>\d+) failed(?:, )?)?(?:\d+ (?:deprecated|warnings?|notices?|risky)(?:, )?)*(?:(?P<more>\d+) (?:incomplete|todos?)(?:, )?)*(?:(?P<skipped>\d+) skipped(?:, )?)?(?:(?P<todo>\d+) (?:incomplete|todos?)(?:, )?)*(?:(?P<passed>\d+) passed)? \(\d+ assertions?\)$",
        failure: r"(?m)^   (?:FAILED|•) +(?P<name>\S.*?)(?: {2,}.*)?\n(?P<message>(?:.*\n)*?)(?:  at (?P<place>\S+:\d+)\n|\n\n)",
    },
    // Elixir's ExUnit, Erlang's EUnit, and Gleam's runner, which is EUnit's.
    Runner {
        format: ReportFormat::Exunit,
        closing: r"(?m)^(?:(?P<doctests>\d+) doctests?, )?(?:(?P<properties>\d+) propert(?:y|ies), )?(?P<total>\d+) tests?, (?P<failed>\d+) failures?(?:, (?P<more>\d+) excluded)?(?:, (?P<errors>\d+) (?:invalid|cancelled))?(?:, (?P<skipped>\d+) skipped)?$",
        failure: r"(?m)^  \d+\) (?P<name>.+)\n(?:     (?P<place>\S+:\d+)\n)?(?P<message>(?: {5}.*\n)+)",
    },
    Runner {
        format: ReportFormat::Meson,
        closing: r"(?m)^Ok: +(?P<passed>\d+) *\nExpected Fail: +(?P<more>\d+) *\nFail: +(?P<failed>\d+) *\nUnexpected Pass: +(?P<unexpected>\d+) *\nSkipped: +(?P<skipped>\d+) *\nTimeout: +(?P<errors>\d+) *$",
        failure: r"(?m)^ *\d+/\d+ (?P<name>.+?) +(?P<message>(?:FAIL|TIMEOUT|ERROR|UNEXPECTEDPASS|INTERRUPT)\b.*)$",
    },
    Runner {
        format: ReportFormat::Automake,
        closing: r"(?m)^# TOTAL: +\d+\n# PASS: +(?P<passed>\d+)\n# SKIP: +(?P<skipped>\d+)\n# XFAIL: +(?P<more>\d+)\n# FAIL: +(?P<failed>\d+)\n# XPASS: +(?P<unexpected>\d+)\n# ERROR: +(?P<errors>\d+)$",
        failure: r"(?m)^(?:FAIL|XPASS|ERROR): (?P<name>\S.*)$",
    },
    Runner {
        format: ReportFormat::Zig,
        closing: r"(?m)^Build Summary: .*; (?P<passed>\d+)/\d+ tests passed(?:; (?P<skipped>\d+) skipped)?(?:; (?P<failed>\d+) failed)?(?: \((?:(?P<more>\d+) skipped)?(?:, )?(?:(?P<errors>\d+) failed)?(?:, \d+ \w+)*\))?$",
        failure: r"(?m)^error: '(?P<name>[^'\n]+)' failed:(?P<message>.*\n(?:  .*\n)*?) +\S+\.zig:\d+",
    },
    Runner {
        format: ReportFormat::Bun,
        closing: r"(?m)^ *(?P<passed>\d+) pass\n(?: *(?P<skipped>\d+) skip\n)?(?: *(?P<more>\d+) todo\n)?(?: *\d+ filtered out\n)? *(?P<failed>\d+) fail\n(?: .*\n)*Ran \d+ tests? across \d+ files?\.",
        failure: r"(?m)^(?P<message>error: (?:.*\n)*?)(?:.*\((?P<place>[^()\n]+:\d+):\d+\)\n)?\(fail\) (?P<name>.+?)(?: \[[\d.]+m?s\])?$",
    },
    Runner {
        format: ReportFormat::Deno,
        closing: r"(?m)^(?:ok|FAILED) \| (?P<passed>\d+) passed(?: \(\d+ steps?\))? \| (?P<failed>\d+) failed(?: \(\d+ steps?\))?(?: \| (?P<skipped>\d+) ignored(?: \(\d+ steps?\))?)?(?: \| \d+ (?:measured|filtered out))* \(",
        failure: r"(?m)^(?P<name>.+) => (?P<place>\S+:\d+):\d+\n(?P<message>error: (?:.+\n)+)",
    },
    Runner {
        format: ReportFormat::Dotnet,
        closing: r"(?m)^(?:Passed!|Failed!|Skipped!) +- Failed: +(?P<failed>\d+), Passed: +(?P<passed>\d+), Skipped: +(?P<skipped>\d+), Total: +\d+,",
        failure: r"(?m)^  Failed (?P<name>\S+) \[.*\]\n  Error Message:\n(?P<message>(?:.*\n)*?)  Stack Trace:\n(?:.* in (?P<place>\S+:line \d+))?",
    },
    Runner {
        format: ReportFormat::Dart,
        closing: r"(?m)^\d\d:\d\d \+(?P<passed>\d+)(?: ~(?P<skipped>\d+))?(?: -(?P<failed>\d+))?: (?:All tests (?:passed!|skipped\.)|Some tests failed\.)$",
        failure: r"(?m)^\d\d:\d\d \+\d+(?: ~\d+)? -\d+: (?P<name>.+) \[E\]\n(?P<message>(?:  .*\n)+)",
    },
    Runner {
        format: ReportFormat::Sbt,
        closing: r"(?m)^\[(?:info|error)\] (?:Passed|Failed|Error): Total \d+, Failed (?P<failed>\d+), Errors (?P<errors>\d+), Passed (?P<passed>\d+)(?:, Ignored (?P<more>\d+))?(?:, Skipped (?P<skipped>\d+))?",
        failure: r"(?m)^\[info\] - (?P<name>.+) \*\*\* FAILED \*\*\*\n\[info\] +(?P<message>.*\n)",
    },
    Runner {
        format: ReportFormat::Terraform,
        closing: r"(?m)^(?:Success|Failure)! (?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, (?P<skipped>\d+) skipped)?\.$",
        failure: r#"(?m)^  run "(?P<name>[^"\n]+)"\.\.\. fail$"#,
    },
    Runner {
        format: ReportFormat::Tasty,
        closing: r"(?m)^(?:All (?P<passed>\d+) tests passed|(?P<failed>\d+) out of (?P<total>\d+) tests failed) \([\d.]+s\)$",
        failure: r"(?m)^ +(?P<name>.+): +FAIL(?: \([\d.]+s\))?\n(?P<message>(?: {4}.*\n)+)",
    },
    // The counts are of assertions, so that the tests that failed are counted by their names.
    Runner {
        format: ReportFormat::Clojure,
        closing: r"(?m)^Ran (?P<by_name>\d+) tests containing \d+ assertions\.\n(?P<failed>\d+) failures, (?P<errors>\d+) errors\.$",
        failure: r"(?m)^(?:FAIL|ERROR) in \((?P<name>[^)\n]+)\) \((?P<place>[^)\n]+:\d+)\)\n(?P<message>(?:.+\n)+)",
    },
    Runner {
        format: ReportFormat::JunitConsole,
        closing: r"(?m)^\[ +(?P<skipped>\d+) tests skipped +\]\n\[ +\d+ tests started +\]\n\[ +(?P<errors>\d+) tests aborted +\]\n\[ +(?P<passed>\d+) tests successful +\]\n\[ +(?P<failed>\d+) tests failed +\]$",
        failure: r"(?m)^  JUnit \w+:(?P<name>.+)\n(?:    .*\n)*?    => (?P<message>.*\n)",
    },
    // Runners that only a script of the project starts.
    Runner {
        // Jasmine.
        format: ReportFormat::Any,
        closing: r"(?m)^(?P<total>\d+) specs?, (?P<failed>\d+) failures?(?:, (?P<skipped>\d+) pending specs?)?$",
        failure: r"(?m)^\d+\) (?P<name>.+)\n  Message:\n(?P<message>(?:    .*\n)+)(?:  Stack:\n(?:.*\n)*? +at .*?(?P<place>[^\s()]+:\d+):\d+\)?$)?",
    },
    Runner {
        // Karma.
        format: ReportFormat::Any,
        closing: r"(?m)^TOTAL: (?:(?P<failed>\d+) FAILED, )?(?P<passed>\d+) SUCCESS$",
        failure: r"(?m)^.+? (?P<name>\S.*) FAILED$",
    },
    Runner {
        // Playwright.
        format: ReportFormat::Any,
        closing: r"(?m)^(?:  (?P<failed>\d+) failed\n(?:    .*\n)+)?(?:  \d+ flaky\n(?:    .*\n)+)?(?:  (?P<skipped>\d+) skipped\n)?(?:  (?P<more>\d+) did not run\n)?  (?P<passed>\d+) passed \([\d.]+(?:ms|s|m)\)$",
        failure: r"(?m)^  \d+\) (?:\[[^\]\n]+\] › )?(?P<place>\S+:\d+):\d+ › (?P<name>.+?) ─*\n(?P<message>(?:\n|    .*\n)*)",
    },
    Runner {
        // uvu.
        format: ReportFormat::Any,
        closing: r"(?m)^  Total:     (?P<ran>\d+)\n  Passed:    (?P<passed>\d+)\n  Skipped:   (?P<skipped>\d+)$",
        failure: r"(?m)^   FAIL  (?P<name>.+)\n(?P<message>(?:    .*\n)+)",
    },
    Runner {
        // Elm.
        format: ReportFormat::Any,
        closing: r"(?m)^TEST RUN (?:PASSED|FAILED|INCOMPLETE.*)\n\nDuration: .*\nPassed: +(?P<passed>\d+)\nFailed: +(?P<failed>\d+)(?:\nTodo: +(?P<more>\d+))?(?:\nSkipped: +(?P<skipped>\d+))?$",
        failure: r"(?m)^✗ (?P<name>.+)\n(?P<message>(?:\n| .*\n)+)",
    },
    Runner {
        // Busted's plain form.
        format: ReportFormat::Any,
        closing: r"(?m)^(?P<passed>\d+) success(?:es)? / (?P<failed>\d+) failures? / (?P<errors>\d+) errors? / (?P<skipped>\d+) pending : ",
        failure: r"(?m)^(?:Failure|Error) → (?P<place>\S+) @ \d+\n(?P<name>.+)\n(?P<message>(?:.+\n)*)",
    },
    Runner {
        // R's testthat.
        format: ReportFormat::Any,
        closing: r"(?m)^\[ FAIL (?P<failed>\d+) \| WARN \d+ \| SKIP (?P<skipped>\d+) \| PASS (?P<passed>\d+) \]\n(?:>|$|Error|\z)",
        failure: r"(?m)^── (?:\d+\. )?(?:Failure|Error) \('(?P<place>[^':]+:\d+)(?::\d+)?'\): (?P<name>.+?) ─*\n(?P<message>(?:.+\n)+)",
    },
    Runner {
        // Alcotest.
        format: ReportFormat::Any,
        closing: r"(?m)^(?:Test Successful|(?P<failed>\d+) failures?!) in [\d.]+s\. (?P<total>\d+) tests? run\.$",
        failure: r"(?m)^(?:> )?\[FAIL\] +(?P<name>\S.*?)\.?$",
    },
    Runner {
        // OUnit, HUnit.
        format: ReportFormat::Any,
        closing: r"(?m)^(?:FAILED: )?Cases: (?P<total>\d+) +Tried: \d+ +Errors: (?P<errors>\d+) +Failures: (?P<failed>\d+)(?: +Skip: +(?P<skipped>\d+) +Todo: +(?P<more>\d+) .*)?$",
        failure: r"(?m)^(?:### (?:Failure|Error) in:|Error:) (?P<name>.+?)\.?$",
    },
    Runner {
        // CppUTest.
        format: ReportFormat::Any,
        closing: r"(?m)^(?:OK|Errors) \((?:(?P<failed>\d+) failures?, )?\d+ tests?, (?P<total>\d+) ran, \d+ checks, \d+ ignored, \d+ filtered out, \d+ ms\)$",
        failure: r"(?m)^(?P<place>\S+:\d+): error: Failure in (?P<name>TEST\(.+\))\n(?P<message>(?:\t.*\n)+)",
    },
    Runner {
        // Qt Test.
        format: ReportFormat::Any,
        closing: r"(?m)^Totals: (?P<passed>\d+) passed, (?P<failed>\d+) failed, (?P<skipped>\d+) skipped, (?P<more>\d+) blacklisted, \d+ms$",
        failure: r"(?m)^FAIL! +: (?P<name>\S+\(.*?\)) (?P<message>.*\n(?:   (?:Actual|Expected).*\n)*)(?:   Loc: \[(?P<place>[^(\n]+)\((?:\d+)\)\])?",
    },
    Runner {
        // shUnit2.
        format: ReportFormat::Any,
        closing: r"(?m)^Ran (?P<total>\d+) tests?\.\n\n(?:OK|FAILED \((?:failures=(?P<failed>\d+))?(?:,?errors=(?P<errors>\d+))?(?:,?skipped=(?P<skipped>\d+))?\))$",
        failure: r"(?m)^ASSERT:(?P<name>.+)$",
    },
    Runner {
        // Cucumber in its languages, and behave.
        format: ReportFormat::Any,
        closing: r"(?m)^(?:(?P<total>\d+) scenarios? \((?:(?P<failed>\d+) failed(?:, )?)?(?:(?P<more>\d+) (?:undefined|pending)(?:, )?)?(?:(?P<skipped>\d+) skipped(?:, )?)?(?:(?P<passed>\d+) passed)?\)|(?P<well>\d+) scenarios? passed, (?P<bad>\d+) failed, (?P<todo>\d+) skipped)$",
        failure: r"(?m)^(?:cucumber )?(?P<place>\S+\.feature:\d+) +(?:# Scenario: )?(?P<name>.+)$",
    },
    Runner {
        // Robot Framework.
        format: ReportFormat::Any,
        closing: r"(?m)^(?P<total>\d+) tests?, (?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, (?P<skipped>\d+) skipped)?\n=+\nOutput: ",
        failure: r"(?m)^(?P<name>\S.*?) +\| FAIL \|\n(?P<message>.*\n)",
    },
    Runner {
        // Pester.
        format: ReportFormat::Any,
        closing: r"(?m)^Tests Passed: (?P<passed>\d+), Failed: (?P<failed>\d+), Skipped: (?P<skipped>\d+)",
        failure: r"(?m)^ *\[-\] (?P<name>.+?) \d+ms",
    },
    Runner {
        // Bazel, whose tests are whole programs.
        format: ReportFormat::Any,
        closing: r"(?m)^Executed \d+ out of \d+ tests?: (?:(?P<passed>\d+) tests? pass(?:es)?(?:[,.]| and )?)? ?(?:(?P<failed>\d+) fails? (?:to build|locally|remotely)(?:[,.]| and )?)?",
        failure: r"(?m)^(?P<name>//\S+) +(?P<message>FAILED|TIMEOUT|FAILED TO BUILD)\b.*$",
    },
];

/// The runs that a runner of this format closed; none if it is no format of this table.
pub(crate) fn runs(format: ReportFormat, output: &str) -> Vec<TestCounts> {
    let runners = COMPILED.iter().filter(|runner| runner.format == format);
    runners.flat_map(|runner| runner.runs(output)).collect()
}

/// The runs that any of the runners closed.
pub(crate) fn all(output: &str) -> Vec<TestCounts> {
    let runs = COMPILED.iter().flat_map(|runner| runner.runs(output));
    runs.collect()
}

struct Compiled {
    format: ReportFormat,
    closing: Regex,
    failure: Regex,
}

static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(|| {
    let compiled = RUNNERS.iter().map(|runner| Compiled {
        format: runner.format,
        closing: pattern(runner.closing),
        failure: pattern(runner.failure),
    });
    compiled.collect()
});

impl Compiled {
    fn runs(&self, output: &str) -> Vec<TestCounts> {
        let mut start = 0;
        let closings = self.closing.captures_iter(output);
        let runs = closings.filter_map(|found| {
            let closing = found.get(0)?;
            let before = output.get(start..closing.start())?;
            start = closing.end();
            match number(&found, "by_name") {
                Some(total) => self.counted_by_name(total, &found, before),
                None => counted(&found),
            }
        });
        let mut runs: Vec<TestCounts> = runs.collect();
        // Some runners name their failures before the counts and some after them.
        if let [run] = runs.as_mut_slice()
            && run.failed > 0
        {
            run.failures = self.failures(output);
            // Some number what only deserves a look behind the failures, in the same form.
            if self.format == ReportFormat::Phpunit {
                run.failures
                    .truncate(usize::try_from(run.failed).unwrap_or(usize::MAX));
            }
        }
        runs
    }

    /// Counts of a closing line whose failures are assertions, of which one test may have several.
    /// If they are not all there, each stands for a test: that can only lower what has passed.
    fn counted_by_name(
        &self,
        total: u64,
        closing: &Captures<'_>,
        before: &str,
    ) -> Option<TestCounts> {
        let said = number(closing, "failed")? + number(closing, "errors")?;
        let broken = self.failure.captures_iter(before);
        let names: Vec<_> = broken.map(|found| found["name"].to_owned()).collect();
        let failed = if names.len() as u64 == said {
            names.iter().collect::<BTreeSet<_>>().len() as u64
        } else {
            said.min(total)
        };
        Some(counts(total.checked_sub(failed)?, failed, 0))
    }

    fn failures(&self, output: &str) -> Vec<TestFailure> {
        let group = |found: &Captures<'_>, name: &str| {
            let text = found.name(name);
            text.map(|text| text.as_str().to_owned())
        };
        let found = self.failure.captures_iter(output).map(|found| {
            let message = group(&found, "message").unwrap_or_default();
            let place = group(&found, "place").or_else(|| group(&found, "at"));
            let place = place.or_else(|| frame(&message));
            failure(&found["name"], place, &message)
        });
        capped(found)
    }
}

/// The first frame of a stack that is no library's.
fn frame(message: &str) -> Option<String> {
    static FRAME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^\s*(?:at |# )?([^\s:()]+\.[a-z]{1,5}:\d+)(?::|$)"));
    let mut frames = FRAME
        .captures_iter(message)
        .map(|found| found[1].to_owned());
    let library = |place: &String| place.starts_with("/usr/") || place.contains("/gems/");
    frames.find(|place| !library(place))
}

/// The counts of a closing line; none where they contradict each other.
fn counted(found: &Captures<'_>) -> Option<TestCounts> {
    let of = |groups: &[&str]| -> u64 {
        let numbers = groups.iter().filter_map(|group| number(found, group));
        numbers.sum()
    };
    let mut failed = of(&["failed", "errors", "unexpected", "bad"]);
    let skipped = of(&["skipped", "more", "todo"]);
    let passed = match number(found, "passed").or_else(|| number(found, "well")) {
        Some(passed) => passed,
        None => of(&["total", "doctests", "properties"])
            .checked_sub(failed)?
            .checked_sub(skipped)?,
    };
    if let Some(ran) = number(found, "ran") {
        failed = ran.checked_sub(passed)?;
    }
    Some(counts(passed, failed, skipped))
}

#[cfg(test)]
mod tests;
