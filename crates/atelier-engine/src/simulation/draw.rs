//! Plans drawn by lot: how wide and deep they are, how long tasks take, what fails and what clashes.

use atelier_model::{MicroUsd, Task, TaskId};

use crate::sample;

/// Most files that the tasks of a plan write.
const FILES: u64 = 6;
/// Longest time a model or a check takes, in seconds.
const SECONDS_MAX: u64 = 8;

/// A lottery that draws the same from the same seed.
#[derive(Debug, Clone)]
pub(super) struct Lots(u64);

impl Lots {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    /// True once in so many times.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What becomes of a task when somebody works on it.
#[derive(Debug, Clone)]
pub(super) struct Fate {
    pub(super) task: Task,
    /// Files it really writes, whatever it says.
    pub(super) writes: Vec<u64>,
    /// Files whose change by others may break it.
    pub(super) reads: Vec<u64>,
    pub(super) ask_ms: i64,
    pub(super) check_ms: i64,
    /// Attempts whose checks fail.
    pub(super) fails: u32,
    /// A person must look.
    pub(super) needs_person: bool,
}

/// A plan, and the circumstances in which it is executed.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) fates: Vec<Fate>,
    pub(super) workers: usize,
    pub(super) width: usize,
    pub(super) attempts_max: u32,
    pub(super) budget: Option<MicroUsd>,
    /// A worker dies once in so many steps, or falls asleep.
    pub(super) trouble: u64,
}

/// The most an ask may cost.
pub(super) const ASK_MAX: MicroUsd = MicroUsd(1_000);

pub(super) fn draw(lots: &mut Lots, tasks: u64, workers: usize) -> Drawn {
    let depth = 1 + lots.below(6);
    let fates = (0..tasks).map(|index| fate(lots, index, depth)).collect();
    let budget = lots.one_in(4).then(|| {
        let asks = 1 + lots.below(tasks * 2);
        MicroUsd(ASK_MAX.0 * asks)
    });
    Drawn {
        fates,
        workers,
        width: 1 + usize::try_from(lots.below(5)).unwrap_or(0),
        attempts_max: 1 + u32::try_from(lots.below(4)).unwrap_or(0),
        budget,
        trouble: if lots.one_in(3) { u64::MAX } else { 60 },
    }
}

fn name(index: u64) -> TaskId {
    TaskId::from_text(format!("t{index:03}"))
}

fn fate(lots: &mut Lots, index: u64, depth: u64) -> Fate {
    let mut task = sample::task();
    task.id = name(index);
    task.title = format!("Task {index}");
    task.priority = i32::try_from(lots.below(5)).unwrap_or(0) - 2;
    // Each layer needs some of the one before.
    if index >= depth && !lots.one_in(3) {
        let needs = (0..=lots.below(2)).map(|_| name(lots.below(index)));
        task.depends_on = needs.collect();
        task.depends_on.sort();
        task.depends_on.dedup();
    }
    let writes = files(lots);
    let path = |file: &u64| format!("src/f{file}");
    match lots.below(4) {
        0 => task.owns = vec!["src".to_owned()],
        1 => task.owns = writes.iter().map(path).collect(),
        2 => task.outputs = writes.iter().map(path).collect(),
        // It says nothing: the merge queue is to find out.
        _ => {}
    }
    Fate {
        task,
        writes,
        reads: files(lots),
        ask_ms: seconds(lots),
        check_ms: seconds(lots),
        fails: if lots.one_in(4) {
            1 + u32::try_from(lots.below(4)).unwrap_or(0)
        } else {
            0
        },
        needs_person: lots.one_in(25),
    }
}

fn files(lots: &mut Lots) -> Vec<u64> {
    (0..=lots.below(2)).map(|_| lots.below(FILES)).collect()
}

fn seconds(lots: &mut Lots) -> i64 {
    i64::try_from(1 + lots.below(SECONDS_MAX)).unwrap_or(1) * 1_000
}
