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

/// Makes a detached mount show its files as those of other users, as the name space of users says.
pub(super) fn map_owners(mount: BorrowedFd<'_>, users: BorrowedFd<'_>) -> std::io::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::from(users.as_raw_fd().unsigned_abs()),
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
