//! Events as lines: what a person reads without a region, and what a program reads.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    AskId, AskSource, AttemptOutcome, CheckOutcome, Digest, EventKind, MicroUsd, RunStatus, Stage,
    TaskId, TaskState, TestCounts, Usage,
};

use super::*;

/// A run told by hand: events with the time and the task they happened at.
#[derive(Default)]
pub(super) struct Tale {
    pub(super) board: Board,
    pub(super) said: Vec<String>,
    every: bool,
    seq: u64,
    now: i64,
}

impl Tale {
    /// As somebody reads it who sees no region.
    pub(super) fn plain() -> Self {
        Self {
            every: true,
            ..Self::default()
        }
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, millis: i64) -> &mut Self {
        self.now += millis;
        self
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    pub(super) fn event(&self, task: &str, kind: EventKind) -> Event {
        Event {
            seq: self.seq,
            at: self.now(),
            run: Some(RunId::from_text("R1")),
            task: (!task.is_empty()).then(|| TaskId::from_text(task)),
            kind,
        }
    }

    pub(super) fn tell(&mut self, task: &str, kind: EventKind) -> &mut Self {
        self.seq += 1;
        let event = self.event(task, kind);
        let reader = Reader {
            every: self.every,
            columns: 100,
        };
        let rows = line::lines(&mut self.board, &event, reader);
        self.said.extend(rows.iter().map(Row::text));
        self
    }

    pub(super) fn ask(&mut self, task: &str, stage: Stage, ask: &str) -> &mut Self {
        let kind = EventKind::AskStarted {
            ask: AskId::from_text(ask),
            stage,
            key: Digest::of("key"),
            provider: "anthropic".to_owned(),
            model: "claude-x".to_owned(),
            reserved: MicroUsd(50_000),
            choice: None,
        };
        self.tell(task, kind)
    }

    pub(super) fn answer(
        &mut self,
        task: &str,
        stage: Stage,
        ask: &str,
        (tokens, cost): (u64, u64),
    ) -> &mut Self {
        let kind = EventKind::AskFinished {
            ask: AskId::from_text(ask),
            stage,
            key: Digest::of("key"),
            provider: "anthropic".to_owned(),
            model: "claude-x".to_owned(),
            source: if cost == 0 {
                AskSource::Cache
            } else {
                AskSource::Provider
            },
            usage: Usage {
                input: tokens - tokens / 4,
                output: tokens / 4,
                ..Usage::default()
            },
            cost: MicroUsd(cost),
            latency_ms: 10,
        };
        self.tell(task, kind)
    }

    pub(super) fn stage(&mut self, stage: Stage, phase: Option<u32>) -> &mut Self {
        self.tell("", EventKind::StageStarted { stage, phase })
    }

    pub(super) fn staged(&mut self, stage: Stage, phase: Option<u32>, summary: &str) -> &mut Self {
        let (artifact, summary) = (Digest::of("artifact"), summary.to_owned());
        self.tell(
            "",
            EventKind::StageFinished {
                stage,
                phase,
                artifact,
                summary,
            },
        )
    }

    pub(super) fn add(&mut self, task: &str, title: &str, needs: &[&str]) -> &mut Self {
        let depends_on = needs.iter().map(|id| TaskId::from_text(*id)).collect();
        self.tell(
            task,
            EventKind::TaskAdded {
                title: title.to_owned(),
                depends_on,
            },
        )
    }

    pub(super) fn moves(&mut self, task: &str, from: TaskState, to: TaskState) -> &mut Self {
        self.tell(
            task,
            EventKind::TaskState {
                from,
                to,
                reason: String::new(),
            },
        )
    }

    pub(super) fn check(&mut self, task: &str, name: &str, command: &str) -> &mut Self {
        let (name, command) = (name.to_owned(), command.to_owned());
        self.tell(task, EventKind::CheckStarted { name, command })
    }

    pub(super) fn checked(
        &mut self,
        task: &str,
        name: &str,
        tests: Option<(u64, u64)>,
    ) -> &mut Self {
        let failed = tests.is_some_and(|(_, failed)| failed > 0);
        let counts = |(passed, failed)| TestCounts {
            passed,
            failed,
            ..TestCounts::default()
        };
        let kind = EventKind::CheckFinished {
            name: name.to_owned(),
            outcome: if failed {
                CheckOutcome::Failed
            } else {
                CheckOutcome::Passed
            },
            reason: String::new(),
            tests: tests.map(counts),
            duration_ms: 10,
            level: None,
        };
        self.tell(task, kind)
    }

    /// A task from its first ask to its end.
    pub(super) fn done(&mut self, task: &str, tests: u64) -> &mut Self {
        use TaskState as S;
        self.moves(task, S::Pending, S::Ready)
            .moves(task, S::Ready, S::Running);
        self.tell(task, EventKind::AttemptStarted { ordinal: 1 });
        self.ask(task, Stage::Code, "code").wait(6_000);
        self.answer(task, Stage::Code, "code", (2_100, 6_000));
        let written = vec!["src/lib.rs".to_owned(), "tests/it.rs".to_owned()];
        let edits = EventKind::EditsApplied {
            written,
            deleted: Vec::new(),
            notes: Vec::new(),
        };
        self.tell(task, edits).moves(task, S::Running, S::Verifying);
        self.check(task, "test", "cargo test")
            .wait(2_300)
            .checked(task, "test", Some((tests, 0)));
        self.moves(task, S::Verifying, S::Merging)
            .moves(task, S::Merging, S::Done)
    }
}

#[test]
fn without_a_region_every_change_is_one_line() {
    let mut tale = Tale::plain();
    tale.stage(Stage::Design, None)
        .ask("", Stage::Design, "a")
        .wait(4_100);
    tale.answer("", Stage::Design, "a", (3_200, 21_000)).staged(
        Stage::Design,
        None,
        "6 components",
    );
    tale.stage(Stage::Plan, None)
        .answer("", Stage::Plan, "b", (2_900, 0));
    tale.staged(Stage::Plan, None, "5 phases");
    tale.add("t1.1", "lay out the crate", &[])
        .add("t1.2", "store links", &["t1.1"]);
    tale.done("t1.1", 9);
    tale.moves("t1.2", TaskState::Ready, TaskState::Running);
    tale.tell("t1.2", EventKind::AttemptStarted { ordinal: 1 });
    let (ask, reason) = (AskId::from_text("c"), "rate limit".to_owned());
    tale.ask("t1.2", Stage::Code, "c").tell(
        "t1.2",
        EventKind::AskRetried {
            ask,
            reason,
            wait_ms: 1_200,
            partial: None,
        },
    );
    let (outcome, reason) = (
        AttemptOutcome::ChecksFailed,
        "E0308 in src/lib.rs:4".to_owned(),
    );
    tale.tell(
        "t1.2",
        EventKind::AttemptFinished {
            ordinal: 1,
            outcome,
            reason,
        },
    );
    let reason = "attempts used up".to_owned();
    let (from, to) = (TaskState::Running, TaskState::Failed);
    tale.tell("t1.2", EventKind::TaskState { from, to, reason });
    let verified = EventKind::RunVerified {
        commit: "3f9c1ab000000000".to_owned(),
        passed: true,
        checks: 1,
        tests: 9,
    };
    tale.tell("", verified);
    insta::assert_snapshot!(tale.said.join("\n"), @r"
       Planned design        4.1s  3.2k tok    $0.021  6 components
       Planned plan          0.0s     0 tok    cached  5 phases
       Started t1.1 lay out the crate
        Passed [1/2] t1.1 lay out the crate                8.3s  2.1k tok    $0.006  2 files  9 tests
       Started t1.2 store links
         Retry in 1.2s: rate limit
       Mending t1.2 attempt 1: E0308 in src/lib.rs:4
        Failed t1.2 store links: attempts used up
      Verified 3f9c1ab00000 in a fresh checkout: 1 check, 9 tests
    ");
}

#[test]
fn phases_that_are_asked_for_at_once_share_one_bill() {
    let mut tale = Tale::plain();
    tale.stage(Stage::Detail, Some(1))
        .stage(Stage::Detail, Some(2));
    tale.ask("", Stage::Detail, "a")
        .ask("", Stage::Detail, "b")
        .wait(1_500);
    tale.answer("", Stage::Detail, "a", (5_000, 20_000));
    tale.answer("", Stage::Detail, "b", (6_000, 30_000));
    tale.staged(Stage::Detail, Some(1), "2 steps")
        .staged(Stage::Detail, Some(2), "1 step");
    insta::assert_snapshot!(tale.said.join("\n"), @r"
       Planned detail 1      1.5s                      2 steps
       Planned detail 2      1.5s 11.0k tok    $0.050  1 step
    ");
}

#[test]
fn tests_count_when_their_task_is_done_and_not_before_its_edits() {
    let mut tale = Tale::default();
    tale.add("t1", "one", &[])
        .moves("t1", TaskState::Ready, TaskState::Running);
    tale.checked("t1", "1/A1", Some((0, 1)));
    assert_eq!(tale.board.tests, 0);
    assert!(tale.board.tasks[0].tests.is_empty());
    tale.done("t1", 7);
    assert_eq!(tale.board.tests, 7);
}

#[test]
fn with_a_region_only_what_ended_is_a_line() {
    let mut tale = Tale::default();
    tale.add("t1", "lay out", &[]).done("t1", 3);
    tale.tell(
        "",
        EventKind::RunStatus {
            from: RunStatus::Running,
            to: RunStatus::Verifying,
        },
    );
    tale.tell(
        "",
        EventKind::ApprovalAsked {
            subject: "plan".to_owned(),
        },
    );
    assert_eq!(tale.said.len(), 1, "{:?}", tale.said);
    assert!(
        tale.said[0].starts_with("    Passed t1 lay out"),
        "{:?}",
        tale.said
    );
}

#[test]
fn control_characters_of_others_reach_no_line() {
    let mut tale = Tale::plain();
    let hostile = "a\u{1b}[2Jb\nc";
    tale.stage(Stage::Plan, None)
        .staged(Stage::Plan, None, hostile);
    tale.add("t1", hostile, &[]);
    let reason = hostile.to_owned();
    let (from, to) = (TaskState::Running, TaskState::Blocked);
    tale.tell("t1", EventKind::TaskState { from, to, reason });
    tale.tell(
        "",
        EventKind::Warning {
            message: hostile.to_owned(),
        },
    );
    assert_eq!(tale.said.len(), 3);
    assert!(
        tale.said
            .iter()
            .all(|line| !line.contains(char::is_control)),
        "{:?}",
        tale.said
    );
}

#[test]
fn a_run_that_goes_on_keeps_its_tasks_and_its_cost_but_no_clock() {
    let mut tale = Tale::default();
    tale.add("t1", "one", &[])
        .add("t2", "two", &["t1"])
        .done("t1", 3);
    tale.moves("t2", TaskState::Ready, TaskState::Running)
        .ask("t2", Stage::Code, "x");
    let run: Run = serde_json::from_value(serde_json::json!({
        "id": "R1", "requirement": "r", "requirement_digest": Digest::of("r"), "mode": "build",
        "approval": "never", "budget": {"usd": 2_000_000}, "base_branch": null,
        "base_commit": null, "branch": "atelier/R1", "trunk": null, "status": "stopped",
        "exit_code": 11, "reason": "", "created_at": "2026-01-01T00:00:00Z", "ended_at": null,
    }))
    .unwrap();
    tale.board.go_on(&run);
    assert_eq!(tale.board.spent, MicroUsd(6_000));
    assert_eq!(tale.board.budget, Some(MicroUsd(2_000_000)));
    assert_eq!((tale.board.done(), tale.board.tasks.len()), (1, 2));
    assert!(tale.board.asks.is_empty() && tale.board.began.is_none());
    assert_eq!(tale.board.finished_now, 0);
}

#[test]
fn an_event_is_one_flat_object_on_one_line() {
    let tale = Tale::default();
    let event = tale.event(
        "t1",
        EventKind::Warning {
            message: "two\nlines".to_owned(),
        },
    );
    assert_eq!(
        json(&event),
        r#"{"at":"1970-01-01T00:00:00.000Z","message":"two\nlines","run":"R1","seq":0,"task":"t1","type":"warning","v":1}"#
    );
}

#[test]
fn counts_and_durations_read_well() {
    let durations: Vec<String> = [0, 340, 59_999, 60_000, 124_000, 3_723_000]
        .into_iter()
        .map(seconds)
        .collect();
    assert_eq!(
        durations,
        ["0.0s", "0.3s", "59.9s", "1:00", "2:04", "1:02:03"]
    );
    let counts: Vec<String> = [0, 812, 9_449, 1_250_000].into_iter().map(count).collect();
    assert_eq!(counts, ["0", "812", "9.4k", "1.2M"]);
    assert_eq!(many(1, "file"), "1 file");
    assert_eq!(many(0, "file"), "0 files");
}
