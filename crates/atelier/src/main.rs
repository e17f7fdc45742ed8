//! The command line: arguments, configuration, wiring, printing, exit codes.

mod amount;
mod app;
mod audit;
mod cli;
mod cli_error;
mod commands;
mod config;
mod guard_key;
mod keys;
mod prices;
mod region;
mod row;
mod screen;
mod telemetry;
mod terminal;
mod ui;
mod watch;
mod whole;

use std::{ffi::OsStr, process::ExitCode, time::Duration};

use clap::Parser;

use crate::{cli::Cli, cli_error::CliError, ui::Ui};

/// Longest wait for what still runs at the end.
const LEAVE: Duration = Duration::from_millis(200);

/// Threads that answer.
const WORKERS_MAX: usize = 4;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().as_deref() == Some(OsStr::new(atelier_exec::HELPER_COMMAND)) {
        return atelier_exec::helper_main(args);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ui = Ui::new(&cli.global);
    mend_terminal_on_panic(&ui);
    let telemetry = match telemetry::start(&cli.global) {
        Ok(telemetry) => telemetry,
        Err(error) => return failed(&ui, &error.into()),
    };
    let ended = run(&cli, &ui);
    let code = match &ended {
        Ok(code) => *code,
        Err(error) => error.code(),
    };
    let error = ended.as_ref().err().map(CliError::text);
    telemetry::end(telemetry, code, error.as_deref(), &ui);
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => failed(&ui, &error),
    }
}

/// Tells a failure where people and programs look for it.
fn failed(ui: &Ui, error: &CliError) -> ExitCode {
    ui.error(error);
    if ui.is_json() {
        ui.out(&error.json().to_string());
    }
    ExitCode::from(error.code())
}

/// A panic must leave a terminal that shows its cursor and what is typed.
fn mend_terminal_on_panic(ui: &Ui) {
    let screen = ui.screen().clone();
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        screen.close_if_free();
        telemetry::panicked(panic);
        report(panic);
    }));
}

/// Help and version go to standard output and are no failure; everything else is exit code 2.
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing more can be said where even the message cannot be printed.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}

/// Half of the processors answer: programs, builds and the database need the others, and handing a
/// small request from thread to thread costs more than a second thread gives it.
fn workers() -> usize {
    let all = std::thread::available_parallelism();
    all.map_or(1, |all| (all.get() / 2).clamp(1, WORKERS_MAX))
}

fn run(cli: &Cli, ui: &Ui) -> Result<u8, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .map_err(CliError::Runtime)?;
    let code = runtime.block_on(Box::pin(commands::run(cli, ui)));
    // A question nobody answered may still wait for its line; nothing else is left by now.
    runtime.shutdown_timeout(LEAVE);
    code
}
