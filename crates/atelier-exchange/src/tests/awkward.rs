//! Files as people and their tools really leave them: out of order, in pages, with other bullets,
//! with orders told in prose, and with faults.

use std::collections::BTreeSet;

use atelier_model::{DevPlan, Step};

use super::{files, order, plan, planned, step};
use crate::{Exported, Format, Import, ImportError, export, import};

#[test]
fn a_task_may_need_one_that_stands_after_it() {
    let text = r#"{"tasks": [
        {"id": 1, "title": "Setup", "dependencies": [3], "subtasks": [
            {"id": 1, "title": "Init"},
            {"id": 2, "title": "Lint", "dependencies": [1]}]},
        {"id": 2, "title": "Routes", "dependencies": ["1"], "subtasks": [
            {"id": "2.1", "title": "List", "dependencies": ["1.2", "4"]},
            {"id": "2.2", "title": "Show", "dependencies": ["2.1"]}]},
        {"id": 3, "title": "Database", "subtasks": [
            {"id": 1, "title": "Schema"}, {"id": 2, "title": "Seeds", "dependencies": ["3.1", 3]}]},
        {"id": 4, "description": "Deploy it.\nTo the server."}
    ], "metadata": {"projectName": "Shop Backend"}}"#;
    let read = plan(&[("tasks.json", text)]);
    assert_eq!(
        order(&read.plan),
        [
            "1.1<3.1,3.2",
            "1.2<3.1,3.2,1.1",
            "2.1<1.1,1.2,4.1",
            "2.2<1.1,1.2,2.1",
            "3.1<",
            "3.2<3.1",
            "4.1<",
        ]
    );
    assert_eq!(read.notes, Vec::<String>::new());
    assert_eq!(read.plan.design.name, "shop-backend");
    assert_eq!(step(&read.plan, "4.1").title, "Deploy it.");
}

#[test]
fn tasks_of_one_name_are_refused() {
    let list = r#"{"tasks": [{"id": 1, "title": "A"}, {"id": 1, "title": "B"}]}"#;
    let issues = r#"[{"number": 1, "title": "A"}, {"number": 1, "title": "B"}]"#;
    let tasks = "- [ ] T001 A\n- [ ] T001 B\n";
    let cases = [("t.json", list), ("i.json", issues), ("tasks.md", tasks)];
    for (name, text) in cases {
        let error = import(None, &files(&[(name, text)]), None).unwrap_err();
        assert!(matches!(error, ImportError::Twice(_)), "{name}: {error}");
    }
}

#[test]
fn issues_come_in_pages_and_answers() {
    let one = r#"{"number": 1, "title": "A", "state": "open", "labels": []}"#;
    let two = r#"{"number": 2, "title": "B", "body": "blocked by #1"}"#;
    let answer = |list: &str| format!(r#"{{"data": {{"repository": {{"issues": {list}}}}}}}"#);
    let wholes = [
        format!("[{one}, {two}]"),
        format!("[{one}][{two}]"),
        format!("[[{one}], [{one}, {two}]]"),
        format!("{one}\n{two}\n"),
        format!(r#"{{"total_count": 2, "items": [{one}, {two}]}}"#),
        answer(&format!(r#"{{"nodes": [{one}, {two}]}}"#)),
        format!("\u{feff}[{one},\r\n{two}]\r\n"),
    ];
    for whole in &wholes {
        let read = plan(&[("issues.json", whole)]);
        assert_eq!(read.format, Format::GitHub, "{whole}");
        assert_eq!(order(&read.plan), ["1.1<", "1.2<1.1"], "{whole}");
    }
}

#[test]
fn issues_name_each_other_in_many_ways() {
    let bodies = [
        ("**Depends on:** #9", "1.5<1.9"),
        ("Depends on issues #9, #8 and #7", "1.5<1.9,1.8,1.7"),
        (
            "Blocked by:\n- #9\n- #8 the index\n\nSee #7.",
            "1.5<1.9,1.8",
        ),
        (
            "## Dependencies\r\n\r\n* #9\r\n\r\n### More\r\n\r\n* #8",
            "1.5<1.9",
        ),
        (
            "depends on https://github.com/o/r/issues/9 and o/r#8",
            "1.5<1.9,1.8",
        ),
        ("depends on other/place#9", "1.5<"),
        ("Parts:\n- [ ] #9\n- [x] #8\n- [ ] write it", "1.5<1.9,1.8"),
        ("related to #9, see also #8, fixes #7", "1.5<"),
        ("```\ndepends on #9\n```", "1.5<"),
        ("- [ ] part of it, after #9", "1.5<1.9"),
    ];
    for (body, wanted) in bodies {
        let issue = |number: u32, body: &str| {
            serde_json::json!({
                "number": number, "title": "An issue", "body": body, "state": "OPEN",
                "url": format!("https://github.com/o/r/issues/{number}"),
            })
        };
        let list = [issue(5, body), issue(7, ""), issue(8, ""), issue(9, "")];
        let text = serde_json::to_string(&list).unwrap();
        let read = plan(&[("issues.json", &text)]);
        assert_eq!(order(&read.plan)[0], wanted, "{body}");
    }
}

#[test]
fn an_issue_that_blocks_another_is_done_first() {
    let text = r#"[
        {"number": 1, "title": "Epic", "body": "- [ ] #2\n- [ ] #3"},
        {"number": 2, "title": "Query", "body": "Part of the whole, after #1"},
        {"number": 3, "title": "Index", "body": "Blocks #2"},
        {"number": 4, "title": "A request", "url": "https://github.com/o/r/pull/4"}
    ]"#;
    let read = plan(&[("issues.json", text)]);
    assert_eq!(order(&read.plan), ["1.1<1.3", "1.2<1.1,1.3", "1.3<"]);
    let notes = read.notes.join("\n");
    for told in ["#1 would wait for #2", "pull request: #4"] {
        assert!(notes.contains(told), "{told:?} is not in {notes}");
    }
}

#[test]
fn lists_of_tasks_are_read_however_they_are_set() {
    let text = "# Aufgaben: Rechnungen\r\n\r\n## Phase 1: Grundlage\r\n\r\n\
        * [ ] T001 Lege das Projekt an\r\n\
        + [ ] T002 [P] Richte alles ein\r\n\
        \x20 - [ ] **T003**: [P] Prüfe Beträge\r\n\
        - [ ] T003a [P] Runde sie\r\n\
        - [ ] T003b [P] Zeige sie\r\n\r\n\
        ### Phase 2: Ausgabe\r\n\r\n\
        - [ ] T004 [P] Tabelle (needs T002-T003)\r\n\
        - [ ] T005 [P] Summe, waiting for T004\r\n\
        - [ ] T006 [P] Druck\r\n\r\n\
        ```\r\n- [ ] T099 No task, but an example\r\n```\r\n\r\n\
        ## Dependencies\r\n\r\n\
        - T004 blocks T999\r\n\
        - Checks (T005) before output (T006)\r\n\
        - T001 depends on T006\r\n";
    let read = plan(&[("tasks.md", text)]);
    let before = "1.1,1.2,1.3,1.301,1.302";
    assert_eq!(
        order(&read.plan),
        [
            "1.1<".to_owned(),
            "1.2<1.1".to_owned(),
            "1.3<1.1".to_owned(),
            "1.301<1.1".to_owned(),
            "1.302<1.1".to_owned(),
            format!("2.4<{before}"),
            format!("2.5<{before},2.4"),
            format!("2.6<{before},2.5"),
        ]
    );
    let notes = read.notes.join("\n");
    assert!(notes.contains("T001 would wait for T006"), "{notes}");
}

#[test]
fn texts_that_name_each_other_by_number_survive_a_round() {
    let tasks = "## Phase 1: Base\n\n- [ ] T003 Store\n- [ ] T005 Errors\n\n\
        ## Phase 2: Rest\n\n- [ ] T008 Table (depends on T003)\n\
        - [ ] T007 [P] Sum (needs T012)\n- [ ] T012 Print\n";
    let issues = r#"[
        {"number": 4, "title": "A", "body": "depends on #9"},
        {"number": 9, "title": "B", "milestone": {"title": "v1"}},
        {"number": 7, "title": "C", "body": "Blocked by:\n- #9"}
    ]"#;
    let later = r#"{"tasks": [
        {"id": 1, "title": "A", "dependencies": [2]}, {"id": 2, "title": "B"}]}"#;
    let cases = [("tasks.md", tasks), ("i.json", issues), ("t.json", later)];
    for (name, text) in cases {
        let before = plan(&[(name, text)]).plan;
        for format in [Format::SpecKit, Format::TaskMaster, Format::GitHub] {
            let written = export(
                format,
                &Exported {
                    run: None,
                    requirement: "All of it",
                    plan: &before,
                    done: &BTreeSet::new(),
                },
            );
            let after = planned(&written).plan;
            let edges = |plan: &DevPlan| -> BTreeSet<(String, String)> {
                let head = |number: &str| step(plan, number).title.chars().take(3).collect();
                let of = |one: &Step| -> Vec<(String, String)> {
                    let needs = one.depends_on.iter();
                    needs.map(|need| (head(&one.number), head(need))).collect()
                };
                plan.steps().flat_map(of).collect()
            };
            let (old, new) = (edges(&before), edges(&after));
            assert!(old.is_subset(&new), "{name} as {}: {new:?}", format.name());
        }
    }
}

#[test]
fn json_that_is_none_says_where() {
    for name in ["t.json", "t", "t.txt.json"] {
        let text = "{\"tasks\": [\n  {\"id\": 1,}\n]}";
        let error = import(None, &files(&[(name, text)]), None).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let cause = cause.unwrap_or_default();
        assert!(cause.contains("line 2 column"), "{name}: {error}: {cause}");
    }
    let issues = "[{\"number\": 1, \"title\": \"A\"}, {]";
    let error = import(None, &files(&[("i.json", issues)]), None).unwrap_err();
    assert!(matches!(error, ImportError::Json(_)), "{error}");
}

#[test]
fn prose_needs_no_name_of_a_form() {
    let read = import(None, &files(&[("docs/PRD", "\u{feff}A tool.\n")]), None).unwrap();
    let text = "A tool.".to_owned();
    assert_eq!(
        read,
        Import::Requirement {
            text,
            statements: 1
        }
    );
}
