//! Steps that wait for room, those with the longest way to the end first.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

use super::room::{Demand, Room};
use crate::StepIndex;

/// How often others may be begun before a step, because there is room for them and none for it. Then
/// room is kept for it.
const PASSED_OVER_MAX: u32 = 16;

/// A waiting step; the greatest is begun first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    urgent: bool,
    remaining: u64,
    step: Reverse<StepIndex>,
}

impl Entry {
    pub(super) fn new(urgent: bool, remaining: u64, step: StepIndex) -> Self {
        Self {
            urgent,
            remaining,
            step: Reverse(step),
        }
    }
}

/// Steps that take the same.
#[derive(Debug, Clone)]
struct Class {
    demand: Demand,
    waiting: BinaryHeap<Entry>,
    passed_over: u32,
}

/// The waiting steps by what they take: of each class only the first has to be looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Ready {
    classes: Vec<Class>,
    numbers: HashMap<Demand, usize>,
}

impl Ready {
    pub(super) fn push(&mut self, demand: &Demand, entry: Entry) {
        let number = self.numbers.get(demand).copied().unwrap_or_else(|| {
            self.numbers.insert(demand.clone(), self.classes.len());
            self.classes.push(Class {
                demand: demand.clone(),
                waiting: BinaryHeap::new(),
                passed_over: 0,
            });
            self.classes.len() - 1
        });
        self.classes[number].waiting.push(entry);
    }

    pub(super) fn clear(&mut self) {
        self.classes.clear();
        self.numbers.clear();
    }

    /// Takes the first step for which there is room, and which comes before `held`.
    pub(super) fn pick(&mut self, room: &Room, held: Option<&Entry>) -> Option<StepIndex> {
        if room.is_full() {
            return None;
        }
        let first = |(number, class): (usize, &Class)| {
            let entry = class.waiting.peek()?;
            let free = held.is_none_or(|held| entry > held);
            free.then_some((*entry, number))
        };
        let mut firsts: Vec<_> = self.classes.iter().enumerate().filter_map(first).collect();
        firsts.sort_unstable_by(|a, b| b.cmp(a));
        let mut kept: Option<Room> = None;
        let fitting = firsts.iter().position(|(_, number)| {
            let class = &self.classes[*number];
            let fits = kept.as_ref().unwrap_or(room).fits(&class.demand);
            if !fits && class.passed_over >= PASSED_OVER_MAX {
                kept.get_or_insert_with(|| room.clone())
                    .keep_for(&class.demand);
            }
            fits
        })?;
        for (_, number) in &firsts[..fitting] {
            self.classes[*number].passed_over += 1;
        }
        let class = &mut self.classes[firsts[fitting].1];
        class.passed_over = 0;
        class.waiting.pop().map(|entry| entry.step.0)
    }
}
