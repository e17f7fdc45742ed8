//! What the stages of a machine of its own are told.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{frame::Order, lay, places};

/// Number of the user and the group that a command has inside.
pub(super) const OWN_ID: u32 = 1000;
/// First of the numbers that no distribution, container or directory of users hands out.
const UNUSED_IDS: u32 = 0x7000_0000;

/// The order, and what the supervisor has prepared for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Inside {
    /// What is to be run.
    pub(super) order: Order,
    /// What is to be read beside the system, outermost first.
    pub(super) shown: Vec<Shown>,
    /// A folder outside that nobody else uses.
    pub(super) temporary: PathBuf,
    /// Who the command is outside, where the supervisor may choose.
    pub(super) users: Option<Users>,
}

/// A place outside, and where it is seen inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Shown {
    /// Where it lies, without links on the way.
    pub(super) from: PathBuf,
    /// How it is called.
    pub(super) to: PathBuf,
}

/// Somebody nobody is, and whose files he may take for his own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Users {
    /// A process in the name space where the owner's number stands for nobody's.
    pub(super) holder: u32,
    /// The user that owns the files.
    pub(super) owner: u32,
    /// The group that owns the files.
    pub(super) owner_group: u32,
    /// The number outside that nobody has.
    pub(super) nobody: u32,
}

/// A number outside that nobody has, another for each process.
pub(super) fn nobody(process: u32) -> u32 {
    UNUSED_IDS + process
}

/// The folders of the first stage, as seen by those that come after.
pub(super) mod stage {
    /// The machine outside.
    pub(in super::super) const OUTSIDE: &str = "/outside";
    /// What becomes the root.
    pub(in super::super) const LAID: &str = "/laid";
    /// The same, as mounts that may be taken apart.
    pub(in super::super) const ROOT: &str = "/root";
    /// What a command writes to and nobody keeps.
    pub(in super::super) const SCRATCH: &str = "/scratch";
    /// The workspace as it is outside.
    pub(in super::super) const LOWER: &str = "/lower";
    /// Places that lie inside the workspace, by their number.
    pub(in super::super) const LATE: &str = "/late";
    /// Settings that a command is told, by their number.
    pub(in super::super) const TOLD: &str = "/told";
}

/// What the order names to read, as it is named and as it really lies. To be asked outside.
pub(super) fn shown(order: &Order) -> Vec<Shown> {
    let mut named: Vec<(PathBuf, PathBuf)> = Vec::new();
    for place in &order.readable {
        let Ok(real) = std::fs::canonicalize(place) else {
            continue;
        };
        named.push((real.clone(), real.clone()));
        named.push((place.clone(), real));
    }
    named.sort();
    let mut shown: Vec<Shown> = Vec::new();
    for (to, from) in named {
        let system = places::SYSTEM.iter().any(|place| to.starts_with(place));
        let above = order.workspace.iter().map(|workspace| &workspace.folder);
        let above = above
            .chain(&order.writable)
            .any(|place| to.starts_with(place));
        // A place that holds what is written would be mounted over it.
        let private = lay::PRIVATE
            .iter()
            .any(|(_, name)| Path::new("/").join(name) == to);
        let again = shown.iter().any(|shown| to.starts_with(&shown.to));
        if !system && !above && !private && !again {
            shown.push(Shown { from, to });
        }
    }
    shown
}

impl Inside {
    /// What a command writes to outside, in the order in which it is mounted, and whether it lies
    /// inside the workspace.
    pub(super) fn writable(&self) -> impl Iterator<Item = (&PathBuf, bool)> {
        self.order
            .writable
            .iter()
            .map(|path| (path, self.is_late(path)))
    }

    /// Whether a place lies inside the workspace, and thus above its layer.
    pub(super) fn is_late(&self, path: &Path) -> bool {
        let workspace = self.order.workspace.as_ref();
        workspace.is_some_and(|workspace| path.starts_with(&workspace.folder))
    }

    /// The home of the command, if nobody outside keeps it.
    pub(super) fn private_home(&self) -> Option<PathBuf> {
        let home = PathBuf::from(self.order.env.get("HOME")?);
        let kept = self
            .order
            .writable
            .iter()
            .any(|place| home.starts_with(place));
        (home.is_absolute() && home.components().count() > 1 && !kept && !self.is_late(&home))
            .then_some(home)
    }
}
