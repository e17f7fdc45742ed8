//! System calls that no build step has a use for, refused by the kernel.

use std::collections::BTreeMap;

use atelier_model::{Network, SandboxLevel};
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

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

/// Terminal requests that type on the user's behalf, or paste.
const TYPING: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];
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
const TYPE_BITS: u64 = 0xf;

/// Why there is no filter.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    /// This processor is not known.
    #[error("filter system calls: there are no rules for this processor")]
    Processor,
    /// The rules contradict each other, or the kernel does not take them.
    #[error("filter system calls")]
    Rules(#[from] seccompiler::Error),
    /// The same, of one rule.
    #[error("filter system calls")]
    Rule(#[from] seccompiler::BackendError),
}

/// Filters the system calls of the calling thread and all that it starts, for good. Gives up all
/// ways to more rights too.
pub(super) fn filter(surface: Surface) -> Result<(), FilterError> {
    apply_filter(&second_numbers())?;
    // One action for each filter: these two look like calls of a newer kernel.
    let unknown = UNKNOWN.into_iter().map(|call| (call, Vec::new()));
    apply_filter(&compile(unknown.collect(), libc::ENOSYS)?)?;
    apply_filter(&compile(rules(surface)?, libc::EPERM)?)?;
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn compile(rules: Rules, refusal: libc::c_int) -> Result<BpfProgram, FilterError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|_| FilterError::Processor)?;
    let refusal = SeccompAction::Errno(refusal.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch)?;
    Ok(filter.try_into()?)
}

fn rules(surface: Surface) -> Result<Rules, FilterError> {
    let mut rules = Rules::new();
    for call in REFUSED.into_iter().chain(REFUSED_HERE) {
        rules.insert(call, Vec::new());
    }
    if surface.without_network {
        // What is left are pairs of sockets, and those have no need of addresses.
        rules.extend(ADDRESSED.map(|call| (call, Vec::new())));
    }
    if surface.without_old_ipc {
        rules.extend(OLD_IPC.into_iter().map(|call| (call, Vec::new())));
    }
    for flag in NAME_SPACES {
        add(
            &mut rules,
            libc::SYS_clone,
            &[has(0, u64::from(flag.unsigned_abs()))?],
        )?;
    }
    for request in TYPING {
        // The kernel looks at the lower half of the number alone.
        add(&mut rules, libc::SYS_ioctl, &[is(1, request)?])?;
    }
    for (call, argument) in MODES.into_iter().chain(MODES_HERE) {
        for bit in LENDING {
            add(&mut rules, call, &[has(argument, u64::from(bit))?])?;
        }
    }
    for (call, argument) in KINDS.into_iter().chain(KINDS_HERE) {
        for kind in [libc::S_IFBLK, libc::S_IFCHR] {
            let kind = masked(argument, u64::from(libc::S_IFMT), u64::from(kind))?;
            add(&mut rules, call, &[kind])?;
        }
    }
    sockets(&mut rules, surface)?;
    Ok(rules)
}

fn sockets(rules: &mut Rules, surface: Surface) -> Result<(), FilterError> {
    let number = |family: libc::c_int| u64::from(family.unsigned_abs());
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        let foreign: Result<Vec<_>, _> = FAMILIES
            .map(|family| is_not(0, number(family)))
            .into_iter()
            .collect();
        add(rules, call, &foreign?)?;
    }
    // Of the kernel's own sockets, the one that lists network devices.
    let route = u64::from(libc::NETLINK_ROUTE.unsigned_abs());
    let other = [is(0, number(libc::AF_NETLINK))?, is_not(2, route)?];
    add(rules, libc::SYS_socket, &other)?;
    for family in [libc::AF_INET, libc::AF_INET6] {
        let raw = masked(1, TYPE_BITS, u64::from(libc::SOCK_RAW.unsigned_abs()))?;
        let family = is(0, number(family))?;
        let conditions = if surface.without_network {
            vec![family]
        } else {
            vec![family, raw]
        };
        add(rules, libc::SYS_socket, &conditions)?;
    }
    Ok(())
}

fn add(
    rules: &mut Rules,
    call: c_long,
    conditions: &[SeccompCondition],
) -> Result<(), FilterError> {
    let rule = SeccompRule::new(conditions.to_vec())?;
    rules.entry(call).or_default().push(rule);
    Ok(())
}

fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, FilterError> {
    // What is compared here is a number of 32 bits, whatever stands in the upper half.
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?;
    Ok(condition)
}

fn is(argument: u8, value: u64) -> Result<SeccompCondition, FilterError> {
    condition(argument, SeccompCmpOp::Eq, value)
}

fn is_not(argument: u8, value: u64) -> Result<SeccompCondition, FilterError> {
    condition(argument, SeccompCmpOp::Ne, value)
}

fn has(argument: u8, bit: u64) -> Result<SeccompCondition, FilterError> {
    masked(argument, bit, bit)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, FilterError> {
    condition(argument, SeccompCmpOp::MaskedEq(mask), value)
}

/// On this processor a call has a second number, from this one on, which rules by number overlook.
#[cfg(target_arch = "x86_64")]
const SECOND_NUMBERS: u32 = 0x4000_0000;
/// Elsewhere no number is that large.
#[cfg(not(target_arch = "x86_64"))]
const SECOND_NUMBERS: u32 = u32::MAX;

// What a filter is made of: load a word of the call, compare it, answer.
const LOAD: u16 = 0x20;
const AT_LEAST: u16 = 0x35;
const ANSWER: u16 = 0x06;
/// Where the number of the call stands.
const NUMBER: u32 = 0;

/// Refuses every second number.
fn second_numbers() -> BpfProgram {
    let line = |code, k, jt, jf| sock_filter { code, jt, jf, k };
    let refusal = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    vec![
        line(LOAD, NUMBER, 0, 0),
        line(AT_LEAST, SECOND_NUMBERS, 0, 1),
        line(ANSWER, refusal, 0, 0),
        line(ANSWER, libc::SECCOMP_RET_ALLOW, 0, 0),
    ]
}
