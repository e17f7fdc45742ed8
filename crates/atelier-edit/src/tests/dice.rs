//! Chance that can be repeated: every case is drawn from a number that a failure prints.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Cases that all properties draw together in an ordinary run.
const CASES: u64 = 120_000;

/// Wrong cases that are collected before a property is given up.
const WRONG_MAX: usize = 100;

/// A source of chance.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, after Steele, Lea and Flood's `SplitMix`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another one, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }

    /// A number of a range.
    pub(super) fn within(&mut self, range: std::ops::Range<usize>) -> usize {
        range.start + self.below(range.len())
    }

    /// Whether one of so many happens.
    pub(super) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// How many cases a property draws that is to have so many of a hundred of all cases.
pub(super) fn share(percent: u64) -> u64 {
    let asked = std::env::var("ATELIER_EDIT_CASES");
    let cases = asked.ok().and_then(|text| text.parse().ok());
    (cases.unwrap_or(CASES) * percent / 100).max(1)
}

/// Runs a property on so many cases; `ATELIER_EDIT_SEED` runs the one case of that number.
///
/// The property returns what is wrong, nothing if all is well.
pub(super) fn every(cases: u64, property: impl Fn(&mut Dice) -> Option<String>) {
    let asked = std::env::var("ATELIER_EDIT_SEED");
    let seeds = match asked.ok().and_then(|text| text.parse::<u64>().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..cases,
    };
    let run = |seed: u64| {
        let run = AssertUnwindSafe(|| property(&mut Dice::new(seed)));
        match catch_unwind(run) {
            Ok(wrong) => wrong,
            Err(_) => Some("it panicked".to_owned()),
        }
    };
    let wrong: Vec<(u64, String)> = seeds
        .filter_map(|seed| Some((seed, run(seed)?)))
        .take(WRONG_MAX)
        .collect();
    if let Some((seed, said)) = wrong.iter().min_by_key(|(_, said)| said.len()) {
        let seeds: Vec<u64> = wrong.iter().map(|(seed, _)| *seed).collect();
        panic!("wrong: {seeds:?}; ATELIER_EDIT_SEED={seed} is the shortest: {said}");
    }
}
