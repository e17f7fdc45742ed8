//! What the kernel refuses a command: writes outside its places, and rights it has no use for.

use std::{path::PathBuf, thread};

use landlock::{
    ABI, Access, AccessFs, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::{
    io::Errno,
    process::{Resource, Rlimit, geteuid, getrlimit, setrlimit},
    thread::{CapabilitySet, remove_capability_from_bounding_set},
};

use super::{Level, family};

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
const RIGHTS: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::NET_BIND_SERVICE);

/// Finds out how far this machine can confine a command, by confining a thread that then ends.
pub(super) fn level() -> Level {
    let tried = thread::spawn(|| restrict(&[])).join();
    let none = |reason: String| Level::None { reason };
    match tried {
        Ok(Ok(status)) => match status.landlock {
            LandlockStatus::Available {
                effective_abi,
                kernel_abi,
            } => Level::Landlock {
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

/// Confines the calling thread and all that it starts, for good.
///
/// With `required`, a kernel that does not take it is an error.
pub(super) fn confine(writable: &[PathBuf], required: bool) -> Result<(), String> {
    give_up_rights().map_err(|error| error.to_string())?;
    let status = restrict(writable).map_err(|error| error.to_string())?;
    if required && status.ruleset == RulesetStatus::NotEnforced {
        return Err("the kernel does not enforce it any more".to_owned());
    }
    Ok(())
}

/// The root user may look into other processes, load kernel modules or restart the machine; what
/// the calling thread starts may not, whoever starts it.
fn give_up_rights() -> Result<(), Errno> {
    for (_, right) in CapabilitySet::all().iter_names() {
        if RIGHTS.contains(right) {
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

fn restrict(writable: &[PathBuf]) -> Result<RestrictionStatus, RulesetError> {
    let changes = AccessFs::from_write(NEWEST);
    let shared =
        AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
    Ruleset::default()
        .handle_access(changes)?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(writable, changes))?
        .add_rules(path_beneath_rules(DEVICES, changes))?
        .add_rules(path_beneath_rules([SHARED_MEMORY], shared))?
        .restrict_self()
}

/// Limits this process and all that it starts.
///
/// The kernel counts the processes of the user, those of before included; the root user's it does
/// not count, which the supervisor does instead.
pub(super) fn limit(processes_max: u64) -> std::io::Result<()> {
    let before = if geteuid().is_root() {
        0
    } else {
        family::users_tasks()
    };
    for (resource, wanted) in [
        (Resource::Core, 0),
        (Resource::Nproc, processes_max.saturating_add(before)),
        (Resource::Nofile, OPEN_FILES_MAX),
    ] {
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
