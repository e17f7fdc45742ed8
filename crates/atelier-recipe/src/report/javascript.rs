//! Reports of Node's own runner, `vitest`, `jest` and `mocha`.

use std::sync::LazyLock;

use atelier_model::{TestCounts, TestFailure};
use regex::{Captures, Regex};

use crate::report::text::{capped, count, counts, failure, number, pattern};

static NODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^(?:#|ℹ) tests (?P<tests>\d+)\n(?:(?:#|ℹ) suites \d+\n)?",
        r"(?:#|ℹ) pass (?P<pass>\d+)\n(?:#|ℹ) fail (?P<fail>\d+)\n",
        r"(?:#|ℹ) cancelled (?P<cancelled>\d+)\n(?:#|ℹ) skipped (?P<skipped>\d+)\n",
        r"(?:#|ℹ) todo (?P<todo>\d+)\n(?:#|ℹ) duration_ms ",
    ))
});

/// The runs of `node --test`.
///
/// Node reports a test file that declares no tests, or that leaves before they end, as one test
/// that passed and is named after the file. Such an entry is no test. Only tests whose own line is
/// there count as passed, so that a report with a hole never looks better than it is.
pub(crate) fn node_test(output: &str) -> Vec<TestCounts> {
    static PASSED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?m)^ *(?:ok \d+ - (?P<tap>.*)|[✔▶] (?P<spec>.*) \([\d.]+ms\))$")
    });
    static FILE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\S+\.[cm]?[jt]sx?$"));
    let mut start = 0;
    let mut failures = node_failures(output);
    let runs = NODE.captures_iter(output).filter_map(|found| {
        let closing = found.get(0)?;
        let before = output.get(start..closing.start())?;
        start = closing.end();
        let names = PASSED.captures_iter(before).map(|found| {
            let name = found.name("tap").or_else(|| found.name("spec"));
            FILE.is_match(name.map_or("", |name| name.as_str()))
        });
        let (files, tests): (Vec<bool>, Vec<bool>) = names.partition(|is_file| *is_file);
        let failed = number(&found, "fail")? + number(&found, "cancelled")?;
        let skipped = number(&found, "skipped")? + number(&found, "todo")?;
        let passed = number(&found, "pass")?.saturating_sub(files.len() as u64);
        let mut run = counts(passed.min(tests.len() as u64), failed, skipped);
        // One reporter names them before the counts, another after them: of several runs, those
        // that failed share them out.
        let own = failures
            .len()
            .min(usize::try_from(failed).unwrap_or(usize::MAX));
        run.failures = failures.drain(..own).collect();
        Some(run)
    });
    runs.collect()
}

fn node_failures(output: &str) -> Vec<TestFailure> {
    static TAP: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^ *not ok \d+ - (?P<name>.*)\n(?P<detail>(?: +.*\n)*)"));
    static SPEC: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?m)^test at (?P<place>\S+?:\d+):\d+\n✖ (?P<name>.*?)(?: \([\d.]+ms\))?\n",
            r"(?P<detail>(?:  .*\n)*)",
        ))
    });
    let parents = "failureType: 'subtestsFailed'";
    let tap = TAP.captures_iter(output).filter_map(|found| {
        let detail = found.name("detail")?.as_str();
        let own = !detail.contains(parents) && !found["name"].contains("# TODO");
        let name = found["name"].replace("\\#", "#").replace("\\\\", "\\");
        own.then(|| failure(&name, tap_place(detail), &tap_error(detail)))
    });
    let spec = SPEC.captures_iter(output).map(|found| {
        let place = Some(found["place"].to_owned());
        failure(&found["name"], place, &found["detail"])
    });
    capped(tap.chain(spec))
}

/// The text at `error` of a test's YAML: quoted in its line, or a block below it.
fn tap_error(detail: &str) -> String {
    static ERROR: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?m)^(?P<indent> *)error: (?:[|>]-?\n(?P<block>(?: *\n| +.*\n)*)|(?P<line>.*)$)")
    });
    let Some(found) = ERROR.captures(detail) else {
        return detail.to_owned();
    };
    let Some(block) = found.name("block") else {
        let line = found.name("line").map_or("", |line| line.as_str());
        return line.trim_matches(['\'', '"']).to_owned();
    };
    let deeper = format!("{} ", &found["indent"]);
    let lines = block.as_str().lines();
    let own = lines.take_while(|line| line.trim().is_empty() || line.starts_with(&deeper));
    own.collect::<Vec<_>>().join("\n")
}

fn tap_place(detail: &str) -> Option<String> {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^ *location: '(.+?:\d+):\d+'$"));
    PLACE.captures(detail).map(|found| found[1].to_owned())
}

/// The counts of `1 failed | 2 passed` or `1 failed, 2 passed`.
fn listed(rest: &str, separator: &str) -> Option<TestCounts> {
    let mut run = TestCounts::default();
    for part in rest.split(separator) {
        let (number, word) = part.trim().split_once(' ')?;
        let count = count(number)?;
        match word {
            "passed" => run.passed += count,
            "failed" => run.failed += count,
            "skipped" | "todo" => run.skipped += count,
            _ => {}
        }
    }
    Some(run)
}

/// The runs of `vitest`.
pub(crate) fn vitest(output: &str) -> Vec<TestCounts> {
    static TESTS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?m)^ +Tests  (?:(?P<rest>\d+ \w+(?: \| \d+ \w+)*) \((?P<total>\d+)\)|no tests)$|^No test files found, exiting with code \d+$",
        )
    });
    static FAILED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^ FAIL  (?P<name>.+ > .+)\n(?P<detail>(?:[^⎯\n].*\n|\n)*)"));
    static PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^ ❯ (?:.* )?(\S+:\d+):\d+$"));
    let failures = FAILED.captures_iter(output).map(|found| {
        let place = PLACE
            .captures(&found["detail"])
            .map(|place| place[1].to_owned());
        failure(&found["name"], place, &found["detail"])
    });
    let failures = capped(failures);
    let runs = TESTS.captures_iter(output).filter_map(|found| {
        let Some(rest) = found.name("rest") else {
            return Some(TestCounts::default());
        };
        let mut run = listed(rest.as_str(), " | ")?;
        run.failures.clone_from(&failures);
        (run.executed() + run.skipped == number(&found, "total")?).then_some(run)
    });
    runs.collect()
}

/// The runs of `jest`.
pub(crate) fn jest(output: &str) -> Vec<TestCounts> {
    static TESTS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?m)^Tests: +(?:(?P<rest>\d+ \w+(?:, \d+ \w+)*), )?(?P<total>\d+) total$|^No tests found, exiting with code \d+$",
        )
    });
    static FAILED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^  ● (?P<name>.+)\n\n(?P<detail>(?:(?:    .*)?\n)*)"));
    let before = output
        .split("\nSummary of all failing tests\n")
        .next()
        .unwrap_or(output);
    let failures = FAILED
        .captures_iter(before)
        .map(|found| failure(&found["name"], frame(&found["detail"]), &found["detail"]));
    let failures = capped(failures);
    let runs = TESTS.captures_iter(output).filter_map(|found| {
        let Some(rest) = found.name("rest") else {
            let failures = failures.clone();
            return Some(TestCounts {
                failures,
                ..TestCounts::default()
            });
        };
        let mut run = listed(rest.as_str(), ",")?;
        run.failures.clone_from(&failures);
        (run.executed() + run.skipped == number(&found, "total")?).then_some(run)
    });
    runs.collect()
}

/// The runs of `mocha`, by the lines that close its `spec` report.
pub(crate) fn mocha(output: &str) -> Vec<TestCounts> {
    static EPILOGUE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?m)^  (?P<passing>\d+) passing \([^)\n]*\)\n",
            r"(?:  (?P<pending>\d+) pending\n)?(?:  (?P<failing>\d+) failing\n)?",
        ))
    });
    let runs = EPILOGUE.captures_iter(output).filter_map(|found| {
        let of = |group| number(&found, group).unwrap_or(0);
        let mut run = counts(number(&found, "passing")?, of("failing"), of("pending"));
        run.failures = mocha_failures(output.get(found.get(0)?.end()..)?);
        Some(run)
    });
    runs.collect()
}

fn mocha_failures(after: &str) -> Vec<TestFailure> {
    static FAILED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?m)^  \d+\) (?P<name>.+)\n(?P<more>(?:       .+\n)*)(?P<detail>(?:(?:     .*)?\n)*)",
        )
    });
    let blocks = FAILED.captures_iter(after).map(|found| {
        let more = found["more"]
            .lines()
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ");
        let name = format!("{} {}", &found["name"], more);
        let name = name.trim_end_matches([' ', ':']);
        failure(name, frame(&found["detail"]), &found["detail"])
    });
    capped(blocks)
}

/// The run of `ava`, whose closing lines leave out what passed where something failed.
pub(crate) fn ava(output: &str) -> Vec<TestCounts> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?m)^  (?:✔ (?P<known>\[expected fail\] )?.+|✘ \[fail\]: (?P<failed>.+?)",
            r"(?: \([\d.]+m?s\))?(?: Error thrown .*)?|- \[(?:skip|todo)\] (?P<skipped>.+))$",
        ))
    });
    static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?m)^  \d+ (?:tests? (?:passed|failed|skipped|todo)|known failures?)$")
    });
    static DETAIL: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^  ─\n\n  (?P<name>\S.*)\n\n(?:  (?P<place>\S+:\d+)\n)?"));
    if !CLOSING.is_match(output) {
        return Vec::new();
    }
    let mut run = TestCounts::default();
    let mut failures = Vec::new();
    for line in LINE.captures_iter(output) {
        if let Some(name) = line.name("failed") {
            run.failed += 1;
            let named = |found: &Captures<'_>| &found["name"] == name.as_str();
            let detail = DETAIL.captures_iter(output).find(named);
            let place = detail.and_then(|found| Some(found.name("place")?.as_str().to_owned()));
            failures.push(failure(name.as_str(), place, ""));
        } else if line.name("known").is_some() || line.name("skipped").is_some() {
            run.skipped += 1;
        } else {
            run.passed += 1;
        }
    }
    run.failures = capped(failures);
    vec![run]
}

/// The first frame of a stack that is not the runner's or Node's own.
fn frame(detail: &str) -> Option<String> {
    static FRAME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^ +at (?:.* )?\(?([^\s()]+:\d+):\d+\)?$"));
    let frames = FRAME.captures_iter(detail).map(|found| found[1].to_owned());
    let mut own =
        frames.filter(|place| !place.contains("node_modules/") && !place.starts_with("node:"));
    own.next()
}
