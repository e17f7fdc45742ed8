//! What a report says of a run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use atelier_model::{CheckOutcome, EventKind, RunStatus, TaskState, Timestamp};

use crate::{
    Need, RunReport,
    sample::{acceptance, at, event, facts, task},
};

fn state(report: &RunReport, id: &str) -> Need {
    let mut all = report.requirements.iter();
    all.find(|one| one.id == id).map(|one| one.state).unwrap()
}

#[test]
fn a_statement_leads_to_its_criteria_tasks_and_commits_what_is_not_met_first() {
    let report = RunReport::of(&facts());
    let ids: Vec<&str> = report
        .requirements
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(ids, ["R2", "R3", "R1"]);
    assert_eq!(state(&report, "R1"), Need::Met);
    assert_eq!(state(&report, "R2"), Need::NotMet);
    assert_eq!(state(&report, "R3"), Need::Unproven);
    let met = &report.requirements[2];
    assert_eq!(met.tasks, ["t1.1", "t1.2"]);
    let criterion = &report.criteria[met.criteria[1]];
    assert_eq!(criterion.name, "1.2/A1");
    assert_eq!(criterion.commit, facts().tasks[1].commit);
    let evidence = facts().attempts[2].evidence.digest().to_string();
    assert_eq!(criterion.evidence.as_ref(), Some(&evidence));
    assert_eq!(
        (criterion.tests, criterion.checked_in.as_str()),
        (Some(4), "task")
    );
    assert_eq!(
        (
            report.totals.requirements_met,
            report.totals.criteria_passed
        ),
        (1, 2)
    );
}

#[test]
fn a_criterion_that_fails_in_the_verdict_is_not_met_although_its_task_passed() {
    let mut facts = facts();
    let failed = EventKind::CheckFinished {
        name: "1.1/A1".to_owned(),
        outcome: CheckOutcome::Failed,
        reason: "gone".to_owned(),
        tests: None,
        duration_ms: 1,
        level: None,
    };
    let verdict = EventKind::RunVerified {
        commit: facts.run.trunk.clone().unwrap(),
        passed: false,
        checks: 1,
        tests: 0,
    };
    facts
        .events
        .extend([event(300, failed), event(301, verdict)]);
    let report = RunReport::of(&facts);
    assert_eq!(state(&report, "R1"), Need::NotMet);
    assert_eq!(report.criteria[0].checked_in, "verdict");
    let verdict = report.verdict.unwrap();
    assert_eq!(verdict.failed, ["1.1/A1: gone"]);
    assert!(!verdict.whole && !report.outcome.verified);
}

#[test]
fn a_run_is_verified_only_where_the_verdict_is_about_its_newest_commit() {
    let mut facts = facts();
    facts.run.status = RunStatus::Done;
    let verdict = |commit: &str| EventKind::RunVerified {
        commit: commit.to_owned(),
        passed: true,
        checks: 3,
        tests: 9,
    };
    facts.events.push(event(300, verdict("another")));
    assert!(!RunReport::of(&facts).outcome.verified);
    let trunk = facts.run.trunk.clone().unwrap();
    facts.events.push(event(301, verdict(&trunk)));
    assert!(RunReport::of(&facts).outcome.verified);
}

#[test]
fn what_was_not_checked_is_open_and_what_is_left_out_leaves_a_part() {
    let mut facts = facts();
    facts.tasks[2].state = TaskState::Pending;
    facts.attempts.pop();
    assert_eq!(state(&RunReport::of(&facts), "R2"), Need::Open);
    let mut left = task("3.1", TaskState::Skipped, &[]);
    left.acceptance = vec![acceptance("A1", "R1")];
    facts.tasks.push(left);
    let report = RunReport::of(&facts);
    assert_eq!(state(&report, "R1"), Need::Partly);
    assert_eq!(report.criteria.last().unwrap().outcome, "left_out");
    assert_eq!(report.totals.tasks_left_out, 1);
}

#[test]
fn money_tokens_and_tiers_of_the_cache_are_added_up() {
    let report = RunReport::of(&facts());
    assert_eq!(report.totals.cost_micro_usd, 15_000);
    // The answer that never came was counted by the provider all the same.
    assert_eq!((report.tokens.input, report.tokens.output), (3_000, 600));
    let cache = &report.cache;
    assert_eq!((cache.provider, cache.exact, cache.semantic), (2, 1, 1));
    assert_eq!(cache.exact_saved_micro_usd, 2_500);
    assert_eq!(cache.semantic_saved_micro_usd, 2_500);
    let [design, code] = report.models.as_slice() else {
        panic!("two stages: {:?}", report.models);
    };
    assert_eq!((design.stage.as_str(), design.asks), ("design", 1));
    assert_eq!((code.asks, code.kept, code.failed), (4, 2, 1));
    assert_eq!(code.cost_micro_usd, 11_000);
    assert_eq!(report.budget[0].percent, 1);
    assert_eq!(report.estimates[0].tokens, 10_000);
}

#[test]
fn tries_that_did_not_pass_say_why_and_tasks_are_ranked() {
    let report = RunReport::of(&facts());
    let told: Vec<_> = report
        .retries
        .iter()
        .map(|one| (one.task.as_str(), one.attempt, one.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("t1.2", 1, "1.2/A1: exit code 101, not 0"),
            ("t2.1", 1, "2.1/A1: exit code 101, not 0"),
        ]
    );
    assert_eq!(report.slowest, ["t2.1", "t1.2", "t1.1"]);
    assert_eq!(report.dearest, ["t1.1", "t2.1"]);
}

#[test]
fn texts_of_others_cannot_steer_a_terminal_and_long_ones_are_cut() {
    let mut facts = facts();
    facts.run.requirement = format!("a\u{1b}[31m\u{202e}b\n{}", "x".repeat(20_000));
    facts.tasks[0].title = "one\ntwo\u{7}".to_owned();
    let report = RunReport::of(&facts);
    assert!(report.requirement.starts_with("a[31mb\nxxx"));
    assert!(report.requirement.ends_with('…'));
    assert_eq!(report.tasks[0].title, "one two");
}

#[test]
fn lists_have_a_maximum_and_what_is_left_out_is_counted() {
    let mut facts = facts();
    let warning = |text: u32| EventKind::Warning {
        message: text.to_string(),
    };
    facts.events = (0..2_010).map(|number| event(1, warning(number))).collect();
    let report = RunReport::of(&facts);
    assert_eq!((report.warnings.len(), report.totals.left_out), (2_000, 10));
}

#[test]
fn what_to_do_next_begins_with_what_brings_the_run_on() {
    let report = RunReport::of(&facts());
    let commands: Vec<&str> = report
        .hints
        .iter()
        .map(|one| one.command.as_str())
        .collect();
    assert_eq!(
        commands[..2],
        ["atelier task retry t2.1", "atelier resume 01RUN"]
    );
    assert!(commands.contains(&"atelier ci generate"), "{commands:?}");
}

#[test]
fn a_run_without_a_plan_has_its_requirement_and_no_empty_promises() {
    let mut facts = facts();
    facts.plan = None;
    facts.tasks.clear();
    facts.attempts.clear();
    facts.events.clear();
    facts.run.ended_at = None;
    facts.at = Timestamp::from_millis(at(30).millis());
    let report = RunReport::of(&facts);
    assert!(report.requirements.is_empty() && report.criteria.is_empty());
    assert_eq!(report.time.elapsed_ms, 30_000);
    assert_eq!(report.timeline, crate::Timeline::default());
}
