//! Commands beside others, on the machine that their supervisor stands on.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use atelier_model::SandboxLevel;
use rustix::thread::set_no_new_privs;

use super::{
    conduct::{Hall, Job, conduct},
    confine::{Limits, RIGHTS, Reach, confine, give_up_rights, limit, limits, others},
    filter::{Surface, filter},
    frame::{Fact, Order},
    hide::hide,
    meter::Meter,
    network, places,
    starter::Starter,
};

/// Where commands start that are confined alike.
pub(super) struct Beside {
    starter: Starter,
    temporary: PathBuf,
    /// A socket of their network, for whoever visits them.
    visit: Option<OwnedFd>,
    /// Why Atelier's own state could not be hidden from them.
    shown: Option<String>,
    /// The limits that the first of them was given.
    limits: Arc<OnceLock<Limits>>,
}

impl Beside {
    /// As an order says; those that follow say the same of what a command may.
    pub(super) fn new(order: &Order, temporary: &Path) -> io::Result<Self> {
        network::beside(order)?;
        let visit = network::visitor(order)?;
        let mut writable = writable(order);
        for folder in &writable {
            if !folder.exists() {
                let error =
                    |error| io::Error::other(format!("create {}: {error}", folder.display()));
                fs::create_dir_all(folder).map_err(error)?;
            }
        }
        let shown = match order.level {
            SandboxLevel::Light => hide(order).err(),
            SandboxLevel::Strong | SandboxLevel::None => None,
        };
        writable.push(temporary.to_owned());
        let told = order.clone();
        let limits = Arc::default();
        let given = Arc::clone(&limits);
        Ok(Self {
            starter: Starter::new(move || confine_beside(&told, &writable, &given))?,
            limits,
            temporary: temporary.to_owned(),
            visit,
            shown,
        })
    }

    /// Whether the next command gets what the first one got: a command may have changed the limits
    /// of the process that started it.
    pub(super) fn is_as_made(&self) -> bool {
        self.limits.get() == Some(&limits())
    }

    /// Carries out an order; what is to be told once nothing of it is left.
    pub(super) fn conduct(
        &self,
        hall: &mut Hall,
        order: &Order,
        input: &[u8],
        output: OwnedFd,
        line: &UnixStream,
    ) -> io::Result<Vec<Fact>> {
        let job = Job {
            order,
            input,
            output,
            temporary: &self.temporary,
            visit: self.visit.as_ref().map(AsRawFd::as_raw_fd),
        };
        let meter = Meter::beside(&order.rations);
        let mut facts = conduct(hall, &job, &self.starter, line, meter)?;
        if let Some(why) = &self.shown {
            facts.insert(0, Fact::Shown { why: why.clone() });
        }
        Ok(facts)
    }
}

/// What a command may change.
fn writable(order: &Order) -> Vec<PathBuf> {
    let workspace = order.workspace.iter();
    let workspace = workspace.map(|workspace| workspace.folder.clone());
    order.writable.iter().cloned().chain(workspace).collect()
}

/// Confines the calling thread on the machine it stands on.
fn confine_beside(
    order: &Order,
    writable: &[PathBuf],
    given: &OnceLock<Limits>,
) -> Result<(), String> {
    limit(&order.rations, others()).map_err(|error| error.to_string())?;
    given.get_or_init(limits);
    give_up_rights(RIGHTS).map_err(|error| error.to_string())?;
    if order.level == SandboxLevel::None {
        return set_no_new_privs(true).map_err(|error| error.to_string());
    }
    let mut readable = places::machine();
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
