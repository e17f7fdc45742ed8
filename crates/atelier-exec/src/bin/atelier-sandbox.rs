//! The sandbox on its own: `__sandbox` supervises one command, as `atelier` itself does;
//! `run FOLDER PROGRAM [ARGUMENT]...` runs a command by hand that may write to FOLDER alone.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use atelier_exec::{Command, Confinement, Exit, HELPER_COMMAND, Sandbox, environment, helper_main};
use atelier_model::Limits;
use tokio_util::sync::CancellationToken;

/// Exit code of a call that makes no sense.
const USAGE: u8 = 2;
/// Exit code of a command that did not end by itself.
const ENDED: u8 = 124;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let verb = args.next().unwrap_or_default();
    if verb == HELPER_COMMAND {
        return helper_main(args);
    }
    if verb != "run" {
        return ExitCode::from(USAGE);
    }
    run(args).unwrap_or_else(|error| {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "{error}");
        ExitCode::FAILURE
    })
}

fn run(mut args: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    let Some(folder) = args.next().map(PathBuf::from) else {
        return Ok(ExitCode::from(USAGE));
    };
    let folder = std::path::absolute(folder)?;
    let sandbox = Sandbox::new(Path::new("/proc/self/exe").canonicalize()?);
    let words = args.map(|word| word.to_string_lossy().into_owned());
    let command = command(folder, words.collect());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let print = |bytes: &[u8]| {
        // The command goes on when nobody reads.
        let _ = io::stdout()
            .write_all(bytes)
            .and_then(|()| io::stdout().flush());
    };
    let cancel = CancellationToken::new();
    let report = runtime
        .block_on(sandbox.run(&command, &cancel, Some(&print)))
        .map_err(io::Error::other)?;
    Ok(match report.exit {
        Exit::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(ENDED)),
        Exit::Signal(_) | Exit::WallTimeout | Exit::IdleTimeout | Exit::Cancelled => {
            ExitCode::from(ENDED)
        }
    })
}

fn command(folder: PathBuf, argv: Vec<String>) -> Command {
    let limits = Limits::default();
    Command {
        argv,
        env: environment(&folder.join(".home")),
        writable: vec![folder.clone()],
        cwd: folder,
        wall_ms: limits.step_wall_ms_max,
        idle_ms: limits.step_idle_ms_max,
        output_bytes_max: limits.output_bytes_max,
        processes_max: limits.step_processes_max,
        kill_grace_ms: limits.kill_grace_ms_max,
        stdin: Vec::new(),
        confinement: Confinement::light(),
    }
}
