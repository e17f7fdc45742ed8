//! What this machine says of its memory.

use std::fs;

/// Bytes of a kibibyte, in which the kernel counts.
const KIB: u64 = 1024;
/// Hundredths of the last ten seconds in which some process waited for memory, from which on the
/// machine counts as short of it.
const STALLED_PERCENT: f64 = 20.0;

/// Memory at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineMemory {
    /// Bytes that can be used without taking them from anyone.
    pub available_bytes: u64,
    /// Whether processes wait for memory.
    pub stalled: bool,
}

/// Memory now; `None` where the system does not say.
pub fn machine_memory() -> Option<MachineMemory> {
    let available_bytes = available(&fs::read_to_string("/proc/meminfo").ok()?)?;
    // A kernel may have been built without it.
    let pressure = fs::read_to_string("/proc/pressure/memory").unwrap_or_default();
    Some(MachineMemory {
        available_bytes,
        stalled: stalled(&pressure),
    })
}

fn available(meminfo: &str) -> Option<u64> {
    let mut lines = meminfo.lines();
    let rest = lines.find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(KIB)
}

fn stalled(pressure: &str) -> bool {
    let mut lines = pressure.lines();
    let some = lines.find_map(|line| line.strip_prefix("some "));
    let average = some.and_then(|some| some.split(' ').find_map(|one| one.strip_prefix("avg10=")));
    let average = average.and_then(|average| average.parse::<f64>().ok());
    average.is_some_and(|average| average >= STALLED_PERCENT)
}

#[cfg(test)]
mod tests;
