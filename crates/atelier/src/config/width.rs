//! How many tasks are done at once where nobody says it; pure.

/// Bytes that the build of one task may take.
const BYTES_PER_TASK: u64 = 1024 * 1024 * 1024;
/// Tasks at once however large the machine is: models are asked by all of them.
const TASKS_MAX: usize = 8;

/// Tasks at once. A task waits for its model most of the time, so there may be more of them than
/// processors; where nobody is asked over a network, there is nothing to wait for.
pub(crate) fn tasks(processors: usize, memory: Option<u64>, is_offline: bool) -> usize {
    let wanted = if is_offline {
        processors
    } else {
        processors * 2
    };
    wanted.min(in_memory(memory)).clamp(1, TASKS_MAX)
}

/// Verifications at once: each may use a processor, and what a build takes of memory.
pub(crate) fn checks(processors: usize, memory: Option<u64>) -> usize {
    processors.min(in_memory(memory)).max(1)
}

fn in_memory(memory: Option<u64>) -> usize {
    let room = memory.map(|bytes| bytes / BYTES_PER_TASK);
    room.map_or(usize::MAX, |tasks| {
        usize::try_from(tasks).unwrap_or(usize::MAX)
    })
}

#[cfg(test)]
mod tests;
