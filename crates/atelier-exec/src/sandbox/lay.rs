//! The file system of a machine of its own, as far as it takes the rights of the one outside.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
};

use rustix::{
    fd::{AsFd, BorrowedFd},
    fs::CWD,
    mount::{
        MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_bind,
        mount_change, move_mount, open_tree,
    },
    process::{chdir, pivot_root},
};

use super::{
    inside::{Inside, OWN_ID, Users, stage},
    kernel::{MountRights, mount_rights},
    places,
};

/// Bytes of the root itself: folders, links and a few small files.
const ROOT_BYTES: &str = "4m";
/// Bytes of a file of settings that is copied.
const SETTING_BYTES_MAX: u64 = 128 * 1024;
/// Bytes that a command may write where nothing else is said.
pub(super) const SCRATCH_BYTES: u64 = 4 << 30;
/// Files it may make where nothing else is said.
const SCRATCH_INODES: u64 = 1 << 20;
/// Folders everybody writes to; they end with the command.
pub(super) const PRIVATE: [(&str, &str); 4] = [
    ("tmp", "tmp"),
    ("var-tmp", "var/tmp"),
    ("run", "run"),
    ("shm", "dev/shm"),
];

/// Devices without a memory.
pub(super) const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Links that programs expect among the devices.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];
/// Why a part of the file system is not there.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}: {source}", place.display())]
pub(super) struct LayError {
    doing: &'static str,
    place: PathBuf,
    #[source]
    source: io::Error,
}

/// Says what was done when something failed.
pub(super) trait Doing<T> {
    /// Names the act and the place.
    fn doing(self, doing: &'static str, place: impl AsRef<Path>) -> Result<T, LayError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &'static str, place: impl AsRef<Path>) -> Result<T, LayError> {
        self.map_err(|source| LayError {
            doing,
            place: place.as_ref().to_owned(),
            source: source.into(),
        })
    }
}

/// Lays everything that lies outside: the system and the tools to read, the places to write.
/// Afterwards the machine outside is to be found below [`stage::OUTSIDE`] alone.
pub(super) fn lay(inside: &Inside, users: Option<BorrowedFd<'_>>) -> Result<(), LayError> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).doing("keep apart", "/")?;
    base(inside)?;
    scratch(inside)?;
    system()?;
    settings(inside)?;
    for shown in &inside.shown {
        show(&shown.from, &shown.to, MountRights::READ, None)?;
    }
    told(inside)?;
    for (number, (place, late)) in inside.writable().enumerate() {
        let to = if late {
            Path::new(stage::LATE).join(number.to_string())
        } else {
            Path::new(stage::LAID).join(below(place))
        };
        put(place, &to, MountRights::WRITE, users)?;
    }
    if let Some(workspace) = &inside.order.workspace {
        put(
            &workspace.folder,
            Path::new(stage::LOWER),
            MountRights::READ,
            users,
        )?;
        folder(&Path::new(stage::LAID).join(below(&workspace.folder)))?;
    }
    Ok(())
}

fn base(inside: &Inside) -> Result<(), LayError> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let options = format!("size={ROOT_BYTES},mode=0755");
    let options = std::ffi::CString::new(options).unwrap_or_default();
    let base = &inside.temporary;
    mount("tmpfs", base, "tmpfs", flags, options.as_c_str()).doing("mount a root at", base)?;
    for name in [
        stage::OUTSIDE,
        stage::LAID,
        stage::ROOT,
        stage::SCRATCH,
        stage::LOWER,
        stage::LATE,
        stage::TOLD,
    ] {
        folder(&base.join(below(Path::new(name))))?;
    }
    let outside = base.join(below(Path::new(stage::OUTSIDE)));
    pivot_root(base, &outside).doing("change the root to", base)?;
    chdir("/").doing("enter", "/")?;
    mount_bind(stage::LAID, stage::LAID).doing("mount", stage::LAID)?;
    // The helper is started once more from here, and finds its libraries through these.
    for name in places::SYSTEM.iter().chain(&["/etc"]) {
        let Some(Some(first)) = Path::new(name)
            .components()
            .nth(1)
            .map(|part| part.as_os_str().to_str())
        else {
            continue;
        };
        let link = Path::new("/").join(first);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new("laid").join(first), &link).doing("link", &link)?;
        }
    }
    Ok(())
}

fn scratch(inside: &Inside) -> Result<(), LayError> {
    let caps = &inside.order.rations.caps;
    let bytes = caps.disk_bytes_max.unwrap_or(SCRATCH_BYTES);
    let inodes = caps.inodes_max.unwrap_or(SCRATCH_INODES);
    let owner = owner_option(inside.users.as_ref());
    let options = format!("size={bytes},nr_inodes={inodes},mode=0755{owner}");
    let options = std::ffi::CString::new(options).unwrap_or_default();
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", stage::SCRATCH, "tmpfs", flags, options.as_c_str())
        .doing("mount a scratch folder at", stage::SCRATCH)?;
    for (name, place) in PRIVATE {
        let from = Path::new(stage::SCRATCH).join(name);
        own(&from, inside)?;
        let to = Path::new(stage::LAID).join(place);
        folder(&to)?;
        mount_bind(&from, &to).doing("mount", &to)?;
    }
    for name in ["upper", "work", "home"] {
        own(&Path::new(stage::SCRATCH).join(name), inside)?;
    }
    if let Some(home) = inside.private_home() {
        let to = Path::new(stage::LAID).join(below(&home));
        folder(&to)?;
        mount_bind(Path::new(stage::SCRATCH).join("home"), &to).doing("mount", &to)?;
    }
    Ok(())
}

fn owner_option(users: Option<&Users>) -> String {
    users.map_or_else(String::new, |users| {
        format!(",uid={0},gid={0}", users.nobody)
    })
}

/// A folder that belongs to the command.
fn own(path: &Path, inside: &Inside) -> Result<(), LayError> {
    folder(path)?;
    if let Some(users) = &inside.users {
        std::os::unix::fs::chown(path, Some(users.nobody), Some(users.nobody))
            .doing("hand over", path)?;
    }
    Ok(())
}

fn system() -> Result<(), LayError> {
    for name in places::SYSTEM {
        let place = Path::new(name);
        let outside = Path::new(stage::OUTSIDE).join(below(place));
        match fs::read_link(&outside) {
            Ok(target) => {
                let link = Path::new(stage::LAID).join(below(place));
                symlink(target, &link).doing("link", &link)?;
            }
            Err(_) if outside.exists() => show(place, place, MountRights::READ, None)?,
            Err(_) => {}
        }
    }
    devices()?;
    let processors = Path::new("/sys/devices/system/cpu");
    show(processors, processors, MountRights::READ, None)
}

/// What the first process mounts devices, terminals and the kernel's record on.
fn devices() -> Result<(), LayError> {
    let laid = Path::new(stage::LAID);
    let own = laid.join("dev");
    for name in ["dev/pts", "proc"] {
        folder(&laid.join(name))?;
    }
    for name in DEVICES {
        file(&own.join(name))?;
    }
    for (name, target) in LINKS {
        let link = own.join(name);
        symlink(target, &link).doing("link", &link)?;
    }
    Ok(())
}

/// Settings of the machine, and the two users there are.
fn settings(inside: &Inside) -> Result<(), LayError> {
    let etc = Path::new(stage::LAID).join("etc");
    folder(&etc)?;
    let outside = Path::new(stage::OUTSIDE);
    for place in places::settings(outside) {
        // The machine's own: names of hosts inside are others.
        if !place.ends_with("hosts") && !place.ends_with("resolv.conf") {
            setting(&place)?;
        }
    }
    let home = inside.order.env.get("HOME").map_or("/tmp", String::as_str);
    let files = [
        (
            "passwd",
            format!(
                "root:x:0:0:root:/:/bin/false\natelier:x:{OWN_ID}:{OWN_ID}:atelier:{home}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
            ),
        ),
        (
            "group",
            format!("root:x:0:\natelier:x:{OWN_ID}:\nnogroup:x:65534:\n"),
        ),
        (
            "hosts",
            "127.0.0.1 localhost atelier\n::1 localhost\n".to_owned(),
        ),
        ("hostname", "atelier\n".to_owned()),
    ];
    for (name, text) in files {
        let file = etc.join(name);
        fs::write(&file, text).doing("write", &file)?;
    }
    Ok(())
}

/// Writes the settings of package managers that a command is told, in place of the user's own.
fn told(inside: &Inside) -> Result<(), LayError> {
    for (number, (place, text)) in inside.order.told.iter().enumerate() {
        let copy = Path::new(stage::TOLD).join(number.to_string());
        fs::write(&copy, text).doing("write", &copy)?;
        let to = Path::new(stage::LAID).join(below(place));
        // A link of the user's; where it leads is told too.
        if fs::symlink_metadata(&to).is_ok_and(|found| found.is_symlink()) {
            continue;
        }
        file(&to)?;
        mount_bind(&copy, &to).doing("mount", &to)?;
    }
    Ok(())
}

/// Shows a folder of settings; a small file is copied, which costs less than a mount.
fn setting(place: &Path) -> Result<(), LayError> {
    let from = Path::new(stage::OUTSIDE).join(below(place));
    let to = Path::new(stage::LAID).join(below(place));
    let found = fs::metadata(&from).doing("look at", &from)?;
    let everybodys = found.mode() & 0o004 != 0;
    if found.is_file() && everybodys && found.len() <= SETTING_BYTES_MAX {
        if let Some(parent) = to.parent() {
            folder(parent)?;
        }
        return fs::copy(&from, &to).map(drop).doing("copy", &from);
    }
    show(place, place, MountRights::READ, None)
}

/// Shows a place of the machine outside at a place inside, where it is there.
fn show(
    from: &Path,
    to: &Path,
    rights: MountRights,
    users: Option<BorrowedFd<'_>>,
) -> Result<(), LayError> {
    let to = Path::new(stage::LAID).join(below(to));
    if Path::new(stage::OUTSIDE).join(below(from)).exists() {
        put(from, &to, rights, users)?;
    }
    Ok(())
}

fn put(
    from: &Path,
    to: &Path,
    rights: MountRights,
    users: Option<BorrowedFd<'_>>,
) -> Result<(), LayError> {
    let from = Path::new(stage::OUTSIDE).join(below(from));
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(CWD, &from, flags).doing("take", &from)?;
    mount_rights(tree.as_fd(), rights, users).doing("set the rights of", &from)?;
    let kind = fs::metadata(&from).doing("look at", &from)?.file_type();
    if kind.is_dir() {
        folder(to)?;
    } else {
        file(to)?;
    }
    move_mount(
        tree.as_fd(),
        "",
        CWD,
        to,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
    .doing("mount", to)
}

pub(super) fn folder(path: &Path) -> Result<(), LayError> {
    fs::create_dir_all(path).doing("make the folder", path)
}

fn file(path: &Path) -> Result<(), LayError> {
    if fs::symlink_metadata(path).is_ok() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        folder(parent)?;
    }
    fs::write(path, "").doing("make the file", path)
}

/// A path without its root.
pub(super) fn below(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}
