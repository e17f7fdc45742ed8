//! The runs of a project over HTTP: where they stand, and what somebody wants of them.

mod asked;

use std::sync::Arc;

use atelier_engine::{
    Command, CommandError, ConfiguredBudgets, Obeyed, event_document, obey, overview, run_document,
};
use atelier_keys::Action;
use atelier_model::{AuditFact, Clock, Run, RunId, RunStatus, Task, TaskId, Timestamp};
use atelier_store::{ControlError, Store, StoreError};
use serde_json::{Value, json};

use crate::request::RunsWanted;

/// The name of the newest run.
const NEWEST: &str = "newest";
/// Runs of one answer.
const RUNS_MAX: u32 = 50;
/// Events of one answer.
const EVENTS_MAX: u32 = 500;
/// Tasks of one answer.
const TASKS_MAX: usize = 1_000;
/// Bytes of a command.
const COMMAND_BYTES_MAX: usize = 64 << 10;

/// The runs of the project in which a gateway was started.
#[derive(Clone)]
pub struct Runs {
    store: Store,
    configured: ConfiguredBudgets,
    clock: Arc<dyn Clock>,
}

/// A status, and why.
pub(crate) type Refused = (u16, String);

/// What somebody may do, or who they are that may not.
pub(crate) type May<'m> = &'m (dyn Fn(Action) -> Result<(), Refused> + Sync);

/// What came of a command, and what the audit log is to say of it.
pub(crate) struct Steered {
    pub(crate) answer: Value,
    pub(crate) fact: AuditFact,
}

impl Runs {
    /// The runs in a store, with the budgets that are configured for their stages and tasks.
    pub fn new(store: Store, configured: ConfiguredBudgets, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            configured,
            clock,
        }
    }

    /// Tells where runs stand.
    pub(crate) async fn see(&self, wanted: &RunsWanted, query: &str) -> Result<Value, Refused> {
        match wanted {
            RunsWanted::List => self.list().await,
            RunsWanted::See(named) | RunsWanted::Steer(named, _) => self.one(named).await,
            RunsWanted::Events(named) => self.events(named, query).await,
        }
    }

    async fn list(&self) -> Result<Value, Refused> {
        let mut listed = Vec::new();
        for run in self
            .store
            .run_list(RUNS_MAX)
            .await
            .map_err(|error| failed(&error))?
        {
            listed.push(
                run_document(&self.store, &run)
                    .await
                    .map_err(|error| failed(&error))?,
            );
        }
        Ok(json!({"data": listed}))
    }

    async fn one(&self, named: &str) -> Result<Value, Refused> {
        let run = self.find(named).await?;
        let (store, now) = (&self.store, self.clock.now());
        let mut all = overview(store, &run, &self.configured, now)
            .await
            .map_err(|error| failed(&error))?;
        let counts = store
            .task_counts(&run.id)
            .await
            .map_err(|error| failed(&error))?;
        all.tasks.truncate(TASKS_MAX);
        let mut answer = all.run;
        answer["budgets"] = json!(all.budgets);
        answer["forecast"] = json!(all.forecast);
        answer["task_counts"] = json!(counts);
        answer["tasks"] = json!(all.tasks);
        answer["questions"] = json!(all.questions);
        Ok(answer)
    }

    async fn events(&self, named: &str, query: &str) -> Result<Value, Refused> {
        let after = after(query)?;
        let run = self.find(named).await?;
        let page = self.store.event_list_run(&run.id, after, EVENTS_MAX);
        let page = page.await.map_err(|error| failed(&error))?;
        let last = page.last().map_or(after, |event| event.seq);
        let events: Vec<Value> = page.iter().map(event_document).collect();
        Ok(json!({"data": events, "last": last}))
    }

    /// Does what somebody asks of a run, or of one of its tasks.
    pub(crate) async fn steer(
        &self,
        (named, task): (&str, Option<&str>),
        body: &[u8],
        may: May<'_>,
    ) -> Result<Steered, Refused> {
        if body.len() > COMMAND_BYTES_MAX {
            return Err((413, "the command is larger than one can be".to_owned()));
        }
        let run = self.find(named).await?;
        let (word, command) = match task {
            None => asked::of_run(body, &run)?,
            Some(named) => {
                let task = self.find_task(&run, named).await?;
                asked::of_task(body, &task)?
            }
        };
        may(asked::needed(&command))?;
        let now = self.clock.now();
        let obeyed = self.obeyed(&run, &command, now).await;
        let obeyed = obeyed.map_err(|error| disobeyed(&error))?;
        let task = match &command {
            Command::Task(task, _) => Some(task.clone()),
            Command::Pause { .. }
            | Command::Cancel { .. }
            | Command::Budget(_)
            | Command::Answer { .. } => None,
        };
        Ok(Steered {
            answer: told((&run.id, task.as_ref()), word, &obeyed),
            fact: AuditFact::RunSteered {
                run: run.id,
                task,
                command: word.to_owned(),
            },
        })
    }

    async fn obeyed(
        &self,
        run: &Run,
        command: &Command,
        now: Timestamp,
    ) -> Result<Obeyed, CommandError> {
        let is_retry = asked::is_retry(command);
        let over = match run.status {
            RunStatus::Done => "done",
            RunStatus::Cancelled => "cancelled",
            RunStatus::Planning
            | RunStatus::Planned
            | RunStatus::Running
            | RunStatus::Verifying
            | RunStatus::Stopped => "",
        };
        if is_retry && !over.is_empty() {
            return Err(CommandError::Over {
                command: "retry a task of",
                run: run.id.clone(),
                status: over,
            });
        }
        obey(&self.store, &run.id, command, now).await
    }

    /// The run whose id begins so, or the newest.
    async fn find(&self, named: &str) -> Result<Run, Refused> {
        let found = if named == NEWEST {
            self.store.run_list(1).await
        } else {
            self.store.run_find(named).await
        };
        let mut found = found.map_err(|error| failed(&error))?;
        match found.len() {
            0 => Err((404, format!("there is no run `{named}`"))),
            1 => Ok(found.remove(0)),
            several => Err((409, format!("{several} runs begin with `{named}`"))),
        }
    }

    /// The task of that id or number.
    async fn find_task(&self, run: &Run, named: &str) -> Result<Task, Refused> {
        let tasks = self
            .store
            .task_list(&run.id)
            .await
            .map_err(|error| failed(&error))?;
        let (id, number) = (TaskId::from_text(named), named.trim_start_matches('t'));
        let mut tasks = tasks.into_iter();
        let found = tasks.find(|task| task.id == id || task.step.as_deref() == Some(number));
        found.ok_or_else(|| (404, format!("run {} has no task `{named}`", run.id)))
    }
}

/// The number after which events are wanted.
fn after(query: &str) -> Result<u64, Refused> {
    let mut pairs = query.split('&');
    let after = pairs.find_map(|pair| pair.strip_prefix("after="));
    let Some(text) = after else {
        return Ok(0);
    };
    text.parse()
        .map_err(|_| (400, "`after` is the number of an event".to_owned()))
}

/// What came of a command, in the form that the terminal prints.
fn told((run, task): (&RunId, Option<&TaskId>), word: &str, obeyed: &Obeyed) -> Value {
    let mut answer = json!({"v": 1, "type": "control", "run": run, "command": word});
    if let Some(task) = task {
        answer["task"] = json!(task);
    }
    answer["said"] = match obeyed {
        Obeyed::Done => "it stands in the state; whoever works on the run obeys".into(),
        Obeyed::NobodyWorked => "nobody works on it: it rests already".into(),
        Obeyed::Again(tasks) => {
            answer["again"] = json!(tasks);
            "these tasks begin anew; go on with: atelier resume".into()
        }
        Obeyed::Left { state, waiting } => {
            answer["state"] = json!(state);
            answer["waiting"] = json!(waiting);
            if waiting.is_empty() {
                "the task is left out".into()
            } else {
                "the task is left out; what depends on it waits".into()
            }
        }
        Obeyed::Answered(_) => "answered; go on with: atelier resume".into(),
    };
    answer
}

fn disobeyed(error: &CommandError) -> Refused {
    if let CommandError::Control(ControlError::Store(store)) = error
        && error.is_internal()
    {
        return failed(store);
    }
    let text = format!("failed to {error}: {}", error.hint());
    (409, text)
}

/// A refusal of the state itself.
fn failed(error: &StoreError) -> Refused {
    (status(error), format!("failed to {error}"))
}

fn status(error: &StoreError) -> u16 {
    match error {
        StoreError::Missing { .. } => 404,
        StoreError::Refused(_) => 409,
        StoreError::Busy(_) => 503,
        StoreError::Full(_)
        | StoreError::Corrupt { .. }
        | StoreError::Stale { .. }
        | StoreError::TrunkMoved { .. }
        | StoreError::TooLarge { .. }
        | StoreError::Sealed { .. }
        | StoreError::Database(_) => 500,
    }
}
