//! The helper program: starts one command, waits for it, and ends everything below itself.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use atelier_model::{Network, SandboxLevel};
use rustix::{
    process::{Pid, Signal, WaitStatus, geteuid, getpid, set_child_subreaper, setsid},
    thread::set_no_new_privs,
};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    runtime,
    signal::unix::{SignalKind, signal},
    time::{Instant, interval, sleep_until},
};

use super::{
    confine::{RIGHTS, Reach, confine, give_up_rights, limit, others},
    family,
    filter::{Surface, filter},
    frame::{Fact, Order, STOP, frame_read},
    places,
};
use crate::host::input_file;

/// Exit code of a helper that could not do its work.
const FAILED: u8 = 70;
/// Tries to start a program that another process still has open for writing.
const BUSY_TRIES_MAX: usize = 20;
/// Pause between two of them.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// Pause between two counts of the command's processes, where the kernel does not count them.
const COUNT_PAUSE: Duration = Duration::from_millis(500);
/// Descriptors from here on are not the command's business.
const FIRST_FOREIGN: i32 = 3;

/// The helper program: what runs when the first argument is [`HELPER_COMMAND`](super::HELPER_COMMAND).
///
/// It takes its order from standard input, so further arguments are a mistake. The command's
/// output goes to standard output; standard error tells the parent what happened.
pub fn helper_main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    if args.next().is_some() {
        return ExitCode::from(FAILED);
    }
    let Err(error) = supervise() else {
        return ExitCode::SUCCESS;
    };
    // A parent that is gone wants no explanation.
    let _ = tell(&Fact::NotConfined {
        message: error.to_string(),
    });
    ExitCode::from(FAILED)
}

fn supervise() -> io::Result<()> {
    let mut leash = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (order, input) = frame_read(&mut leash)?;
    close_fds::set_fds_cloexec(FIRST_FOREIGN, &[]);
    // A session of its own: no terminal, and no part in what a terminal sends to the parent.
    setsid()?;
    set_child_subreaper(Some(getpid()))?;
    let temporary = tempfile::Builder::new().prefix("atelier-").tempdir()?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let fact = {
        let _below = Below;
        runtime.block_on(conduct(&order, &input, temporary.path(), leash))?
    };
    if !family::end() {
        return Err(io::Error::other("some of its processes cannot be ended"));
    }
    // What is left of it is in the system's own folder for such files, and is no verdict.
    let _ = crate::tree::folder_remove(temporary.path());
    tell(&fact)
}

/// However the supervisor fails once it has started a command, nothing is left below it.
struct Below;

impl Drop for Below {
    fn drop(&mut self) {
        family::end();
    }
}

/// Starts the command and waits until it ended, or is to be ended by force.
async fn conduct(order: &Order, input: &[u8], temporary: &Path, leash: File) -> io::Result<Fact> {
    // Before the start, so that no signal is missed.
    let mut signals = Signals::new()?;
    let leash = pipe::Receiver::from_owned_fd(leash.into())?;
    let main = match start(order, input, temporary) {
        Ok(main) => main,
        Err(fact) => return Ok(fact),
    };
    tell(&Fact::Started)?;
    let status = wait_for(main, leash, order, &mut signals).await;
    Ok(status.map_or(
        Fact::Signal {
            signal: Signal::KILL.as_raw(),
        },
        fact,
    ))
}

/// What the supervisor is told by the kernel.
struct Signals {
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
}

fn tell(fact: &Fact) -> io::Result<()> {
    let mut line = serde_json::to_string(fact)?;
    line.push('\n');
    io::stderr().write_all(line.as_bytes())
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

/// Starts the command from a thread that is confined; the supervisor itself stays free to end it.
fn start(order: &Order, input: &[u8], temporary: &Path) -> Result<Pid, Fact> {
    let not_confined = |message| Fact::NotConfined { message };
    let mut writable = order.writable.clone();
    for folder in &writable {
        if !folder.exists() {
            fs::create_dir_all(folder)
                .map_err(|error| not_confined(format!("create {}: {error}", folder.display())))?;
        }
    }
    writable.push(temporary.to_owned());
    let mut command = prepare(order, input, temporary).map_err(|error| Fact::NotStarted {
        message: error.to_string(),
    })?;
    thread::scope(|scope| {
        let confined = thread::Builder::new().spawn_scoped(scope, || {
            confine_light(order, &writable).map_err(not_confined)?;
            spawn(&mut command, order)
        });
        let confined = confined.map_err(|error| not_confined(error.to_string()))?;
        let failed = |_| Err(not_confined("the confined thread failed".to_owned()));
        confined.join().unwrap_or_else(failed)
    })
}

/// Confines the calling thread on the machine it stands on.
fn confine_light(order: &Order, writable: &[PathBuf]) -> Result<(), String> {
    limit(&order.rations, others()).map_err(|error| error.to_string())?;
    give_up_rights(RIGHTS).map_err(|error| error.to_string())?;
    if order.level == SandboxLevel::None {
        return set_no_new_privs(true).map_err(|error| error.to_string());
    }
    let fetches = order.network == Network::Install;
    let mut readable = places::machine(fetches);
    readable.extend(order.readable.iter().cloned());
    readable.push(order.cwd.clone());
    confine(Reach {
        readable: Some(&readable),
        writable,
    })?;
    filter(Surface::of(order)).map_err(|error| error.to_string())
}

fn prepare(order: &Order, input: &[u8], temporary: &Path) -> io::Result<Command> {
    let (program, args) = order
        .argv
        .split_first()
        .ok_or(io::ErrorKind::InvalidInput)?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(&order.cwd)
        .env_clear()
        .envs(&order.env)
        .stdin(input_file(input)?)
        .stdout(Stdio::from(output.try_clone()?))
        .stderr(Stdio::from(output))
        // A command that signals its own group does not reach the supervisor.
        .process_group(0);
    for name in ["TMPDIR", "TMP", "TEMP"] {
        command.env(name, temporary);
    }
    Ok(command)
}

fn spawn(command: &mut Command, order: &Order) -> Result<Pid, Fact> {
    let mut tries = 1;
    loop {
        match command.spawn() {
            Ok(child) => {
                let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
                return pid.ok_or_else(|| Fact::NotStarted {
                    message: "it has no process number".to_owned(),
                });
            }
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES_MAX =>
            {
                tries += 1;
                thread::sleep(BUSY_PAUSE);
            }
            Err(error) => return Err(not_started(&error, order)),
        }
    }
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
    let found = if program.contains('/') {
        order.cwd.join(program).exists()
    } else {
        let path = order.env.get("PATH").map_or("", String::as_str);
        crate::program::find_program(program, path).is_some()
    };
    if found {
        message("its interpreter is missing".to_owned())
    } else {
        Fact::ProgramMissing
    }
}

/// Waits for the command's end; `None` when it is time to end it by force.
async fn wait_for(
    main: Pid,
    mut leash: pipe::Receiver,
    order: &Order,
    signals: &mut Signals,
) -> Option<WaitStatus> {
    let grace = Duration::from_millis(order.kill_grace_ms);
    let counted = geteuid().is_root();
    let mut counts = interval(COUNT_PAUSE);
    let [terminate, interrupt, hangup] = &mut signals.requests;
    let mut force = None;
    let mut word = [0];
    loop {
        while let Some((pid, status)) = family::reap() {
            if pid == main {
                return Some(status);
            }
        }
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
            _ = counts.tick(), if counted => {
                if family::size() as u64 > order.rations.processes_max {
                    // The report shows it; it is ended whether or not that can be said.
                    let _ = writeln!(io::stdout(), "\n[ended: more than {} processes]", order.rations.processes_max);
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
