//! What a person asks of runs and tasks, as one typed command each: from a terminal or a server.
//!
//! A command changes the store and nothing else; processes that work on the run see it there and obey
//! within a second.

mod criteria;

use atelier_model::{BudgetChange, Run, RunId, RunStatus, TaskFact, TaskId, TaskState, Timestamp};
use atelier_store::{
    AnsweredQuestion, ControlError, QuestionKind, Rest, Store, StoreError, TaskEdit,
};

pub use criteria::{NoCriterion, acceptance_changed};

/// Something a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Whoever works on a run comes to rest; `resume` goes on.
    Pause {
        /// Not even answers under way are awaited.
        now: bool,
        /// Why.
        reason: String,
    },
    /// The run ends for good; what is finished stays on its branch.
    Cancel {
        /// Why.
        reason: String,
    },
    /// The run may use up more, or less.
    Budget(BudgetChange),
    /// A question is answered.
    Answer {
        /// What it is about: `plan`, or a task's id.
        subject: String,
        /// Yes or no.
        approved: bool,
        /// What is said beside; after a no it is fed back.
        reason: String,
    },
    /// Something about one task.
    Task(TaskId, TaskCommand),
}

/// Something a person asks for one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskCommand {
    /// Another round of attempts.
    Retry {
        /// By this model.
        model: Option<String>,
        /// With all that depends on it and was begun already.
        from_here: bool,
    },
    /// It is left out: what depends on it waits, and the run is not verified.
    Skip {
        /// Why.
        reason: String,
    },
    /// It is done without: its acceptance counts no more, for a reason.
    Waive {
        /// Why; it may not be empty.
        reason: String,
    },
    /// It is given up.
    Cancel {
        /// Why.
        reason: String,
    },
    /// It is changed.
    Edit {
        /// How.
        edit: Box<TaskEdit>,
        /// Why; needed where acceptance is taken away.
        reason: String,
    },
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obeyed {
    /// It stands in the store.
    Done,
    /// Nobody worked on the run, and nobody has to stop.
    NobodyWorked,
    /// The tasks that begin anew.
    Again(Vec<TaskId>),
    /// The state a task came to, and the tasks that now wait for it in vain.
    Left {
        /// The state.
        state: TaskState,
        /// Who waits.
        waiting: Vec<TaskId>,
    },
    /// What was answered.
    Answered(Vec<QuestionKind>),
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The run is over.
    #[error("{command} run {run}: it is {status}")]
    Over {
        /// The command.
        command: &'static str,
        /// The run.
        run: RunId,
        /// Where it stands.
        status: &'static str,
    },
    /// The task is in no state for that.
    #[error("{command} task {task}: it is {state}")]
    Task {
        /// The command.
        command: &'static str,
        /// The task.
        task: TaskId,
        /// Where it stands.
        state: &'static str,
    },
    /// A reason must be given.
    #[error("{0} without a reason")]
    NoReason(&'static str),
    /// Nothing is changed.
    #[error("edit task {0}: nothing is to be changed")]
    NoChange(TaskId),
    /// The store does not take it.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Control(error.into())
    }
}

impl CommandError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Over { .. } => {
                "see `atelier status --all`; a run that was cancelled is taken up again by its name: \
                 `atelier resume RUN`; one that is done is changed by `atelier change`"
            }
            Self::Task { .. } => {
                "see `atelier status`; what is done is changed by `atelier change` or begins anew by \
                 `atelier task retry TASK --from-here`; what was left out, by `atelier task retry TASK`"
            }
            Self::NoReason(_) => "say why with --reason TEXT: it is kept on record",
            Self::NoChange(_) => "name what is to be changed; see `atelier task edit --help`",
            Self::Control(ControlError::NoQuestion { .. }) => {
                "see what waits with `atelier status`"
            }
            Self::Control(ControlError::Remarks) => "begin a new run with other words",
            Self::Control(ControlError::Store(_)) => "see `atelier status`",
        }
    }

    /// Whether the state could not be used, rather than not allowing the command.
    pub fn is_internal(&self) -> bool {
        match self {
            Self::Control(ControlError::Store(error)) => !matches!(error, StoreError::Refused(_)),
            Self::Over { .. }
            | Self::Task { .. }
            | Self::NoReason(_)
            | Self::NoChange(_)
            | Self::Control(ControlError::NoQuestion { .. } | ControlError::Remarks) => false,
        }
    }
}

/// Carries a command out.
pub async fn obey(
    store: &Store,
    run: &RunId,
    command: &Command,
    at: Timestamp,
) -> Result<Obeyed, CommandError> {
    let run = store.run_fetch(run).await?;
    match command {
        Command::Pause { now, reason } => pause(store, &run, (*now, reason), at).await,
        Command::Cancel { reason } => {
            if matches!(run.status, RunStatus::Done | RunStatus::Cancelled) {
                return Err(over("cancel", &run));
            }
            store.run_cancel(&run.id, reason, at).await?;
            Ok(Obeyed::Done)
        }
        Command::Budget(change) => {
            store.run_budget_change(&run.id, *change, at).await?;
            Ok(Obeyed::Done)
        }
        Command::Answer {
            subject,
            approved,
            reason,
        } => {
            let answer = AnsweredQuestion {
                approved: *approved,
                reason: reason.trim().to_owned(),
            };
            let answered = store.question_answer(&run.id, subject, &answer, at).await?;
            Ok(Obeyed::Answered(answered))
        }
        Command::Task(task, command) => of_task(store, &run, (task, command), at).await,
    }
}

async fn pause(
    store: &Store,
    run: &Run,
    (now, reason): (bool, &str),
    at: Timestamp,
) -> Result<Obeyed, CommandError> {
    match run.status {
        RunStatus::Planning | RunStatus::Running | RunStatus::Verifying => {}
        RunStatus::Planned | RunStatus::Stopped => return Ok(Obeyed::NobodyWorked),
        RunStatus::Done | RunStatus::Cancelled => return Err(over("pause", run)),
    }
    let rest = if now { Rest::PauseNow } else { Rest::Pause };
    store.run_rest(&run.id, rest, reason, at).await?;
    Ok(Obeyed::Done)
}

async fn of_task(
    store: &Store,
    run: &Run,
    (id, command): (&TaskId, &TaskCommand),
    at: Timestamp,
) -> Result<Obeyed, CommandError> {
    let (run, is_over) = (&run.id, run.status == RunStatus::Done);
    let task = store.task_fetch(run, id).await?;
    let refused = |command: &'static str| {
        let id = id.clone();
        move |error: StoreError| {
            if !matches!(error, StoreError::Refused(_)) {
                return error.into();
            }
            CommandError::Task {
                command,
                task: id,
                state: word(task.state),
            }
        }
    };
    match command {
        TaskCommand::Retry { model, from_here } => {
            let how = (*from_here, model.as_deref());
            let again = store.task_retry(run, id, how, at).await;
            Ok(Obeyed::Again(again.map_err(refused("retry"))?))
        }
        TaskCommand::Skip { reason } => {
            let left = leave(store, run, id, (TaskFact::SkipAsked, reason), at).await;
            left.map_err(refused("skip"))
        }
        TaskCommand::Waive { reason } if reason.trim().is_empty() => {
            Err(CommandError::NoReason("do without a task's acceptance"))
        }
        TaskCommand::Waive { reason } => {
            let left = leave(store, run, id, (TaskFact::WaiveAsked, reason), at).await;
            left.map_err(refused("waive"))
        }
        TaskCommand::Cancel { reason } => {
            let left = leave(store, run, id, (TaskFact::CancelAsked, reason), at).await;
            left.map_err(refused("cancel"))
        }
        TaskCommand::Edit { edit, reason } => {
            if edit.fields().is_empty() {
                return Err(CommandError::NoChange(id.clone()));
            }
            if is_over {
                // The run would have to be opened again, on what the user has now.
                return Err(CommandError::Task {
                    command: "edit",
                    task: id.clone(),
                    state: word(task.state),
                });
            }
            let kept = |accepted: &Vec<_>| task.acceptance.iter().all(|one| accepted.contains(one));
            let loses = edit.acceptance.as_ref().is_some_and(|new| !kept(new));
            if loses && reason.trim().is_empty() {
                return Err(CommandError::NoReason("take a task's acceptance away"));
            }
            let edited = store.task_edit(run, id, (edit, reason), at).await;
            let again = edited.map_err(refused("edit"))?;
            Ok(if again.is_empty() {
                Obeyed::Done
            } else {
                Obeyed::Again(again)
            })
        }
    }
}

async fn leave(
    store: &Store,
    run: &RunId,
    task: &TaskId,
    (fact, reason): (TaskFact, &str),
    at: Timestamp,
) -> Result<Obeyed, StoreError> {
    let because = if reason.trim().is_empty() {
        "by a person"
    } else {
        reason.trim()
    };
    let state = store.task_leave_out(run, task, (fact, because), at).await?;
    let waiting = if state == TaskState::Waived {
        Vec::new()
    } else {
        store.task_dependents(run, task).await?
    };
    Ok(Obeyed::Left { state, waiting })
}

fn over(command: &'static str, run: &Run) -> CommandError {
    CommandError::Over {
        command,
        run: run.id.clone(),
        status: match run.status {
            RunStatus::Planning => "planning",
            RunStatus::Planned => "planned",
            RunStatus::Running => "running",
            RunStatus::Verifying => "verifying",
            RunStatus::Done => "done",
            RunStatus::Stopped => "stopped",
            RunStatus::Cancelled => "cancelled",
        },
    }
}

fn word(state: TaskState) -> &'static str {
    match state {
        TaskState::Pending => "pending",
        TaskState::Ready => "ready",
        TaskState::Running => "running",
        TaskState::Verifying => "verifying",
        TaskState::Merging => "merging: it is done in a moment",
        TaskState::Done => "done",
        TaskState::Blocked => "blocked",
        TaskState::Failed => "failed",
        TaskState::Cancelled => "cancelled",
        TaskState::Skipped => "skipped",
        TaskState::Waived => "waived",
    }
}

/// A run as its stages are asked for it: with what a person said against earlier plans.
pub(crate) fn with_remarks(run: &Run, remarks: &[String]) -> Run {
    let mut asked = run.clone();
    if !remarks.is_empty() {
        asked
            .requirement
            .push_str("\n\nRead before, an earlier plan was sent back; mend this:\n");
        for remark in remarks {
            asked.requirement.extend(["- ", remark, "\n"]);
        }
    }
    asked
}

/// What is to be done, with what a person said against earlier tries.
pub(crate) fn remarked(description: &str, remarks: &[String]) -> String {
    if remarks.is_empty() {
        return description.to_owned();
    }
    let remarks: Vec<String> = remarks.iter().map(|one| format!("- {one}")).collect();
    format!(
        "{description}\n\nA person who read this adds:\n{}",
        remarks.join("\n")
    )
}
