//! Atelier's own state beside a project, out of the sight of commands that may change the project.
//!
//! The kernel's rules for files only grant, and what they grant of a folder they grant of all that
//! lies in it. So the state is covered by an empty folder, for the command alone: that takes a view
//! of the file system of one's own.

use std::{
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fd::AsFd,
    fs::CWD,
    mount::{
        MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_change,
        mount_remount, move_mount, open_tree,
    },
    process::{getegid, geteuid},
    thread::{CapabilitySet, UnshareFlags, capabilities},
};

use super::{
    frame::Order,
    kernel::set_apart,
    lay::{Doing, LayError, folder},
};

/// Folder in which Atelier keeps its state beside a project.
pub(super) const STATE: &str = ".atelier";

/// Sets this process apart in what the flags name; whoever has no right to that is first given a
/// name space of users in which it has it, and stays itself there.
pub(super) fn apart(flags: UnshareFlags) -> io::Result<()> {
    if capabilities(None)?
        .effective
        .contains(CapabilitySet::SYS_ADMIN)
    {
        return Ok(set_apart(flags)?);
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    set_apart(flags | UnshareFlags::NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))
}

/// Hides the state in folders that a command may change. What it is given there stays to be seen.
/// Returns why, where the kernel does not let that be.
pub(super) fn hide(order: &Order) -> Result<(), String> {
    let workspace = order.workspace.iter().map(|workspace| &workspace.folder);
    let folders = order.writable.iter().chain(workspace);
    let mut hidden: Vec<PathBuf> = folders
        .map(|folder| folder.join(STATE))
        .filter(|state| fs::symlink_metadata(state).is_ok_and(|found| found.is_dir()))
        .collect();
    hidden.sort();
    hidden.dedup();
    if hidden.is_empty() {
        return Ok(());
    }
    apart(UnshareFlags::NEWNS).map_err(|error| format!("have a view of its own: {error}"))?;
    let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", slave)
        .doing("keep apart", "/")
        .map_err(|error| error.to_string())?;
    for state in hidden {
        cover(&state, order).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Covers a folder with an empty one, and lays what the command is given there above it.
fn cover(state: &Path, order: &Order) -> Result<(), LayError> {
    let given = order.writable.iter().chain(&order.readable);
    let mut given: Vec<&PathBuf> = given
        .chain([&order.cwd])
        .filter(|place| place.starts_with(state) && place.is_dir())
        .collect();
    given.sort();
    let mut taken: Vec<(&PathBuf, OwnedFd)> = Vec::new();
    for place in given {
        if taken.iter().any(|(outer, _)| place.starts_with(outer)) {
            continue;
        }
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE;
        taken.push((place, open_tree(CWD, place, flags).doing("take", place)?));
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tmpfs", state, "tmpfs", flags, c"size=64k,mode=0755").doing("cover", state)?;
    for (place, tree) in &taken {
        folder(place)?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        move_mount(tree.as_fd(), "", CWD, place.as_path(), flags).doing("mount", place)?;
    }
    let flags = flags | MountFlags::BIND | MountFlags::RDONLY;
    mount_remount(state, flags, "").doing("write-protect", state)
}
