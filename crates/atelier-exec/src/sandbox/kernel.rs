//! The two calls of the kernel that no kept library offers as safe ones.

#![expect(
    unsafe_code,
    reason = "the kernel is asked directly; each call says why it is sound"
)]

use std::os::fd::{AsRawFd, BorrowedFd};

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
