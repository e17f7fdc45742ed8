//! How a command is kept from the rest of the machine: a choice, made for each command.

use std::path::PathBuf;

use atelier_model::{Network, SandboxLevel};
use serde::{Deserialize, Serialize};

use crate::way_out::Traffic;

/// A folder that the command sees as its own: what it changes stays in a layer above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The folder.
    pub folder: PathBuf,
    /// What of the changes is taken over once the command has ended.
    pub returns: Returns,
}

/// What of a command's changes to its workspace is taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    /// Nothing: the changes end with the command.
    Nothing,
    /// Everything that may leave, deletions included.
    Everything,
    /// Some places below the workspace alone.
    Only {
        /// These files and folders, with all that lies below them.
        whole: Vec<PathBuf>,
        /// What is made in these folders. Others may make something there too: nothing is deleted.
        within: Vec<PathBuf>,
    },
}

/// What a command may use up beyond its time. `None` is no limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caps {
    /// Bytes of memory of all its processes together.
    pub memory_bytes_max: Option<u64>,
    /// Seconds of processor time of all its processes together.
    pub cpu_seconds_max: Option<u64>,
    /// Bytes of one file it writes.
    pub file_bytes_max: Option<u64>,
    /// Bytes of everything it writes to its workspace and its private folders.
    pub disk_bytes_max: Option<u64>,
    /// Files and folders it makes there.
    pub inodes_max: Option<u64>,
    /// Bytes it may print before it is ended.
    pub printed_bytes_max: Option<u64>,
}

/// How one command is confined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// How strongly. What cannot be had is an error, never less than this.
    pub level: SandboxLevel,
    /// Which network it sees.
    pub network: Network,
    /// Whether the machine's own network is left to it all the same. Only commands that others on
    /// this machine talk to need it, and the strong level cannot give it.
    pub host_network: bool,
    /// Hosts it may reach beside the package registries that are known, where it installs.
    pub registries: Vec<String>,
    /// What it may read beside the system's programs and libraries, its own folder, and the tools
    /// that its environment names.
    pub readable: Vec<PathBuf>,
    /// The folder it works on, where its changes are to be looked at before they are taken over.
    pub workspace: Option<Workspace>,
    /// What it may use up.
    pub caps: Caps,
}

impl Confinement {
    /// Kept from the user's files, not from the network: for tools that are trusted to mean well.
    pub fn light() -> Self {
        Self {
            host_network: true,
            ..Self::of(SandboxLevel::Light, Network::Install)
        }
    }

    /// A small machine of its own, with a loopback network.
    pub fn strong() -> Self {
        Self::of(SandboxLevel::Strong, Network::Loopback)
    }

    /// The operator wanted none.
    pub fn none() -> Self {
        Self {
            host_network: true,
            ..Self::of(SandboxLevel::None, Network::Install)
        }
    }

    fn of(level: SandboxLevel, network: Network) -> Self {
        Self {
            level,
            network,
            host_network: false,
            registries: Vec::new(),
            readable: Vec::new(),
            workspace: None,
            caps: Caps::default(),
        }
    }

    /// What this does not keep a command from although it may be asked for, one sentence each.
    pub fn missing(&self) -> Vec<&'static str> {
        match self.level {
            SandboxLevel::Strong => Vec::new(),
            SandboxLevel::Light => {
                let mut missing = vec![
                    "other processes of this machine can be seen, but not looked into",
                    "services of this machine can be reached through sockets in its folders",
                    "modes and times of the user's other files can be changed, their content cannot",
                    "disk space is not limited",
                ];
                if self.network != Network::None {
                    missing.push("the whole network can be reached");
                }
                if self.workspace.is_some() {
                    missing.push(
                        "files of the workspace are changed in place, its repository among them",
                    );
                }
                missing
            }
            SandboxLevel::None => vec!["files, network, memory and system calls are not confined"],
        }
    }
}

/// Which limit a command ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// Memory of all its processes.
    Memory,
    /// Processor time.
    Cpu,
    /// Processes at once.
    Processes,
    /// Bytes on disk.
    Disk,
    /// Files and folders.
    Inodes,
    /// Bytes printed.
    Output,
    /// Time altogether.
    Wall,
    /// Time without output.
    Idle,
}

/// What a command used up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Milliseconds of processor time of all its processes.
    pub cpu_ms: u64,
    /// Most bytes of memory at once, as far as it was looked at.
    pub memory_peak_bytes: u64,
    /// Bytes it printed.
    pub printed_bytes: u64,
    /// Limits that ended it or would not let it go on.
    pub hit: Vec<Cap>,
    /// What was taken over from its workspace, if that was asked for.
    pub returned: Returned,
    /// What it asked for outside, where it had a door there.
    pub way_out: Option<Traffic>,
    /// Why Atelier's own state in its workspace could not be hidden from it, where that is so.
    pub state_shown: Option<String>,
}

/// What was taken over from a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Returned {
    /// Files, folders and links made or changed.
    pub written: u64,
    /// Files, folders and links removed.
    pub removed: u64,
    /// What was not taken over, and why; the first of them where there are many.
    pub refused: Vec<String>,
}
