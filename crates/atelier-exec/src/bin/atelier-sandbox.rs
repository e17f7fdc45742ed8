//! The sandbox on its own, by hand and for measuring: `__sandbox` supervises one command, as
//! `atelier` itself does; `run FOLDER PROGRAM [ARGUMENT]...` runs a command that may write to FOLDER
//! alone; `start FOLDER COUNT MEGABYTES` measures what each level costs, by turns, from a process that
//! holds so much memory; `timeouts FOLDER COUNT` measures how far beyond its time a command that
//! refuses to end comes; `row FOLDER COUNT` runs commands one after the other at the strong level, and
//! `parallel FOLDER COUNT` at once.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Instant,
};

use atelier_exec::{
    Command, Confinement, Exit, HELPER_COMMAND, Returns, Sandbox, Workspace, environment,
    helper_main,
};
use atelier_model::Limits;
use tokio_util::sync::CancellationToken;

/// Rounds of one level before it is the next one's turn.
const TURN: usize = 25;
/// Exit code of a call that makes no sense.
const USAGE: u8 = 2;
/// Exit code of a command that did not end by itself.
const ENDED: u8 = 124;
/// Milliseconds after which a command is ended that refuses to end.
const WALL_MS: u64 = 100;
/// Milliseconds between the polite request and the end by force.
const GRACE_MS: u64 = 100;
/// A command that refuses to end, with children that do too.
const STUBBORN: &str =
    "trap '' TERM HUP INT; (setsid sleep 600 &); sleep 600 & kill -STOP $!; sleep 600";

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let verb = args.next().unwrap_or_default();
    if verb == HELPER_COMMAND {
        return helper_main(args);
    }
    let done = match (verb.to_str(), args.next().map(PathBuf::from)) {
        (Some("run"), Some(folder)) => run(&folder, args),
        (Some("start"), Some(folder)) => {
            let count = number(&mut args, 100);
            start(&folder, count, number(&mut args, 0))
        }
        (Some("timeouts"), Some(folder)) => timeouts(&folder, number(&mut args, 100)),
        (Some("row"), Some(folder)) => row(&folder, number(&mut args, 100)),
        (Some("parallel"), Some(folder)) => parallel(&folder, number(&mut args, 100)),
        (_, _) => return ExitCode::from(USAGE),
    };
    done.unwrap_or_else(|error| {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "{error}");
        ExitCode::FAILURE
    })
}

fn number(args: &mut impl Iterator<Item = OsString>, usual: usize) -> usize {
    let text = args.next().and_then(|text| text.into_string().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

fn sandbox() -> io::Result<Sandbox> {
    Ok(Sandbox::new(Path::new("/proc/self/exe").canonicalize()?))
}

fn run(folder: &Path, args: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    let folder = std::path::absolute(folder)?;
    let words = args.map(|word| word.to_string_lossy().into_owned());
    let command = command(folder, words.collect());
    let print = |bytes: &[u8]| {
        // The command goes on when nobody reads.
        let _ = io::stdout()
            .write_all(bytes)
            .and_then(|()| io::stdout().flush());
    };
    let cancel = CancellationToken::new();
    let report = runtime()?
        .block_on(sandbox()?.run(&command, &cancel, Some(&print)))
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

/// The same at the strong level, over the folder.
fn strong(mut command: Command, returns: Returns) -> Command {
    command.confinement = Confinement {
        workspace: Some(Workspace {
            folder: command.cwd.clone(),
            returns,
        }),
        ..Confinement::strong()
    };
    command.writable.clear();
    command
}

/// Measures how long a program that does nothing takes, at each level; by turns, so that whatever
/// else the machine does meets all of them alike.
fn start(folder: &Path, count: usize, megabytes: usize) -> io::Result<ExitCode> {
    let folder = std::path::absolute(folder)?;
    let held = vec![1_u8; megabytes << 20];
    let (runtime, sandbox) = (runtime()?, sandbox()?);
    let light = command(folder, vec!["/bin/true".to_owned()]);
    let mut loopback = light.clone();
    loopback.confinement.host_network = false;
    loopback.confinement.network = atelier_model::Network::Loopback;
    let levels = [
        ("light", light.clone()),
        ("light, loopback of its own", loopback),
        ("strong", strong(light.clone(), Returns::Nothing)),
        (
            "strong, changes taken over",
            strong(light, Returns::Everything),
        ),
    ];
    let mut plain = Vec::with_capacity(count);
    let mut confined: [Vec<u128>; 4] = Default::default();
    let cancel = CancellationToken::new();
    let mut left = count;
    while left > 0 {
        let turn = left.min(TURN);
        plain.extend(times(turn, || {
            std::process::Command::new("/bin/true")
                .env_clear()
                .stdin(Stdio::null())
                .status()
                .map(drop)
        })?);
        for ((_, command), taken) in levels.iter().zip(&mut confined) {
            taken.extend(times(turn, || {
                let report = runtime.block_on(sandbox.run(command, &cancel, None));
                report.map(drop).map_err(io::Error::other)
            })?);
        }
        left -= turn;
    }
    tell("plain", &mut plain)?;
    for ((name, _), taken) in levels.iter().zip(&mut confined) {
        tell(name, taken)?;
    }
    // Until here they stay where they are.
    std::hint::black_box(&held);
    Ok(ExitCode::SUCCESS)
}

/// Runs commands one after the other, each in a machine of its own.
fn row(folder: &Path, count: usize) -> io::Result<ExitCode> {
    let folder = std::path::absolute(folder)?;
    let (runtime, sandbox) = (runtime()?, sandbox()?);
    let light = command(folder, vec!["/bin/true".to_owned()]);
    let command = strong(light, Returns::Everything);
    let cancel = CancellationToken::new();
    let mut failed = 0;
    for number in 0..count {
        let said = match runtime.block_on(sandbox.run(&command, &cancel, None)) {
            Ok(report) if report.exit.is_success() => continue,
            Ok(report) => format!("{:?}: {}", report.exit, report.output),
            Err(error) => error.to_string(),
        };
        failed += 1;
        writeln!(io::stdout(), "{number}: {said}")?;
    }
    writeln!(io::stdout(), "{failed} of {count} failed")?;
    Ok(ExitCode::SUCCESS)
}

/// Runs commands at once that leave processes and files behind, half of them at each level, and
/// counts what is left.
fn parallel(folder: &Path, count: usize) -> io::Result<ExitCode> {
    let folder = std::path::absolute(folder)?;
    let (runtime, sandbox) = (runtime()?, sandbox()?);
    let script = "(setsid sleep 600 &); echo x > $TMPDIR/file";
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    let light = command(folder, argv);
    let strong = strong(light.clone(), Returns::Nothing);
    let begun = Instant::now();
    let mut failed = 0;
    runtime.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for number in 0..count {
            let command = [&light, &strong][number % 2].clone();
            let sandbox = sandbox.clone();
            running.spawn(async move {
                let ended = sandbox.run(&command, &CancellationToken::new(), None).await;
                ended.is_ok_and(|report| report.exit.is_success())
            });
        }
        while let Some(ended) = running.join_next().await {
            failed += usize::from(!ended.unwrap_or(false));
        }
    });
    let taken = begun.elapsed().as_millis();
    writeln!(io::stdout(), "{failed} of {count} failed, {taken} ms")?;
    Ok(ExitCode::SUCCESS)
}

/// Microseconds of each round, in order.
fn times(count: usize, mut round: impl FnMut() -> io::Result<()>) -> io::Result<Vec<u128>> {
    let mut taken = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        round()?;
        taken.push(begun.elapsed().as_micros());
    }
    Ok(taken)
}

fn tell(name: &str, taken: &mut [u128]) -> io::Result<()> {
    taken.sort_unstable();
    let at = |percent: usize| taken.get(taken.len() * percent / 100).copied();
    let of = |percent: usize| at(percent.min(99)).unwrap_or_default();
    let least = taken.first().copied().unwrap_or_default();
    let most = taken.last().copied().unwrap_or_default();
    writeln!(
        io::stdout(),
        "{name}: least {least} us, median {} us, 99 of 100 {} us, most {most} us",
        of(50),
        of(99)
    )
}

/// Measures how long after its time a command is gone that refuses to end.
fn timeouts(folder: &Path, count: usize) -> io::Result<ExitCode> {
    let folder = std::path::absolute(folder)?;
    let (runtime, sandbox) = (runtime()?, sandbox()?);
    let argv = ["bash", "-c", STUBBORN].map(str::to_owned).to_vec();
    let mut light = command(folder, argv);
    light.wall_ms = WALL_MS;
    light.kill_grace_ms = GRACE_MS;
    let strong = strong(light.clone(), Returns::Nothing);
    for (name, command) in [("light", light), ("strong", strong)] {
        let cancel = CancellationToken::new();
        let mut wrong = 0;
        let mut beyond = Vec::with_capacity(count);
        for _ in 0..count {
            let run = runtime.block_on(sandbox.run(&command, &cancel, None));
            let report = run.map_err(io::Error::other)?;
            wrong += usize::from(report.exit != Exit::WallTimeout);
            beyond.push(u128::from(report.duration_ms.saturating_sub(WALL_MS)) * 1000);
        }
        tell(&format!("{name}, beyond its time"), &mut beyond)?;
        writeln!(io::stdout(), "{name}: {wrong} of {count} ended otherwise")?;
    }
    Ok(ExitCode::SUCCESS)
}
