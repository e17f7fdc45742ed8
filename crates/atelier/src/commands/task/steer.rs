//! `atelier task skip`, `cancel`, `edit`: what a person wants of one task.

use atelier_engine::{Command, NoCriterion, Obeyed, TaskCommand, acceptance_changed, obey};
use atelier_model::{Run, Task};
use atelier_store::{Store, TaskEdit};
use clap::Args;

use super::{
    super::{
        control::{now, said},
        select, show,
        status::word,
    },
    form::{self, Form},
};
use crate::{
    app::Place,
    cli::{Global, LimitOptions},
    cli_error::CliError,
    ui::Ui,
};

/// A task that is left out.
#[derive(Debug, Args)]
pub(crate) struct SkipArgs {
    /// The task, such as t2.3
    #[arg(value_name = "TASK")]
    pub(crate) task: String,

    /// Do without its acceptance: what depends on it goes on, and the run can be verified without it
    #[arg(long, requires = "reason")]
    pub(crate) waive: bool,

    /// Why; it stands in the log and in the report
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

/// A task that is given up.
#[derive(Debug, Args)]
pub(crate) struct TaskCancelArgs {
    /// The task, such as t2.3
    #[arg(value_name = "TASK")]
    pub(crate) task: String,

    /// Why; it stands in the log
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

/// A task that is changed.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// The task, such as t2.3
    #[arg(value_name = "TASK")]
    pub(crate) task: String,

    /// Another title
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,

    /// Other words for what to do
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,

    /// A command more that proves it, such as "cargo test"; may be given several times
    #[arg(long = "accept", value_name = "COMMAND")]
    pub(crate) accept: Vec<String>,

    /// A criterion to take away, such as A2; needs --reason; may be given several times
    #[arg(long = "drop", value_name = "ID")]
    pub(crate) dropped: Vec<String>,

    /// Higher goes first among ready tasks
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,

    #[command(flatten)]
    pub(crate) limits: LimitOptions,

    /// Print the task as the form that `--from` reads, and change nothing
    #[arg(long, conflicts_with = "from")]
    pub(crate) form: bool,

    /// Take the whole task from a form in this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<std::path::PathBuf>,

    /// Why; it stands in the log
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

pub(crate) async fn skip(global: &Global, args: &SkipArgs, ui: &Ui) -> Result<u8, CliError> {
    let reason = args.reason.clone();
    let command = if args.waive {
        TaskCommand::Waive { reason }
    } else {
        TaskCommand::Skip { reason }
    };
    leave_out(global, (args.run.as_deref(), &args.task), command, ui).await
}

pub(crate) async fn cancel(
    global: &Global,
    args: &TaskCancelArgs,
    ui: &Ui,
) -> Result<u8, CliError> {
    let reason = args.reason.clone();
    let command = TaskCommand::Cancel { reason };
    leave_out(global, (args.run.as_deref(), &args.task), command, ui).await
}

async fn leave_out(
    global: &Global,
    (run, task): (Option<&str>, &str),
    command: TaskCommand,
    ui: &Ui,
) -> Result<u8, CliError> {
    let store = Place::find(global)?.store().await?;
    let (run, task) = find(&store, run, task).await?;
    let command = Command::Task(task.id.clone(), command);
    let text = match obey(&store, &run.id, &command, now()).await? {
        Obeyed::Left { state, waiting } if !waiting.is_empty() => {
            let waiting: Vec<String> = waiting.iter().map(ToString::to_string).collect();
            format!(
                "{} is {}; what depends on it waits: {}",
                task.id,
                word(state),
                waiting.join(", ")
            )
        }
        Obeyed::Left { state, .. } => format!("{} is {}", task.id, word(state)),
        Obeyed::Done | Obeyed::NobodyWorked | Obeyed::Again(_) | Obeyed::Answered(_) => {
            task.id.to_string()
        }
    };
    Ok(said(ui, &run, "task", &text))
}

pub(crate) async fn edit(global: &Global, args: &EditArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = Place::find(global)?.store().await?;
    let (run, task) = find(&store, args.run.as_deref(), &args.task).await?;
    let terms = store.task_terms(&run.id, &task.id).await?;
    let shown = Form::of(&task, terms.budget);
    if args.form {
        ui.out(shown.text()?.trim_end());
        return Ok(0);
    }
    let (edit, reason) = match &args.from {
        Some(path) => form::read(path)?.edit(&shown)?,
        None if args.is_empty() => form::in_editor(&shown)?.edit(&shown)?,
        None => (by_flags(args, &task)?, String::new()),
    };
    let reason = if args.reason.is_empty() {
        reason
    } else {
        args.reason.clone()
    };
    let fields = edit.fields().join(", ");
    let command = TaskCommand::Edit {
        edit: Box::new(edit),
        reason,
    };
    let command = Command::Task(task.id.clone(), command);
    let text = match obey(&store, &run.id, &command, now()).await? {
        Obeyed::Again(again) => {
            let again: Vec<String> = again.iter().map(ToString::to_string).collect();
            format!(
                "{}: changed {fields}; it was done, and begins anew: {}",
                task.id,
                again.join(", ")
            )
        }
        Obeyed::Done | Obeyed::NobodyWorked | Obeyed::Left { .. } | Obeyed::Answered(_) => {
            format!("{}: changed {fields}", task.id)
        }
    };
    Ok(said(ui, &run, "task", &text))
}

impl EditArgs {
    /// Whether nothing was said of what is to be changed.
    fn is_empty(&self) -> bool {
        self.title.is_none()
            && self.description.is_none()
            && self.accept.is_empty()
            && self.dropped.is_empty()
            && self.priority.is_none()
            && self.limits.is_empty()
    }
}

fn by_flags(args: &EditArgs, task: &Task) -> Result<TaskEdit, CliError> {
    let commands = args.accept.iter().map(|command| super::words(command));
    let commands = commands.collect::<Result<Vec<_>, _>>()?;
    let acceptance = acceptance_changed(task, &args.dropped, commands);
    let acceptance = acceptance.map_err(|NoCriterion { id, known }| CliError::NotFound {
        what: "a criterion",
        name: id,
        known,
    })?;
    Ok(TaskEdit {
        title: args.title.clone(),
        description: args.description.clone(),
        acceptance,
        priority: args.priority,
        budget: args.limits.change()?,
    })
}

async fn find(store: &Store, run: Option<&str>, task: &str) -> Result<(Run, Task), CliError> {
    let run = select::run(store, run).await?;
    let tasks = store.task_list(&run.id).await?;
    let task = show::find(&tasks, task)?.clone();
    Ok((run, task))
}
