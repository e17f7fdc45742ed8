//! Every kind of event, its name, and its way through JSON.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::{Event, EventKind};
use crate::{
    Approval, AskId, AskSource, AttemptOutcome, Budget, CheckOutcome, Digest, MicroUsd, Resource,
    RunId, RunStatus, SandboxLevel, Stage, TaskChange, TaskChangeKind, TaskId, TaskState,
    TestCounts, Timestamp, Usage,
};

fn text(text: &str) -> String {
    text.to_owned()
}

fn of_the_plan() -> Vec<(&'static str, EventKind)> {
    let digest = Digest::of("x");
    vec![
        (
            "run.created",
            EventKind::RunCreated {
                requirement: digest,
                base: Some(text("c0ffee")),
                branch: text("atelier/x"),
                budget: Some(MicroUsd(7)),
                approval: Approval::Plan,
            },
        ),
        (
            "run.status",
            EventKind::RunStatus {
                from: RunStatus::Planning,
                to: RunStatus::Planned,
            },
        ),
        (
            "stage.started",
            EventKind::StageStarted {
                stage: Stage::Detail,
                phase: Some(2),
            },
        ),
        (
            "stage.finished",
            EventKind::StageFinished {
                stage: Stage::Design,
                phase: None,
                artifact: digest,
                summary: text("s"),
            },
        ),
        (
            "plan.linted",
            EventKind::PlanLinted {
                problems: vec![text("p")],
            },
        ),
        (
            "plan.changed",
            EventKind::PlanChanged {
                change: 1,
                requirement: digest,
                summary: text("s"),
                tasks: vec![TaskChange {
                    task: TaskId::from_text("t1.1"),
                    kind: TaskChangeKind::Changed,
                    reason: text("r"),
                }],
            },
        ),
        (
            "approval.asked",
            EventKind::ApprovalAsked {
                subject: text("plan"),
            },
        ),
        (
            "approval.given",
            EventKind::ApprovalGiven {
                subject: text("plan"),
                approved: true,
                reason: text("why not"),
            },
        ),
    ]
}

fn of_asks() -> Vec<(&'static str, EventKind)> {
    let (ask, key) = (AskId::from_text("a1"), Digest::of("key"));
    let usage = Usage {
        input: 1,
        output: 2,
        cached_input: 3,
        cache_write: 4,
        ..Usage::default()
    };
    vec![
        (
            "ask.started",
            EventKind::AskStarted {
                ask: ask.clone(),
                stage: Stage::Code,
                key,
                provider: text("p"),
                model: text("m"),
                reserved: MicroUsd(9),
                choice: None,
            },
        ),
        (
            "ask.retried",
            EventKind::AskRetried {
                ask: ask.clone(),
                reason: text("429"),
                wait_ms: 10,
                partial: None,
            },
        ),
        (
            "ask.finished",
            EventKind::AskFinished {
                ask: ask.clone(),
                stage: Stage::Code,
                key,
                provider: text("p"),
                model: text("m"),
                source: AskSource::Cache,
                usage,
                cost: MicroUsd(3),
                latency_ms: 4,
            },
        ),
        (
            "ask.failed",
            EventKind::AskFailed {
                ask,
                stage: Stage::Docs,
                error: text("e"),
                cost: MicroUsd::ZERO,
                partial: None,
            },
        ),
        (
            "budget.refused",
            EventKind::BudgetRefused {
                stage: Stage::Plan,
                scope: text("task"),
                needed: MicroUsd(3),
                spent: MicroUsd(2),
                budget: MicroUsd(4),
            },
        ),
    ]
}

fn of_control() -> Vec<(&'static str, EventKind)> {
    vec![
        (
            "budget.exhausted",
            EventKind::BudgetExhausted {
                scope: text("run"),
                resource: Resource::Tokens,
                needed: 3,
                spent: 2,
                budget: 4,
            },
        ),
        (
            "budget.marked",
            EventKind::BudgetMarked {
                scope: text("stage"),
                subject: text("code"),
                resource: Resource::Usd,
                percent: 50,
                spent: 2,
                budget: 4,
            },
        ),
        (
            "budget.set",
            EventKind::BudgetSet {
                task: Some(TaskId::from_text("t1.1")),
                budget: Budget {
                    calls: Some(7),
                    ..Budget::default()
                },
            },
        ),
        (
            "control.asked",
            EventKind::ControlAsked {
                command: text("pause"),
                reason: text("lunch"),
            },
        ),
        (
            "task.edited",
            EventKind::TaskEdited {
                fields: vec![text("title")],
                reason: text("clearer"),
            },
        ),
    ]
}

fn of_tasks() -> Vec<(&'static str, EventKind)> {
    vec![
        (
            "task.added",
            EventKind::TaskAdded {
                title: text("t"),
                depends_on: vec![TaskId::from_text("t1.1")],
            },
        ),
        (
            "task.state",
            EventKind::TaskState {
                from: TaskState::Pending,
                to: TaskState::Ready,
                reason: text("r"),
            },
        ),
        (
            "acceptance.fixed",
            EventKind::AcceptanceFixed {
                acceptance: Digest::of("acceptance"),
                hidden: Some(Digest::of("hidden")),
                files: 2,
                before: Some(Digest::of("before")),
                reason: text("r"),
            },
        ),
        ("attempt.started", EventKind::AttemptStarted { ordinal: 1 }),
        (
            "attempt.finished",
            EventKind::AttemptFinished {
                ordinal: 1,
                outcome: AttemptOutcome::ChecksFailed,
                reason: text("r"),
            },
        ),
        (
            "edits.applied",
            EventKind::EditsApplied {
                written: vec![text("a")],
                deleted: vec![text("b")],
                notes: vec![text("c")],
            },
        ),
        (
            "context.packed",
            EventKind::ContextPacked {
                bytes_full: 9_000,
                bytes: 5_000,
            },
        ),
        (
            "edits.refused",
            EventKind::EditsRefused {
                problems: vec![text("p")],
            },
        ),
        (
            "syntax.broken",
            EventKind::SyntaxBroken {
                faults: vec![text("f")],
            },
        ),
        (
            "tests.restored",
            EventKind::TestsRestored {
                files: vec![text("f")],
            },
        ),
    ]
}

fn of_checks() -> Vec<(&'static str, EventKind)> {
    vec![
        (
            "sandbox.chosen",
            EventKind::SandboxChosen {
                level: SandboxLevel::Light,
                lacks: vec![text("strong does not work")],
            },
        ),
        (
            "check.started",
            EventKind::CheckStarted {
                name: text("test"),
                command: text("cargo test"),
            },
        ),
        (
            "check.finished",
            EventKind::CheckFinished {
                name: text("test"),
                outcome: CheckOutcome::Passed,
                reason: String::new(),
                tests: Some(TestCounts {
                    passed: 1,
                    ..TestCounts::default()
                }),
                duration_ms: 5,
                level: Some(SandboxLevel::Strong),
            },
        ),
        (
            "task.committed",
            EventKind::TaskCommitted {
                commit: text("c0ffee"),
                subject: text("feat: x"),
            },
        ),
        (
            "document.written",
            EventKind::DocumentWritten {
                path: text("docs/DESIGN.md"),
                digest: Digest::of("d"),
            },
        ),
    ]
}

fn of_the_end() -> Vec<(&'static str, EventKind)> {
    vec![
        (
            "run.verified",
            EventKind::RunVerified {
                commit: text("c0ffee"),
                passed: true,
                checks: 3,
                tests: 4,
            },
        ),
        (
            "run.delivered",
            EventKind::RunDelivered {
                branch: text("atelier/x"),
                fast_forwarded: Some(text("main")),
                reason: String::new(),
            },
        ),
        (
            "run.estimated",
            EventKind::RunEstimated {
                planned: true,
                cost: Some(MicroUsd(7)),
                asks: 3,
                input_tokens: 1_000,
                output_tokens: 200,
                wall_ms: 90_000,
            },
        ),
        ("warning", EventKind::Warning { message: text("m") }),
        (
            "run.finished",
            EventKind::RunFinished {
                status: RunStatus::Done,
                exit_code: 0,
                reason: String::new(),
                commit: Some(text("c0ffee")),
                cost: MicroUsd(5),
            },
        ),
    ]
}

fn all() -> Vec<(&'static str, EventKind)> {
    let parts = [
        of_the_plan(),
        of_asks(),
        of_control(),
        of_tasks(),
        of_checks(),
        of_the_end(),
    ];
    parts.into_iter().flatten().collect()
}

/// A new kind does not compile until it is counted here; the table must then hold it.
fn number(kind: &EventKind) -> usize {
    match kind {
        EventKind::RunCreated { .. } => 0,
        EventKind::RunStatus { .. } => 1,
        EventKind::StageStarted { .. } => 2,
        EventKind::StageFinished { .. } => 3,
        EventKind::PlanLinted { .. } => 4,
        EventKind::AskStarted { .. } => 5,
        EventKind::AskRetried { .. } => 6,
        EventKind::AskFinished { .. } => 7,
        EventKind::AskFailed { .. } => 8,
        EventKind::BudgetRefused { .. } => 9,
        EventKind::TaskAdded { .. } => 10,
        EventKind::TaskState { .. } => 11,
        EventKind::AttemptStarted { .. } => 12,
        EventKind::AttemptFinished { .. } => 13,
        EventKind::EditsApplied { .. } => 14,
        EventKind::EditsRefused { .. } => 15,
        EventKind::TestsRestored { .. } => 16,
        EventKind::CheckStarted { .. } => 17,
        EventKind::CheckFinished { .. } => 18,
        EventKind::TaskCommitted { .. } => 19,
        EventKind::DocumentWritten { .. } => 20,
        EventKind::ApprovalAsked { .. } => 21,
        EventKind::ApprovalGiven { .. } => 22,
        EventKind::RunVerified { .. } => 23,
        EventKind::RunDelivered { .. } => 24,
        EventKind::Warning { .. } => 25,
        EventKind::RunFinished { .. } => 26,
        EventKind::SyntaxBroken { .. } => 27,
        EventKind::ContextPacked { .. } => 28,
        EventKind::BudgetExhausted { .. } => 29,
        EventKind::BudgetMarked { .. } => 30,
        EventKind::BudgetSet { .. } => 31,
        EventKind::ControlAsked { .. } => 32,
        EventKind::TaskEdited { .. } => 33,
        EventKind::PlanChanged { .. } => 34,
        EventKind::SandboxChosen { .. } => 35,
        EventKind::AcceptanceFixed { .. } => 36,
        EventKind::RunEstimated { .. } => 37,
    }
}

#[test]
fn the_table_has_every_kind_once() {
    let mut numbers: Vec<_> = all().iter().map(|(_, kind)| number(kind)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..38).collect::<Vec<_>>());
}

#[test]
fn every_kind_has_its_name_and_comes_back_from_json() {
    for (name, kind) in all() {
        assert_eq!(kind.name(), name);
        let event = Event {
            seq: 1,
            at: Timestamp::from_millis(1_000),
            run: Some(RunId::from_text("r")),
            task: Some(TaskId::from_text("t1.1")),
            kind,
        };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["kind"]["type"], json!(name));
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}

#[test]
fn an_unknown_kind_is_refused() {
    let unknown = json!({"type": "run.exploded"});
    assert!(serde_json::from_value::<EventKind>(unknown).is_err());
}
