//! What parent and supervisor say to each other: one order, then single facts.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::PathBuf,
};

use atelier_model::{Network, SandboxLevel};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Cap, Caps, Returned, Workspace};
use crate::way_out::{Traffic, WayOut};

/// Bytes of an order, and of the input that follows it.
pub(super) const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What the parent sends to have the command ended politely. The end of the stream ends it at once.
pub(super) const STOP: u8 = b's';

/// What the supervisor is to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Version of the program that gives the order; a helper of another does not take it.
    pub(super) version: String,
    /// Program and arguments.
    pub(super) argv: Vec<String>,
    /// The folder it runs in.
    pub(super) cwd: PathBuf,
    /// Its environment.
    pub(super) env: BTreeMap<String, String>,
    /// What it may change.
    pub(super) writable: Vec<PathBuf>,
    /// What it may read beside that and the system.
    pub(super) readable: Vec<PathBuf>,
    /// Settings of package managers that it reads, without what is secret in them; at the strong
    /// level in place of the user's own.
    pub(super) told: BTreeMap<PathBuf, String>,
    /// How strongly it is confined.
    pub(super) level: SandboxLevel,
    /// Which network it sees.
    pub(super) network: Network,
    /// Whether it is the machine's own all the same.
    pub(super) host_network: bool,
    /// Where it may go, if it installs packages; for the supervisor outside alone.
    pub(super) way_out: Option<WayOut>,
    /// Whether somebody outside visits it in a network of its own.
    pub(super) visited: bool,
    /// The folder whose changes are kept apart.
    pub(super) workspace: Option<Workspace>,
    /// What it may use up.
    pub(super) rations: Rations,
    /// Milliseconds from the polite request to the end by force.
    pub(super) kill_grace_ms: u64,
}

/// What a command may use up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rations {
    /// Processes at once.
    pub(super) processes_max: u64,
    /// Bytes of private memory of one process, which the kernel counts by itself.
    pub(super) data_bytes_max: Option<u64>,
    /// Everything else.
    pub(super) caps: Caps,
}

/// What the supervisor tells its parent, one a line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Fact {
    /// The first process of a machine of its own is there; the supervisor alone hears of it.
    First {
        /// Its number outside.
        pid: u32,
    },
    /// Everything is in place, and the process waits for a word.
    Ready {
        /// Its descriptor on which connections to package registries arrive.
        door: Option<i32>,
        /// Its descriptor of a socket through which the command can be visited.
        visit: Option<i32>,
    },
    /// The order is taken; from here on the command may have begun.
    Taken,
    /// The command runs.
    Started {
        /// The supervisor's descriptor of a socket through which the command can be visited.
        visit: Option<i32>,
    },
    /// There is no such program.
    ProgramMissing,
    /// The program cannot be started.
    NotStarted {
        /// Why.
        message: String,
    },
    /// The confinement could not be set up.
    NotConfined {
        /// Why.
        message: String,
    },
    /// What the command used up.
    Used {
        /// Milliseconds of processor time.
        cpu_ms: u64,
        /// Most bytes of memory at once.
        memory_peak_bytes: u64,
        /// Limits it ran into.
        hit: Vec<Cap>,
    },
    /// What was taken over from its workspace.
    Returned(Returned),
    /// What it asked for at its door.
    Went(Traffic),
    /// Atelier's own state in the workspace could not be hidden from the command.
    Shown {
        /// Why.
        why: String,
    },
    /// The supervisor takes another order afterwards; the word before the last.
    Stays,
    /// The command ended with a code, and nothing of it is left.
    Code {
        /// The code.
        code: i32,
    },
    /// The command was ended by a signal, and nothing of it is left.
    Signal {
        /// The signal.
        signal: i32,
    },
}

/// An order with the command's input as one frame; `None` when it is too long.
pub(super) fn frame(order: &impl Serialize, input: &[u8]) -> Option<Vec<u8>> {
    let order = serde_json::to_vec(order).ok()?;
    if order.len() > FRAME_BYTES_MAX || input.len() > FRAME_BYTES_MAX {
        return None;
    }
    let mut frame = Vec::with_capacity(8 + order.len() + input.len());
    for part in [order.as_slice(), input] {
        frame.extend_from_slice(&u32::try_from(part.len()).ok()?.to_le_bytes());
        frame.extend_from_slice(part);
    }
    Some(frame)
}

/// Reads a frame and not a byte more.
pub(super) fn frame_read<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<(T, Vec<u8>)> {
    let order = part_read(stream)?;
    let input = part_read(stream)?;
    Ok((serde_json::from_slice(&order)?, input))
}

fn part_read(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut part = vec![0; length];
    stream.read_exact(&mut part)?;
    Ok(part)
}
