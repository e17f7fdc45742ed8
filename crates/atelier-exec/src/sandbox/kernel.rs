//! The three calls of the kernel that no kept library offers as safe ones.

#![expect(
    unsafe_code,
    reason = "the kernel is asked directly; each call says why it is sound"
)]

use std::{
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd},
    time::Duration,
};

use rustix::{
    io::Errno,
    thread::{UnshareFlags, unshare_unsafe},
};

/// Sets this process apart from others in what the flags name.
///
/// Descriptors are not among it: the flag for those makes this an error.
pub(super) fn set_apart(flags: UnshareFlags) -> Result<(), Errno> {
    if flags.contains(UnshareFlags::FILES) {
        return Err(Errno::INVAL);
    }
    // SAFETY: what makes this call unsafe is a descriptor table of one's own, which is excluded.
    unsafe { unshare_unsafe(flags) }
}

/// What may be done below a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MountRights(u64);

impl MountRights {
    /// Reading and running, without anybody's rights.
    pub(super) const READ: Self = Self(libc::MOUNT_ATTR_RDONLY | Self::WRITE.0);
    /// Writing too.
    pub(super) const WRITE: Self = Self(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV);
}

/// Sets the rights of a detached mount and of all mounts below it. With `users`, a name space of
/// users, its files are shown as those of others, as that name space says.
pub(super) fn mount_rights(
    mount: BorrowedFd<'_>,
    rights: MountRights,
    users: Option<BorrowedFd<'_>>,
) -> std::io::Result<()> {
    let mapped = users.map_or(0, |_| libc::MOUNT_ATTR_IDMAP);
    let attributes = libc::mount_attr {
        attr_set: rights.0 | mapped,
        attr_clr: 0,
        propagation: 0,
        userns_fd: users.map_or(0, |users| u64::from(users.as_raw_fd().unsigned_abs())),
    };
    // SAFETY: both descriptors are open for as long as they are borrowed; the path is an empty
    // string that ends in zero; the kernel reads the attributes, of the size given, and keeps none.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if answer == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}

/// Processor time of the children that this process took note of.
pub(super) fn children_time() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the place is as large as what the kernel writes to it, which keeps no hold of it.
    // What it does not write is zero, and that is a value of every part of the record.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let micros = u64::try_from(time.tv_usec).unwrap_or_default();
        Duration::from_secs(seconds) + Duration::from_micros(micros)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}
