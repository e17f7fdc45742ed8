//! The report as a value: its schema, its form, and how large it may grow.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{AttemptOutcome, TaskState};

use crate::{
    RunReport, markdown, page,
    sample::{attempt, facts, task},
    text,
};

#[test]
fn the_schema_describes_every_field_and_the_report_has_no_other() {
    let schema = serde_json::to_value(RunReport::schema()).unwrap();
    let report = serde_json::to_value(RunReport::of(&facts())).unwrap();
    let described = schema["properties"].as_object().unwrap();
    let held = report.as_object().unwrap();
    assert_eq!(
        described.keys().collect::<Vec<_>>(),
        held.keys().collect::<Vec<_>>()
    );
    for (name, part) in described {
        let says = part.get("description").or_else(|| part.get("const"));
        assert!(says.is_some(), "{name} is not described");
    }
}

#[test]
fn it_comes_back_from_json() {
    let report = RunReport::of(&facts());
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<RunReport>(&text).unwrap(), report);
    assert!(text.starts_with("{\"v\":1,\"type\":\"run.report\""));
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let told = || {
        let report = RunReport::of(&facts());
        (page(&report), markdown(&report))
    };
    assert_eq!(told(), told());
}

#[test]
fn ten_thousand_tasks_stay_readable() {
    let mut facts = facts();
    let numbers = || (0..10_000_u32).map(|number| format!("{}.{number}", number / 100));
    facts.tasks = numbers()
        .map(|number| task(&number, TaskState::Done, &[]))
        .collect();
    facts.attempts = numbers()
        .zip(0_i64..)
        .map(|(number, second)| {
            let span = (second / 4, second / 4 + 3);
            attempt(&format!("t{number}"), 1, AttemptOutcome::Passed, span)
        })
        .collect();
    let report = RunReport::of(&facts);
    assert_eq!(report.tasks.len(), 10_000);
    assert_eq!(report.totals.left_out, 0);
    assert!(page(&report).len() < 2 << 20, "{}", page(&report).len());
    assert!(markdown(&report).len() < 1 << 20);
    assert!(text(&report, &|_, text| text.to_owned()).lines().count() < 80);
}
