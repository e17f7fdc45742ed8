//! Commands that nobody trusts: started, watched, confined and ended with all their descendants.
//!
//! A command is never started by this process itself but by a supervisor: the helper program, one
//! for each command at a time. The supervisor is where orphans land, it alone outlives a killed
//! parent, and it has nothing else to do than to end everything below it. When it has done so, and
//! found nothing left, it takes another command that is confined alike; a start then costs neither
//! a program nor rules, and never anything that grows with this process.
//!
//! Another system than Linux would bring a supervisor of its own: whoever takes an `Order` from
//! the line, confines what it starts as the order's level says or refuses, and answers with
//! `Fact`s. All that is Linux lies behind that: `supervisor`, `beside`, `outer`, and what they use.

mod background;
mod beside;
mod conduct;
mod confine;
mod confinement;
mod crew;
mod enter;
mod family;
mod filter;
mod first;
mod frame;
mod hide;
mod inside;
mod kernel;
mod lay;
mod leash;
mod meter;
mod network;
mod outer;
mod places;
mod private;
mod probe;
mod request;
mod returns;
mod starter;
mod supervisor;
mod tape;
mod watch;

pub use background::Service;
pub use confinement::{Cap, Caps, Confinement, Returned, Returns, Usage, Workspace};
pub use probe::{Finding as SandboxFinding, Grade, findings as sandbox_findings};
pub use request::{RequestError, ServiceAnswer, free_port};
pub use supervisor::helper_main;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use atelier_model::{Network, SandboxLevel};
use tokio_util::sync::CancellationToken;

use crate::way_out::{Trusted, WayOut, hide_proxies, is_registry_variable};

use self::{
    crew::Crew,
    frame::{Order, Rations, VERSION},
    watch::{Patience, Watch},
};

/// The helper program's first argument: `atelier __sandbox`.
pub const HELPER_COMMAND: &str = "__sandbox";

/// Bytes of one file, where nothing is said and the disk has room for twice as much.
const FILE_BYTES_MAX: u64 = 8 << 30;
/// Bytes that a command may print where nothing is said: whoever keeps them has a disk too.
const PRINTED_BYTES_MAX: u64 = 1 << 30;

/// What receives output as it arrives.
pub type OutputSink<'a> = &'a (dyn Fn(&[u8]) + Send + Sync);

/// The door through which commands nobody trusts are run.
#[derive(Debug, Clone)]
pub struct Sandbox {
    helper: PathBuf,
    support: Support,
    crew: Crew,
}

/// What this machine's kernel offers for confining a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// The kernel refuses files outside the places of a command.
    Landlock {
        /// Version of the kernel's interface; from 6 on, signals to other processes are refused too.
        abi: u32,
    },
    /// Nothing: commands can only be run unconfined.
    None {
        /// Why.
        reason: String,
    },
}

/// One command, with all that it may use up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments; no shell is involved.
    pub argv: Vec<String>,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// Its whole environment, apart from the private temporary folder that it is given.
    pub env: BTreeMap<String, String>,
    /// Folders, created where missing, and files that it may change.
    pub writable: Vec<PathBuf>,
    /// Milliseconds until it is ended.
    pub wall_ms: u64,
    /// Milliseconds it may print nothing before it is ended; not applied to a service.
    pub idle_ms: u64,
    /// Bytes of output that are kept: the first half and the last half.
    pub output_bytes_max: usize,
    /// Processes it may have at once; threads count too, except for the root user.
    pub processes_max: u64,
    /// Milliseconds between the request to end and the end by force.
    pub kill_grace_ms: u64,
    /// What it finds on its standard input.
    pub stdin: Vec<u8>,
    /// How it is kept from the rest of the machine.
    pub confinement: Confinement,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal, which Atelier did not send.
    Signal(i32),
    /// It took too long.
    WallTimeout,
    /// It was silent too long.
    IdleTimeout,
    /// The run was cancelled, or the service was stopped.
    Cancelled,
}

impl Exit {
    /// Whether it ended by itself and said that all is well.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

/// What a command left behind. No process of it is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub exit: Exit,
    /// Standard output and standard error as they came, with a marker line where the middle is
    /// left out.
    pub output: String,
    /// Whether the middle is left out.
    pub truncated: bool,
    /// Milliseconds from its start to its end.
    pub duration_ms: u64,
    /// What it used up.
    pub usage: Usage,
}

impl Report {
    /// Of a command that was cancelled before it began.
    fn cancelled() -> Self {
        Self {
            exit: Exit::Cancelled,
            output: String::new(),
            truncated: false,
            duration_ms: 0,
            usage: Usage::default(),
        }
    }
}

/// Why a command did not run, or its end is not known. Never a verdict on the command.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no such program on the command's search path.
    #[error("start `{program}`: there is no such program")]
    ProgramMissing {
        /// The program.
        program: String,
    },
    /// The program is there and cannot be started.
    #[error("start `{program}`: {message}")]
    NotStarted {
        /// The program.
        program: String,
        /// Why.
        message: String,
    },
    /// A command has no program.
    #[error("start a command of no words")]
    NoProgram,
    /// A command is too long to be handed over.
    #[error("start `{program}`: command, environment and input have more than {bytes_max} bytes")]
    TooLong {
        /// The program.
        program: String,
        /// The limit.
        bytes_max: usize,
    },
    /// The confinement could not be set up; the command was not started.
    #[error("confine `{program}`: {message}")]
    NotConfined {
        /// The program.
        program: String,
        /// Why.
        message: String,
    },
    /// The helper program could not be started.
    #[error("start the sandbox helper `{}`", helper.display())]
    Helper {
        /// The program.
        helper: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The helper program ended without a word on the command.
    #[error("learn how `{program}` ended: the sandbox helper is gone ({message})")]
    HelperLost {
        /// The program.
        program: String,
        /// What it said last.
        message: String,
    },
}

impl SpawnError {
    /// Whether the command itself is at fault: its program is missing or cannot be started.
    pub fn is_commands_fault(&self) -> bool {
        match self {
            Self::ProgramMissing { .. }
            | Self::NotStarted { .. }
            | Self::NoProgram
            | Self::TooLong { .. } => true,
            Self::NotConfined { .. } | Self::Helper { .. } | Self::HelperLost { .. } => false,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ProgramMissing { program } => {
                format!("install `{program}`, or name it with its whole path")
            }
            Self::NotStarted { .. } => "check that it may be run".to_owned(),
            Self::NoProgram => "name a program behind `--`".to_owned(),
            Self::TooLong { .. } => "put what is long into a file".to_owned(),
            Self::NotConfined { .. } => probe::remedy(),
            Self::Helper { .. } | Self::HelperLost { .. } => return None,
        })
    }
}

impl Sandbox {
    /// A sandbox whose supervisor is `helper`: a program that calls [`helper_main`] when its first
    /// argument is [`HELPER_COMMAND`]. `/proc/self/exe` names this program itself, even after its
    /// file was replaced.
    pub fn new(helper: PathBuf) -> Self {
        Self {
            helper,
            support: confine::support(),
            crew: Crew::default(),
        }
    }

    /// What this machine's kernel offers for confining a command.
    pub fn support(&self) -> &Support {
        &self.support
    }

    /// Runs a command to its end. `output` sees every byte, also those the report leaves out.
    ///
    /// Dropping the future ends the command.
    pub async fn run(
        &self,
        command: &Command,
        cancel: &CancellationToken,
        output: Option<OutputSink<'_>>,
    ) -> Result<Report, SpawnError> {
        if cancel.is_cancelled() {
            return Ok(Report::cancelled());
        }
        let watch = Watch::start(&self.crew, &self.helper, &order(command), &command.stdin).await?;
        let patience = Patience {
            wall: Duration::from_millis(command.wall_ms),
            idle: Some(Duration::from_millis(command.idle_ms)),
            grace: Duration::from_millis(command.kill_grace_ms),
            printed_bytes_max: Some(printed(command)),
        };
        let tape = tape::Tape::new(command.output_bytes_max).shared();
        let ended = watch.end(patience, cancel, &tape, output).await?;
        Ok(ended.report(&tape))
    }

    /// Starts a command that answers requests until it is stopped, in a network of its own too.
    pub async fn serve(
        &self,
        command: &Command,
        cancel: &CancellationToken,
    ) -> Result<Service, SpawnError> {
        let confinement = &command.confinement;
        let order = Order {
            visited: confinement.level != SandboxLevel::None && !confinement.host_network,
            ..order(command)
        };
        let watch = Watch::start(&self.crew, &self.helper, &order, &command.stdin).await?;
        let patience = Patience {
            wall: Duration::from_millis(command.wall_ms),
            idle: None,
            grace: Duration::from_millis(command.kill_grace_ms),
            printed_bytes_max: Some(printed(command)),
        };
        let tape = tape::Tape::new(command.output_bytes_max).shared();
        Ok(Service::start(watch, patience, cancel.child_token(), tape))
    }
}

/// What the supervisor is told of a command.
fn order(command: &Command) -> Order {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let all = |paths: &[PathBuf]| paths.iter().map(|path| absolute(path)).collect();
    let confinement = &command.confinement;
    let fetches = confinement.network == Network::Install;
    let mut env = command.env.clone();
    let mut readable: Vec<PathBuf> = all(&confinement.readable);
    // Where everything may be read, nobody has to look what may.
    if confinement.level != SandboxLevel::None {
        readable.extend(crate::environment::places());
    }
    let (told, own) = settings(confinement, &mut env);
    readable.extend(own);
    let leaves = fetches && !confinement.host_network;
    if !confinement.host_network {
        hide_proxies(&mut env);
    }
    let program = command.argv.first().map(PathBuf::from);
    readable.extend(program.filter(|program| program.is_absolute()));
    let mut writable: Vec<PathBuf> = all(&command.writable);
    if confinement.level == SandboxLevel::Strong
        && let Some(workspace) = &confinement.workspace
    {
        // Its changes are kept apart, so it is no place that is changed at once.
        let folder = absolute(&workspace.folder);
        writable.retain(|place| *place != folder);
    }
    Order {
        version: VERSION.to_owned(),
        argv: command.argv.clone(),
        cwd: absolute(&command.cwd),
        env,
        writable,
        readable,
        told,
        level: confinement.level,
        network: confinement.network,
        host_network: confinement.host_network,
        visited: false,
        way_out: leaves.then(|| WayOut::new(&confinement.registries, &crate::environment::said())),
        workspace: confinement.workspace.as_ref().map(|workspace| Workspace {
            folder: absolute(&workspace.folder),
            returns: workspace.returns.clone(),
        }),
        rations: Rations {
            processes_max: command.processes_max,
            // A process may set more aside than it ever uses; what is used is counted beside.
            data_bytes_max: confinement
                .caps
                .memory_bytes_max
                .map(|most| most.saturating_mul(2)),
            caps: Caps {
                file_bytes_max: file_bytes(confinement, &command.cwd),
                ..confinement.caps
            },
        },
        kill_grace_ms: command.kill_grace_ms,
    }
}

/// What a command is told of registries: settings without what is secret in them, and files of
/// which that can be said as they are. What its environment names is made so too.
fn settings(
    confinement: &Confinement,
    env: &mut BTreeMap<String, String>,
) -> (BTreeMap<PathBuf, String>, Vec<PathBuf>) {
    let fetches = confinement.network == Network::Install;
    let named = if fetches {
        &confinement.registries[..]
    } else {
        &[]
    };
    let trusted = Trusted::new(named);
    for (_, value) in env
        .iter_mut()
        .filter(|(name, _)| is_registry_variable(name))
    {
        *value = trusted.addresses(value);
    }
    let mut told = BTreeMap::new();
    let mut own = Vec::new();
    let files = if fetches {
        crate::environment::confidential()
    } else {
        BTreeMap::new()
    };
    for (path, text) in files {
        let kept = trusted.settings(&text);
        if confinement.level == SandboxLevel::Strong {
            told.insert(path, kept);
        } else if kept == text {
            own.push(path);
        }
    }
    (told, own)
}

/// Bytes that a command may print.
fn printed(command: &Command) -> u64 {
    let said = command.confinement.caps.printed_bytes_max;
    said.unwrap_or(PRINTED_BYTES_MAX)
}

/// Bytes of one file that a confined command writes: where nothing is said, no more than half of
/// what the disk has left, in steps, so that commands stay alike.
fn file_bytes(confinement: &Confinement, folder: &Path) -> Option<u64> {
    let said = confinement.caps.file_bytes_max;
    if said.is_some() || confinement.level == SandboxLevel::None {
        return said;
    }
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        return Some(FILE_BYTES_MAX);
    };
    let half = disk.f_bavail.saturating_mul(disk.f_frsize) / 2;
    let step = half.checked_ilog2().map_or(0, |bits| 1_u64 << bits);
    Some(step.min(FILE_BYTES_MAX))
}
