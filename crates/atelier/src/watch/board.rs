//! What is known of a run, folded from its events: the one truth behind lines and region.

use std::collections::BTreeMap;

use atelier_model::{
    AskId, AskSource, Event, MicroUsd, Run, Stage, TaskChange, TaskChangeKind, TaskId, TaskState,
    TestCounts, Timestamp, Usage,
};

use crate::ui::plain;

/// A run as its events tell it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board {
    /// When this invocation began.
    pub(crate) began: Option<Timestamp>,
    /// When tasks began to be executed.
    pub(crate) building_since: Option<Timestamp>,
    /// Tasks that this invocation finished.
    pub(crate) finished_now: usize,
    /// Money of earlier invocations and this one.
    pub(crate) spent: MicroUsd,
    pub(crate) budget: Option<MicroUsd>,
    pub(crate) tokens: Tokens,
    /// Tests that passed when the newest task was done.
    pub(crate) tests: u64,
    /// Stages under way, in the order they began.
    pub(crate) stages: Vec<OpenStage>,
    /// Asks that wait for their answer.
    pub(crate) asks: BTreeMap<AskId, OpenAsk>,
    /// Tasks in the order of the plan.
    pub(crate) tasks: Vec<TaskView>,
    /// The check that runs outside any task: the verdict on the final commit.
    pub(crate) verdict: Option<OpenCheck>,
    /// Money and tokens of the stage that ends next.
    pub(crate) stage_bill: Bill,
}

/// Tokens of asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) all: u64,
    pub(crate) cached: u64,
}

/// What a stage or a task came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bill {
    pub(crate) cost: MicroUsd,
    pub(crate) tokens: u64,
    pub(crate) asked: u32,
    pub(crate) cached: u32,
}

/// A stage under way.
#[derive(Debug, Clone)]
pub(crate) struct OpenStage {
    pub(crate) stage: Stage,
    pub(crate) phase: Option<u32>,
    pub(crate) began: Timestamp,
}

/// An ask under way.
#[derive(Debug, Clone)]
pub(crate) struct OpenAsk {
    pub(crate) task: Option<TaskId>,
    pub(crate) model: String,
    pub(crate) began: Timestamp,
    /// Why it is sent again, and when.
    pub(crate) retry: Option<(String, Timestamp)>,
}

/// A check under way.
#[derive(Debug, Clone)]
pub(crate) struct OpenCheck {
    pub(crate) name: String,
    pub(crate) command: String,
    pub(crate) began: Timestamp,
}

/// A task as its events tell it.
#[derive(Debug, Clone)]
pub(crate) struct TaskView {
    pub(crate) id: TaskId,
    pub(crate) title: String,
    pub(crate) depends_on: Vec<TaskId>,
    pub(crate) state: TaskState,
    pub(crate) began: Option<Timestamp>,
    pub(crate) attempts: u32,
    pub(crate) bill: Bill,
    /// Tests of the newest check that counted some, by its name.
    pub(crate) tests: BTreeMap<String, TestCounts>,
    pub(crate) files: usize,
    pub(crate) check: Option<OpenCheck>,
}

impl TaskView {
    fn new(id: TaskId, title: &str, depends_on: Vec<TaskId>, state: TaskState) -> Self {
        Self {
            id,
            title: plain(title),
            depends_on,
            state,
            began: None,
            attempts: 0,
            bill: Bill::default(),
            tests: BTreeMap::new(),
            files: 0,
            check: None,
        }
    }

    /// Tests its newest checks executed; a criterion may run the build step's tests once more.
    pub(crate) fn tests_executed(&self) -> u64 {
        self.tests
            .values()
            .map(TestCounts::executed)
            .max()
            .unwrap_or(0)
    }

    /// Whether somebody works on it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self.state,
            TaskState::Running | TaskState::Verifying | TaskState::Merging
        )
    }
}

impl Board {
    /// Goes on after what earlier invocations did: what they left open has ended with them.
    pub(crate) fn go_on(&mut self, run: &Run) {
        let tasks = std::mem::take(&mut self.tasks)
            .into_iter()
            .map(|task| TaskView {
                began: None,
                check: None,
                ..task
            })
            .collect();
        *self = Self {
            budget: run.budget.usd,
            spent: self.spent,
            tasks,
            ..Self::default()
        };
    }

    /// Tasks that are done.
    pub(crate) fn done(&self) -> usize {
        self.tasks
            .iter()
            .filter(|task| task.state == TaskState::Done)
            .count()
    }

    /// The task, where it was added.
    pub(crate) fn task(&self, id: &TaskId) -> Option<&TaskView> {
        self.tasks.iter().find(|task| task.id == *id)
    }

    pub(super) fn task_mut(&mut self, event: &Event) -> Option<&mut TaskView> {
        let id = event.task.as_ref()?;
        self.tasks.iter_mut().find(|task| task.id == *id)
    }

    pub(super) fn add_task(&mut self, event: &Event, title: &str, depends_on: &[TaskId]) {
        if let Some(id) = &event.task
            && self.task(id).is_none()
        {
            let view = TaskView::new(id.clone(), title, depends_on.to_vec(), TaskState::Pending);
            self.tasks.push(view);
        }
    }

    /// The plan was changed: what is dropped is no longer waited for.
    pub(super) fn plan_changed(&mut self, changes: &[TaskChange]) {
        let dropped = |task: &TaskView| {
            let mut changes = changes.iter();
            let gone =
                changes.any(|one| one.kind == TaskChangeKind::Dropped && one.task == task.id);
            gone && task.state != TaskState::Done
        };
        self.tasks.retain(|task| !dropped(task));
    }

    /// A task moved. Returns how long it took, counted from when it was first taken up.
    pub(super) fn task_moved(&mut self, event: &Event, to: TaskState) -> u64 {
        let at = event.at;
        if to == TaskState::Running {
            self.building_since.get_or_insert(at);
        }
        self.finished_now += usize::from(to == TaskState::Done);
        let Some(task) = self.task_mut(event) else {
            return 0;
        };
        task.state = to;
        match to {
            TaskState::Running => {
                task.began.get_or_insert(at);
            }
            TaskState::Pending | TaskState::Ready => task.began = None,
            TaskState::Verifying
            | TaskState::Merging
            | TaskState::Done
            | TaskState::Blocked
            | TaskState::Failed
            | TaskState::Cancelled
            | TaskState::Skipped
            | TaskState::Waived => {}
        }
        let took = task.began.map_or(0, |began| at.millis_since(began));
        if to == TaskState::Done {
            self.tests = task.tests_executed();
        }
        took
    }

    pub(super) fn ask_started(&mut self, event: &Event, ask: &AskId, model: &str) {
        let open = OpenAsk {
            task: event.task.clone(),
            model: plain(model),
            began: event.at,
            retry: None,
        };
        self.asks.insert(ask.clone(), open);
    }

    pub(super) fn ask_retried(&mut self, event: &Event, ask: &AskId, reason: &str, wait_ms: u64) {
        if let Some(open) = self.asks.get_mut(ask) {
            let wait = i64::try_from(wait_ms).unwrap_or(i64::MAX);
            let again = Timestamp::from_millis(event.at.millis().saturating_add(wait));
            open.retry = Some((plain(reason), again));
        }
    }

    pub(super) fn ask_ended(
        &mut self,
        event: &Event,
        ask: &AskId,
        cost: MicroUsd,
        answered: Option<(AskSource, Usage)>,
    ) {
        self.asks.remove(ask);
        self.spent = self.spent + cost;
        let cached = answered.is_some_and(|(source, _)| source.is_kept());
        let tokens = answered.map_or(0, |(_, usage)| usage.input + usage.output);
        self.tokens.all += tokens;
        self.tokens.cached += if cached { tokens } else { 0 };
        let bill = match self.task_mut(event) {
            Some(task) => &mut task.bill,
            None => &mut self.stage_bill,
        };
        bill.cost = bill.cost + cost;
        bill.tokens += if cached { 0 } else { tokens };
        bill.asked += 1;
        bill.cached += u32::from(cached);
    }

    pub(super) fn stage_started(&mut self, event: &Event, stage: Stage, phase: Option<u32>) {
        if self.stages.is_empty() {
            self.stage_bill = Bill::default();
        }
        self.stages.push(OpenStage {
            stage,
            phase,
            began: event.at,
        });
    }

    /// A stage ended. Returns how long it took and what it came to: of phases that were asked
    /// for at once, the last one tells it for all.
    pub(super) fn stage_finished(
        &mut self,
        event: &Event,
        stage: Stage,
        phase: Option<u32>,
    ) -> (u64, Option<Bill>) {
        let place = self
            .stages
            .iter()
            .position(|one| one.stage == stage && one.phase == phase);
        let took = place.map_or(0, |place| {
            event.at.millis_since(self.stages.remove(place).began)
        });
        let bill = self
            .stages
            .is_empty()
            .then(|| std::mem::take(&mut self.stage_bill));
        (took, bill)
    }

    pub(super) fn check_started(&mut self, event: &Event, name: &str, command: &str) {
        let open = OpenCheck {
            name: plain(name),
            command: plain(command),
            began: event.at,
        };
        match self.task_mut(event) {
            Some(task) => task.check = Some(open),
            None => self.verdict = Some(open),
        }
    }

    pub(super) fn check_finished(&mut self, event: &Event, name: &str, tests: Option<&TestCounts>) {
        match self.task_mut(event) {
            Some(task) => {
                task.check = None;
                // What runs before the edits shows only what is still to be done.
                if let Some(tests) = tests.filter(|_| task.state == TaskState::Verifying) {
                    task.tests.insert(name.to_owned(), tests.clone());
                }
            }
            None => self.verdict = None,
        }
    }
}
