//! What a command uses up, looked at from time to time by whoever supervises it.

use std::{
    collections::BTreeMap,
    fs,
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    time::{Duration, Instant},
};

use rustix::{
    fs::fstatvfs,
    process::{Pid, geteuid},
    system::sysinfo,
};

use super::{
    Cap, family,
    frame::{Fact, Rations},
    kernel::children_time,
};

/// Pause between two glances at how many threads the machine has, which cost next to nothing: a
/// program can make a process in a third of a millisecond.
const PAUSE_GLANCE: Duration = Duration::from_millis(5);
/// Pause between two looks where every process of the machine has to be looked at.
const PAUSE_BESIDE: Duration = Duration::from_millis(500);
/// Pause where there are no others.
const PAUSE_INSIDE: Duration = Duration::from_millis(50);
/// Pause where memory can grow by the gigabyte within a second.
const PAUSE_MEMORY: Duration = Duration::from_millis(5);
/// The same where every process of the machine has to be looked at.
const PAUSE_MEMORY_BESIDE: Duration = Duration::from_millis(20);
/// Looks between two at files in memory that nobody has mapped.
const OPEN_FILES_EVERY: u64 = 8;
/// Milliseconds of one tick of the kernel's clock, as it is shown to programs.
const TICK_MS: u64 = 10;
/// Bytes of shared memory of a process from which on it is asked which.
const SHARED_WORTH_A_LOOK: u64 = 4 * 1024 * 1024;
/// Where user and system time stand among the fields after a process's name: its own, then those
/// of the children it took note of.
const TIMES: std::ops::Range<usize> = 11..15;
/// Where the number of threads stands.
const THREADS: usize = 17;

/// Counts what a command uses up.
#[derive(Debug)]
pub(super) struct Meter {
    rations: Rations,
    /// Whether the command is alone on this machine, but for this process.
    inside: bool,
    /// The folder it writes to.
    scratch: Option<OwnedFd>,
    looked: u64,
    /// When that was the last time.
    looked_at: Instant,
    /// Threads of the machine then.
    crowd: u16,
    /// Processes of the command then.
    tasks: u64,
    /// Processor time of commands before this one.
    before: Duration,
    cpu_ms: u64,
    memory_peak_bytes: u64,
    /// Bytes of files in memory that are open, as they were last counted.
    open_bytes: u64,
    hit: Vec<Cap>,
}

impl Meter {
    /// Of a command beside others.
    pub(super) fn beside(rations: &Rations) -> Self {
        Self {
            rations: rations.clone(),
            inside: false,
            scratch: None,
            looked: 0,
            looked_at: Instant::now(),
            crowd: sysinfo().procs,
            tasks: 0,
            before: children_time(),
            cpu_ms: 0,
            memory_peak_bytes: 0,
            open_bytes: 0,
            hit: Vec::new(),
        }
    }

    /// Of a command in a machine of its own that writes to `scratch`.
    pub(super) fn inside(rations: &Rations, scratch: OwnedFd) -> Self {
        Self {
            inside: true,
            scratch: Some(scratch),
            ..Self::beside(rations)
        }
    }

    /// Pause between two times that [`Meter::look`] is called.
    pub(super) fn pause(&self) -> Duration {
        if self.counts_alone() {
            PAUSE_GLANCE
        } else {
            self.pause_of_looks()
        }
    }

    /// Whether nobody but this process keeps the command from making ever more of them: the kernel
    /// counts all but the root user's.
    fn counts_alone(&self) -> bool {
        !self.inside && geteuid().is_root()
    }

    fn pause_of_looks(&self) -> Duration {
        match (self.inside, self.rations.caps.memory_bytes_max) {
            (false, None) => PAUSE_BESIDE,
            (false, Some(_)) => PAUSE_MEMORY_BESIDE,
            (true, None) => PAUSE_INSIDE,
            (true, Some(_)) => PAUSE_MEMORY,
        }
    }

    /// Whether there is anything to look at: the kernel does not count the root user's processes,
    /// and nobody's processor time altogether.
    pub(super) fn looks(&self) -> bool {
        let caps = &self.rations.caps;
        let limited = caps.cpu_seconds_max.is_some() || caps.memory_bytes_max.is_some();
        self.inside || self.counts_alone() || limited
    }

    /// Whether it is time for a look, or the command may have more processes than it should.
    fn is_due(&self) -> bool {
        if !self.counts_alone() || self.looked_at.elapsed() >= self.pause_of_looks() {
            return true;
        }
        // The kernel's number wraps; a large difference is that of a machine which lost some.
        let more = sysinfo().procs.wrapping_sub(self.crowd);
        more < u16::MAX / 2 && self.tasks + u64::from(more) > self.rations.processes_max
    }

    /// Looks once if it is time to; the limit that is passed, if one is.
    pub(super) fn look(&mut self) -> Option<Cap> {
        if !self.is_due() {
            return None;
        }
        self.looked_at = Instant::now();
        self.crowd = sysinfo().procs;
        let processes = family::descendants();
        let caps = self.rations.caps;
        let mut cap = None;
        let tasks: u64 = if self.inside {
            processes.iter().map(|pid| threads(*pid)).sum()
        } else {
            processes.len() as u64
        };
        self.tasks = tasks;
        if tasks > self.rations.processes_max {
            cap = Some(Cap::Processes);
        }
        self.cpu_ms = self.ended_ms() + processes.iter().map(|pid| times(*pid)).sum::<u64>();
        if caps
            .cpu_seconds_max
            .is_some_and(|most| self.cpu_ms > most * 1000)
        {
            cap = Some(Cap::Cpu);
        }
        if self.inside || caps.memory_bytes_max.is_some() {
            let memory = self.memory(&processes);
            self.memory_peak_bytes = self.memory_peak_bytes.max(memory);
            if caps.memory_bytes_max.is_some_and(|most| memory > most) {
                cap = Some(Cap::Memory);
            }
        }
        self.looked += 1;
        self.hit.extend(cap);
        cap
    }

    /// Milliseconds of the command's processes that ended.
    fn ended_ms(&self) -> u64 {
        let time = children_time().saturating_sub(self.before);
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    }

    /// Bytes of memory of all processes together. Files in the scratch folder count as disk.
    fn memory(&mut self, processes: &[Pid]) -> u64 {
        let mut private = 0;
        let mut shared: BTreeMap<u64, u64> = BTreeMap::new();
        let mut shared_max = 0;
        for pid in processes {
            let Some(resident) = resident(*pid) else {
                continue;
            };
            private += resident.private;
            if resident.shared >= SHARED_WORTH_A_LOOK {
                shared_max += resident.shared;
                shared.extend(shared_of(*pid));
            }
        }
        if self.rations.caps.memory_bytes_max.is_some()
            && self.looked.is_multiple_of(OPEN_FILES_EVERY)
        {
            let mut open = BTreeMap::new();
            for pid in processes {
                open.extend(open_in_memory(*pid));
            }
            self.open_bytes = open.into_values().sum();
        }
        let mapped: u64 = shared.into_values().sum();
        private
            + mapped
                .min(shared_max)
                .max(self.open_bytes)
                .max(old_shared())
    }

    /// What is to be told at the end, when every process is gone and this one has taken note.
    pub(super) fn used(mut self) -> Fact {
        self.cpu_ms = self.cpu_ms.max(self.ended_ms());
        if let Some(found) = self
            .scratch
            .as_ref()
            .and_then(|scratch| fstatvfs(scratch).ok())
        {
            if found.f_bfree == 0 {
                self.hit.push(Cap::Disk);
            }
            if found.f_ffree == 0 {
                self.hit.push(Cap::Inodes);
            }
        }
        if let Some(most) = self.rations.caps.cpu_seconds_max
            && self.cpu_ms >= most * 1000
            && !self.hit.contains(&Cap::Cpu)
        {
            self.hit.push(Cap::Cpu);
        }
        Fact::Used {
            cpu_ms: self.cpu_ms,
            memory_peak_bytes: self.memory_peak_bytes,
            hit: self.hit,
        }
    }
}

fn times(pid: Pid) -> u64 {
    let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let numbers = numbers(&stat);
    TIMES.filter_map(|place| numbers.get(place)).sum::<u64>() * TICK_MS
}

fn threads(pid: Pid) -> u64 {
    let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    numbers(&stat).get(THREADS).copied().unwrap_or(1)
}

fn numbers(stat: &[u8]) -> Vec<u64> {
    let fields = family::fields(stat).into_iter().flatten();
    fields
        .map(|field| field.parse().unwrap_or_default())
        .collect()
}

struct Resident {
    private: u64,
    shared: u64,
}

fn resident(pid: Pid) -> Option<Resident> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    };
    Some(Resident {
        private: bytes("RssAnon:")?,
        shared: bytes("RssShmem:")?,
    })
}

/// Memory that a process shares and no file of a folder holds: inode and bytes.
fn shared_of(pid: Pid) -> Vec<(u64, u64)> {
    let maps =
        fs::read_to_string(format!("/proc/{}/maps", pid.as_raw_nonzero())).unwrap_or_default();
    let shared = maps.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let inode = words.nth(3)?.parse().ok()?;
        let name = words.next()?;
        let unnamed = name.starts_with("/dev/zero")
            || name.starts_with("/memfd:")
            || name.starts_with("/SYSV");
        let bytes = u64::from_str_radix(to, 16)
            .ok()?
            .checked_sub(u64::from_str_radix(from, 16).ok()?)?;
        unnamed.then_some((inode, bytes))
    });
    shared.collect()
}

/// Files in memory that a process has open: inode and bytes.
fn open_in_memory(pid: Pid) -> Vec<(u64, u64)> {
    let folder = format!("/proc/{}/fd", pid.as_raw_nonzero());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let target = fs::read_link(entry.path()).ok()?;
        if !target.to_str()?.starts_with("/memfd:") {
            return None;
        }
        let file = fs::metadata(entry.path()).ok()?;
        Some((file.ino(), file.blocks() * 512))
    });
    found.collect()
}

/// Shared memory of the old kind of this machine, attached or not.
fn old_shared() -> u64 {
    let list = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let mut lines = list.lines();
    let names = lines.next().unwrap_or_default();
    let Some(place) = names
        .split_ascii_whitespace()
        .position(|name| name == "rss")
    else {
        return 0;
    };
    let bytes = |line: &str| {
        line.split_ascii_whitespace()
            .nth(place)?
            .parse::<u64>()
            .ok()
    };
    lines.filter_map(bytes).sum()
}
