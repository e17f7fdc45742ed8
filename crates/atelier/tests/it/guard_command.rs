//! `atelier guard command`: command lines in, verdicts out.

use serde_json::json;

use crate::world::{Ended, World};

const LINES: &str = "cargo test\nrm -rf \"$OUT\"\nbash <<E␤rm -rf /usr␤E\n";

fn judged(args: &[&str], input: &[u8]) -> Ended {
    let args = [&["guard", "command"], args].concat();
    World::offline().run_with(&args, input)
}

#[test]
fn every_line_is_answered_with_a_verdict_and_a_reason() {
    let ended = judged(&[], LINES.as_bytes()).expect(0);
    let answers: Vec<(&str, &str)> = ended
        .stdout
        .lines()
        .map(|line| line.split_once('\t').expect("a tab"))
        .collect();
    let verdicts: Vec<&str> = answers.iter().map(|(verdict, _)| *verdict).collect();
    assert_eq!(verdicts, ["allow", "ask", "forbid"], "{}", ended.all());
    assert!(answers.iter().all(|(_, reason)| !reason.is_empty()));
}

#[test]
fn programs_get_objects() {
    let answers = judged(&["--json"], LINES.as_bytes()).expect(0).json();
    let verdicts: Vec<_> = answers.iter().map(|answer| &answer["verdict"]).collect();
    assert_eq!(verdicts, ["allow", "ask", "forbid"]);
    assert_eq!(answers[2]["command"], json!("bash <<E␤rm -rf /usr␤E"));
    assert_eq!(answers[2]["rule"], json!("remove"));
}

#[test]
fn paths_are_seen_from_the_workspace_that_is_named() {
    let line = b"rm -rf /srv/project/out\nrm -rf /srv/other\n";
    let ended = judged(&["--workspace", "/srv/project"], line).expect(0);
    let verdicts: Vec<&str> = ended
        .stdout
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert_eq!(verdicts, ["allow", "forbid"], "{}", ended.all());
}

#[test]
fn what_is_no_text_is_refused() {
    judged(&[], b"ls \xff\n").expect_failure(2, "not UTF-8");
}

#[test]
fn no_line_breaks_it() {
    let deep = format!(
        "{}\n{}\n{}\n",
        "$(".repeat(20_000),
        "{ ".repeat(30_000),
        "env ".repeat(15_000)
    );
    let ended = judged(&[], deep.as_bytes()).expect(0);
    assert!(ended.stdout.lines().all(|line| line.starts_with("ask\t")));
    assert_eq!(ended.stdout.lines().count(), 3);
}
