//! How a command is kept from the rest of the machine: a choice, made for each command.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How strongly a command is confined. There is no way from one to the next below but the
/// operator's own word: what cannot be had is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing but time, output and processes is limited.
    None,
    /// The kernel refuses files and system calls that a command has no business with. For tools
    /// that are trusted to mean well.
    Light,
    /// A small machine of its own: users, files, processes and network are others than outside.
    Strong,
}

impl Level {
    /// All levels, the strongest first.
    pub const ALL: [Self; 3] = [Self::Strong, Self::Light, Self::None];

    /// Its name in configuration, on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Strong => "strong",
        }
    }

    /// The level of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// Which network a command sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// None at all.
    None,
    /// Its own loopback device and nothing else.
    Loopback,
    /// The package registries that the operator named, through a proxy of this process.
    Install,
    /// The machine's own. Only commands that others on this machine talk to need it, and the
    /// strong level cannot give it.
    Host,
}

impl Network {
    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Loopback => "loopback",
            Self::Install => "install",
            Self::Host => "host",
        }
    }

    /// The network of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::None, Self::Loopback, Self::Install, Self::Host]
            .into_iter()
            .find(|network| network.name() == name)
    }
}

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
    /// These files and folders below the workspace.
    Only(Vec<PathBuf>),
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
    /// How strongly.
    pub level: Level,
    /// Which network it sees.
    pub network: Network,
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
        Self::of(Level::Light, Network::Host)
    }

    /// A small machine of its own, with a loopback network.
    pub fn strong() -> Self {
        Self::of(Level::Strong, Network::Loopback)
    }

    /// The operator wanted none.
    pub fn none() -> Self {
        Self::of(Level::None, Network::Host)
    }

    fn of(level: Level, network: Network) -> Self {
        Self {
            level,
            network,
            readable: Vec::new(),
            workspace: None,
            caps: Caps::default(),
        }
    }

    /// What this does not keep a command from although it may be asked for, one sentence each.
    pub fn missing(&self) -> Vec<&'static str> {
        match self.level {
            Level::Strong => Vec::new(),
            Level::Light => {
                let mut missing = vec![
                    "other processes of this machine can be seen, but not looked into",
                    "services of this machine can be reached through sockets in its folders",
                    "memory is limited for each process, not for all together",
                    "disk space is not limited",
                ];
                if matches!(self.network, Network::Loopback) {
                    missing.push("the whole network can be reached, not the loopback device alone");
                }
                if self.workspace.is_some() {
                    missing.push("files of the workspace are changed in place");
                }
                missing
            }
            Level::None => vec!["files, network, memory and system calls are not confined"],
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
