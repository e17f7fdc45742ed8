//! Commands as other programs write them: one JSON object each, and nothing in it that is not known.

use atelier_engine::{Command, TaskCommand, acceptance_changed};
use atelier_keys::Action;
use atelier_model::{Bound, BudgetChange, Resource, Run, Task};
use atelier_store::TaskEdit;
use serde::{Deserialize, de::DeserializeOwned};

use super::Refused;

/// What is asked of a run.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum OfRun {
    Pause {
        #[serde(default)]
        now: bool,
        #[serde(default)]
        reason: String,
    },
    Cancel {
        #[serde(default)]
        reason: String,
    },
    Budget(Amounts),
    Approve {
        subject: String,
        #[serde(default)]
        reason: String,
    },
    Reject {
        subject: String,
        #[serde(default)]
        reason: String,
    },
    Resume {},
}

/// What is asked of a task.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum OfTask {
    Retry {
        #[serde(default)]
        model: Option<String>,
        #[serde(default)]
        from_here: bool,
    },
    Skip {
        #[serde(default)]
        reason: String,
    },
    Waive {
        reason: String,
    },
    Cancel {
        #[serde(default)]
        reason: String,
    },
    Edit {
        #[serde(default)]
        title: Option<String>,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        accept: Vec<String>,
        #[serde(default)]
        drop: Vec<String>,
        #[serde(default)]
        priority: Option<i32>,
        #[serde(default)]
        budget: Amounts,
        #[serde(default)]
        reason: String,
    },
}

/// A budget, as `--budget` and its like take it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Amounts {
    usd: Option<String>,
    tokens: Option<String>,
    calls: Option<String>,
    wall: Option<String>,
}

impl Amounts {
    fn change(&self) -> Result<BudgetChange, Refused> {
        let bound = |resource: Resource, text: &Option<String>| {
            let Some(text) = text else {
                return Ok(None);
            };
            let bound = Bound::from_text(resource, text);
            bound.map(Some).ok_or_else(|| {
                let (name, such) = (resource.name(), resource.example());
                refused(&format!("`{name}` is written as {such}"))
            })
        };
        Ok(BudgetChange {
            usd: bound(Resource::Usd, &self.usd)?,
            tokens: bound(Resource::Tokens, &self.tokens)?,
            calls: bound(Resource::Calls, &self.calls)?,
            wall_ms: bound(Resource::Wall, &self.wall)?,
        })
    }
}

/// The word of a command, and the command.
type Asked = (&'static str, Command);

/// Reads what is asked of a run.
pub(super) fn of_run(body: &[u8], run: &Run) -> Result<Asked, Refused> {
    Ok(match read(body)? {
        OfRun::Pause { now, reason } => ("pause", Command::Pause { now, reason }),
        OfRun::Cancel { reason } => ("cancel", Command::Cancel { reason }),
        OfRun::Budget(amounts) => {
            let change = amounts.change()?;
            if change.is_none() {
                return Err(refused("name one of usd, tokens, calls and wall"));
            }
            ("budget", Command::Budget(change))
        }
        OfRun::Approve { subject, reason } => ("approve", answer(subject, true, reason)),
        OfRun::Reject { subject, reason } => ("reject", answer(subject, false, reason)),
        OfRun::Resume {} => {
            let id = &run.id;
            let said = format!(
                "failed to resume run {id}: somebody has to work on it: atelier resume {id}"
            );
            return Err((409, said));
        }
    })
}

/// Reads what is asked of a task.
pub(super) fn of_task(body: &[u8], task: &Task) -> Result<Asked, Refused> {
    let (word, command) = match read(body)? {
        OfTask::Retry { model, from_here } => ("retry", TaskCommand::Retry { model, from_here }),
        OfTask::Skip { reason } => ("skip", TaskCommand::Skip { reason }),
        OfTask::Waive { reason } => ("waive", TaskCommand::Waive { reason }),
        OfTask::Cancel { reason } => ("cancel", TaskCommand::Cancel { reason }),
        OfTask::Edit {
            title,
            description,
            accept,
            drop,
            priority,
            budget,
            reason,
        } => {
            let edit = Box::new(TaskEdit {
                title,
                description,
                acceptance: acceptance(task, &drop, &accept)?,
                priority,
                budget: budget.change()?,
            });
            ("edit", TaskCommand::Edit { edit, reason })
        }
    };
    Ok((word, Command::Task(task.id.clone(), command)))
}

fn acceptance(
    task: &Task,
    dropped: &[String],
    accept: &[String],
) -> Result<Option<Vec<atelier_model::Acceptance>>, Refused> {
    let mut commands = Vec::new();
    for command in accept {
        let words = shell_words::split(command).ok();
        let words = words.filter(|words| !words.is_empty());
        commands.push(words.ok_or_else(|| {
            refused(&format!("`{command}` is empty, or its quotes do not close"))
        })?);
    }
    acceptance_changed(task, dropped, commands).map_err(|error| (404, format!("failed to {error}")))
}

/// What somebody must be trusted with to ask for it: who takes a condition away decides.
pub(super) fn needed(command: &Command) -> Action {
    let decides = match command {
        Command::Answer { .. } | Command::Task(_, TaskCommand::Waive { .. }) => true,
        Command::Task(_, TaskCommand::Edit { edit, .. }) => edit.acceptance.is_some(),
        Command::Pause { .. }
        | Command::Cancel { .. }
        | Command::Budget(_)
        | Command::Task(
            _,
            TaskCommand::Retry { .. } | TaskCommand::Skip { .. } | TaskCommand::Cancel { .. },
        ) => false,
    };
    if decides {
        Action::Approve
    } else {
        Action::SteerRuns
    }
}

/// Whether a task is to begin anew.
pub(super) fn is_retry(command: &Command) -> bool {
    matches!(command, Command::Task(_, TaskCommand::Retry { .. }))
}

fn answer(subject: String, approved: bool, reason: String) -> Command {
    // A task may also be named by its number alone.
    let is_number = subject.starts_with(|first: char| first.is_ascii_digit());
    Command::Answer {
        subject: if is_number {
            format!("t{subject}")
        } else {
            subject
        },
        approved,
        reason,
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| refused(&error.to_string()))
}

fn refused(why: &str) -> Refused {
    (400, format!("the command is not understood: {why}"))
}
