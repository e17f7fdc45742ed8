//! A machine that executes steps by taking the time they are said to take.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use atelier_model::{BuildStep, StepKind};

use crate::{
    Capacity, Ending, Fact, Graph, OnFailure, Order, Outlook, Scheduler, StepIndex, Verdict,
};

/// Numbers that look random and are the same each time.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

pub(super) fn capacity(cpu: u32) -> Capacity {
    Capacity {
        cpu,
        memory_bytes: None,
        reserve_bytes: 0,
        tokens: BTreeMap::new(),
    }
}

/// A step of this name after these.
pub(super) fn step(name: &impl ToString, after: &[usize]) -> BuildStep {
    BuildStep {
        depends_on: after.iter().map(ToString::to_string).collect(),
        ..BuildStep::new(name.to_string(), StepKind::Build, ["true"])
    }
}

/// What a machine does, and what it saw.
pub(super) struct Machine<'a> {
    pub(super) steps: &'a [BuildStep],
    pub(super) outlooks: Vec<Outlook>,
    pub(super) durations: Vec<u64>,
    pub(super) capacity: Capacity,
    pub(super) on_failure: OnFailure,
    /// What an examination finds: `None` that the step has to be executed, else whether what it
    /// makes differs.
    pub(super) settled: Box<dyn Fn(usize) -> Option<bool> + 'a>,
    /// How a try ends.
    pub(super) ends: Box<dyn Fn(usize, u32) -> Ending + 'a>,
}

/// What became of a run.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) makespan: u64,
    pub(super) begun: Vec<usize>,
    pub(super) examined: Vec<usize>,
    pub(super) stopped: Vec<usize>,
    pub(super) verdicts: Vec<Option<Verdict>>,
    pub(super) memory_max: u64,
    pub(super) cpu_max: u32,
    pub(super) tokens_max: BTreeMap<String, u32>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(steps: &'a [BuildStep], durations: Vec<u64>, cpu: u32) -> Self {
        Self {
            steps,
            outlooks: vec![Outlook::default(); steps.len()],
            durations,
            capacity: capacity(cpu),
            on_failure: OnFailure::KeepGoing,
            settled: Box::new(|_| None),
            ends: Box::new(|_, _| Ending::Succeeded { changed: true }),
        }
    }

    pub(super) fn knowing(mut self) -> Self {
        for (outlook, duration) in self.outlooks.iter_mut().zip(&self.durations) {
            outlook.duration_ms = Some(*duration);
        }
        self
    }

    /// Runs everything to its end, and checks at each moment what must always hold.
    pub(super) fn run(&self) -> Outcome {
        let graph = Graph::new(self.steps).unwrap();
        let wanted: Vec<_> = graph.steps().collect();
        let mut scheduler = Scheduler::new(
            &graph,
            self.steps,
            &self.outlooks,
            &wanted,
            &self.capacity,
            self.on_failure,
        )
        .unwrap();
        let mut outcome = Outcome::default();
        let mut running: BTreeSet<(u64, StepIndex, u32)> = BTreeSet::new();
        let mut orders = scheduler.begin();
        let mut now = 0;
        loop {
            let mut open: VecDeque<Order> = std::mem::take(&mut orders).into();
            while let Some(order) = open.pop_front() {
                open.extend(self.obey(order, now, &mut scheduler, &mut running, &mut outcome));
            }
            self.check(&graph, &scheduler, &running, &mut outcome);
            let Some((end, step, attempt)) = running.pop_first() else {
                break;
            };
            now = end;
            let stopped = outcome.stopped.contains(&step.get());
            let ending = if stopped {
                Ending::Stopped
            } else {
                (self.ends)(step.get(), attempt)
            };
            orders = scheduler.apply(Fact::Ended { step, ending }).unwrap();
        }
        assert!(scheduler.is_over(), "nothing runs, so everything is over");
        outcome.makespan = now;
        outcome.verdicts = graph.steps().map(|step| scheduler.verdict(step)).collect();
        outcome
    }

    fn obey(
        &self,
        order: Order,
        now: u64,
        scheduler: &mut Scheduler<'_>,
        running: &mut BTreeSet<(u64, StepIndex, u32)>,
        outcome: &mut Outcome,
    ) -> Vec<Order> {
        match order {
            Order::Examine(step) => {
                outcome.examined.push(step.get());
                let fact = match (self.settled)(step.get()) {
                    None => Fact::Due { step },
                    Some(changed) => Fact::Settled {
                        step,
                        restored: changed,
                        changed,
                    },
                };
                scheduler.apply(fact).unwrap()
            }
            Order::Execute { step, attempt } => {
                outcome.begun.push(step.get());
                let end = now + self.durations[step.get()];
                assert!(running.insert((end, step, attempt)), "begun once");
                Vec::new()
            }
            Order::Stop(step) => {
                assert!(running.iter().any(|(_, one, _)| *one == step), "it runs");
                outcome.stopped.push(step.get());
                Vec::new()
            }
            Order::Skip { .. } => Vec::new(),
        }
    }

    fn check(
        &self,
        graph: &Graph,
        scheduler: &Scheduler<'_>,
        running: &BTreeSet<(u64, StepIndex, u32)>,
        outcome: &mut Outcome,
    ) {
        let (mut cpu, mut memory) = (0, 0);
        let mut tokens: BTreeMap<&str, u32> = BTreeMap::new();
        for (_, step, _) in running {
            let one = &self.steps[step.get()];
            cpu += one.cpu.min(self.capacity.cpu);
            let measured = self.outlooks[step.get()].memory_bytes;
            memory += measured.or(one.memory_bytes).unwrap_or(0);
            for (name, count) in &one.tokens {
                *tokens.entry(name).or_default() += count;
            }
            let over = |step: &StepIndex| scheduler.verdict(*step).is_some_and(Verdict::is_good);
            assert!(
                graph.needs(*step).iter().all(over),
                "what it needs is there"
            );
        }
        assert!(cpu <= self.capacity.cpu, "{cpu} processors");
        for (name, count) in tokens {
            let there = self.capacity.tokens.get(name).copied().unwrap_or(1);
            assert!(count <= there, "{count} of {name}");
            let most = outcome.tokens_max.entry(name.to_owned()).or_default();
            *most = (*most).max(count);
        }
        if let Some(all) = self.capacity.memory_bytes {
            let most = all.saturating_sub(self.capacity.reserve_bytes);
            assert!(memory <= most || running.len() == 1, "{memory} bytes");
        }
        outcome.cpu_max = outcome.cpu_max.max(cpu);
        outcome.memory_max = outcome.memory_max.max(memory);
        let listed: BTreeSet<_> = running.iter().map(|(_, step, _)| *step).collect();
        assert_eq!(listed, scheduler.running().collect::<BTreeSet<_>>());
    }
}
