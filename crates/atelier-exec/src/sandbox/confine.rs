//! What the kernel refuses a command: files outside its places, and rights it has no use for.

use std::{path::PathBuf, thread};

use landlock::{
    ABI, Access, AccessFs, BitFlags, LandlockStatus, PathBeneath, PathFd, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};
use rustix::{
    io::Errno,
    process::{Resource, Rlimit, geteuid, getrlimit, setrlimit},
    thread::{CapabilitySet, remove_capability_from_bounding_set},
};

use super::{Support, family, frame::Rations};

/// The newest kernel interface this is written for; an older kernel enforces what it knows.
const NEWEST: ABI = ABI::V9;
/// Devices without a memory, and terminals: harmless to write to and needed by many.
const DEVICES: [&str; 8] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];
/// Where semaphores and shared memory are made.
const SHARED_MEMORY: &str = "/dev/shm";
/// Files that one process may have open.
const OPEN_FILES_MAX: u64 = 16 * 1024;

/// Of the root user's rights, those that installing and testing need; no others reach a command.
pub(super) const RIGHTS: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::NET_BIND_SERVICE);

/// What of the file system a command reaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach<'a> {
    /// What it may read and run; everything, where nothing is named.
    pub(super) readable: Option<&'a [PathBuf]>,
    /// What it may change and read.
    pub(super) writable: &'a [PathBuf],
}

/// Finds out how far this machine can confine a command, by confining a thread that then ends.
pub(super) fn support() -> Support {
    let nothing = Reach {
        readable: None,
        writable: &[],
    };
    let tried = thread::spawn(move || restrict(nothing)).join();
    let none = |reason: String| Support::None { reason };
    match tried {
        Ok(Ok(status)) => match status.landlock {
            LandlockStatus::Available {
                effective_abi,
                kernel_abi,
            } => Support::Landlock {
                abi: kernel_abi
                    .and_then(|abi| u32::try_from(abi).ok())
                    .unwrap_or(effective_abi as u32),
            },
            LandlockStatus::NotEnabled => none(
                "Landlock is not enabled in this kernel (boot with `lsm=landlock,...`)".to_owned(),
            ),
            LandlockStatus::NotImplemented => {
                none("this kernel has no Landlock (Linux 5.13 or newer has it)".to_owned())
            }
        },
        Ok(Err(error)) => none(error.to_string()),
        Err(_) => none("the probe of the kernel failed".to_owned()),
    }
}

/// Confines the calling thread and all that it starts, for good. A kernel that does not take it
/// is an error.
pub(super) fn confine(reach: Reach<'_>) -> Result<(), String> {
    let status = restrict(reach).map_err(|error| error.to_string())?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(
            "the kernel has no Landlock, or it is switched off (Linux 5.13 or newer has it; boot \
             with `lsm=landlock,...`); `sandbox = \"none\"` in the configuration runs commands \
             with your rights"
                .to_owned(),
        );
    }
    Ok(())
}

/// The root user may look into other processes, load kernel modules or restart the machine; what
/// the calling thread starts may not, whoever starts it.
pub(super) fn give_up_rights(kept: CapabilitySet) -> Result<(), Errno> {
    for (_, right) in CapabilitySet::all().iter_names() {
        if kept.contains(right) {
            continue;
        }
        match remove_capability_from_bounding_set(right) {
            // An older kernel does not know the right; an ordinary user has none to give up.
            Ok(()) | Err(Errno::INVAL | Errno::PERM) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn restrict(reach: Reach<'_>) -> Result<RestrictionStatus, RulesetError> {
    let changes = AccessFs::from_write(NEWEST);
    let reads = AccessFs::from_read(NEWEST);
    let shared =
        AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
    let handled = match reach.readable {
        Some(_) => changes | reads,
        None => changes,
    };
    let readable = reach.readable.unwrap_or_default();
    let reads = reads & handled;
    Ruleset::default()
        .handle_access(handled)?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(rules(readable, reads))?
        .add_rules(rules(reach.writable, handled))?
        .add_rules(rules(&DEVICES, changes | reads))?
        .add_rules(rules(&[SHARED_MEMORY], shared | reads))?
        .restrict_self()
}

/// Rules for the places that exist; none where nothing is granted.
fn rules<P: AsRef<std::path::Path>>(
    places: &[P],
    granted: BitFlags<AccessFs>,
) -> impl Iterator<Item = Result<PathBeneath<PathFd>, RulesetError>> {
    let places = if granted.is_empty() { &[] } else { places };
    path_beneath_rules(places, granted)
}

/// Limits this process and all that it starts.
///
/// The kernel counts the processes of the user, those of before included; the root user's it does
/// not count, which the supervisor does instead.
pub(super) fn limit(rations: &Rations, others: u64) -> std::io::Result<()> {
    let wanted = [
        (Resource::Core, Some(0)),
        (
            Resource::Nproc,
            Some(rations.processes_max.saturating_add(others)),
        ),
        (Resource::Nofile, Some(OPEN_FILES_MAX)),
        (Resource::Fsize, rations.caps.file_bytes_max),
        (
            Resource::Cpu,
            // The kernel ends one process a second late at most; all together are counted beside.
            rations.caps.cpu_seconds_max,
        ),
        (Resource::Data, rations.data_bytes_max),
    ];
    for (resource, wanted) in wanted {
        let Some(wanted) = wanted else { continue };
        let most = getrlimit(resource).maximum;
        let value = Some(most.map_or(wanted, |most| most.min(wanted)));
        setrlimit(
            resource,
            Rlimit {
                current: value,
                maximum: value,
            },
        )?;
    }
    Ok(())
}

/// What every process has a limit of.
const LIMITED: [Resource; 16] = [
    Resource::Cpu,
    Resource::Fsize,
    Resource::Data,
    Resource::Stack,
    Resource::Core,
    Resource::Rss,
    Resource::Nproc,
    Resource::Nofile,
    Resource::Memlock,
    Resource::As,
    Resource::Locks,
    Resource::Sigpending,
    Resource::Msgqueue,
    Resource::Nice,
    Resource::Rtprio,
    Resource::Rttime,
];

/// Limits of a process.
pub(super) type Limits = [Rlimit; LIMITED.len()];

/// Those of this process, which another one of the same user may change.
pub(super) fn limits() -> Limits {
    LIMITED.map(getrlimit)
}

/// Whether this process is the root user's.
pub(super) fn is_root() -> bool {
    geteuid().is_root()
}

/// Threads that this user has already, where the kernel counts them in.
pub(super) fn others() -> u64 {
    if geteuid().is_root() {
        0
    } else {
        family::users_tasks()
    }
}
