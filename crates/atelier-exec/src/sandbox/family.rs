//! Every descendant of this process: found through the kernel's own record, and ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, PidfdGetfdFlags, Signal, WaitOptions, WaitStatus, geteuid, getpid,
        kill_process, pidfd_getfd, pidfd_open, wait,
    },
};

/// Rounds of stopping what is new before killing begins all the same.
const FREEZE_ROUNDS_MAX: usize = 64;
/// Time until the killed must be gone. Only a process that waits for a broken device takes longer.
const END: Duration = Duration::from_secs(10);
/// Pause between two rounds.
const PAUSE: Duration = Duration::from_millis(2);
/// Place of the parent's number among the fields after a process's name.
const PARENT: usize = 1;
/// Place of the number of threads.
const THREADS: usize = 17;

/// Sends a signal to every descendant.
pub(super) fn signal(signal: Signal) {
    for pid in descendants() {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

/// Takes note of one child that ended, adopted ones included.
pub(super) fn reap() -> Option<(Pid, WaitStatus)> {
    wait(WaitOptions::NOHANG).ok().flatten()
}

/// Ends every descendant, by force. Returns whether none is left.
///
/// Everything is stopped before anything is killed, parents first: nobody can then make new
/// processes faster than they are found, and a stopped parent cannot hand a process number of its
/// child over to a stranger.
pub(super) fn end() -> bool {
    let deadline = Instant::now() + END;
    // Orphans land here, so nobody is below whoever has no child; that is known without a search.
    if !has_children() {
        return true;
    }
    loop {
        freeze();
        signal(Signal::KILL);
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return true,
            }
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Takes note of children that ended; whether others are left.
fn has_children() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

fn freeze() {
    let mut stopped = BTreeSet::new();
    for _ in 0..FREEZE_ROUNDS_MAX {
        let mut news = false;
        for pid in descendants() {
            if stopped.insert(pid.as_raw_nonzero()) {
                news = true;
                let _ = kill_process(pid, Signal::STOP);
            }
        }
        if !news {
            return;
        }
    }
}

/// The descendants, parents before their children.
pub(super) fn descendants() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for (pid, parent) in processes() {
        children.entry(parent).or_default().push(pid);
    }
    let mut found = Vec::new();
    let mut next = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = next.pop() {
        // Removing makes every process be visited once, whatever the record says.
        let below = children.remove(&parent).unwrap_or_default();
        found.extend(below.iter().copied().filter_map(Pid::from_raw));
        next.extend(below);
    }
    found
}

/// A descriptor of a descendant, for this process to have too.
pub(super) fn descriptor_of(process: u32, descriptor: i32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    let process = pidfd_open(pid.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
    Ok(pidfd_getfd(process, descriptor, PidfdGetfdFlags::empty())?)
}

/// Every process of this machine with its parent.
fn processes() -> Vec<(i32, i32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, fields(&stat)?.nth(PARENT)?.parse().ok()?))
        })
        .collect()
}

/// Threads of all processes of this process's user.
pub(super) fn users_tasks() -> u64 {
    let user = geteuid().as_raw();
    let Ok(entries) = fs::read_dir("/proc") else {
        return 0;
    };
    let tasks = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        (entry.metadata().ok()?.uid() == user).then_some(())?;
        fields(&fs::read(format!("/proc/{pid}/stat")).ok()?)?
            .nth(THREADS)?
            .parse()
            .ok()
    });
    tasks.fold(0, u64::saturating_add)
}

/// The fields of `pid (name) state parent ...` after the name, which may hold anything, also
/// brackets.
pub(super) fn fields(stat: &[u8]) -> Option<std::str::SplitAsciiWhitespace<'_>> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    Some(rest.split_ascii_whitespace())
}
