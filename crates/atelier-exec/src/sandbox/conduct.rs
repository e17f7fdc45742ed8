//! One command from its start to the end of everything that it started.

use std::{
    fs::File,
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitStatus};
use tokio::{
    io::AsyncReadExt,
    runtime::{self, Runtime},
    signal::unix::{SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};

use super::{
    Cap, family,
    frame::{Fact, Order, STOP},
    meter::Meter,
    starter::{Refusal, Starter},
    supervisor::tell,
};
use crate::{host::input_file, program::find_program};

/// Where one waits for what happens, and hears what the kernel tells.
pub(super) struct Hall {
    pub(super) runtime: Runtime,
    pub(super) signals: Signals,
}

impl Hall {
    /// From here on no signal is missed.
    pub(super) fn new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let signals = {
            let _within = runtime.enter();
            Signals::new()?
        };
        Ok(Self { runtime, signals })
    }
}

/// What the supervisor is told by the kernel.
pub(super) struct Signals {
    /// A child ended.
    ends: tokio::signal::unix::Signal,
    /// Somebody wants the supervisor to end; each would end it alone, and leave the command.
    requests: [tokio::signal::unix::Signal; 3],
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            ends: signal(SignalKind::child())?,
            requests: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            ],
        })
    }

    /// Waits until somebody wants the supervisor to end.
    pub(super) async fn requested(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.requests;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// A command, and what it is given.
pub(super) struct Job<'a> {
    pub(super) order: &'a Order,
    pub(super) input: &'a [u8],
    /// Where its output goes; nobody else holds it when it has ended.
    pub(super) output: OwnedFd,
    /// A folder that ends with the command.
    pub(super) temporary: &'a Path,
    /// This process's descriptor of a socket through which the command can be visited.
    pub(super) visit: Option<i32>,
}

/// Starts the command and waits until nothing of it is left; what is to be told then.
pub(super) fn conduct(
    hall: &mut Hall,
    job: &Job<'_>,
    starter: &Starter,
    line: &UnixStream,
    mut meter: Meter,
) -> io::Result<Vec<Fact>> {
    let ended = {
        let _below = Below;
        let run = run(job, starter, line, &mut hall.signals, &mut meter);
        hall.runtime.block_on(run)?
    };
    if !family::end() {
        return Err(io::Error::other("some of its processes cannot be ended"));
    }
    Ok(match ended {
        Ended::NotStarted(fact) => vec![fact],
        Ended::By(fact) => vec![meter.used(), fact],
    })
}

/// However the supervisor fails once it has started a command, nothing is left below it.
struct Below;

impl Drop for Below {
    fn drop(&mut self) {
        family::end();
    }
}

enum Ended {
    NotStarted(Fact),
    By(Fact),
}

/// Starts the command and waits until it ended, or is to be ended by force.
async fn run(
    job: &Job<'_>,
    starter: &Starter,
    line: &UnixStream,
    signals: &mut Signals,
    meter: &mut Meter,
) -> io::Result<Ended> {
    let leash = heard(line)?;
    let main = match start(job, starter) {
        Ok(main) => main,
        Err(fact) => return Ok(Ended::NotStarted(fact)),
    };
    tell(&[Fact::Started { visit: job.visit }])?;
    let status = wait_for(main, leash, job, signals, meter).await;
    Ok(Ended::By(status.map_or(
        Fact::Signal {
            signal: Signal::KILL.as_raw(),
        },
        fact,
    )))
}

/// The line from whoever gave the order, to be listened to while it is carried out.
pub(super) fn heard(line: &UnixStream) -> io::Result<tokio::net::UnixStream> {
    let line = line.try_clone()?;
    line.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(line)
}

fn fact(status: WaitStatus) -> Fact {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Fact::Code { code },
        (None, Some(signal)) => Fact::Signal { signal },
        (None, None) => Fact::NotStarted {
            message: "it ended in no known way".to_owned(),
        },
    }
}

/// Starts the command, found beforehand where that can be: the kernel then need not copy this
/// process to look for it.
fn start(job: &Job<'_>, starter: &Starter) -> Result<Pid, Fact> {
    let start = |program: Option<PathBuf>| {
        let command = prepare(job, program).map_err(Refusal::NotStarted)?;
        starter.start(command)
    };
    let mut main = start(found(job.order));
    // There may be another behind one that may not be run.
    if let Err(Refusal::NotStarted(error)) = &main
        && error.kind() == io::ErrorKind::PermissionDenied
    {
        main = start(None);
    }
    main.map_err(|refusal| match refusal {
        Refusal::NotConfined(message) => Fact::NotConfined { message },
        Refusal::NotStarted(error) => not_started(&error, job.order),
    })
}

/// The program of an order that names none by its path.
fn found(order: &Order) -> Option<PathBuf> {
    let program = order.argv.first()?;
    find_program(program, order.env.get("PATH")?)
}

fn prepare(job: &Job<'_>, found: Option<PathBuf>) -> io::Result<Command> {
    let (program, args) = job
        .order
        .argv
        .split_first()
        .ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = match found {
        Some(found) => {
            let mut command = Command::new(found);
            command.arg0(program);
            command
        }
        None => Command::new(program),
    };
    command
        .args(args)
        .current_dir(&job.order.cwd)
        .env_clear()
        .envs(&job.order.env)
        .stdin(input_file(job.input)?)
        .stdout(Stdio::from(job.output.try_clone()?))
        .stderr(Stdio::from(job.output.try_clone()?))
        // A command that signals its own group does not reach the supervisor.
        .process_group(0);
    for name in ["TMPDIR", "TMP", "TEMP"] {
        command.env(name, job.temporary);
    }
    Ok(command)
}

/// A missing folder and a missing interpreter say "not found" too, and are no missing program.
fn not_started(error: &io::Error, order: &Order) -> Fact {
    let message = |text: String| Fact::NotStarted { message: text };
    if error.kind() != io::ErrorKind::NotFound {
        return message(error.to_string());
    }
    if !order.cwd.is_dir() {
        return message(format!("there is no folder {}", order.cwd.display()));
    }
    let program = order.argv.first().map_or("", String::as_str);
    let exists = if program.contains('/') {
        order.cwd.join(program).exists()
    } else {
        found(order).is_some()
    };
    if exists {
        message("its interpreter is missing".to_owned())
    } else {
        Fact::ProgramMissing
    }
}

/// Waits for the command's end; `None` when it is time to end it by force.
async fn wait_for(
    main: Pid,
    mut leash: tokio::net::UnixStream,
    job: &Job<'_>,
    signals: &mut Signals,
    meter: &mut Meter,
) -> Option<WaitStatus> {
    let grace = Duration::from_millis(job.order.kill_grace_ms);
    let mut looks = interval_at(Instant::now() + meter.pause(), meter.pause());
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut force = None;
    let mut word = [0];
    loop {
        while let Some((pid, status)) = family::reap() {
            if pid == main {
                return Some(status);
            }
        }
        let [terminate, interrupt, hangup] = &mut signals.requests;
        let polite = tokio::select! {
            _ = signals.ends.recv() => false,
            _ = terminate.recv() => true,
            _ = interrupt.recv() => true,
            _ = hangup.recv() => true,
            read = leash.read(&mut word) => match read {
                Ok(1) if word == [STOP] => true,
                // The parent is gone.
                Ok(_) | Err(_) => return None,
            },
            _ = looks.tick(), if meter.looks() => {
                if let Some(cap) = meter.look() {
                    // The report shows it; it is ended whether or not that can be said.
                    let said = format!("\n[ended: {}]\n", ended_by(cap, job.order));
                    if let Ok(output) = job.output.try_clone() {
                        let _ = File::from(output).write_all(said.as_bytes());
                    }
                    return None;
                }
                false
            }
            () = sleep_until(force.unwrap_or_else(Instant::now)), if force.is_some() => return None,
        };
        if polite && force.is_none() {
            force = Some(Instant::now() + grace);
            family::signal(Signal::TERM);
            // A stopped process hears the request only once it goes on.
            family::signal(Signal::CONT);
        }
    }
}

fn ended_by(cap: Cap, order: &Order) -> String {
    let caps = &order.rations.caps;
    let number = |limit: Option<u64>| limit.unwrap_or_default();
    match cap {
        Cap::Processes => format!("more than {} processes", order.rations.processes_max),
        Cap::Memory => format!(
            "more than {} bytes of memory",
            number(caps.memory_bytes_max)
        ),
        Cap::Cpu => format!(
            "more than {} s of processor time",
            number(caps.cpu_seconds_max)
        ),
        Cap::Disk => format!("more than {} bytes written", number(caps.disk_bytes_max)),
        Cap::Inodes => format!("more than {} files", number(caps.inodes_max)),
        Cap::Output => format!("more than {} bytes printed", number(caps.printed_bytes_max)),
        Cap::Wall | Cap::Idle => "it took too long".to_owned(),
    }
}
