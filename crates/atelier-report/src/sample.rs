//! A run for tests: two statements, three tasks side by side, one mended, one not done.

use std::collections::BTreeMap;

use atelier_model::{
    Acceptance, AskLine, AskSource, AttemptLine, AttemptOutcome, Budget, Check, CheckOutcome,
    CheckResult, ContextHints, Design, DevPlan, Digest, Event, EventKind, Evidence, Expect,
    MicroUsd, Phase, PhaseOutline, RequirementItem, Run, RunId, RunMode, RunStatus, SandboxLevel,
    Stage, Task, TaskId, TaskSource, TaskState, TechnologyStack, TestCounts, Timestamp, Usage,
    Used,
};

use crate::{Advice, AskFact, Facts, Finding, Pipeline, Silent, Size};

/// Milliseconds at which the run began: 2026-01-31 12:00 in UTC.
const BEGAN: i64 = 1_769_860_800_000;

/// The instant so many seconds after the run began.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(BEGAN + seconds * 1_000)
}

pub(crate) fn acceptance(id: &str, requirement: &str) -> Acceptance {
    Acceptance {
        id: id.to_owned(),
        text: format!("criterion {id} of {requirement}"),
        requirements: vec![requirement.to_owned()],
        check: Check::Command {
            argv: vec!["cargo".to_owned(), "test".to_owned()],
            cwd: None,
        },
        expect: Expect::default(),
        timeout_seconds: None,
        must_fail_before: false,
    }
}

pub(crate) fn task(number: &str, state: TaskState, needs: &[&str]) -> Task {
    Task {
        id: TaskId::from_text(format!("t{number}")),
        run: RunId::from_text("01RUN"),
        step: Some(number.to_owned()),
        title: format!("Write part {number}"),
        description: String::new(),
        why: String::new(),
        requirements: vec!["R1".to_owned()],
        depends_on: needs.iter().map(|id| TaskId::from_text(*id)).collect(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        owns: Vec::new(),
        protected: Vec::new(),
        acceptance: vec![acceptance("A1", "R1")],
        context: ContextHints::default(),
        priority: 0,
        source: TaskSource::Plan,
        agent: None,
        attempts: 1,
        round_first: 1,
        state,
        commit: (state == TaskState::Done).then(|| format!("{:0<40}", number.replace('.', "a"))),
    }
}

pub(crate) fn check(name: &str, outcome: CheckOutcome, tests: u64) -> CheckResult {
    CheckResult {
        name: name.to_owned(),
        command: "cargo test".to_owned(),
        outcome,
        reason: if outcome.passed() {
            String::new()
        } else {
            "exit code 101, not 0".to_owned()
        },
        exit: Some(0),
        tests: (tests > 0).then(|| TestCounts {
            passed: tests,
            ..TestCounts::default()
        }),
        output: Digest::of("output"),
        duration_ms: 1_500,
    }
}

/// A try from one second to another.
pub(crate) fn attempt(
    task: &str,
    ordinal: u32,
    outcome: AttemptOutcome,
    (from, to): (i64, i64),
) -> AttemptLine {
    let number = task.trim_start_matches('t');
    let end = match outcome {
        AttemptOutcome::Passed => CheckOutcome::Passed,
        AttemptOutcome::EditsRefused
        | AttemptOutcome::ChecksFailed
        | AttemptOutcome::Interrupted
        | AttemptOutcome::Conflict => CheckOutcome::Failed,
    };
    AttemptLine {
        task: TaskId::from_text(task),
        ordinal,
        outcome: Some(outcome),
        feedback: String::new(),
        evidence: Evidence {
            checks: vec![
                check("build", CheckOutcome::Passed, 0),
                check(&format!("{number}/A1"), end, 4),
            ],
        },
        started_at: at(from),
        ended_at: Some(at(to)),
    }
}

pub(crate) fn ask(task: Option<&str>, source: Option<AskSource>, cost: u64) -> AskFact {
    let saved = source.is_some_and(AskSource::is_kept).then_some(2_500);
    AskFact {
        line: AskLine {
            task: task.map(TaskId::from_text),
            stage: if task.is_some() {
                Stage::Code
            } else {
                Stage::Design
            },
            provider: "openai".to_owned(),
            model: "gpt-5".to_owned(),
            source,
            failed: source.is_none(),
            usage: Usage {
                input: 1_000,
                output: 200,
                ..Usage::default()
            },
            cost: MicroUsd(cost),
            latency_ms: 800,
            at: at(0),
        },
        saved: MicroUsd(saved.unwrap_or_default()),
    }
}

pub(crate) fn event(seconds: i64, kind: EventKind) -> Event {
    Event {
        seq: u64::try_from(seconds).unwrap_or(0),
        at: at(seconds),
        run: Some(RunId::from_text("01RUN")),
        task: None,
        kind,
    }
}

fn plan() -> DevPlan {
    let item = |id: &str, text: &str| RequirementItem {
        id: id.to_owned(),
        text: text.to_owned(),
    };
    DevPlan {
        design: Design {
            name: "todo <list>".to_owned(),
            summary: "Keeps what is to do.".to_owned(),
            objectives: Vec::new(),
            requirements: vec![
                item("R1", "It adds entries | and keeps them"),
                item("R2", "It deletes entries"),
                item("R3", "It is loved"),
            ],
            technology_stack: TechnologyStack {
                language: "Rust".to_owned(),
                kind: "command-line".to_owned(),
                frameworks: Vec::new(),
                testing: String::new(),
            },
            architecture_overview: String::new(),
            components: Vec::new(),
            dependencies: Vec::new(),
            challenges: Vec::new(),
        },
        summary: String::new(),
        phases: vec![Phase {
            outline: PhaseOutline {
                number: 1,
                title: "All".to_owned(),
                description: String::new(),
                requirements: Vec::new(),
                depends_on: Vec::new(),
            },
            steps: Vec::new(),
        }],
    }
}

fn run() -> Run {
    Run {
        id: RunId::from_text("01RUN"),
        requirement: "a todo list\nthat lasts \u{1b}[31m<b>".to_owned(),
        requirement_digest: Digest::of("a todo list"),
        mode: RunMode::Build,
        approval: atelier_model::Approval::Never,
        budget: Budget::of_usd(Some(MicroUsd(1_000_000))),
        base_branch: Some("main".to_owned()),
        base_commit: None,
        branch: "atelier/01RUN".to_owned(),
        trunk: Some("2a2".to_owned() + &"0".repeat(37)),
        status: RunStatus::Stopped,
        exit_code: Some(13),
        reason: "do task t2.1 \"Write part 2.1\": no".to_owned(),
        created_at: at(0),
        ended_at: Some(at(400)),
    }
}

fn events() -> Vec<Event> {
    vec![
        event(
            1,
            EventKind::RunEstimated {
                planned: true,
                cost: Some(MicroUsd(40_000)),
                asks: 5,
                input_tokens: 9_000,
                output_tokens: 1_000,
                wall_ms: 120_000,
            },
        ),
        event(
            2,
            EventKind::SandboxChosen {
                level: SandboxLevel::Strong,
                lacks: Vec::new(),
            },
        ),
        event(
            60,
            EventKind::TestsRestored {
                files: vec!["tests/kept.rs".to_owned()],
            },
        ),
        event(
            61,
            EventKind::Warning {
                message: "1.1: look at src/lib.rs:3: an early exit".to_owned(),
            },
        ),
    ]
}

/// The run that stopped at its third task.
pub(crate) fn facts() -> Facts {
    let mut mended = task("1.2", TaskState::Done, &["t1.1"]);
    mended.attempts = 2;
    let mut undone = task("2.1", TaskState::Failed, &["t1.1", "t1.2"]);
    undone.requirements = vec!["R2".to_owned()];
    undone.acceptance = vec![acceptance("A1", "R2")];
    Facts {
        at: at(500),
        run: run(),
        plan: Some(plan()),
        tasks: vec![task("1.1", TaskState::Done, &[]), mended, undone],
        attempts: vec![
            attempt("t1.1", 1, AttemptOutcome::Passed, (10, 40)),
            attempt("t1.2", 1, AttemptOutcome::ChecksFailed, (20, 50)),
            attempt("t1.2", 2, AttemptOutcome::Passed, (50, 70)),
            attempt("t2.1", 1, AttemptOutcome::ChecksFailed, (200, 260)),
        ],
        asks: vec![
            ask(None, Some(AskSource::Provider), 4_000),
            ask(Some("t1.1"), Some(AskSource::Provider), 10_000),
            ask(Some("t1.2"), Some(AskSource::Cache), 0),
            ask(Some("t1.2"), Some(AskSource::Semantic), 0),
            ask(Some("t2.1"), None, 1_000),
        ],
        used: Used {
            usd: MicroUsd(15_000),
            tokens: 3_600,
            calls: 3,
            wall_ms: 140_000,
        },
        events: events(),
        reasons: BTreeMap::from([(TaskId::from_text("t2.1"), "attempts used up".to_owned())]),
        documents: vec!["README.md".to_owned()],
        size: Some(Size {
            files: 4,
            added: 120,
            deleted: 3,
        }),
        advice: Advice {
            of: "the folder".to_owned(),
            findings: vec![Finding {
                severity: "high".to_owned(),
                tool: "secrets".to_owned(),
                rule: "token".to_owned(),
                place: "src/main.rs:3".to_owned(),
                message: "a token <script>".to_owned(),
                remedy: "have it replaced".to_owned(),
            }],
            ran: vec!["secrets".to_owned()],
            silent: vec![Silent {
                tool: "trivy".to_owned(),
                finds: "known faults".to_owned(),
                why: "it is not installed".to_owned(),
                remedy: "install it".to_owned(),
            }],
            pipelines: vec![Pipeline {
                path: ".github/workflows/check.yml".to_owned(),
                state: "missing".to_owned(),
            }],
        },
    }
}
