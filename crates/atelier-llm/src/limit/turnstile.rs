//! All gates, and who waits before them: first come, first served.

use std::collections::{BTreeMap, VecDeque};

use atelier_model::{Digest, Timestamp};

use crate::limit::{
    contract::Contract,
    gate::{Ending, Gate, Lack, LimitState, Taken},
    measure::Amounts,
    meter::Limit,
    rate::Rate,
    told::Told,
    weights::Load,
};

/// Requests that may wait at once, before all gates together.
pub(crate) const WAITING_MAX: usize = 10_000;

/// Gates that are remembered; of more, those that were not used for longest are forgotten.
const GATES_MAX: usize = 2_048;

/// Who is asked with which key, and whose limits that concerns.
#[derive(Debug, Clone)]
pub(crate) struct Approach<'a> {
    /// Provider, address, model and key.
    pub(crate) target: Digest,
    /// How the provider counts.
    pub(crate) contract: Contract,
    /// Whether the first request is let through alone.
    pub(crate) trial: bool,
    /// Who is asked, in words: provider and model.
    pub(crate) label: (&'a str, &'a str),
    /// Limits that a person set, each with the name of its gate and of its line.
    pub(crate) rates: Vec<(Digest, &'a str, &'a Rate)>,
}

/// A place in a queue. Smaller numbers came earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// When it came, among all.
    pub(crate) number: u64,
    /// Before which gates.
    lane: Digest,
}

/// What one request took at every gate it passed. Whoever holds it has to hand it back.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// Which one it is.
    pub(crate) number: u64,
    taken: Vec<(Digest, Taken)>,
}

/// What somebody in a queue is told.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Send.
    Go(Ticket),
    /// Come back.
    Wait {
        /// In so many milliseconds, or as soon as anything changes.
        wait_ms: Option<u64>,
        /// Why, where it is not those who came earlier.
        lack: Option<Lack>,
    },
}

/// What somebody who comes is told.
#[derive(Debug)]
pub(crate) enum Entry {
    /// Send.
    Go(Ticket),
    /// Wait at this place.
    Wait(Place),
    /// It would take too long.
    TooLong(Lack),
    /// Too many wait.
    Full,
}

/// Requests before the same gates.
#[derive(Debug, Default)]
struct Lane {
    gates: Vec<Digest>,
    waiting: VecDeque<(u64, Load)>,
}

/// All gates, and who waits before them.
#[derive(Debug, Default)]
pub(crate) struct Turnstile {
    gates: BTreeMap<Digest, Gate>,
    /// Those before which somebody waits.
    lanes: BTreeMap<Digest, Lane>,
    waiting: usize,
    numbers: u64,
    /// The latest moment of which it knows: time does not go back.
    latest: Timestamp,
}

impl Turnstile {
    /// Somebody wants to send. Whoever comes back for another sending keeps the number of the
    /// first, and with it the place among those who wait.
    pub(crate) fn enter(
        &mut self,
        approach: &Approach<'_>,
        load: Load,
        number: Option<u64>,
        wait_ms_max: u64,
        now: Timestamp,
    ) -> Entry {
        let now = self.tick(now);
        let gates = self.gates_of(approach, now);
        let number = number.unwrap_or_else(|| {
            self.numbers += 1;
            self.numbers
        });
        if self.lack(&gates, load, now).is_none() && !self.is_blocked(&gates, number, now) {
            return Entry::Go(self.take(&gates, number, load, now));
        }
        if self.waiting >= WAITING_MAX {
            return Entry::Full;
        }
        if let Some(lack) = self.too_long(approach.target, &gates, load, wait_ms_max, now) {
            return Entry::TooLong(lack);
        }
        let lane = self.lanes.entry(approach.target).or_default();
        lane.gates = gates;
        let at = lane.waiting.partition_point(|(other, _)| *other < number);
        lane.waiting.insert(at, (number, load));
        self.waiting += 1;
        Entry::Wait(Place {
            number,
            lane: approach.target,
        })
    }

    /// Whether it is the turn of somebody who waits. Whoever may go has left the queue.
    pub(crate) fn turn(&mut self, place: Place, now: Timestamp) -> Turn {
        let now = self.tick(now);
        let waits = Turn::Wait {
            wait_ms: None,
            lack: None,
        };
        let Some(lane) = self.lanes.get(&place.lane) else {
            return waits;
        };
        let Some((number, load)) = lane.waiting.front().copied() else {
            return waits;
        };
        if number != place.number {
            return waits;
        }
        let gates = lane.gates.clone();
        if let Some(lack) = self.lack(&gates, load, now) {
            return Turn::Wait {
                wait_ms: lack.wait_ms(),
                lack: Some(lack),
            };
        }
        if self.is_blocked(&gates, number, now) {
            return waits;
        }
        self.leave(place);
        Turn::Go(self.take(&gates, number, load, now))
    }

    /// Somebody waits no longer.
    pub(crate) fn leave(&mut self, place: Place) {
        let Some(lane) = self.lanes.get_mut(&place.lane) else {
            return;
        };
        let at = lane
            .waiting
            .partition_point(|(number, _)| *number < place.number);
        if lane
            .waiting
            .get(at)
            .is_some_and(|(number, _)| *number == place.number)
        {
            lane.waiting.remove(at);
            self.waiting -= 1;
        }
        if lane.waiting.is_empty() {
            self.lanes.remove(&place.lane);
        }
    }

    /// The first of every queue, whose turn it may be.
    pub(crate) fn heads(&self) -> impl Iterator<Item = u64> {
        let lanes = self.lanes.values();
        lanes.filter_map(|lane| lane.waiting.front().map(|(number, _)| *number))
    }

    /// What is known of every gate.
    pub(crate) fn states(&self, now: Timestamp) -> Vec<LimitState> {
        let now = self.latest.max(now);
        let state = |(name, gate): (&Digest, &Gate)| {
            let waiting = self.lanes.get(name).map_or(0, |lane| lane.waiting.len());
            gate.state(u64::try_from(waiting).unwrap_or(u64::MAX), now)
        };
        self.gates.iter().map(state).collect()
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The gate of a target or of a line of the configuration.
    pub(crate) fn gate(&self, gate: &Digest) -> Option<&Gate> {
        self.gates.get(gate)
    }

    /// An answer has begun, and its headers tell what is left.
    pub(crate) fn hear(&mut self, ticket: &Ticket, told: &[Told], now: Timestamp) {
        let now = self.tick(now);
        // The first gate is the target's own; the others are what a person set.
        if let Some((gate, taken)) = ticket.taken.first()
            && let Some(gate) = self.gates.get_mut(gate)
        {
            gate.hear(taken, told, now);
        }
    }

    /// A refusal names limits that were exceeded.
    pub(crate) fn exceeded(
        &mut self,
        ticket: &Ticket,
        limits: &[Limit],
        wait: u64,
        now: Timestamp,
    ) {
        let now = self.tick(now);
        if let Some((gate, _)) = ticket.taken.first()
            && let Some(gate) = self.gates.get_mut(gate)
        {
            gate.exceeded(limits, wait, now);
        }
    }

    /// A request has ended.
    pub(crate) fn end(&mut self, ticket: &Ticket, ending: &Ending, now: Timestamp) {
        let now = self.tick(now);
        for (at, (gate, taken)) in ticket.taken.iter().enumerate() {
            let Some(gate) = self.gates.get_mut(gate) else {
                continue;
            };
            // A provider's wait concerns its key and model alone.
            let is_own = at == 0 || !matches!(ending, Ending::Crowded { .. });
            let ending = if is_own { ending } else { &Ending::Refused };
            gate.end(taken, ending, now);
        }
    }

    fn tick(&mut self, now: Timestamp) -> Timestamp {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// The gates of an approach, its own first; those that are new are made.
    fn gates_of(&mut self, approach: &Approach<'_>, now: Timestamp) -> Vec<Digest> {
        let Approach {
            target, contract, ..
        } = *approach;
        if self.gates.len() >= GATES_MAX && !self.gates.contains_key(&target) {
            self.forget();
        }
        self.gates.entry(target).or_insert_with(|| {
            let gate = Gate::learning(contract, approach.trial, now);
            gate.labelled(approach.label)
        });
        let mut gates = Vec::with_capacity(1 + approach.rates.len());
        gates.push(target);
        for (name, line, rate) in &approach.rates {
            let gate = self.gates.entry(*name);
            gate.and_modify(|gate| gate.keep_to(rate, now))
                .or_insert_with(|| Gate::set(contract, rate, now).labelled((line, "")));
            gates.push(*name);
        }
        gates
    }

    /// Forgets the gates that were not used for longest and that nobody is behind.
    fn forget(&mut self) {
        let mut idle: Vec<(Timestamp, Digest)> = self
            .gates
            .iter()
            .filter(|(name, gate)| gate.under_way() == 0 && !self.lanes.contains_key(*name))
            .map(|(name, gate)| (gate.touched, *name))
            .collect();
        idle.sort_unstable();
        for (_, name) in idle.iter().take(GATES_MAX / 2) {
            self.gates.remove(name);
        }
    }

    fn amounts(&self, gates: &[Digest], load: Load) -> Amounts {
        let own = gates.first().and_then(|gate| self.gates.get(gate));
        own.map_or_else(Amounts::default, |gate| {
            gate.contract().reserve(&load, gate.weights())
        })
    }

    /// Why a load may not pass its gates now: what lasts longest.
    fn lack(&self, gates: &[Digest], load: Load, now: Timestamp) -> Option<Lack> {
        let amounts = self.amounts(gates, load);
        let lacks = gates
            .iter()
            .filter_map(|gate| self.gates.get(gate)?.lack(amounts, now));
        lacks.max_by_key(|lack| lack.wait_ms().unwrap_or(u64::MAX))
    }

    fn take(&mut self, gates: &[Digest], number: u64, load: Load, now: Timestamp) -> Ticket {
        let amounts = self.amounts(gates, load);
        let mut taken = Vec::with_capacity(gates.len());
        for name in gates {
            if let Some(gate) = self.gates.get_mut(name) {
                taken.push((*name, gate.take(amounts, load, now)));
            }
        }
        Ticket { number, taken }
    }

    /// Whether somebody who comes would wait too long for what is before him.
    fn too_long(
        &self,
        lane: Digest,
        gates: &[Digest],
        load: Load,
        wait_ms_max: u64,
        now: Timestamp,
    ) -> Option<Lack> {
        let ahead = self.lanes.get(&lane).into_iter();
        let ahead = ahead.flat_map(|lane| lane.waiting.iter());
        let own = self.amounts(gates, load);
        let all = ahead.fold(own, |sum, (_, load)| sum + self.amounts(gates, *load));
        let forecasts = gates
            .iter()
            .filter_map(|gate| self.gates.get(gate)?.forecast(all, now));
        let longest = forecasts.max_by_key(Lack::wait_ms);
        longest.filter(|lack| lack.wait_ms() > Some(wait_ms_max))
    }

    /// Whether one of these gates is due to somebody at the head of a queue who came earlier.
    fn is_blocked(&self, gates: &[Digest], number: u64, now: Timestamp) -> bool {
        for lane in self.lanes.values() {
            let Some((_, load)) = lane.waiting.front().filter(|(first, _)| *first < number) else {
                continue;
            };
            let amounts = self.amounts(&lane.gates, *load);
            let is_short = |name: &&Digest| {
                let gate = self.gates.get(*name);
                gate.is_some_and(|gate| gate.lack(amounts, now).is_some())
            };
            let mut short = lane.gates.iter().filter(is_short).peekable();
            // Whoever lacks nothing goes in a moment, and takes from all gates.
            let is_in_the_way = if short.peek().is_none() {
                lane.gates.iter().any(|gate| gates.contains(gate))
            } else {
                short.any(|gate| gates.contains(gate))
            };
            if is_in_the_way {
                return true;
            }
        }
        false
    }
}
