//! The parent's supervisors: one that has carried out an order well waits for another like it.

use std::{
    fs,
    io::{self, PipeWriter},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::MetadataExt, net},
    },
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use atelier_model::SandboxLevel;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Interest, Lines},
    net::{UnixStream, unix::pipe::Receiver},
    process::{Child, Command},
};

use super::{HELPER_COMMAND, frame::Order, leash::announce};

/// Supervisors that wait at once.
const WAITING_MAX: usize = 16;

/// Supervisors that wait for orders. They end when this is dropped, or when they have waited long.
#[derive(Debug, Clone, Default)]
pub(super) struct Crew(Arc<Mutex<Vec<Waiting>>>);

/// What orders have in common that one supervisor can carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each has a machine of its own.
    Apart,
    /// They are confined alike: everything of the order but what is run, and which folders these
    /// are, for a folder may be made anew under its name.
    Beside(Vec<u8>, Vec<Identity>),
}

/// Which folder something is, whatever it is called: device, number, and when it was made.
type Identity = (u64, u64, std::time::SystemTime);

impl Kind {
    /// Of an order; nothing where no other is like it.
    pub(super) fn of(order: &Order) -> Option<Self> {
        if order.visited {
            return None;
        }
        let alike = match order.level {
            SandboxLevel::Strong => return Some(Self::Apart),
            SandboxLevel::Light => serde_json::to_vec(&(
                order.level,
                &order.writable,
                &order.workspace,
                &order.readable,
                order.network,
                order.host_network,
                &order.rations,
            )),
            // Wherever it reads, and whomever it speaks to, it is not kept from it.
            SandboxLevel::None => {
                serde_json::to_vec(&(order.level, &order.writable, &order.rations))
            }
        };
        let places: &mut dyn Iterator<Item = &PathBuf> = match order.level {
            SandboxLevel::None => &mut order.writable.iter(),
            SandboxLevel::Light | SandboxLevel::Strong => {
                let workspace = order.workspace.iter().map(|workspace| &workspace.folder);
                &mut order.writable.iter().chain(workspace).chain([&order.cwd])
            }
        };
        let places = places.map(|place| identity(place));
        Some(Self::Beside(alike.ok()?, places.collect::<Option<_>>()?))
    }
}

fn identity(place: &Path) -> Option<Identity> {
    let found = fs::metadata(place).ok()?;
    Some((found.dev(), found.ino(), found.created().ok()?))
}

#[derive(Debug)]
struct Waiting {
    kind: Kind,
    child: Child,
    leash: net::UnixStream,
    facts: OwnedFd,
}

impl Crew {
    /// A supervisor that waits for such an order.
    pub(super) fn take(&self, kind: &Kind) -> Option<Supervisor> {
        loop {
            let mut crew = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let place = crew.iter().rposition(|waiting| waiting.kind == *kind)?;
            let waiting = crew.swap_remove(place);
            drop(crew);
            // One that cannot be spoken to is none.
            if let Ok(supervisor) = Supervisor::of(waiting.child, waiting.leash, waiting.facts) {
                return Some(supervisor);
            }
        }
    }

    /// Lets a supervisor wait for another order.
    pub(super) fn keep(&self, kind: Kind, supervisor: Supervisor) {
        let Supervisor {
            child,
            leash,
            facts,
        } = supervisor;
        let facts = facts.into_inner();
        // Whoever has said more than was asked for is not kept.
        if !facts.buffer().is_empty() {
            return;
        }
        let (Ok(leash), Ok(facts)) = (leash.into_std(), facts.into_inner().into_blocking_fd())
        else {
            return;
        };
        let mut crew = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have waited long have ended by themselves.
        crew.retain_mut(|waiting| matches!(waiting.child.try_wait(), Ok(None)));
        if crew.len() >= WAITING_MAX {
            crew.remove(0);
        }
        crew.push(Waiting {
            kind,
            child,
            leash,
            facts,
        });
    }
}

/// A supervisor that can be spoken to.
#[derive(Debug)]
pub(super) struct Supervisor {
    pub(super) child: Child,
    /// While this is open a command may live. The kernel closes it with this process, whatever
    /// ends this process.
    pub(super) leash: UnixStream,
    pub(super) facts: Lines<BufReader<Receiver>>,
}

impl Supervisor {
    /// Starts one.
    pub(super) fn start(helper: &Path) -> io::Result<Self> {
        let (leash, theirs) = net::UnixStream::pair()?;
        let mut child = Command::new(helper)
            .arg(HELPER_COMMAND)
            // Whatever this process was told in confidence, no descendant of the helper sees.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let facts = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Self::of(child, leash, facts.into_owned_fd()?)
    }

    fn of(child: Child, leash: net::UnixStream, facts: OwnedFd) -> io::Result<Self> {
        leash.set_nonblocking(true)?;
        Ok(Self {
            child,
            leash: UnixStream::from_std(leash)?,
            facts: BufReader::new(Receiver::from_owned_fd(facts)?).lines(),
        })
    }

    /// Hands over an order, and where its output is to go.
    pub(super) async fn hand_over(&mut self, frame: &[u8], output: PipeWriter) -> io::Result<()> {
        let leash = &self.leash;
        let announced = leash.async_io(Interest::WRITABLE, || {
            Ok(announce(leash.as_fd(), output.as_fd())?)
        });
        announced.await?;
        // Whoever reads it must see its end.
        drop(output);
        self.leash.write_all(frame).await
    }
}
