//! The supervisor of a command in a machine of its own, as far as it stays outside: prepares,
//! hands on what it is told, and takes over what the command leaves behind.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{fs::MetadataExt, net::UnixStream},
    },
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::Arc,
};

use rustix::{
    fs::{Mode, OFlags, Uid, fchown, open},
    process::{Pid, WaitOptions, geteuid, waitpid},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
    task::JoinSet,
};

use super::{
    HELPER_COMMAND,
    conduct::{Hall, heard},
    family::descriptor_of,
    frame::{Fact, Order, STOP, frame},
    inside::{Inside, Users, nobody, shown, stage},
    lay::SCRATCH_BYTES,
    leash::announce,
    network::DOOR_PORT,
    returns::{self, Moment},
    supervisor::{ENTER, HOLD, tell},
};
use crate::way_out::{Ledger, WayOut, keep, lead_to_door};

/// This program, whatever its file is called by now.
const SELF: &str = "/proc/self/exe";
/// Word that lets the first process go on.
const GO: u8 = b'g';

/// Where commands of machines of their own are watched from; what it keeps ready for the next.
#[derive(Default)]
pub(super) struct Outpost {
    holder: Option<Holder>,
    entering: Option<Entering>,
}

impl Outpost {
    /// Starts what the next command needs and every command needs alike, while nobody waits.
    pub(super) fn prepare(&mut self) {
        // Where that fails now, it will say why when it is needed.
        self.entering = Entering::start().ok();
    }

    /// Runs a command in a machine of its own; what is to be told once nothing of it is left.
    pub(super) fn conduct(
        &mut self,
        hall: &mut Hall,
        order: &Order,
        input: &[u8],
        output: OwnedFd,
        temporary: &Path,
        line: &UnixStream,
    ) -> io::Result<Vec<Fact>> {
        if order.host_network {
            return Ok(vec![Fact::NotConfined {
                message: "a machine of its own has a network of its own; the network of this one \
                          needs the level light"
                    .to_owned(),
            }]);
        }
        // Both take their time to start, and do so at once.
        if geteuid().is_root() && self.holder.is_none() {
            self.holder = Some(Holder::start()?);
        }
        let entering = match self.entering.take() {
            Some(entering) => entering,
            None => Entering::start()?,
        };
        let inside = self.inside(order, &output, temporary)?;
        let machine = Machine::start(entering, &inside, input, output)?;
        let (machine, held) = match machine {
            Start::Running(machine, held) => (machine, held),
            Start::Failed(fact) => return Ok(vec![fact]),
        };
        let first = machine.first;
        let door = held.door.zip(order.way_out.clone());
        let mut facts = machine.relay(hall, line, door)?;
        // Whoever is left was ended by the kernel, together with the first process.
        let _ = waitpid(Some(first), WaitOptions::empty());
        if let (Some(layer), Some(workspace)) = (held.layer, &order.workspace) {
            let bytes_max = order.rations.caps.disk_bytes_max.unwrap_or(SCRATCH_BYTES);
            let (layer, begun) = layer;
            let (folder, returns) = (&workspace.folder, &workspace.returns);
            let returned = returns::take(&layer, folder, returns, begun, bytes_max)?;
            facts.insert(0, Fact::Returned(returned));
        }
        Ok(facts)
    }

    /// What the stages of the machine are told.
    fn inside(&mut self, order: &Order, output: &OwnedFd, temporary: &Path) -> io::Result<Inside> {
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
        let owner = owner(order)?;
        if self
            .holder
            .as_ref()
            .is_some_and(|holder| !holder.fits(owner))
        {
            self.holder = Some(Holder::start()?);
        }
        let users = match &mut self.holder {
            Some(holder) => Some(holder.map(owner, output)?),
            None => None,
        };
        Ok(Inside {
            order: told,
            shown: shown(order),
            temporary: temporary.to_owned(),
            users,
        })
    }
}

/// User and group that own the files a command works on.
fn owner(order: &Order) -> io::Result<(u32, u32)> {
    let folder = order.workspace.as_ref().map(|workspace| &workspace.folder);
    let folder = folder.or(order.writable.first()).unwrap_or(&order.cwd);
    let found = fs::metadata(folder)?;
    Ok((found.uid(), found.gid()))
}

/// A process in a name space of users in which the owner of the files stands for somebody nobody
/// is. It ends when this is dropped.
struct Holder {
    child: Child,
    users: Option<Users>,
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
        Ok(Self { child, users: None })
    }

    /// Whether it can stand for these files.
    fn fits(&self, (user, group): (u32, u32)) -> bool {
        let stands = |users: &Users| users.owner == user && users.owner_group == group;
        self.users.as_ref().is_none_or(stands)
    }

    /// Waits until it is there, and says who stands for whom.
    fn map(&mut self, owner: (u32, u32), output: &OwnedFd) -> io::Result<Users> {
        let users = match &self.users {
            Some(users) => users.clone(),
            None => self.settle(owner)?,
        };
        // Programs open their own output by its name, which takes a right to it.
        fchown(output, Some(Uid::from_raw(users.nobody)), None)?;
        self.users = Some(users.clone());
        Ok(users)
    }

    fn settle(&mut self, (owner, owner_group): (u32, u32)) -> io::Result<Users> {
        let said = self.child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        match serde_json::from_str(&line)? {
            Fact::Ready { .. } => {}
            Fact::NotConfined { message } => return Err(io::Error::other(message)),
            Fact::First { .. }
            | Fact::Taken
            | Fact::Started { .. }
            | Fact::ProgramMissing
            | Fact::NotStarted { .. }
            | Fact::Used { .. }
            | Fact::Returned(_)
            | Fact::Went(_)
            | Fact::Shown { .. }
            | Fact::Stays
            | Fact::Code { .. }
            | Fact::Signal { .. } => return Err(io::ErrorKind::InvalidData.into()),
        }
        let users = Users {
            holder: self.child.id(),
            owner,
            owner_group,
            nobody: nobody(self.child.id()),
        };
        let folder = format!("/proc/{}", users.holder);
        let line = |owner: u32| format!("{owner} {} 1", users.nobody);
        fs::write(format!("{folder}/gid_map"), line(owner_group))?;
        fs::write(format!("{folder}/uid_map"), line(owner))?;
        Ok(users)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The stage that leaves this machine, and the line on which it waits for its order.
struct Entering {
    child: Child,
    line: UnixStream,
    facts: BufReader<ChildStderr>,
}

impl Entering {
    fn start() -> io::Result<Self> {
        let (line, theirs) = UnixStream::pair()?;
        let mut child = Command::new(SELF)
            .args([HELPER_COMMAND, ENTER])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let facts = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            child,
            line,
            facts: BufReader::new(facts),
        })
    }
}

/// A command in a machine of its own, and the lines to its first process.
struct Machine {
    line: UnixStream,
    facts: BufReader<ChildStderr>,
    first: Pid,
}

enum Start {
    /// It runs.
    Running(Machine, Held),
    /// It does not, and this is why.
    Failed(Fact),
}

impl Machine {
    fn start(
        mut entering: Entering,
        inside: &Inside,
        input: &[u8],
        output: OwnedFd,
    ) -> io::Result<Start> {
        let too_long = || io::Error::other("the order is too long");
        let mut frames = frame(inside, &[]).ok_or_else(too_long)?;
        frames.extend(frame(inside, input).ok_or_else(too_long)?);
        // A stage that is gone says why.
        let _ = announce(entering.line.as_fd(), output.as_fd());
        let _ = entering.line.write_all(&frames);
        drop(output);
        // Two stages speak here, in any order.
        let mut first = None;
        let mut held = None;
        let mut ready = None;
        loop {
            let Some(fact) = entering.fact()? else {
                return Err(io::Error::other("the machine of its own said nothing"));
            };
            match fact {
                Fact::First { pid } => first = Some(pid),
                Fact::Ready { door, visit } => ready = Some([door, visit]),
                Fact::Started { .. } => {
                    let held: Held = held.ok_or(io::ErrorKind::InvalidData)?;
                    let visit = held.visit.as_ref().map(AsRawFd::as_raw_fd);
                    tell(&[Fact::Started { visit }])?;
                    return Ok(Start::Running(entering.entered(first)?, held));
                }
                failed @ (Fact::ProgramMissing
                | Fact::NotStarted { .. }
                | Fact::NotConfined { .. }) => return Ok(Start::Failed(failed)),
                Fact::Taken
                | Fact::Used { .. }
                | Fact::Returned(_)
                | Fact::Went(_)
                | Fact::Shown { .. }
                | Fact::Stays
                | Fact::Code { .. }
                | Fact::Signal { .. } => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
            if let (Some(first), Some(sockets)) = (first, ready.take_if(|_| first.is_some())) {
                held = Some(Held::take(first, sockets, inside)?);
                entering.line.write_all(&[GO])?;
            }
        }
    }

    /// Hands on what the parent wants, until the first process has said its last word.
    fn relay(
        self,
        hall: &mut Hall,
        line: &UnixStream,
        door: Option<(TcpListener, WayOut)>,
    ) -> io::Result<Vec<Fact>> {
        let signals = &mut hall.signals;
        hall.runtime.block_on(async {
            let mut above = heard(line)?;
            let mut below = Some(heard(&self.line)?);
            drop(self.line);
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

impl Entering {
    fn fact(&mut self) -> io::Result<Option<Fact>> {
        let mut line = String::new();
        if self.facts.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }

    /// What is left of it when the first process supervises: its lines.
    fn entered(mut self, first: Option<u32>) -> io::Result<Machine> {
        let first = first.and_then(|pid| i32::try_from(pid).ok());
        let first = first.and_then(Pid::from_raw);
        // It has nothing more to do than to end.
        let _ = self.child.wait();
        Ok(Machine {
            line: self.line,
            facts: self.facts,
            first: first.ok_or(io::ErrorKind::InvalidData)?,
        })
    }
}

/// What the supervisor holds of a machine that it cannot see any more.
struct Held {
    /// The layer over the workspace, and when the command may have begun to write to it.
    layer: Option<(OwnedFd, Moment)>,
    /// Where the command asks for package registries.
    door: Option<TcpListener>,
    /// A socket of its network.
    visit: Option<OwnedFd>,
}

impl Held {
    fn take(first: u32, [door, visit]: [Option<i32>; 2], inside: &Inside) -> io::Result<Self> {
        let layer = match &inside.order.workspace {
            Some(_) => {
                let layer = upper(first)?;
                let begun = Moment::now(&layer)?;
                Some((layer, begun))
            }
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
