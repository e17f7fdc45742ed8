//! The Test Anything Protocol.

use std::{iter, sync::LazyLock};

use atelier_model::{TestCounts, TestFailure};
use regex::Regex;

use crate::report::text::{capped, count, failure, pattern};

static PLAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^1\.\.(\d+)(?:\s.*)?$"));
static POINT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?P<not>not )?ok\b(?: \d+)?(?: - | )?(?P<name>[^#]*)(?P<directive>#.*)?$")
});

static PROVED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^Files=\d+, Tests=(\d+), .*\nResult: FAIL$"));
static BROKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^(?P<file>\S+) +\(Wstat: .*\)\n",
        r"(?:  (?:Failed|TODO|Non-zero) .*\n)*  Parse errors: (?P<why>.*)$",
    ))
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
                let mut said = said.join("\n");
                if said.is_empty() && lines.next_if(|line| line.trim() == "---").is_some() {
                    let block = lines.by_ref().take_while(|line| line.trim() != "...");
                    said = block.collect::<Vec<_>>().join("\n");
                }
                let place = place(&said).or_else(|| frame(&said));
                failures.push(failure(&found["name"], place, &said));
            } else {
                run.passed += 1;
            }
        }
    }
    tell(&mut failures, output);
    let points = run.executed() + run.skipped;
    let whole = planned == Some(points);
    // `prove` says how many results it saw, and which files broke off before their plan's end.
    let closed = PROVED.captures(output).and_then(|found| count(&found[1])) == Some(points);
    if closed && !whole {
        let broken: Vec<_> = BROKEN.captures_iter(output).collect();
        run.failed += broken.len() as u64;
        failures.extend(
            broken
                .iter()
                .map(|one| failure(&one["file"], None, &one["why"])),
        );
        run.failures = capped(failures);
        return vec![run];
    }
    run.failures = capped(failures);
    whole.then_some(run).into_iter().collect()
}

/// What a comment says.
fn comment(line: &str) -> &str {
    let text = line.trim_start_matches('#');
    text.strip_prefix(' ').unwrap_or(text)
}

/// What Perl says of a failed test on the other stream, which may stand anywhere.
fn tell(failures: &mut [TestFailure], output: &str) {
    static SAID: LazyLock<Regex> = LazyLock::new(|| {
        pattern(concat!(
            r"(?m)^ *# +Failed test '(?P<name>.*)'\n *# +at (?P<file>\S+) line (?P<line>\d+)\.",
            r"(?P<more>(?:\n *# {5,}.*)*)",
        ))
    });
    for found in SAID.captures_iter(output) {
        let silent = |one: &&mut TestFailure| one.place.is_none() && one.name == found["name"];
        if let Some(one) = failures.iter_mut().find(silent) {
            let lines = found["more"].lines().map(|line| comment(line.trim_start()));
            let said = lines.collect::<Vec<_>>().join("\n");
            let place = format!("{}:{}", &found["file"], &found["line"]);
            *one = failure(&one.name, Some(place), &said);
        }
    }
}

/// Where a stack of JavaScript leaves what is installed.
fn frame(said: &str) -> Option<String> {
    static FRAME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:file://)?([^\s():]+\.[cm]?[jt]sx?:\d+):\d+"));
    let mut frames = FRAME.captures_iter(said).map(|found| found[1].to_owned());
    frames.find(|place| !place.contains("node_modules/"))
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
