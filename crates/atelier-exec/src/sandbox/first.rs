//! The first process of a machine of its own: completes it, and supervises the command in it.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::{Path, PathBuf},
};

use rustix::{
    mount::{
        MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_remount, unmount,
    },
    process::{DumpableBehavior, chdir, pivot_root, set_dumpable_behavior},
    system::sethostname,
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities,
        set_no_new_privs,
    },
};

use super::{
    conduct::{Hall, Job, conduct},
    confine::{Reach, confine, give_up_rights, limit},
    filter::{Surface, filter},
    frame::{Fact, frame_read},
    hide::STATE,
    inside::{Inside, stage},
    lay::{DEVICES, Doing, LayError, PRIVATE, below, folder},
    meter::Meter,
    network::{listen, loopback, visitor},
    starter::Starter,
    supervisor::{FIRST_FOREIGN, tell},
};

/// Reads the order from standard input, which then is the leash.
pub(super) fn first() -> io::Result<()> {
    let mut leash = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (inside, input): (Inside, Vec<u8>) = frame_read(&mut leash)?;
    close_fds::set_fds_cloexec(FIRST_FOREIGN, &[]);
    rustix::process::setsid()?;
    complete(&inside).map_err(io::Error::other)?;
    sethostname(b"atelier")?;
    loopback()?;
    let door = listen(&inside.order)?;
    let visit = visitor(&inside.order)?;
    // The supervisor outside takes hold of them and of the layer, before they are out of sight.
    tell(&[Fact::Ready {
        door: door.as_ref().map(AsRawFd::as_raw_fd),
        visit: visit.as_ref().map(AsRawFd::as_raw_fd),
    }])?;
    leash.read_exact(&mut [0])?;
    drop((door, visit));
    let scratch = File::open(stage::SCRATCH)?;
    change_root().map_err(io::Error::other)?;
    give_up()?;
    supervise(&inside, &input, &leash, scratch.into())
}

fn supervise(inside: &Inside, input: &[u8], line: &UnixStream, scratch: OwnedFd) -> io::Result<()> {
    let writable = writable(inside);
    let order = inside.order.clone();
    let starter = Starter::new(move || {
        // The kernel counts who starts here, nobody who was there before.
        limit(&order.rations, 0).map_err(|error| error.to_string())?;
        confine(Reach {
            readable: None,
            writable: &writable,
        })?;
        filter(Surface::of(&order)).map_err(|error| error.to_string())
    })?;
    let job = Job {
        order: &inside.order,
        input,
        output: io::stdout().as_fd().try_clone_to_owned()?,
        temporary: Path::new("/tmp"),
        visit: None,
    };
    let meter = Meter::inside(&inside.order.rations, scratch);
    tell(&conduct(&mut Hall::new()?, &job, &starter, line, meter)?)
}

fn writable(inside: &Inside) -> Vec<PathBuf> {
    let private = PRIVATE.iter().map(|(_, place)| Path::new("/").join(place));
    let workspace = inside.order.workspace.iter();
    private
        .chain(inside.order.writable.iter().cloned())
        .chain(workspace.map(|workspace| workspace.folder.clone()))
        .chain(inside.private_home())
        .collect()
}

/// What the outer stage could not do, or must not do with its rights.
fn complete(inside: &Inside) -> Result<(), LayError> {
    let root = Path::new(stage::ROOT);
    mount_bind_recursive(stage::LAID, root).doing("mount", root)?;
    devices(root)?;
    let proc = root.join("proc");
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", &proc, "proc", flags, None).doing("mount the kernel's record at", &proc)?;
    let Some(workspace) = &inside.order.workspace else {
        return Ok(());
    };
    let folder_inside = root.join(below(&workspace.folder));
    let options = format!(
        "lowerdir={},upperdir={scratch}/upper,workdir={scratch}/work,userxattr",
        stage::LOWER,
        scratch = stage::SCRATCH,
    );
    let options = std::ffi::CString::new(options).unwrap_or_default();
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount(
        "overlay",
        &folder_inside,
        "overlay",
        flags,
        options.as_c_str(),
    )
    .doing("lay a layer over", &workspace.folder)?;
    let state = folder_inside.join(STATE);
    if fs::symlink_metadata(&state).is_ok_and(|found| found.is_dir()) {
        let empty = Path::new(stage::SCRATCH).join("empty");
        folder(&empty)?;
        mount_bind(&empty, &state).doing("hide", &state)?;
    }
    for (number, (place, late)) in inside.writable().enumerate() {
        if late {
            let from = Path::new(stage::LATE).join(number.to_string());
            let to = root.join(below(place));
            folder(&to)?;
            mount_bind_recursive(&from, &to).doing("mount", &to)?;
        }
    }
    Ok(())
}

fn devices(root: &Path) -> Result<(), LayError> {
    let own = root.join("dev");
    for name in DEVICES {
        let from = Path::new(stage::OUTSIDE).join("dev").join(name);
        let to = own.join(name);
        mount_bind(&from, &to).doing("mount", &to)?;
    }
    let terminals = own.join("pts");
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount(
        "devpts",
        &terminals,
        "devpts",
        flags,
        c"newinstance,ptmxmode=0666,mode=0620",
    )
    .doing("mount terminals at", &terminals)
}

/// From here on there is no machine outside.
fn change_root() -> Result<(), LayError> {
    chdir(stage::ROOT).doing("enter", stage::ROOT)?;
    pivot_root(".", ".").doing("change the root to", stage::ROOT)?;
    unmount(".", UnmountFlags::DETACH).doing("leave", "/")?;
    chdir("/").doing("enter", "/")?;
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount_remount("/", flags, "").doing("write-protect", "/")
}

/// Nobody in this machine has any rights from here on, this process included.
fn give_up() -> io::Result<()> {
    give_up_rights(CapabilitySet::empty())?;
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?;
    set_no_new_privs(true)?;
    // What this process knows of the machine outside is not for the command.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}
