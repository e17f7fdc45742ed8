//! What to do next: a state machine that facts drive and that gives orders.
//!
//! A step becomes due once what it needs is over. It is then examined, which costs no slot; what
//! turns out to need its command waits for room, the longest way to the end first.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use atelier_model::{BuildStep, StepKind};

use crate::{Graph, StepIndex};

mod estimate;
mod ready;
mod room;

pub use estimate::estimates;

use ready::{Entry, Ready};
use room::{Demand, Room};

/// What the machine gives to all steps together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// Processors.
    pub cpu: u32,
    /// Bytes of memory that are available now; not looked at if `None`.
    pub memory_bytes: Option<u64>,
    /// Bytes of memory that are left to others.
    pub reserve_bytes: u64,
    /// How many there are of what steps hold by name; of what is not named there is one.
    pub tokens: BTreeMap<String, u32>,
}

/// What is known of a step before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outlook {
    /// Milliseconds it took the last times.
    pub duration_ms: Option<u64>,
    /// Bytes of memory it needed at most.
    pub memory_bytes: Option<u64>,
    /// Whether it failed the last time.
    pub failed_last: bool,
    /// Whether all of its own is as it was when it last ended well, and what it made still stands: it
    /// has to be examined only if a step before it makes something else now.
    pub unchanged: bool,
}

/// What a failure means for the other steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Those that run are stopped and no other is begun.
    #[default]
    Stop,
    /// Those that run may end, and no other is begun.
    Drain,
    /// Only those after it are not reached.
    KeepGoing,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// A step was examined and need not be executed.
    Settled {
        /// The step.
        step: StepIndex,
        /// Whether what it makes was brought back, instead of standing there already.
        restored: bool,
        /// Whether what it makes differs from what the steps after it were made from.
        changed: bool,
    },
    /// A step's result was found and is being brought back, which may take a while.
    Found {
        /// The step.
        step: StepIndex,
    },
    /// A step was examined and has to be executed.
    Due {
        /// The step.
        step: StepIndex,
    },
    /// A step that was executed has ended.
    Ended {
        /// The step.
        step: StepIndex,
        /// How.
        ending: Ending,
    },
    /// What the machine says of its memory.
    Memory {
        /// Bytes that are available now.
        available_bytes: u64,
        /// Bytes that the running steps use now.
        used_bytes: u64,
        /// Whether processes wait for memory, so that nothing may be begun beside what runs.
        stalled: bool,
    },
    /// A person wants it to end.
    Cancel,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Well.
    Succeeded {
        /// Whether what it made differs from what the steps after it were made from.
        changed: bool,
    },
    /// Not well.
    Failed,
    /// By order.
    Stopped,
}

/// Something to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// See whether the step's result stands or can be brought back; answered by [`Fact::Settled`] or
    /// [`Fact::Due`]. Until it is, or [`Fact::Found`] comes, no step is begun that is less pressing.
    Examine(StepIndex),
    /// Execute the step; answered by [`Fact::Ended`].
    Execute {
        /// The step.
        step: StepIndex,
        /// Which try this is, from 1.
        attempt: u32,
    },
    /// End a running step with everything it started; answered by [`Fact::Ended`].
    Stop(StepIndex),
    /// The step is over without having been looked at.
    Skip {
        /// The step.
        step: StepIndex,
        /// What became of it.
        verdict: Verdict,
    },
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that it reads has changed, as no step before it made anything else.
    CutOff,
    /// Its result stands.
    UpToDate,
    /// Its result was brought back.
    Restored,
    /// It was executed and ended well.
    Succeeded,
    /// It was executed, failed, and ended well when it was tried again.
    Flaky,
    /// It was executed and failed.
    Failed,
    /// It was never reached, because this step failed.
    NotReached(StepIndex),
    /// It was stopped or not begun, because the run was to end.
    Cancelled,
}

impl Verdict {
    /// Its word, for records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CutOff => "cut_off",
            Self::UpToDate => "up_to_date",
            Self::Restored => "restored",
            Self::Succeeded => "succeeded",
            Self::Flaky => "flaky",
            Self::Failed => "failed",
            Self::NotReached(_) => "not_reached",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the step's result is there.
    pub fn is_good(self) -> bool {
        match self {
            Self::CutOff | Self::UpToDate | Self::Restored | Self::Succeeded | Self::Flaky => true,
            Self::Failed | Self::NotReached(_) | Self::Cancelled => false,
        }
    }

    /// What a step's end means for those after it, where it leaves them without what they need.
    fn passed_on(self, step: StepIndex) -> Option<Self> {
        match self {
            Self::CutOff | Self::UpToDate | Self::Restored | Self::Succeeded | Self::Flaky => None,
            Self::Failed => Some(Self::NotReached(step)),
            Self::NotReached(_) | Self::Cancelled => Some(self),
        }
    }
}

/// Why a run cannot be scheduled, or a fact not be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The lists do not belong together.
    #[error("schedule the steps: {steps} are given, {known} are in their graph")]
    Lists {
        /// Steps or what is known of them.
        steps: usize,
        /// Steps of the graph.
        known: usize,
    },
    /// There is no processor.
    #[error("schedule the steps: there is no processor for them")]
    NoProcessor,
    /// A step could never be begun.
    #[error("schedule the steps: `{step}` needs {needs} of `{token}`, of which there are {there}")]
    Token {
        /// The step.
        step: String,
        /// What it needs.
        token: String,
        /// How many.
        needs: u32,
        /// How many there are.
        there: u32,
    },
    /// Something is said of a step that cannot have happened.
    #[error("take in that step `{step}` {fact}: it is {state}")]
    Unexpected {
        /// The step.
        step: String,
        /// What is said.
        fact: &'static str,
        /// What the step is.
        state: &'static str,
    },
}

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is no part of this run; what it made stands.
    Unwanted,
    /// So many steps before it are not over.
    Waiting(u32),
    /// Somebody sees whether it has to be executed.
    Examined,
    /// It waits for room to be executed.
    Ready,
    Running,
    Over(Verdict),
}

/// What is kept of each step.
#[derive(Debug, Clone)]
struct Entrant {
    state: State,
    /// Whether a step before it made something else.
    touched: bool,
    unchanged: bool,
    attempts: u32,
    attempts_max: u32,
    demand: Demand,
    urgent: bool,
    remaining: u64,
}

/// A run over a graph.
#[derive(Debug, Clone)]
pub struct Scheduler<'g> {
    graph: &'g Graph,
    entrants: Vec<Entrant>,
    ready: Ready,
    /// Steps of which it is not known yet whether they have to be executed.
    examined: BTreeSet<Entry>,
    room: Room,
    on_failure: OnFailure,
    course: Course,
    open: usize,
}

/// Where a run is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// On.
    Forward,
    /// To its end, once what runs has ended.
    Draining,
    /// To its end, at once.
    Stopping,
}

impl<'g> Scheduler<'g> {
    /// Prepares a run of some steps; what they depend on beyond these is taken as it stands.
    ///
    /// `steps` are those of the graph, and `outlooks` say what is known of each.
    pub fn new(
        graph: &'g Graph,
        steps: &[BuildStep],
        outlooks: &[Outlook],
        wanted: &[StepIndex],
        capacity: &Capacity,
        on_failure: OnFailure,
    ) -> Result<Self, ScheduleError> {
        for given in [steps.len(), outlooks.len()] {
            if given != graph.len() {
                return Err(ScheduleError::Lists {
                    steps: given,
                    known: graph.len(),
                });
            }
        }
        let mut room = Room::new(capacity)?;
        let remaining = graph.remaining(&estimates(steps, outlooks));
        let urgent = urgent(graph, steps, outlooks);
        let mut entrants = Vec::with_capacity(steps.len());
        for (at, (step, outlook)) in steps.iter().zip(outlooks).enumerate() {
            entrants.push(Entrant {
                state: State::Unwanted,
                touched: false,
                unchanged: outlook.unchanged,
                attempts: 0,
                attempts_max: step.retries.saturating_add(1),
                demand: room.demand(step, outlook.memory_bytes.or(step.memory_bytes))?,
                urgent: urgent[at],
                remaining: remaining[at],
            });
        }
        for step in wanted {
            if let Some(entrant) = entrants.get_mut(step.get()) {
                entrant.state = State::Waiting(0);
            }
        }
        let mut scheduler = Self {
            graph,
            entrants,
            ready: Ready::default(),
            examined: BTreeSet::new(),
            room,
            on_failure,
            course: Course::Forward,
            open: 0,
        };
        scheduler.count_needs();
        Ok(scheduler)
    }

    fn count_needs(&mut self) {
        for step in self.graph.steps() {
            if self.state(step) == State::Unwanted {
                continue;
            }
            let needs = self.graph.needs(step).iter();
            let missing = needs.filter(|needed| self.state(**needed) != State::Unwanted);
            let missing = u32::try_from(missing.count()).unwrap_or(u32::MAX);
            self.entrants[step.get()].state = State::Waiting(missing);
            self.open += 1;
        }
    }

    /// The first orders.
    pub fn begin(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        let free: Vec<StepIndex> = self
            .graph
            .steps()
            .filter(|step| self.state(*step) == State::Waiting(0))
            .collect();
        for step in free {
            self.become_due(step, &mut orders);
            if self.verdict(step).is_some() {
                self.follow(step, false, &mut orders);
            }
        }
        self.sort(&mut orders);
        orders
    }

    /// Puts examinations in the order in which the steps would be executed: whoever answers them one
    /// by one has the most pressing step begun first.
    fn sort(&self, orders: &mut [Order]) {
        orders.sort_by_cached_key(|order| match order {
            Order::Skip { .. } | Order::Stop(_) | Order::Execute { .. } => (0, None),
            Order::Examine(step) => (1, Some(Reverse(self.entry(*step)))),
        });
    }

    fn entry(&self, step: StepIndex) -> Entry {
        let entrant = &self.entrants[step.get()];
        Entry::new(entrant.urgent, entrant.remaining, step)
    }

    /// Takes in what happened and says what is to be done.
    pub fn apply(&mut self, fact: Fact) -> Result<Vec<Order>, ScheduleError> {
        let mut orders = Vec::new();
        match fact {
            Fact::Settled {
                step,
                restored,
                changed,
            } => {
                self.expect(step, State::Examined, "was settled")?;
                self.examined.remove(&self.entry(step));
                let verdict = if restored {
                    Verdict::Restored
                } else {
                    Verdict::UpToDate
                };
                self.finish(step, verdict, changed, &mut orders);
            }
            Fact::Found { step } => {
                self.expect(step, State::Examined, "was found")?;
                self.examined.remove(&self.entry(step));
            }
            Fact::Due { step } => {
                self.expect(step, State::Examined, "has to be executed")?;
                self.examined.remove(&self.entry(step));
                if self.course == Course::Forward {
                    self.queue(step);
                } else {
                    self.finish(step, Verdict::Cancelled, false, &mut orders);
                }
            }
            Fact::Ended { step, ending } => {
                self.expect(step, State::Running, "ended")?;
                self.room.leave(&self.entrants[step.get()].demand);
                self.ended(step, ending, &mut orders);
            }
            Fact::Memory {
                available_bytes,
                used_bytes,
                stalled,
            } => self.room.measured(available_bytes, used_bytes, stalled),
            Fact::Cancel => self.end(Course::Stopping, &mut orders),
        }
        self.dispatch(&mut orders);
        self.sort(&mut orders);
        Ok(orders)
    }

    /// Whether every step is over.
    pub fn is_over(&self) -> bool {
        self.open == 0
    }

    /// What became of a step; `None` while it is not over, and of one that is no part of this run.
    pub fn verdict(&self, step: StepIndex) -> Option<Verdict> {
        match self.state(step) {
            State::Over(verdict) => Some(verdict),
            State::Unwanted
            | State::Waiting(_)
            | State::Examined
            | State::Ready
            | State::Running => None,
        }
    }

    /// The steps that run now.
    pub fn running(&self) -> impl Iterator<Item = StepIndex> + '_ {
        let steps = self.graph.steps();
        steps.filter(|step| self.state(*step) == State::Running)
    }

    fn state(&self, step: StepIndex) -> State {
        let entrant = self.entrants.get(step.get());
        entrant.map_or(State::Unwanted, |entrant| entrant.state)
    }

    fn expect(&self, step: StepIndex, is: State, fact: &'static str) -> Result<(), ScheduleError> {
        let state = self.state(step);
        if state == is {
            return Ok(());
        }
        Err(ScheduleError::Unexpected {
            step: self.graph.name(step).to_owned(),
            fact,
            state: match state {
                State::Unwanted => "no part of this run",
                State::Waiting(_) => "waiting for others",
                State::Examined => "being examined",
                State::Ready => "waiting for room",
                State::Running => "running",
                State::Over(_) => "over",
            },
        })
    }

    /// Everything before a step is over: it is examined, unless nothing can have changed.
    fn become_due(&mut self, step: StepIndex, orders: &mut Vec<Order>) {
        let entrant = &mut self.entrants[step.get()];
        if entrant.unchanged && !entrant.touched {
            self.skip(step, Verdict::CutOff, orders);
        } else {
            entrant.state = State::Examined;
            self.examined.insert(self.entry(step));
            orders.push(Order::Examine(step));
        }
    }

    fn skip(&mut self, step: StepIndex, verdict: Verdict, orders: &mut Vec<Order>) {
        self.entrants[step.get()].state = State::Over(verdict);
        self.open -= 1;
        orders.push(Order::Skip { step, verdict });
    }

    fn queue(&mut self, step: StepIndex) {
        let entrant = &mut self.entrants[step.get()];
        entrant.state = State::Ready;
        let entry = self.entry(step);
        self.ready.push(&self.entrants[step.get()].demand, entry);
    }

    fn ended(&mut self, step: StepIndex, ending: Ending, orders: &mut Vec<Order>) {
        let entrant = &self.entrants[step.get()];
        let again = entrant.attempts < entrant.attempts_max;
        match ending {
            Ending::Succeeded { changed } => {
                let verdict = if entrant.attempts > 1 {
                    Verdict::Flaky
                } else {
                    Verdict::Succeeded
                };
                self.finish(step, verdict, changed, orders);
            }
            Ending::Failed if again && self.course == Course::Forward => self.queue(step),
            Ending::Failed => {
                self.finish(step, Verdict::Failed, false, orders);
                match self.on_failure {
                    OnFailure::Stop => self.end(Course::Stopping, orders),
                    OnFailure::Drain => self.end(Course::Draining, orders),
                    OnFailure::KeepGoing => {}
                }
            }
            Ending::Stopped => self.finish(step, Verdict::Cancelled, false, orders),
        }
    }

    /// A step is over: those that waited for it alone are due, or will never be reached.
    fn finish(
        &mut self,
        step: StepIndex,
        verdict: Verdict,
        changed: bool,
        orders: &mut Vec<Order>,
    ) {
        self.entrants[step.get()].state = State::Over(verdict);
        self.open -= 1;
        self.follow(step, changed, orders);
    }

    /// What follows from a step's being over. A chain may be as long as there are steps, so those
    /// that are over with it are kept in a list.
    fn follow(&mut self, step: StepIndex, changed: bool, orders: &mut Vec<Order>) {
        let graph = self.graph;
        let mut over = vec![(step, changed)];
        while let Some((step, changed)) = over.pop() {
            let lost = self
                .verdict(step)
                .and_then(|verdict| verdict.passed_on(step));
            for next in graph.feeds(step) {
                let entrant = &mut self.entrants[next.get()];
                let State::Waiting(missing) = entrant.state else {
                    continue;
                };
                entrant.touched |= changed;
                entrant.state = State::Waiting(missing - 1);
                match lost {
                    Some(verdict) => self.skip(*next, verdict, orders),
                    None if missing == 1 => self.become_due(*next, orders),
                    None => {}
                }
                if self.verdict(*next).is_some() {
                    over.push((*next, false));
                }
            }
        }
    }

    /// Begins no further step; where it is to end at once, stops those that run.
    fn end(&mut self, course: Course, orders: &mut Vec<Order>) {
        if self.course == Course::Stopping {
            return;
        }
        self.course = course;
        self.ready.clear();
        for step in self.graph.steps() {
            match self.state(step) {
                State::Waiting(_) | State::Ready => self.skip(step, Verdict::Cancelled, orders),
                State::Running if course == Course::Stopping => orders.push(Order::Stop(step)),
                State::Unwanted | State::Examined | State::Running | State::Over(_) => {}
            }
        }
    }

    /// Begins steps while there is room for one, and nothing more pressing is about to be due.
    fn dispatch(&mut self, orders: &mut Vec<Order>) {
        while let Some(step) = self.ready.pick(&self.room, self.examined.last()) {
            let entrant = &mut self.entrants[step.get()];
            entrant.state = State::Running;
            entrant.attempts += 1;
            let attempt = entrant.attempts;
            self.room.enter(&entrant.demand);
            orders.push(Order::Execute { step, attempt });
        }
    }
}

/// Tests that failed the last time, and whatever comes before one.
fn urgent(graph: &Graph, steps: &[BuildStep], outlooks: &[Outlook]) -> Vec<bool> {
    let mut urgent = vec![false; graph.len()];
    for step in graph.order().iter().rev() {
        let at = step.get();
        let failed = steps[at].kind == StepKind::Test && outlooks[at].failed_last;
        urgent[at] = failed || graph.feeds(*step).iter().any(|next| urgent[next.get()]);
    }
    urgent
}

#[cfg(test)]
mod tests;
