//! The commands, one file each, in the order of the help.

pub(crate) mod agent;
pub(crate) mod analyse;
pub(crate) mod archive;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod blame;
pub(crate) mod build;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod ci;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod cost;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod docs;
pub(crate) mod doctor;
pub(crate) mod edit;
pub(crate) mod exec;
pub(crate) mod gateway;
pub(crate) mod gc;
pub(crate) mod guard;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod pack;
pub(crate) mod plan;
pub(crate) mod prices;
pub(crate) mod reference;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod shell;
pub(crate) mod show;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod steps;
pub(crate) mod task;
pub(crate) mod verify;
pub(crate) mod why;

mod drive;
mod ending;
mod exchange;
mod hidden;
mod names;
mod select;

use crate::{
    cli::{Cli, Command},
    cli_error::CliError,
    config::Config,
    ui::Ui,
};

/// Runs the command that was asked for and returns its exit code.
pub(crate) async fn run(cli: &Cli, ui: &Ui) -> Result<u8, CliError> {
    let global = &cli.global;
    // Whoever only completes names is told nothing.
    if !matches!(cli.command, Command::Names(_)) {
        Config::check_flags(global).map_err(CliError::Config)?;
    }
    match &cli.command {
        Command::Init(args) => init::run(global, args, ui).await,
        Command::Doctor(args) => doctor::run(global, args, ui).await,
        Command::Build(args) => Box::pin(build::run(global, args, ui)).await,
        Command::Plan(args) => Box::pin(plan::run(global, args, ui)).await,
        Command::Run(args) => Box::pin(run::run(global, args, ui)).await,
        Command::Change(args) => Box::pin(change::run(global, args, ui)).await,
        Command::Resume(args) => Box::pin(resume::run(global, args, ui)).await,
        Command::Pause(args) => control::pause(global, args, ui).await,
        Command::Cancel(args) => control::cancel(global, args, ui).await,
        Command::Approve(args) => control::approve(global, args, ui).await,
        Command::Reject(args) => control::reject(global, args, ui).await,
        Command::Status(args) => status::run(global, args, ui).await,
        Command::Log(args) => log::run(global, args, ui).await,
        Command::Show(args) => show::run(global, args, ui).await,
        Command::Diff(args) => diff::run(global, args, ui).await,
        Command::Report(args) => Box::pin(report::run(global, args, ui)).await,
        Command::Cost(args) => cost::run(global, args, ui).await,
        Command::Demo(args) => Box::pin(demo::run(global, args, ui)).await,
        Command::Pack(args) => Box::pin(pack::run(global, args, ui)).await,
        Command::Replay(args) => Box::pin(replay::run(global, args, ui)).await,
        Command::Verify(args) => Box::pin(verify::run(global, args, ui)).await,
        Command::Blame(args) => Box::pin(blame::run(global, args, ui)).await,
        Command::Stats(args) => stats::run(global, args, ui).await,
        Command::Task(command) => Box::pin(task::run(global, command, ui)).await,
        Command::Agent(command) => Box::pin(agent::run(global, command, ui)).await,
        Command::Edit(command) => edit::run(global, command, ui),
        Command::Check(args) => Box::pin(check::run(global, args, ui)).await,
        Command::Steps(args) => steps::run(global, args, ui),
        Command::Why(args) => Box::pin(why::run(global, args, ui)).await,
        Command::Analyse(args) => Box::pin(analyse::run(global, args, ui)).await,
        Command::Docs(command) => docs::run(global, command, ui),
        Command::Ci(command) => ci::run(global, command, ui),
        Command::Exec(args) => Box::pin(exec::run(global, args, ui)).await,
        Command::Guard(command) => guard::run(command, ui),
        Command::Audit(command) => Box::pin(audit::run(global, command, ui)).await,
        Command::Archive(command) => Box::pin(archive::run(global, command, ui)).await,
        Command::Batch(command) => Box::pin(batch::run(global, command, ui)).await,
        Command::Gateway(args) => Box::pin(gateway::run(global, args, ui)).await,
        Command::Keys(command) => Box::pin(keys::run(global, command, ui)).await,
        Command::Prices(command) => prices::run(global, command, ui),
        Command::Config(command) => config::run(global, command, ui),
        Command::Gc(args) => gc::run(global, args, ui).await,
        Command::Shell(args) => shell::run(global, args, ui).await,
        Command::Completion(args) => Ok(completion::run(args, ui)),
        Command::Names(args) => Ok(completion::names(global, args, ui).await),
        Command::Reference(args) => Ok(reference::run(args, ui)),
    }
}
