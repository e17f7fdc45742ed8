//! The supervisor of a command in a machine of its own, as far as it stays outside: prepares,
//! hands on what it is told, and takes over what the command leaves behind.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
    process::{Child, ChildStderr, ChildStdin, Command, Stdio},
    sync::Arc,
};

use rustix::{
    fs::{Mode, OFlags, Uid, fchown, open},
    process::{WaitOptions, geteuid, wait},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
    runtime,
    task::JoinSet,
};

use super::{
    HELPER_COMMAND, Returned, Returns,
    family::descriptor_of,
    frame::{Fact, Order, STOP, frame},
    inside::{Inside, Users, nobody, shown, stage},
    lay::SCRATCH_BYTES,
    network::DOOR_PORT,
    returns,
    supervisor::{ENTER, HOLD, Signals, tell},
};
use crate::way_out::{Ledger, WayOut, keep, lead_to_door};

/// This program, whatever its file is called by now.
const SELF: &str = "/proc/self/exe";
/// Word that lets the first process go on.
const GO: u8 = b'g';

/// Runs a command in a machine of its own; what is to be told once nothing of it is left.
pub(super) fn conduct(
    order: &Order,
    input: &[u8],
    temporary: &Path,
    leash: File,
) -> io::Result<Vec<Fact>> {
    if order.host_network {
        return Ok(vec![Fact::NotConfined {
            message: "a machine of its own has a network of its own; the network of this one \
                      needs the level light"
                .to_owned(),
        }]);
    }
    // Both take their time to start, and do so at once.
    let mut holder = if geteuid().is_root() {
        Some(Holder::start()?)
    } else {
        None
    };
    let entering = entering()?;
    for place in &order.writable {
        if !place.exists() {
            fs::create_dir_all(place)?;
        }
    }
    let mut told = order.clone();
    // The user's proxies are not the command's business.
    if let Some(way_out) = told.way_out.take() {
        lead_to_door(&mut told.env, &way_out, DOOR_PORT);
    }
    let inside = Inside {
        order: told,
        shown: shown(order),
        temporary: temporary.to_owned(),
        users: match &mut holder {
            Some(holder) => Some(holder.map(order)?),
            None => None,
        },
    };
    let machine = Machine::start(entering, &inside, input)?;
    // It is not needed any more, and is taken note of at the end.
    drop(holder);
    let (machine, held) = match machine {
        Start::Running(machine, held) => (machine, held),
        Start::Failed(fact) => return Ok(vec![fact]),
    };
    let mut facts = machine.relay(leash, held.door.zip(order.way_out.clone()))?;
    // Whoever is left was ended by the kernel, together with the first process.
    while let Ok(Some(_)) = wait(WaitOptions::empty()) {}
    if let (Some(layer), Some(workspace)) = (held.layer, &order.workspace) {
        let bytes_max = order.rations.caps.disk_bytes_max.unwrap_or(SCRATCH_BYTES);
        let take = |only| returns::take(&layer, &workspace.folder, only, bytes_max);
        let returned = match &workspace.returns {
            Returns::Nothing => Returned::default(),
            Returns::Everything => take(None)?,
            Returns::Only(places) => take(Some(places))?,
        };
        facts.insert(0, Fact::Returned(returned));
    }
    Ok(facts)
}

/// A process in a name space of users in which the owner of the files stands for somebody nobody
/// is. It ends when this is dropped.
struct Holder {
    child: Child,
}

impl Holder {
    fn start() -> io::Result<Self> {
        let child = Command::new(SELF)
            .args([HELPER_COMMAND, HOLD])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Self { child })
    }

    /// Waits until it is there, and says who stands for whom.
    fn map(&mut self, order: &Order) -> io::Result<Users> {
        let folder = order.workspace.as_ref().map(|workspace| &workspace.folder);
        let folder = folder.or(order.writable.first()).unwrap_or(&order.cwd);
        let owner = fs::metadata(folder)?;
        let said = self.child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        match serde_json::from_str(&line)? {
            Fact::Ready { .. } => {}
            Fact::NotConfined { message } => return Err(io::Error::other(message)),
            Fact::First { .. }
            | Fact::Started { .. }
            | Fact::ProgramMissing
            | Fact::NotStarted { .. }
            | Fact::Used { .. }
            | Fact::Returned(_)
            | Fact::Went(_)
            | Fact::Code { .. }
            | Fact::Signal { .. } => return Err(io::ErrorKind::InvalidData.into()),
        }
        let users = Users {
            holder: self.child.id(),
            owner: owner.uid(),
            owner_group: owner.gid(),
            nobody: nobody(self.child.id()),
        };
        let folder = format!("/proc/{}", users.holder);
        let line = |owner: u32| format!("{owner} {} 1", users.nobody);
        fs::write(format!("{folder}/gid_map"), line(users.owner_group))?;
        fs::write(format!("{folder}/uid_map"), line(users.owner))?;
        // Programs open their own output by its name, which takes a right to it.
        fchown(io::stdout(), Some(Uid::from_raw(users.nobody)), None)?;
        Ok(users)
    }
}

/// Starts the stage that leaves this machine; it waits for its order.
fn entering() -> io::Result<Child> {
    Command::new(SELF)
        .args([HELPER_COMMAND, ENTER])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .spawn()
}

/// A command in a machine of its own, and the lines to its first process.
struct Machine {
    leash: ChildStdin,
    facts: BufReader<ChildStderr>,
}

enum Start {
    /// It runs.
    Running(Machine, Held),
    /// It does not, and this is why.
    Failed(Fact),
}

impl Machine {
    fn start(mut child: Child, inside: &Inside, input: &[u8]) -> io::Result<Start> {
        let too_long = || io::Error::other("the order is too long");
        let lines = (child.stdin.take(), child.stderr.take());
        let (Some(leash), Some(facts)) = lines else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut machine = Self {
            leash,
            facts: BufReader::new(facts),
        };
        let mut frames = frame(inside, &[]).ok_or_else(too_long)?;
        frames.extend(frame(inside, input).ok_or_else(too_long)?);
        // A stage that is gone says why.
        let _ = machine.leash.write_all(&frames);
        // Two stages speak here, in any order.
        let mut first = None;
        let mut held = None;
        let mut ready = None;
        loop {
            let Some(fact) = machine.fact()? else {
                return Err(io::Error::other("the machine of its own said nothing"));
            };
            match fact {
                Fact::First { pid } => first = Some(pid),
                Fact::Ready { door, visit } => ready = Some([door, visit]),
                Fact::Started { .. } => {
                    let held: Held = held.ok_or(io::ErrorKind::InvalidData)?;
                    let visit = held.visit.as_ref().map(AsRawFd::as_raw_fd);
                    tell(&Fact::Started { visit })?;
                    return Ok(Start::Running(machine, held));
                }
                failed @ (Fact::ProgramMissing
                | Fact::NotStarted { .. }
                | Fact::NotConfined { .. }) => return Ok(Start::Failed(failed)),
                Fact::Used { .. }
                | Fact::Returned(_)
                | Fact::Went(_)
                | Fact::Code { .. }
                | Fact::Signal { .. } => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
            if let (Some(first), Some(sockets)) = (first, ready.take_if(|_| first.is_some())) {
                held = Some(Held::take(first, sockets, inside)?);
                machine.leash.write_all(&[GO])?;
            }
        }
    }

    fn fact(&mut self) -> io::Result<Option<Fact>> {
        let mut line = String::new();
        if self.facts.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }

    /// Hands on what the parent wants, until the first process has said its last word.
    fn relay(self, leash: File, door: Option<(TcpListener, WayOut)>) -> io::Result<Vec<Fact>> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut signals = Signals::new()?;
            let mut above = pipe::Receiver::from_owned_fd(leash.into())?;
            let mut below = Some(pipe::Sender::from_owned_fd(self.leash.into())?);
            let buffered = self.facts.buffer().to_vec();
            let facts = pipe::Receiver::from_owned_fd(self.facts.into_inner().into())?;
            let facts = tokio::io::AsyncReadExt::chain(buffered.as_slice(), facts);
            let mut lines = tokio::io::BufReader::new(facts).lines();
            let mut told = Vec::new();
            let mut word = [0];
            // It ends with this function, and with it every connection.
            let mut doorkeeper = JoinSet::new();
            let ledger = Arc::new(Ledger::default());
            let leaves = door.is_some();
            if let Some((door, way_out)) = door {
                let door = tokio::net::TcpListener::from_std(door)?;
                doorkeeper.spawn(keep(door, way_out, ledger.clone()));
            }
            loop {
                let stop = tokio::select! {
                    line = lines.next_line() => {
                        let Some(line) = line? else { break };
                        told.push(serde_json::from_str(&line)?);
                        continue;
                    }
                    read = above.read(&mut word), if below.is_some() => {
                        matches!(read, Ok(1) if word == [STOP])
                    }
                    () = signals.requested() => true,
                };
                match &mut below {
                    Some(leash) if stop => {
                        // A first process that is gone ends the loop by its silence.
                        let _ = leash.write_all(&[STOP]).await;
                    }
                    // The parent is gone, and so is what hangs on it.
                    _ => below = None,
                }
            }
            if told.is_empty() {
                return Err(io::Error::other("the first process of its machine is gone"));
            }
            if leaves {
                told.insert(0, Fact::Went(ledger.traffic()));
            }
            Ok(told)
        })
    }
}

/// What the supervisor holds of a machine that it cannot see any more.
struct Held {
    /// The layer over the workspace.
    layer: Option<OwnedFd>,
    /// Where the command asks for package registries.
    door: Option<TcpListener>,
    /// A socket of its network.
    visit: Option<OwnedFd>,
}

impl Held {
    fn take(first: u32, [door, visit]: [Option<i32>; 2], inside: &Inside) -> io::Result<Self> {
        let layer = match &inside.order.workspace {
            Some(_) => Some(upper(first)?),
            None => None,
        };
        let door = match door {
            Some(door) => {
                let door = TcpListener::from(descriptor_of(first, door)?);
                door.set_nonblocking(true)?;
                Some(door)
            }
            None => None,
        };
        let visit = visit.map(|visit| descriptor_of(first, visit)).transpose()?;
        Ok(Self { layer, door, visit })
    }
}

/// The layer over the workspace, which the first process is about to put out of sight.
fn upper(first: u32) -> io::Result<OwnedFd> {
    let path = format!("/proc/{first}/root{}/upper", stage::SCRATCH);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?)
}
