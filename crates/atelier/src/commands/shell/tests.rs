//! Lines that go on, what is completed, and what the history keeps.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use reedline::{Completer, History, HistoryItem, SearchDirection, SearchQuery};

use super::{
    super::names::Lists,
    complete::{Names, Words},
    history::{Discreet, holds_secret},
    is_open,
};

#[test]
fn a_line_goes_on_while_a_quote_is_open_or_after_a_backslash() {
    for (text, expected) in [
        ("build \"a tool", true),
        ("build \"a tool\nthat counts\"", false),
        ("build a tool \\", true),
        ("build a tool \\\nthat counts", false),
        ("# it's a comment", false),
        ("status", false),
        ("", false),
    ] {
        assert_eq!(is_open(text), expected, "{text}");
    }
}

fn completed(line: &str) -> Vec<String> {
    let pair = |name: &str| (name.to_owned(), "about".to_owned());
    let names = Names::default();
    names.set(Lists {
        tasks: vec![pair("t1.1"), pair("t2.1")],
        runs: vec![pair("01RUN")],
        documents: vec![pair("docs/DESIGN.md"), pair("HANDOFF.md")],
    });
    let mut words = Words { names };
    let result = words.complete(line, line.len());
    result
        .suggestions()
        .iter()
        .map(|one| one.value.clone())
        .collect()
}

#[test]
fn commands_tasks_runs_documents_and_options_are_completed() {
    assert_eq!(completed("ex"), ["execute-task", "exit", "exec"]);
    assert_eq!(completed("st"), ["status", "stats", "steps"]);
    assert_eq!(completed("execute-task t"), ["t1.1", "t2.1"]);
    assert_eq!(completed("task retry t2"), ["t2.1"]);
    assert_eq!(completed("task sh"), ["show"]);
    assert_eq!(completed("show d"), ["design"]);
    assert_eq!(completed("open "), ["docs/DESIGN.md", "HANDOFF.md"]);
    assert_eq!(completed("task list 0"), ["01RUN"]);
    assert_eq!(completed("resume 0"), ["01RUN"]);
    assert_eq!(completed("diff --run "), ["01RUN"]);
    assert_eq!(completed("build --dry"), ["--dry-run"]);
    assert_eq!(completed("new-task --acc"), ["--accept"]);
    assert_eq!(completed("nothing "), [""; 0]);
}

#[test]
fn the_word_under_the_cursor_is_replaced_and_nothing_else() {
    let names = Names::default();
    let result = Words { names }.complete("task li", 7);
    let span = result.suggestions().first().unwrap().span;
    assert_eq!((span.start, span.end), (5, 7));
}

#[test]
fn a_line_that_sets_a_key_is_recognised() {
    for line in [
        "config set key abc",
        "config set --user stages.code.key abc",
        "build x -c key=abc",
        "build x -c stages.code.key=abc",
        "OPENAI_API_KEY=abc",
        "build \"use sk-abcdef\"",
    ] {
        assert!(holds_secret(line), "{line}");
    }
    for line in [
        "build a key value store",
        "config set model gpt-5",
        "show design",
    ] {
        assert!(!holds_secret(line), "{line}");
    }
}

#[test]
fn secrets_never_reach_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history");
    let mut history = Discreet::open(file.clone()).unwrap();
    for line in ["status", "config set key topsecret", "list"] {
        history.save(HistoryItem::from_command_line(line)).unwrap();
    }
    history.sync().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "status\nlist\n");
    let everything = SearchQuery::everything(SearchDirection::Forward, None);
    assert_eq!(history.count(everything).unwrap(), 2);
}
