//! The helper program: starts one command, waits for it, and ends everything below itself.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    os::{
        fd::{AsFd, AsRawFd},
        unix::process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use atelier_model::{Network, SandboxLevel};
use rustix::{
    process::{Pid, Signal, WaitStatus, getpid, set_child_subreaper, setsid},
    thread::set_no_new_privs,
};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    runtime,
    signal::unix::{SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};

use super::{
    Cap,
    confine::{RIGHTS, Reach, confine, give_up_rights, limit, others},
    enter::{enter, hold},
    family,
    filter::{Surface, filter},
    first::first,
    frame::{Fact, Order, STOP, VERSION, frame_read},
    meter::Meter,
    network, outer, places,
};
use crate::host::input_file;

/// The helper's further argument where it holds a name space of users.
pub(super) const HOLD: &str = "hold";
/// Where it leaves this machine for one of its own.
pub(super) const ENTER: &str = "enter";
/// Where it is the first process of that.
pub(super) const FIRST: &str = "first";

/// Exit code of a helper that could not do its work.
const FAILED: u8 = 70;
/// Tries to start a program that another process still has open for writing.
const BUSY_TRIES_MAX: usize = 20;
/// Pause between two of them.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// Descriptors from here on are not the command's business.
pub(super) const FIRST_FOREIGN: i32 = 3;

/// The helper program: what runs when the first argument is [`HELPER_COMMAND`](super::HELPER_COMMAND).
///
/// It takes its order from standard input; the one further argument there may be says which stage
/// of a machine of its own it is. The command's output goes to standard output; standard error
/// tells the parent what happened.
pub fn helper_main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let stage = args.next().unwrap_or_default();
    let ended = match (stage.to_str(), args.next()) {
        (Some(""), None) => supervise(),
        (Some(HOLD), None) => hold(),
        (Some(ENTER), None) => enter(),
        (Some(FIRST), None) => first(),
        (_, _) => return ExitCode::from(FAILED),
    };
    let Err(error) = ended else {
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
    let (order, input): (Order, Vec<u8>) = frame_read(&mut leash)?;
    if order.version != VERSION {
        let versions = format!("{VERSION}, the program {}", order.version);
        return Err(io::Error::other(format!(
            "use the helper beside the program: it has version {versions}"
        )));
    }
    close_fds::set_fds_cloexec(FIRST_FOREIGN, &[]);
    // A session of its own: no terminal, and no part in what a terminal sends to the parent.
    setsid()?;
    set_child_subreaper(Some(getpid()))?;
    let temporary = tempfile::Builder::new().prefix("atelier-").tempdir()?;
    let facts = match order.level {
        SandboxLevel::Strong => outer::conduct(&order, &input, temporary.path(), leash)?,
        SandboxLevel::Light | SandboxLevel::None => {
            beside(&order, &input, temporary.path(), leash)?
        }
    };
    // What is left of it is in the system's own folder for such files, and is no verdict.
    let _ = crate::tree::folder_remove(temporary.path());
    facts.iter().try_for_each(tell)
}

/// Runs a command on the machine this process stands on.
fn beside(order: &Order, input: &[u8], temporary: &Path, leash: File) -> io::Result<Vec<Fact>> {
    network::beside(order)?;
    let visit = network::visitor(order)?;
    let mut writable = order.writable.clone();
    writable.extend(
        order
            .workspace
            .iter()
            .map(|workspace| workspace.folder.clone()),
    );
    for folder in &writable {
        if !folder.exists() {
            let error = |error| io::Error::other(format!("create {}: {error}", folder.display()));
            fs::create_dir_all(folder).map_err(error)?;
        }
    }
    writable.push(temporary.to_owned());
    let job = Job {
        order,
        input,
        temporary,
        visit: visit.as_ref().map(AsRawFd::as_raw_fd),
        confine: &|| confine_beside(order, &writable),
    };
    conduct(&job, leash, Meter::beside(&order.rations))
}

/// Confines the calling thread on the machine it stands on.
fn confine_beside(order: &Order, writable: &[PathBuf]) -> Result<(), String> {
    limit(&order.rations, others()).map_err(|error| error.to_string())?;
    give_up_rights(RIGHTS).map_err(|error| error.to_string())?;
    if order.level == SandboxLevel::None {
        return set_no_new_privs(true).map_err(|error| error.to_string());
    }
    let mut readable = places::machine(order.network == Network::Install);
    readable.extend(order.readable.iter().cloned());
    readable.push(order.cwd.clone());
    let readable = outermost(readable);
    confine(Reach {
        readable: Some(&readable),
        writable,
    })?;
    filter(Surface::of(order)).map_err(|error| error.to_string())
}

/// Places without those that lie in others: each costs the kernel and the start of a command.
fn outermost(mut places: Vec<PathBuf>) -> Vec<PathBuf> {
    places.sort();
    let mut outermost: Vec<PathBuf> = Vec::new();
    for place in places {
        if !outermost
            .last()
            .is_some_and(|outer| place.starts_with(outer))
        {
            outermost.push(place);
        }
    }
    outermost
}

/// A command, and how the thread that starts it is confined.
pub(super) struct Job<'a> {
    pub(super) order: &'a Order,
    pub(super) input: &'a [u8],
    /// A folder that ends with the command.
    pub(super) temporary: &'a Path,
    /// This process's descriptor of a socket through which the command can be visited.
    pub(super) visit: Option<i32>,
    pub(super) confine: &'a (dyn Fn() -> Result<(), String> + Sync),
}

/// Starts the command and waits until nothing of it is left; what is to be told then.
pub(super) fn conduct(job: &Job<'_>, leash: File, mut meter: Meter) -> io::Result<Vec<Fact>> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = {
        let _below = Below;
        runtime.block_on(run(job, leash, &mut meter))?
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
async fn run(job: &Job<'_>, leash: File, meter: &mut Meter) -> io::Result<Ended> {
    // Before the start, so that no signal is missed.
    let mut signals = Signals::new()?;
    let leash = pipe::Receiver::from_owned_fd(leash.into())?;
    let main = match start(job) {
        Ok(main) => main,
        Err(fact) => return Ok(Ended::NotStarted(fact)),
    };
    tell(&Fact::Started { visit: job.visit })?;
    let status = wait_for(main, leash, job.order, &mut signals, meter).await;
    Ok(Ended::By(status.map_or(
        Fact::Signal {
            signal: Signal::KILL.as_raw(),
        },
        fact,
    )))
}

/// What the supervisor is told by the kernel.
pub(super) struct Signals {
    /// A child ended.
    ends: tokio::signal::unix::Signal,
    /// Somebody wants the supervisor to end; each would end it alone, and leave the command.
    requests: [tokio::signal::unix::Signal; 3],
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
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

/// Tells the parent; one write, so that two stages never mix their words.
pub(super) fn tell(fact: &Fact) -> io::Result<()> {
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
fn start(job: &Job<'_>) -> Result<Pid, Fact> {
    let not_confined = |message| Fact::NotConfined { message };
    let mut command = prepare(job).map_err(|error| Fact::NotStarted {
        message: error.to_string(),
    })?;
    thread::scope(|scope| {
        let confined = thread::Builder::new().spawn_scoped(scope, || {
            (job.confine)().map_err(not_confined)?;
            spawn(&mut command, job.order)
        });
        let confined = confined.map_err(|error| not_confined(error.to_string()))?;
        let failed = |_| Err(not_confined("the confined thread failed".to_owned()));
        confined.join().unwrap_or_else(failed)
    })
}

fn prepare(job: &Job<'_>) -> io::Result<Command> {
    let (program, args) = job
        .order
        .argv
        .split_first()
        .ok_or(io::ErrorKind::InvalidInput)?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(&job.order.cwd)
        .env_clear()
        .envs(&job.order.env)
        .stdin(input_file(job.input)?)
        .stdout(Stdio::from(output.try_clone()?))
        .stderr(Stdio::from(output))
        // A command that signals its own group does not reach the supervisor.
        .process_group(0);
    for name in ["TMPDIR", "TMP", "TEMP"] {
        command.env(name, job.temporary);
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
    meter: &mut Meter,
) -> Option<WaitStatus> {
    let grace = Duration::from_millis(order.kill_grace_ms);
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
                    let _ = writeln!(io::stdout(), "\n[ended: {}]", ended_by(cap, order));
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
