//! `atelier exec`: one command in the sandbox, which ends as the command did.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use atelier_exec::{
    Cap, Caps, Command, Confinement, Exit, Report, Returns, Sandbox, SpawnError, Workspace,
    environment, environment_at, helper_program,
};
use atelier_model::{Limits, Network, SandboxLevel};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Sources, sandbox},
    ui::Ui,
};

/// Exit code of a command that took too long.
const TIMED_OUT: u8 = 124;
/// Exit code where the sandbox could not be made.
const NO_SANDBOX: u8 = 125;
/// Exit code of a program that is there and cannot be started.
const NOT_STARTED: u8 = 126;
/// Exit code of a program that is not there.
const NO_PROGRAM: u8 = 127;
/// Added to the number of the signal that ended a command.
const SIGNALLED: i32 = 128;
/// Exit code of a command that was interrupted.
const INTERRUPTED: u8 = 130;
/// Bytes of standard input that are handed on.
const INPUT_BYTES_MAX: u64 = 16 << 20;
/// Milliseconds a command may take where nothing is said.
const WALL_MS: u64 = 600_000;
/// Processes it may have at once where nothing is said.
const PROCESSES: u64 = 512;
/// Milliseconds from the request to end to the end by force.
const GRACE_MS: u64 = 100;
/// The home of a command that has a machine of its own.
const HOME: &str = "/home/atelier";
/// Bytes of output that are kept for nobody: it is handed on as it comes.
const KEPT_BYTES: usize = 4096;

/// Run one command in the sandbox; exits as it did
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: the command's own · 124 it took too long · 125 the sandbox \
                        could not be made · 126 it cannot be started · 127 it is not there · 128 \
                        and more a signal ended it."
)]
pub(crate) struct ExecArgs {
    /// How strongly it is confined: strong or light; `sandbox` of your configuration if left out
    #[arg(long, value_name = "LEVEL")]
    pub(crate) level: Option<ExecLevel>,

    /// The folder it works in; the current one if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) workdir: Option<PathBuf>,

    /// Most bytes of memory of all its processes together
    #[arg(long, value_name = "BYTES")]
    pub(crate) memory: Option<u64>,

    /// Most seconds of processor time of all its processes together
    #[arg(long, value_name = "SECONDS")]
    pub(crate) cpu: Option<u64>,

    /// Most processes and threads at once
    #[arg(long, value_name = "N", default_value_t = PROCESSES)]
    pub(crate) processes: u64,

    /// Most bytes of one file
    #[arg(long, value_name = "BYTES")]
    pub(crate) file_size: Option<u64>,

    /// Most bytes it writes altogether
    #[arg(long, value_name = "BYTES")]
    pub(crate) disk: Option<u64>,

    /// Most files and folders it makes
    #[arg(long, value_name = "N")]
    pub(crate) inodes: Option<u64>,

    /// Most milliseconds it takes
    #[arg(long, value_name = "MS", default_value_t = WALL_MS)]
    pub(crate) wall: u64,

    /// Most milliseconds it prints nothing
    #[arg(long, value_name = "MS")]
    pub(crate) idle: Option<u64>,

    /// Most bytes it prints
    #[arg(long, value_name = "BYTES")]
    pub(crate) output: Option<u64>,

    /// Which network it sees: none, loopback, install (the package registries, nothing else)
    #[arg(long, value_name = "NETWORK", default_value = "loopback")]
    pub(crate) network: ExecNetwork,

    /// Take over what it changes in the folder
    #[arg(long)]
    pub(crate) write_back: bool,

    /// Hand standard input on to it
    #[arg(long)]
    pub(crate) stdin: bool,

    /// Another variable of its environment
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,

    /// Another file or folder it may read
    #[arg(long, value_name = "PATH")]
    pub(crate) read: Vec<PathBuf>,

    /// Write what it used up, and which limits it met, to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// The command and its arguments; no shell is involved
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) argv: Vec<String>,
}

/// A level that one may ask for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExecLevel {
    /// A machine of its own.
    Strong,
    /// Kept to the system, the folder and its tools.
    Light,
}

/// A network that one may ask for on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExecNetwork {
    /// Nowhere.
    None,
    /// Its own machine.
    Loopback,
    /// Package registries too.
    Install,
}

pub(crate) async fn run(global: &Global, args: &ExecArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let level = match args.level {
        Some(ExecLevel::Strong) => SandboxLevel::Strong,
        Some(ExecLevel::Light) => SandboxLevel::Light,
        None => sandbox::level(&config)?,
    };
    let folder = workdir(&place, args)?;
    // It ends with this command, whatever that does.
    let home = tempfile::Builder::new()
        .prefix("atelier-home-")
        .tempdir()
        .map_err(CliError::Runtime)?;
    let command = command(
        args,
        level,
        &folder,
        home.path(),
        &sandbox::registries(&config),
    )?;
    let sandbox = Sandbox::new(helper_program().map_err(CliError::Runtime)?);
    let cancel = CancellationToken::new();
    let print = |bytes: &[u8]| {
        // The command goes on when nobody reads.
        let mut out = io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    };
    let ended = tokio::select! {
        ended = sandbox.run(&command, &cancel, Some(&print)) => ended,
        () = interrupted() => {
            // Dropping it ends the command.
            return Ok(INTERRUPTED);
        }
    };
    if let Some(file) = &args.report {
        let text = format!("{:#}\n", shown(&command, &ended));
        std::fs::write(file, text).map_err(|source| CliError::Output {
            path: file.clone(),
            source,
        })?;
    }
    Ok(match ended {
        Ok(report) => {
            warn(&report, ui);
            code(&report)
        }
        Err(error) => refused(&error, ui),
    })
}

/// Says which hosts it asked for and may not reach, and what it could see all the same.
fn warn(report: &Report, ui: &Ui) {
    if let Some(why) = &report.usage.state_shown {
        ui.warn(&format!(
            "`.atelier` could be seen and changed ({why}); the level strong hides it, and so does \
             light where name spaces of users are allowed"
        ));
    }
    let traffic = report.usage.way_out.iter();
    for refusal in traffic.flat_map(|traffic| &traffic.refused) {
        ui.warn(&format!("{refusal}; {}", refusal.remedy()));
    }
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Nobody will interrupt it then.
        std::future::pending::<()>().await;
    }
}

fn workdir(place: &Place, args: &ExecArgs) -> Result<PathBuf, CliError> {
    let named = args.workdir.as_deref().unwrap_or(Path::new("."));
    let folder = place.folder.join(named);
    let real = folder.canonicalize().map_err(|source| CliError::Folder {
        path: folder,
        source,
    })?;
    let home = std::env::var_os("HOME").and_then(|home| PathBuf::from(home).canonicalize().ok());
    if real.parent().is_none() || home.is_some_and(|home| home.starts_with(&real)) {
        return Err(CliError::Usage(format!(
            "work in {}: it holds your whole home, which the command would see; name a folder of \
             the project with --workdir",
            real.display()
        )));
    }
    Ok(real)
}

fn command(
    args: &ExecArgs,
    level: SandboxLevel,
    folder: &Path,
    home: &Path,
    registries: &[String],
) -> Result<Command, CliError> {
    let strong = level == SandboxLevel::Strong;
    let mut env = if strong {
        environment_at(Path::new(HOME))
    } else {
        environment(home)
    };
    env.extend(variables(&args.env)?);
    let returns = if args.write_back {
        Returns::Everything
    } else {
        Returns::Nothing
    };
    let mut stdin = Vec::new();
    if args.stdin {
        let input = io::stdin().lock().take(INPUT_BYTES_MAX);
        let mut input = input;
        input.read_to_end(&mut stdin).map_err(CliError::Terminal)?;
    }
    Ok(Command {
        argv: args.argv.clone(),
        cwd: folder.to_owned(),
        env,
        writable: if strong {
            Vec::new()
        } else {
            vec![home.to_owned()]
        },
        wall_ms: args.wall,
        idle_ms: args.idle.unwrap_or(args.wall),
        output_bytes_max: KEPT_BYTES,
        processes_max: args.processes,
        kill_grace_ms: GRACE_MS.min(Limits::default().kill_grace_ms_max),
        stdin,
        confinement: Confinement {
            level,
            network: match args.network {
                ExecNetwork::None => Network::None,
                ExecNetwork::Loopback => Network::Loopback,
                ExecNetwork::Install => Network::Install,
            },
            host_network: false,
            registries: registries.to_vec(),
            readable: args.read.clone(),
            workspace: Some(Workspace {
                folder: folder.to_owned(),
                returns,
            }),
            caps: Caps {
                memory_bytes_max: args.memory,
                cpu_seconds_max: args.cpu,
                file_bytes_max: args.file_size,
                disk_bytes_max: args.disk,
                inodes_max: args.inodes,
                printed_bytes_max: args.output,
            },
        },
    })
}

fn variables(named: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(CliError::Usage(format!(
            "use `--env {text}`: write it as NAME=VALUE"
        ))),
    };
    named.iter().map(pair).collect()
}

fn code(report: &Report) -> u8 {
    match report.exit {
        Exit::Code(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
        Exit::Signal(signal) => u8::try_from(SIGNALLED + signal).unwrap_or(u8::MAX),
        Exit::WallTimeout | Exit::IdleTimeout => TIMED_OUT,
        Exit::Cancelled => INTERRUPTED,
    }
}

fn refused(error: &SpawnError, ui: &Ui) -> u8 {
    let text = format!("failed to {}", atelier_engine::chain(error));
    ui.failure(&text, error.hint().as_deref());
    match error {
        SpawnError::ProgramMissing { .. } => NO_PROGRAM,
        SpawnError::NotStarted { .. } | SpawnError::NoProgram | SpawnError::TooLong { .. } => {
            NOT_STARTED
        }
        SpawnError::NotConfined { .. }
        | SpawnError::Helper { .. }
        | SpawnError::HelperLost { .. } => NO_SANDBOX,
    }
}

/// The report as a program reads it.
fn shown(command: &Command, ended: &Result<Report, SpawnError>) -> Value {
    let confinement = &command.confinement;
    let mut shown = json!({
        "v": 1,
        "level": confinement.level.as_str(),
        "network": confinement.network.as_str(),
        "missing": confinement.missing(),
    });
    let more = match ended {
        Ok(report) => json!({
            "exit": exit(report),
            "duration_ms": report.duration_ms,
            "cpu_ms": report.usage.cpu_ms,
            "memory_peak_bytes": report.usage.memory_peak_bytes,
            "printed_bytes": report.usage.printed_bytes,
            "limits": report.usage.hit.iter().map(|cap| limit(*cap)).collect::<Vec<_>>(),
            "returned": report.usage.returned,
            "way_out": report.usage.way_out,
            "state_shown": report.usage.state_shown,
        }),
        Err(error) => json!({
            "exit": null,
            "error": format!("failed to {}", atelier_engine::chain(error)),
            "hint": error.hint(),
        }),
    };
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    shown
}

fn exit(report: &Report) -> Value {
    match report.exit {
        Exit::Code(code) => json!({"type": "code", "code": code}),
        Exit::Signal(signal) => json!({"type": "signal", "signal": signal}),
        Exit::WallTimeout => json!({"type": "wall_timeout"}),
        Exit::IdleTimeout => json!({"type": "idle_timeout"}),
        Exit::Cancelled => json!({"type": "cancelled"}),
    }
}

fn limit(cap: Cap) -> Value {
    json!(cap)
}
