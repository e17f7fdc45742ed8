//! System calls that no build step has a use for, refused by the kernel.

mod program;

use std::collections::BTreeMap;

use atelier_model::{Network, SandboxLevel};
use libc::c_long;
use seccompiler::{BpfProgram, apply_filter};

use self::program::{Answer, Condition, PROCESSOR, program};
use super::frame::Order;

/// Whether the network is closed by refusing its sockets, and what else the level asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surface {
    /// Sockets of this machine alone.
    pub(super) without_network: bool,
    /// Shared memory, semaphores and queues of the old kind would be shared with the machine.
    pub(super) without_old_ipc: bool,
}

impl Surface {
    /// What an order asks for.
    pub(super) fn of(order: &Order) -> Self {
        Self {
            without_network: order.network == Network::None && !order.host_network,
            without_old_ipc: order.level == SandboxLevel::Light,
        }
    }
}

/// Calls that are refused whatever is asked of them.
const REFUSED: [c_long; 57] = [
    // The machine itself.
    libc::SYS_acct,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_nfsservctl,
    // Mounts and name spaces.
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    // Other processes and their memory.
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Large parts of the kernel with a record of holes.
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_perf_event_open,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
    libc::SYS_memfd_secret,
    libc::SYS_vmsplice,
    // Files past their folders, and everybody's watched.
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_lookup_dcookie,
];

/// The same, of this processor alone.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: [c_long; 8] = [
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    libc::SYS_afs_syscall,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: [c_long; 0] = [];

/// Memory, semaphores and queues that everybody with the same number shares.
const OLD_IPC: [c_long; 9] = [
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
];

/// Calls that name the other end of a socket.
const ADDRESSED: [c_long; 2] = [libc::SYS_connect, libc::SYS_bind];

/// Calls whose arguments a filter cannot see; who asks for them is told to use the older ones.
const UNKNOWN: [c_long; 2] = [libc::SYS_clone3, libc::SYS_openat2];

/// Terminal requests that type on the user's behalf, or paste. The kernel looks at the lower half
/// of their number alone.
const TYPING: [u32; 2] = [0x5412, 0x541c];
/// A new kind of whatever is set apart.
const NAME_SPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Bits of a file's mode that lend its owner's or group's rights to whoever runs it.
const LENDING: [libc::mode_t; 2] = [libc::S_ISUID, libc::S_ISGID];
/// Which argument of a call is a file's mode.
const MODES: [(c_long, u8); 6] = [
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (libc::SYS_fchmodat2, 2),
    (libc::SYS_mkdirat, 2),
    (libc::SYS_mknodat, 2),
    (libc::SYS_openat, 3),
];
#[cfg(target_arch = "x86_64")]
const MODES_HERE: [(c_long, u8); 5] = [
    (libc::SYS_chmod, 1),
    (libc::SYS_creat, 1),
    (libc::SYS_mkdir, 1),
    (libc::SYS_mknod, 1),
    (libc::SYS_open, 2),
];
#[cfg(not(target_arch = "x86_64"))]
const MODES_HERE: [(c_long, u8); 0] = [];
/// Which argument of a call that makes a device is the kind.
const KINDS: [(c_long, u8); 1] = [(libc::SYS_mknodat, 2)];
#[cfg(target_arch = "x86_64")]
const KINDS_HERE: [(c_long, u8); 1] = [(libc::SYS_mknod, 1)];
#[cfg(not(target_arch = "x86_64"))]
const KINDS_HERE: [(c_long, u8); 0] = [];

/// Kinds of sockets a command may ask for at all.
const FAMILIES: [libc::c_int; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];
/// Bits of a socket's type that are its type.
const TYPE_BITS: u32 = 0xf;

/// Why there is no filter.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    /// This processor is not known.
    #[error("filter system calls: there are no rules for this processor")]
    Processor,
    /// The kernel does not take it.
    #[error("filter system calls")]
    Kernel(#[from] seccompiler::Error),
}

/// Filters the system calls of the calling thread and all that it starts, for good. Gives up all
/// ways to more rights too.
pub(super) fn filter(surface: Surface) -> Result<(), FilterError> {
    let processor = PROCESSOR.ok_or(FilterError::Processor)?;
    Ok(apply_filter(&compiled(processor, surface))?)
}

fn compiled(processor: u32, surface: Surface) -> BpfProgram {
    program(processor, &calls(surface))
}

/// What is answered to a call: by its number, how, and under which conditions.
type Calls = BTreeMap<u32, Answer>;

fn calls(surface: Surface) -> Calls {
    let mut calls = Calls::new();
    let addressed = ADDRESSED.into_iter().filter(|_| surface.without_network);
    let old = OLD_IPC.into_iter().filter(|_| surface.without_old_ipc);
    let refused = REFUSED.into_iter().chain(REFUSED_HERE);
    for call in refused.chain(addressed).chain(old) {
        calls.insert(number(call), Answer::Always(libc::EPERM));
    }
    for call in UNKNOWN {
        calls.insert(number(call), Answer::Always(libc::ENOSYS));
    }
    for flag in NAME_SPACES {
        add(
            &mut calls,
            libc::SYS_clone,
            vec![has(0, flag.unsigned_abs())],
        );
    }
    for request in TYPING {
        add(&mut calls, libc::SYS_ioctl, vec![is(1, request)]);
    }
    for (call, argument) in MODES.into_iter().chain(MODES_HERE) {
        for bit in LENDING {
            add(&mut calls, call, vec![has(argument, bit)]);
        }
    }
    for (call, argument) in KINDS.into_iter().chain(KINDS_HERE) {
        for kind in [libc::S_IFBLK, libc::S_IFCHR] {
            let kind = Condition::Masked(argument, libc::S_IFMT, kind);
            add(&mut calls, call, vec![kind]);
        }
    }
    sockets(&mut calls, surface);
    calls
}

fn sockets(calls: &mut Calls, surface: Surface) {
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        let foreign = FAMILIES.map(|family| Condition::IsNot(0, family.unsigned_abs()));
        add(calls, call, foreign.to_vec());
    }
    // Of the kernel's own sockets, the one that lists network devices.
    let netlink = is(0, libc::AF_NETLINK.unsigned_abs());
    let other = Condition::IsNot(2, libc::NETLINK_ROUTE.unsigned_abs());
    add(calls, libc::SYS_socket, vec![netlink, other]);
    for family in [libc::AF_INET, libc::AF_INET6] {
        let family = is(0, family.unsigned_abs());
        let raw = Condition::Masked(1, TYPE_BITS, libc::SOCK_RAW.unsigned_abs());
        let conditions = if surface.without_network {
            vec![family]
        } else {
            vec![family, raw]
        };
        add(calls, libc::SYS_socket, conditions);
    }
}

/// Refuses a call where all conditions hold. One that is refused anyway stays so.
fn add(calls: &mut Calls, call: c_long, conditions: Vec<Condition>) {
    let answer = calls
        .entry(number(call))
        .or_insert_with(|| Answer::Where(Vec::new()));
    if let Answer::Where(all) = answer {
        all.push(conditions);
    }
}

fn is(argument: u8, value: u32) -> Condition {
    Condition::Masked(argument, u32::MAX, value)
}

fn has(argument: u8, bit: u32) -> Condition {
    Condition::Masked(argument, bit, bit)
}

/// The number of a call; none is negative or large.
fn number(call: c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
