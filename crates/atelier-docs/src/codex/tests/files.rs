//! Findings, proposals and the log as files.

use atelier_model::FileTree;

use crate::codex::{
    Finding, Findings, LogEntry, Proposal, TaskLogError, Weight, log_faults, log_with, proposals,
    proposals::marked,
};

fn finding(weight: Weight, problem: &str) -> Finding {
    Finding {
        weight,
        file: "src/lib.rs".to_owned(),
        problem: problem.to_owned(),
        remedy: String::new(),
    }
}

#[test]
fn what_a_review_proposes_is_read_from_its_document() {
    let found = Findings {
        summary: "It works.".to_owned(),
        findings: vec![
            finding(Weight::Should, "Names are short."),
            finding(Weight::Must, "Zero is divided by."),
        ],
    };
    let none = FileTree::default();
    let mended = found.document("Review of 1.1 Divide", true, &none);
    assert!(
        mended.contains("## To be mended\n\n- src/lib.rs: Zero is divided by.\n"),
        "{mended}"
    );
    assert_eq!(
        Findings::proposed(&mended),
        ["src/lib.rs: Names are short."]
    );
    let left = found.document("Review of 1.1 Divide", false, &none);
    assert_eq!(
        Findings::proposed(&left),
        [
            "src/lib.rs: Zero is divided by.",
            "src/lib.rs: Names are short."
        ]
    );
    assert_eq!(found.must(), ["src/lib.rs: Zero is divided by."]);
    let clean = Findings {
        findings: Vec::new(),
        ..found
    };
    assert!(
        clean
            .document("x", true, &none)
            .contains("Nothing was found.")
    );
}

#[test]
fn a_ticked_line_is_wanted_until_a_task_stands_behind_it() {
    let text = "# Mine\n- [x] Export CSV\r\n- [ ] Later\n* [X] Done (task u2)\n```\n- [x] code\n```\n\
                - [x]\n- [-] no\n";
    let wanted = |text: &str| -> Vec<String> {
        let all = proposals(text).into_iter();
        all.filter(Proposal::is_wanted)
            .map(|one| one.text)
            .collect()
    };
    assert_eq!(wanted(text), ["Export CSV"]);
    assert_eq!(proposals(text).len(), 4);
    let marked = marked(text, &[("Export CSV".to_owned(), "u3".to_owned())]);
    assert_eq!(marked, text.replace("CSV\r\n", "CSV (task u3)\r\n"));
    assert_eq!(wanted(&marked), [""; 0]);
}

fn entry(task: &str) -> LogEntry {
    LogEntry {
        task_id: task.to_owned(),
        agent: "code".to_owned(),
        date: "2026-01-02".to_owned(),
        summary: "Add a page.".to_owned(),
        output_files: vec!["src/page.rs".to_owned()],
        run: "R".to_owned(),
    }
}

fn log(tasks: &[&str]) -> String {
    tasks.iter().fold(String::new(), |text, task| {
        log_with(Some(&text), &entry(task)).unwrap()
    })
}

#[test]
fn a_log_is_only_added_to() {
    let (two, three) = (log(&["t1", "t2"]), log(&["t1", "t2", "t3"]));
    let kept = two.trim_end().strip_suffix(']').unwrap().trim_end();
    assert!(three.starts_with(kept), "{three}");
    let read: serde_json::Value = serde_json::from_str(&three).unwrap();
    assert_eq!(read.as_array().unwrap().len(), 3);
    assert_eq!(read[2]["agent"], "code");
    assert_eq!(log_faults(&three, Some(&two)), []);
}

#[test]
fn a_log_of_somebody_else_is_gone_on_with() {
    let own = "[\n  { \"task_id\": \"task-999\", \"agent\": \"frontend\" }\n]\n";
    let text = log_with(Some(own), &entry("t1")).unwrap();
    assert_eq!(log_faults(&text, None), []);
    assert!(text.starts_with("[\n  { \"task_id\": \"task-999\", \"agent\": \"frontend\" },\n"));
    let changed = text.replace("frontend", "backend");
    assert_eq!(log_faults(&changed, None), [TaskLogError::Altered(2)]);
}

#[test]
fn what_was_changed_cut_or_broken_by_hand_is_said_and_left() {
    let text = log(&["t1", "t2", "t3"]);
    let changed = text.replacen("Add a page.", "Add a book.", 1);
    assert_eq!(
        log_faults(&changed, Some(&text)),
        [TaskLogError::Altered(1)]
    );
    let cut = log(&["t1", "t2"]);
    assert_eq!(log_faults(&cut, None), []);
    assert_eq!(log_faults(&cut, Some(&text)), [TaskLogError::Cut]);
    assert_eq!(log_faults("", Some(&text)), [TaskLogError::Cut]);
    let added = log_with(Some(&changed), &entry("t4")).unwrap();
    assert!(added.contains("Add a book.") && added.contains("\"t4\""));
    // What was said once is the same next time, and no more.
    assert_eq!(
        log_faults(&added, Some(&changed)),
        [TaskLogError::Altered(1)]
    );
    let none = log_with(Some("{}"), &entry("t1"));
    assert!(matches!(none, Err(TaskLogError::Unreadable(_))));
    assert!(matches!(
        log_faults("{}", None)[..],
        [TaskLogError::Unreadable(_)]
    ));
}
