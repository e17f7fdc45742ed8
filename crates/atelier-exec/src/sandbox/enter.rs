//! The second stage of a machine of its own: leaves the one outside, and starts the first process.

use std::{
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Command, Stdio},
};

use rustix::fs::{Gid, Uid};
use rustix::{
    process::{DumpableBehavior, getegid, geteuid, set_dumpable_behavior},
    thread::{
        CapabilitySet, CapabilitySets, LinkNameSpaceType, UnshareFlags,
        configure_capability_in_ambient_set, move_into_link_name_space, set_capabilities,
        set_thread_groups, set_thread_res_gid, set_thread_res_uid,
    },
};

use super::{
    HELPER_COMMAND,
    frame::{Fact, frame_read},
    inside::{Inside, OWN_ID, Users, stage},
    kernel::set_apart,
    lay::lay,
    leash::announced,
    supervisor::{FIRST, tell},
};

/// What the first process needs to set up the rest; it gives it up before the command starts.
const SETTING_UP: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::NET_ADMIN)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::CHOWN)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::KILL);

/// What a machine of its own has of its own.
const APART: UnshareFlags = UnshareFlags::NEWUSER
    .union(UnshareFlags::NEWNS)
    .union(UnshareFlags::NEWPID)
    .union(UnshareFlags::NEWNET)
    .union(UnshareFlags::NEWIPC)
    .union(UnshareFlags::NEWUTS)
    .union(UnshareFlags::NEWCGROUP);

/// Reads what is to be done from standard input, does it, and leaves the rest to its child.
pub(super) fn enter() -> io::Result<()> {
    let mut line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let Some(output) = announced(&line, None)? else {
        return Ok(());
    };
    let (inside, _): (Inside, _) = frame_read(&mut line)?;
    if let Some(users) = &inside.users {
        set_apart(UnshareFlags::NEWNS).map_err(refused("a file system"))?;
        let holder = holder(users)?;
        lay(&inside, Some(holder.as_fd())).map_err(io::Error::other)?;
        become_nobody(users, &holder)?;
        set_apart(APART).map_err(refused("users, files, processes and network"))?;
        own_ids("/outside/proc", users.owner, users.owner_group)?;
    } else {
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        set_apart(APART).map_err(refused("users, files, processes and network"))?;
        own_ids("/proc", user, group)?;
        lay(&inside, None).map_err(io::Error::other)?;
    }
    hand_on_rights()?;
    let program = format!("{}/proc/self/exe", stage::OUTSIDE);
    let first = Command::new(program)
        .args([HELPER_COMMAND, FIRST])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::inherit())
        .stdout(Stdio::from(output))
        .stderr(Stdio::inherit())
        .spawn()?;
    tell(&[Fact::First { pid: first.id() }])
}

/// Explains a refusal of the kernel to make something of one's own.
fn refused(what: &str) -> impl Fn(rustix::io::Errno) -> io::Error {
    move |errno| {
        io::Error::other(format!(
            "have {what} of its own: {}",
            io::Error::from(errno)
        ))
    }
}

fn holder(users: &Users) -> io::Result<OwnedFd> {
    Ok(fs::File::open(format!("/proc/{}/ns/user", users.holder))?.into())
}

/// Gives up the root user's number for one that nobody has.
fn become_nobody(users: &Users, holder: &OwnedFd) -> io::Result<()> {
    move_into_link_name_space(holder.as_fd(), Some(LinkNameSpaceType::User))?;
    let (user, group) = (Uid::from_raw(users.owner), Gid::from_raw(users.owner_group));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    // The kernel takes a change of user for a reason to hide this process from itself.
    set_dumpable_behavior(DumpableBehavior::Dumpable)?;
    Ok(())
}

/// One user and one group inside stand for this process's own.
fn own_ids(proc: &str, user: u32, group: u32) -> io::Result<()> {
    fs::write(format!("{proc}/self/setgroups"), "deny")?;
    fs::write(
        format!("{proc}/self/gid_map"),
        format!("{OWN_ID} {group} 1"),
    )?;
    fs::write(format!("{proc}/self/uid_map"), format!("{OWN_ID} {user} 1"))
}

/// A program that is started by anybody but the root user loses all rights, unless told so.
fn hand_on_rights() -> io::Result<()> {
    set_capabilities(
        None,
        CapabilitySets {
            effective: SETTING_UP,
            permitted: SETTING_UP,
            inheritable: SETTING_UP,
        },
    )?;
    for (_, right) in SETTING_UP.iter_names() {
        configure_capability_in_ambient_set(right, true)?;
    }
    Ok(())
}

/// Holds a name space of users in which the numbers stand for others, until it is told to end.
pub(super) fn hold() -> io::Result<()> {
    set_apart(UnshareFlags::NEWUSER).map_err(refused("users"))?;
    tell(&[Fact::Ready {
        door: None,
        visit: None,
    }])?;
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}
