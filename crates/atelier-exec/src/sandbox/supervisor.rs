//! The helper program: takes orders, carries out one after the other, and ends everything below
//! itself before it says that one is done.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::ExitCode,
    time::{Duration, Instant},
};

use atelier_model::SandboxLevel;
use rustix::process::{getpid, set_child_subreaper, setsid};

use super::{
    beside::Beside,
    conduct::Hall,
    enter::{enter, hold},
    first::first,
    frame::{Fact, Order, VERSION, frame_read},
    leash,
    network::is_quiet,
    outer::Outpost,
    private::Private,
};

/// The helper's further argument where it holds a name space of users.
pub(super) const HOLD: &str = "hold";
/// Where it leaves this machine for one of its own.
pub(super) const ENTER: &str = "enter";
/// Where it is the first process of that.
pub(super) const FIRST: &str = "first";

/// Exit code of a helper that could not do its work.
const FAILED: u8 = 70;
/// Descriptors from here on are not the command's business.
pub(super) const FIRST_FOREIGN: i32 = 3;
/// Orders that one supervisor carries out.
const ORDERS_MAX: u32 = 256;
/// Time after which it takes no other: what it looked up at first may have changed.
const LIFE: Duration = Duration::from_secs(10);
/// Time that it waits for another.
const IDLE: Duration = Duration::from_secs(2);

/// The helper program: what runs when the first argument is [`HELPER_COMMAND`](super::HELPER_COMMAND).
///
/// It takes its orders from standard input, a socket; the one further argument there may be says
/// which stage of a machine of its own it is. Standard error tells the parent what happened.
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
    let _ = tell(&[Fact::NotConfined {
        message: error.to_string(),
    }]);
    ExitCode::from(FAILED)
}

fn supervise() -> io::Result<()> {
    let line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    close_fds::set_fds_cloexec(FIRST_FOREIGN, &[]);
    // A session of its own: no terminal, and no part in what a terminal sends to the parent.
    setsid()?;
    set_child_subreaper(Some(getpid()))?;
    let mut post = Post {
        hall: Hall::new()?,
        temporary: Private::new(&std::env::temp_dir())?,
        line,
        beside: None,
        outpost: Outpost::default(),
        since: Instant::now(),
        orders: 0,
    };
    let mut wait = None;
    while let Some(output) = leash::announced(&post.line, wait)? {
        if !post.carry_out(output)? {
            break;
        }
        wait = Some(IDLE);
    }
    Ok(())
}

/// A supervisor at work.
struct Post {
    hall: Hall,
    line: UnixStream,
    temporary: Private,
    /// Where commands run on this machine.
    beside: Option<Beside>,
    /// Where they run on machines of their own.
    outpost: Outpost,
    since: Instant,
    orders: u32,
}

impl Post {
    /// Carries out one order; whether it takes another.
    fn carry_out(&mut self, output: OwnedFd) -> io::Result<bool> {
        let (order, input): (Order, Vec<u8>) = frame_read(&mut &self.line)?;
        if order.version != VERSION {
            let versions = format!("{VERSION}, the program {}", order.version);
            return Err(io::Error::other(format!(
                "use the helper beside the program: it has version {versions}"
            )));
        }
        tell(&[Fact::Taken])?;
        self.orders += 1;
        let mut facts = match order.level {
            SandboxLevel::Strong => {
                let place = self.temporary.path();
                self.outpost
                    .conduct(&mut self.hall, &order, &input, output, place, &self.line)?
            }
            SandboxLevel::Light | SandboxLevel::None => {
                let beside = match &mut self.beside {
                    Some(beside) => beside,
                    none => none.insert(Beside::new(&order, self.temporary.path())?),
                };
                beside.conduct(&mut self.hall, &order, &input, output, &self.line)?
            }
        };
        let stays = self.stays(&order, &facts);
        if stays {
            facts.insert(facts.len() - 1, Fact::Stays);
        } else {
            // Whoever hears the last word finds nothing left.
            self.temporary.remove();
        }
        tell(&facts)?;
        if stays && order.level == SandboxLevel::Strong {
            self.outpost.prepare();
        }
        Ok(stays)
    }

    /// Whether it can take another order: the command began, ended, and left nothing.
    fn stays(&self, order: &Order, facts: &[Fact]) -> bool {
        let ended = matches!(facts.last(), Some(Fact::Code { .. } | Fact::Signal { .. }));
        ended
            && !order.visited
            && self.beside.as_ref().is_none_or(Beside::is_as_made)
            && self.orders < ORDERS_MAX
            && self.since.elapsed() < LIFE
            && self.temporary.is_pristine()
            && (order.level == SandboxLevel::Strong || is_quiet(order))
    }
}

/// Tells the parent; one write, so that two stages never mix their words.
pub(super) fn tell(facts: &[Fact]) -> io::Result<()> {
    let mut lines = Vec::new();
    for fact in facts {
        serde_json::to_writer(&mut lines, fact)?;
        lines.push(b'\n');
    }
    io::stderr().write_all(&lines)
}
