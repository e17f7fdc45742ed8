//! Commit messages as git and people read them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{Digest, MicroUsd, Task};

use super::{Trace, message, subject};
use crate::sample;

fn task(title: &str, outputs: &[&str]) -> Task {
    Task {
        step: Some("2.1".to_owned()),
        title: title.to_owned(),
        description: "Say how.".to_owned(),
        outputs: sample::list(outputs),
        ..sample::task()
    }
}

fn check(title: &str, outputs: &[&str], expected: &str) {
    assert_eq!(subject(&task(title, outputs)), expected);
}

#[test]
fn the_kind_of_change_is_what_is_written() {
    check(
        "Add the parser",
        &["src/parser.rs"],
        "feat(2.1): add the parser",
    );
    check(
        "Fix the parser",
        &["src/parser.rs"],
        "fix(2.1): fix the parser",
    );
    check(
        "Extract the parser",
        &["src/parser.rs"],
        "refactor(2.1): extract the parser",
    );
    check(
        "Write the README",
        &["README.md", "docs/use.md"],
        "docs(2.1): write the README",
    );
    check(
        "Test the parser",
        &["tests/test_parser.py"],
        "test(2.1): test the parser",
    );
    check("Add CI", &[".github/workflows/ci.yml"], "ci(2.1): add CI");
}

#[test]
fn names_in_capitals_keep_them() {
    check(
        "HTTP errors become JSON",
        &["src/a.rs"],
        "feat(2.1): HTTP errors become JSON",
    );
    check(
        "Überschriften lesen",
        &["src/a.rs"],
        "feat(2.1): überschriften lesen",
    );
}

#[test]
fn a_subject_is_one_short_line() {
    let long = "Write a parser\nthat reads every kind of input there is and then quite a few more";
    let line = subject(&task(long, &["src/a.rs"]));
    assert_eq!(
        line,
        "feat(2.1): write a parser that reads every kind of input there is and…"
    );
    assert!(line.chars().count() <= 72);
}

#[test]
fn the_trailers_are_the_last_paragraph() {
    let task = task("Add the parser", &["src/parser.rs"]);
    let trace = Trace {
        run: &task.run,
        task: &task,
        model: "model-1",
        prompt: Digest::of("prompt"),
        reply: Digest::of("reply"),
        evidence: Digest::of("evidence"),
        cost: MicroUsd(12_000),
    };
    let message = message(&trace);
    let last = message.trim_end().rsplit("\n\n").next().unwrap();
    let names: Vec<&str> = last
        .lines()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(
        names,
        [
            "Atelier-Run",
            "Atelier-Task",
            "Atelier-Model",
            "Atelier-Prompt",
            "Atelier-Reply",
            "Atelier-Evidence",
            "Atelier-Cost"
        ]
    );
    assert!(message.starts_with("feat(2.1): add the parser\n\nSay how.\n\nAtelier-Run: RUN\n"));
    assert!(message.ends_with("Atelier-Cost: $0.012000\n"));
}
