//! Reports of `unittest` and `pytest`.

use std::{collections::BTreeSet, sync::LazyLock};

use atelier_model::{TestCounts, TestFailure};
use regex::Regex;

use crate::report::text::{capped, count, counts, failure, number, pattern};

static UNITTEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^Ran (?P<ran>\d+) tests? in [\d.]+s\n\n",
        r"(?P<verdict>OK|FAILED|NO TESTS RAN)(?: \((?P<rest>[^)\n]*)\))?$",
    ))
});
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?m)^={70}\n(?:FAIL|ERROR): (?P<test>\S+ \([^)\n]*\))(?P<sub>.*)\n")
});

/// The runs of `unittest`.
pub(crate) fn unittest(output: &str) -> Vec<TestCounts> {
    let runs = UNITTEST.captures_iter(output).filter_map(|found| {
        let rest = found.name("rest").map_or("", |rest| rest.as_str());
        let of = |word| labelled(rest, word);
        let broken = of("failures") + of("errors");
        let expected = of("expected failures");
        let unexpected = of("unexpected successes");
        let end = found.get(0)?.start();
        let (tests, classes) = broken_tests(output.get(..end)?, broken);
        let skipped = of("skipped") + expected;
        let ran = number(&found, "ran")?;
        let passed = ran.saturating_sub(tests + skipped + unexpected);
        let mut run = counts(passed, tests + classes + unexpected, skipped);
        run.failures = unittest_failures(output.get(..end)?);
        Some(run)
    });
    runs.collect()
}

/// The number before or after a word in `failures=1, expected failures=2`.
fn labelled(rest: &str, word: &str) -> u64 {
    let mut parts = rest.split(", ").filter_map(|part| part.split_once('='));
    parts
        .find(|(name, _)| *name == word)
        .and_then(|(_, number)| count(number))
        .unwrap_or(0)
}

/// Tests that broke, and classes or modules that could not be set up.
///
/// One test may break in several sub-tests, so the headers are counted by test. If they are not
/// all there, each report stands for a test: that can only lower the number that passed.
fn broken_tests(before: &str, broken: u64) -> (u64, u64) {
    let headers: Vec<&str> = HEADER
        .captures_iter(before)
        .filter_map(|found| found.name("test").map(|test| test.as_str()))
        .collect();
    if headers.len() as u64 != broken {
        return (broken, 0);
    }
    let is_class = |header: &&&str| {
        [
            "setUpClass ",
            "tearDownClass ",
            "setUpModule ",
            "tearDownModule ",
        ]
        .iter()
        .any(|start| header.starts_with(start))
    };
    let classes = headers.iter().filter(is_class).count() as u64;
    let tests: BTreeSet<_> = headers.iter().filter(|header| !is_class(header)).collect();
    (tests.len() as u64, classes)
}

fn unittest_failures(before: &str) -> Vec<TestFailure> {
    static PLACE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"(?m)^  File "([^"\n]+)", line (\d+)"#));
    static UNEXPECTED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^={70}\nUNEXPECTED SUCCESS: (.+)$"));
    let heads: Vec<_> = HEADER.captures_iter(before).collect();
    let starts = heads.iter().filter_map(|head| head.get(0));
    let mut ends: Vec<usize> = starts.map(|head| head.start()).skip(1).collect();
    ends.push(before.len());
    let blocks = heads.iter().zip(ends).filter_map(|(head, end)| {
        let message = before.get(head.get(0)?.end()..end)?;
        let message = message.trim_end_matches(['-', '\n']);
        let place = PLACE.captures_iter(message).last();
        let place = place.map(|found| format!("{}:{}", &found[1], &found[2]));
        let name = format!("{}{}", &head["test"], &head["sub"]);
        Some(failure(&name, place, raised(message)))
    });
    let unexpected = UNEXPECTED.captures_iter(before);
    let unexpected = unexpected.map(|found| failure(&found[1], None, "succeeded unexpectedly"));
    capped(blocks.chain(unexpected))
}

/// What was raised: what stands below the last frame of the stack.
fn raised(message: &str) -> &str {
    static FRAME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"(?m)^  File "[^"\n]+", line \d+.*\n(?: .*\n)*"#));
    let end = FRAME.find_iter(message).last().map(|frame| frame.end());
    let raised = end.map_or(message, |end| &message[end..]);
    raised.split("\n======").next().unwrap_or(raised)
}

static PYTEST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)^(?:=+ )?(?P<rest>no tests ran|\d+ [a-z]+(?: [a-z]+)?(?:, \d+ [a-z]+(?: [a-z]+)?)*)",
        r" in [\d.]+s(?: \([\d:]+\))?(?: =+)?$",
    ))
});

/// The runs of `pytest`.
pub(crate) fn pytest(output: &str) -> Vec<TestCounts> {
    let runs = PYTEST.captures_iter(output).filter_map(|found| {
        let rest = found.name("rest")?.as_str();
        let of = |words: &[&str]| -> u64 {
            let parts = rest.split(", ").filter_map(|part| part.split_once(' '));
            let counted = parts.filter(|(_, word)| words.contains(word));
            counted.filter_map(|(number, _)| count(number)).sum()
        };
        let mut run = counts(
            of(&["passed", "xpassed"]),
            of(&["failed", "error", "errors"]),
            of(&["skipped", "xfailed"]),
        );
        run.failures = pytest_failures(output.get(..found.get(0)?.start())?);
        Some(run)
    });
    runs.collect()
}

fn pytest_failures(before: &str) -> Vec<TestFailure> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        // The values of a test's parameters may have spaces.
        pattern(r"(?m)^(?:FAILED|ERROR) (?P<test>\S+?::\S+?\[.*?\]|\S+)(?: - (?P<message>.*))?$")
    });
    let lines = LINE.captures_iter(before).filter_map(|found| {
        let test = found.name("test")?.as_str();
        let short = found.name("message").map_or("", |message| message.as_str());
        let block = pytest_block(before, test);
        let said: Vec<&str> = block
            .lines()
            .filter_map(|line| line.strip_prefix("E  "))
            .collect();
        let said = said.join("\n");
        let said = if said.is_empty() { short } else { &said };
        let place = source_place(block).or_else(|| pytest_place(block));
        Some(failure(test, place, said))
    });
    capped(lines)
}

/// What the long report says about one test, under a line with its name.
fn pytest_block<'a>(before: &'a str, test: &str) -> &'a str {
    static HEAD: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^_{3,} (.+?) _{3,}$"));
    static END: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?m)^(?:_{3,} .+ _{3,}|={3,} .+ ={3,})$"));
    let name = test.split("::").skip(1).collect::<Vec<_>>().join(".");
    let collecting = format!("ERROR collecting {test}");
    let about = |title: &str| {
        if name.is_empty() {
            return title == collecting;
        }
        title
            .strip_suffix(name.as_str())
            .is_some_and(|start| start.is_empty() || start.ends_with(" of "))
    };
    let mut heads = HEAD.captures_iter(before).filter(|head| about(&head[1]));
    let after = heads
        .next()
        .and_then(|head| before.get(head.get(0)?.end()..))
        .unwrap_or_default();
    END.find(after).map_or(after, |end| &after[..end.start()])
}

/// Where a file is no Python: what the interpreter names.
fn source_place(block: &str) -> Option<String> {
    static PLACE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"(?m)^E +File "([^"\n]+)", line (\d+)"#));
    let found = PLACE.captures_iter(block).last()?;
    Some(format!("{}:{}", &found[1], &found[2]))
}

/// Where it broke: the last `path:12: ` of the block.
fn pytest_place(block: &str) -> Option<String> {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^(\S+\.py:\d+): "));
    PLACE
        .captures_iter(block)
        .last()
        .map(|found| found[1].to_owned())
}
