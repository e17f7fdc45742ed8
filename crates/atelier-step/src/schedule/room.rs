//! What the machine still gives: processors, memory and named tokens.

use std::collections::HashMap;

use atelier_model::BuildStep;

use super::{Capacity, ScheduleError};

/// Memory is counted in pieces of this size, so that steps which need about the same stand together.
const MEMORY_PIECE_BYTES: u64 = 32 * 1024 * 1024;

/// What a step takes while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Demand {
    cpu: u32,
    memory: u64,
    /// Tokens by their number, with how many of each.
    tokens: Vec<(usize, u32)>,
}

/// What is taken and what there is.
#[derive(Debug, Clone)]
pub(super) struct Room {
    cpu_free: u32,
    cpu_all: u32,
    memory_taken: u64,
    memory_all: Option<u64>,
    reserve: u64,
    tokens_free: Vec<u32>,
    token_numbers: HashMap<String, usize>,
    running: usize,
    stalled: bool,
}

impl Room {
    pub(super) fn new(capacity: &Capacity) -> Result<Self, ScheduleError> {
        if capacity.cpu == 0 {
            return Err(ScheduleError::NoProcessor);
        }
        let reserve = capacity.reserve_bytes;
        let names = capacity.tokens.keys().cloned();
        Ok(Self {
            cpu_free: capacity.cpu,
            cpu_all: capacity.cpu,
            memory_taken: 0,
            memory_all: capacity.memory_bytes.map(|all| all.saturating_sub(reserve)),
            reserve,
            tokens_free: capacity.tokens.values().copied().collect(),
            token_numbers: names.enumerate().map(|(at, name)| (name, at)).collect(),
            running: 0,
            stalled: false,
        })
    }

    /// What a step will take. One that wants more processors than there are gets all of them.
    pub(super) fn demand(
        &mut self,
        step: &BuildStep,
        memory_bytes: Option<u64>,
    ) -> Result<Demand, ScheduleError> {
        let mut tokens = Vec::with_capacity(step.tokens.len());
        for (token, needs) in &step.tokens {
            let number = self.token_numbers.get(token).copied().unwrap_or_else(|| {
                self.token_numbers
                    .insert(token.clone(), self.tokens_free.len());
                self.tokens_free.push(1);
                self.tokens_free.len() - 1
            });
            let there = self.tokens_free[number];
            if *needs > there {
                return Err(ScheduleError::Token {
                    step: step.name.clone(),
                    token: token.clone(),
                    needs: *needs,
                    there,
                });
            }
            tokens.push((number, *needs));
        }
        let pieces = memory_bytes.unwrap_or(0).div_ceil(MEMORY_PIECE_BYTES);
        Ok(Demand {
            cpu: step.cpu.clamp(1, self.cpu_all),
            memory: pieces.saturating_mul(MEMORY_PIECE_BYTES),
            tokens,
        })
    }

    /// Whether a step can be begun now.
    ///
    /// One that needs more memory than there is for all is begun alone: nothing better can be done
    /// for it. While processes wait for memory, nothing is begun beside what runs.
    pub(super) fn fits(&self, demand: &Demand) -> bool {
        let alone = self.running == 0;
        let memory = self
            .memory_all
            .is_none_or(|all| self.memory_taken.saturating_add(demand.memory) <= all);
        let tokens = || {
            let mut tokens = demand.tokens.iter();
            tokens.all(|(number, needs)| self.tokens_free[*number] >= *needs)
        };
        demand.cpu <= self.cpu_free && (alone || (memory && !self.stalled)) && tokens()
    }

    /// Whether no step at all can be begun.
    pub(super) fn is_full(&self) -> bool {
        self.cpu_free == 0 || (self.stalled && self.running > 0)
    }

    pub(super) fn enter(&mut self, demand: &Demand) {
        self.running += 1;
        self.cpu_free -= demand.cpu;
        self.memory_taken = self.memory_taken.saturating_add(demand.memory);
        for (number, needs) in &demand.tokens {
            self.tokens_free[*number] -= needs;
        }
    }

    pub(super) fn leave(&mut self, demand: &Demand) {
        self.running -= 1;
        self.cpu_free += demand.cpu;
        self.memory_taken = self.memory_taken.saturating_sub(demand.memory);
        for (number, needs) in &demand.tokens {
            self.tokens_free[*number] += needs;
        }
    }

    /// Keeps what is free for a step that has waited for too long, so that no other takes it.
    pub(super) fn keep_for(&mut self, demand: &Demand) {
        self.cpu_free = self.cpu_free.saturating_sub(demand.cpu);
        self.memory_taken = self.memory_taken.saturating_add(demand.memory);
        for (number, needs) in &demand.tokens {
            let free = &mut self.tokens_free[*number];
            *free = free.saturating_sub(*needs);
        }
    }

    /// Takes over what the machine says: all that steps may have together is what is available and
    /// what they use already, less the reserve.
    pub(super) fn measured(&mut self, available: u64, used: u64, stalled: bool) {
        let all = available.saturating_add(used).saturating_sub(self.reserve);
        self.memory_all = Some(all);
        self.stalled = stalled;
    }
}
