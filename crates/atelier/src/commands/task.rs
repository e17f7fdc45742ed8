//! `atelier task`: add, list, show, retry, execute; skip, cancel and edit are in `steer.rs`.

mod form;
mod steer;

use atelier_engine::{
    Command, CommandError, NewTask, Obeyed, Overrides, TaskCommand as TaskSteer, obey, task_add,
    task_sync,
};
use atelier_model::{Run, RunStatus, Task, TaskId, TaskSource, TaskState};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    drive::{self, Work},
    select, show, status,
};
use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    ui::Ui,
};

/// Add, list, show, retry or execute tasks
#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// Add a task of your own: to the newest run, also a finished one, or as a run of its own
    Add(TaskAddArgs),
    /// List the tasks of a run with their states
    List(TaskListArgs),
    /// Show a task with its attempts and evidence
    Show(TaskNamed),
    /// Give a task another round of attempts, also with another model, and go on
    Retry(RetryArgs),
    /// Leave a task out: what depends on it waits, and the run is not verified without it
    Skip(steer::SkipArgs),
    /// Give a task up
    Cancel(steer::TaskCancelArgs),
    /// Change a task: title, description, acceptance, priority, budget; in $EDITOR without flags
    Edit(steer::EditArgs),
    /// Make tasks of the proposals that were ticked in `.codex/PROPOSED-TASKS.md` and committed
    Sync(SyncArgs),
    /// Execute one task and what it depends on
    Execute(TaskNamed),
}

/// A new task.
#[derive(Debug, Args)]
pub(crate) struct TaskAddArgs {
    /// What to do
    #[arg(value_name = "TEXT", required = true)]
    pub(crate) text: Vec<String>,

    /// A path it will write; may be given several times
    #[arg(long = "output", value_name = "PATH")]
    pub(crate) outputs: Vec<String>,

    /// A command that proves it, such as "cargo test"; may be given several times
    #[arg(long = "accept", value_name = "COMMAND")]
    pub(crate) accept: Vec<String>,

    /// The agent that does it; the one that takes its files if left out
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,

    /// Higher goes first among ready tasks
    #[arg(long, default_value_t = 10, allow_negative_numbers = true)]
    pub(crate) priority: i32,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// Whose tasks.
#[derive(Debug, Args)]
pub(crate) struct TaskListArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
}

/// One task.
#[derive(Debug, Args)]
pub(crate) struct TaskNamed {
    /// The task, such as t2.3
    #[arg(value_name = "TASK")]
    pub(crate) task: String,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// Whose proposals.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// A task that begins anew.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) named: TaskNamed,

    /// With all that depends on it and was begun already
    #[arg(long)]
    pub(crate) from_here: bool,
}

pub(crate) async fn run(global: &Global, command: &TaskCommand, ui: &Ui) -> Result<u8, CliError> {
    match command {
        TaskCommand::Add(args) => add(global, args, ui).await,
        TaskCommand::List(args) => {
            let args = status::StatusArgs {
                run: args.run.clone(),
                all: false,
            };
            status::run(global, &args, ui).await
        }
        TaskCommand::Show(named) => {
            let args = show::ShowArgs {
                what: named.task.clone(),
                run: named.run.clone(),
            };
            show::run(global, &args, ui).await
        }
        TaskCommand::Retry(args) => Box::pin(retry(global, args, ui)).await,
        TaskCommand::Skip(args) => steer::skip(global, args, ui).await,
        TaskCommand::Cancel(args) => steer::cancel(global, args, ui).await,
        TaskCommand::Edit(args) => steer::edit(global, args, ui).await,
        TaskCommand::Sync(args) => Box::pin(sync(global, args, ui)).await,
        TaskCommand::Execute(named) => Box::pin(execute(global, named, ui)).await,
    }
}

async fn add(global: &Global, args: &TaskAddArgs, ui: &Ui) -> Result<u8, CliError> {
    let mut checks = Vec::new();
    for command in &args.accept {
        checks.push(words(command)?);
    }
    let (ctx, _) = drive::open(global, &args.options, ui).await?;
    let new = NewTask {
        title: args.text.join(" "),
        description: String::new(),
        outputs: args.outputs.clone(),
        checks,
        priority: args.priority,
        agent: args.agent.clone(),
        source: TaskSource::User,
    };
    let (run, id) = task_add(&ctx, &new).await?;
    ui.out(&format!("{id} of run {run}"));
    ui.status(&format!("  execute it with: atelier task execute {id}"));
    Ok(0)
}

async fn sync(global: &Global, args: &SyncArgs, ui: &Ui) -> Result<u8, CliError> {
    let (ctx, _) = drive::open(global, &args.options, ui).await?;
    let synced = task_sync(&ctx).await?;
    let run = synced.run.as_ref().map(ToString::to_string);
    if ui.is_json() {
        let tasks: Vec<String> = synced.tasks.iter().map(ToString::to_string).collect();
        let line = json!({
            "v": 1, "type": "synced", "run": run, "tasks": tasks, "waiting": synced.waiting,
        });
        ui.out(&line.to_string());
        return Ok(0);
    }
    let Some(run) = run else {
        ui.status(
            "  no proposal is ticked that is not a task already; only what is committed is read",
        );
        return Ok(0);
    };
    for task in &synced.tasks {
        ui.out(&format!("{task} of run {run}"));
    }
    if synced.waiting > 0 {
        let waiting = synced.waiting;
        ui.status(&format!(
            "  {waiting} more become tasks when run {run} is executed"
        ));
    }
    ui.status("  execute them with: atelier resume");
    Ok(0)
}

/// A command line as its words.
fn words(command: &str) -> Result<Vec<String>, CliError> {
    let words = shell_words::split(command).ok();
    words.filter(|words| !words.is_empty()).ok_or_else(|| {
        CliError::Usage(format!(
            "read `{command}`: it is empty, or its quotes do not close"
        ))
    })
}

async fn retry(global: &Global, args: &RetryArgs, ui: &Ui) -> Result<u8, CliError> {
    let named = &args.named;
    let (run, id) = {
        let store = Place::find(global)?.store().await?;
        let run = select::run(&store, named.run.as_deref()).await?;
        let tasks = store.task_list(&run.id).await?;
        let task = show::find(&tasks, &named.task)?;
        retryable(&run, task, args.from_here)?;
        (run.id, task.id.clone())
    };
    let (ctx, settings) = drive::open(global, &named.options, ui).await?;
    let retry = TaskSteer::Retry {
        model: global.model.clone(),
        from_here: args.from_here,
    };
    let command = Command::Task(id, retry);
    if let Obeyed::Again(tasks) = obey(&ctx.store, &run, &command, ctx.clock.now()).await? {
        let tasks: Vec<String> = tasks.iter().map(ToString::to_string).collect();
        ui.status(&format!("  begins anew: {}", tasks.join(", ")));
    }
    let overrides = super::run::overrides(&named.options, &settings, true)?;
    Box::pin(drive::to_its_end(
        &ctx,
        &settings,
        ui,
        &Work::Resume(run, overrides),
    ))
    .await
}

/// Whether a task of a run can have another round.
fn retryable(run: &Run, task: &Task, from_here: bool) -> Result<(), CommandError> {
    let command = "retry a task of";
    let over = |status| CommandError::Over {
        command,
        run: run.id.clone(),
        status,
    };
    match run.status {
        RunStatus::Done => Err(over("done")),
        RunStatus::Cancelled => Err(over("cancelled")),
        RunStatus::Planning
        | RunStatus::Planned
        | RunStatus::Running
        | RunStatus::Verifying
        | RunStatus::Stopped => {
            if task.state == TaskState::Done && !from_here {
                return Err(CommandError::Task {
                    command: "retry",
                    task: task.id.clone(),
                    state: "done",
                });
            }
            Ok(())
        }
    }
}

async fn execute(global: &Global, named: &TaskNamed, ui: &Ui) -> Result<u8, CliError> {
    let (ctx, settings) = drive::open(global, &named.options, ui).await?;
    let run = select::run(&ctx.store, named.run.as_deref()).await?;
    let tasks = ctx.store.task_list(&run.id).await?;
    let only = if tasks.is_empty() && run.status == RunStatus::Planned {
        // The tasks are made from the plan when its execution begins.
        TaskId::from_text(format!("t{}", named.task.trim_start_matches('t')))
    } else {
        show::find(&tasks, &named.task)?.id.clone()
    };
    let base = super::run::overrides(&named.options, &settings, true)?;
    let overrides = Overrides {
        only: Some(only),
        ..base
    };
    Box::pin(drive::to_its_end(
        &ctx,
        &settings,
        ui,
        &Work::Resume(run.id, overrides),
    ))
    .await
}
