//! The graph of steps: what comes after what, said or seen from outputs and inputs.

use std::collections::{BTreeSet, HashMap};

use atelier_model::{BuildStep, RootPattern};

mod csr;
mod cycle;
mod overlap;

use csr::Csr;
use overlap::Places;

/// Steps of one graph.
const STEPS_MAX: usize = 100_000;
/// Dependencies of one graph.
const EDGES_MAX: usize = 4_000_000;

/// A step's place in its graph, in the order in which the steps were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIndex(pub(crate) u32);

impl StepIndex {
    /// The place in a list of all steps.
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// Why steps form no graph that can be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Two steps have one name.
    #[error("order the steps: two have the name `{0}`")]
    SameName(String),
    /// A step depends on one that is not there.
    #[error("order the steps: `{step}` depends on `{needs}`, which is no step")]
    Unknown {
        /// The step.
        step: String,
        /// What it depends on.
        needs: String,
    },
    /// Two steps could write one file.
    #[error("order the steps: `{first}` and `{second}` both write `{output}`")]
    SameOutput {
        /// The step that was given first.
        first: String,
        /// The other one.
        second: String,
        /// What the other one writes.
        output: String,
    },
    /// A step reads what it writes.
    #[error("order the steps: `{step}` reads `{path}`, which it writes itself")]
    OwnOutput {
        /// The step.
        step: String,
        /// What it reads.
        path: String,
    },
    /// Steps depend on each other in a circle.
    #[error("order the steps: {}", circle(.0))]
    Cycle(Vec<CycleLink>),
    /// There are more than can be looked at.
    #[error("order the steps: {found} {what}, at most {max} are possible")]
    TooMany {
        /// Steps or dependencies.
        what: &'static str,
        /// How many there are at least.
        found: usize,
        /// How many there may be.
        max: usize,
    },
}

/// One step of a circle, and why it comes after the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleLink {
    /// The step.
    pub step: String,
    /// The step it depends on.
    pub needs: String,
    /// What of the other one's outputs it reads; `None` if it says itself that it depends on it.
    pub through: Option<String>,
}

fn circle(links: &[CycleLink]) -> String {
    let one = |link: &CycleLink| match &link.through {
        Some(path) => format!("`{}` reads `{path}` of `{}`", link.step, link.needs),
        None => format!("`{}` depends on `{}`", link.step, link.needs),
    };
    links.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Steps by place, with their dependencies in both directions, known to be free of circles.
#[derive(Debug, Clone)]
pub struct Graph {
    names: Vec<String>,
    by_name: HashMap<String, StepIndex>,
    needs: Csr,
    feeds: Csr,
    order: Vec<StepIndex>,
    places: Places,
}

impl Graph {
    /// Orders steps by what they depend on: as they say, and where one reads what another writes.
    ///
    /// A step without inputs reads its folder as it stands, so it depends on nothing that it does
    /// not name. What a step writes into a folder it reads is none of its own inputs.
    pub fn new(steps: &[BuildStep]) -> Result<Self, GraphError> {
        within("steps", steps.len(), STEPS_MAX)?;
        let mut by_name = HashMap::with_capacity(steps.len());
        for (index, step) in indices(steps.len()).zip(steps) {
            if by_name.insert(step.name.clone(), index).is_some() {
                return Err(GraphError::SameName(step.name.clone()));
            }
        }
        let places = Places::new(steps)?;
        let mut edges = said(steps, &by_name)?;
        places.seen(&mut edges)?;
        within("dependencies", edges.len(), EDGES_MAX)?;
        edges.sort_unstable();
        edges.dedup();
        let needs = Csr::new(steps.len(), edges.iter().copied());
        let feeds = Csr::new(
            steps.len(),
            edges.iter().map(|(step, needed)| (*needed, *step)),
        );
        let order = csr::order(&needs, &feeds);
        if order.len() < steps.len() {
            return Err(cycle::error(steps, &needs, &places));
        }
        Ok(Self {
            names: steps.iter().map(|step| step.name.clone()).collect(),
            by_name,
            needs,
            feeds,
            order,
            places,
        })
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Every step, in the order in which they were given.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = StepIndex> + use<> {
        indices(self.len())
    }

    /// The step of a name.
    pub fn find(&self, name: &str) -> Option<StepIndex> {
        self.by_name.get(name).copied()
    }

    /// The name of a step.
    pub fn name(&self, step: StepIndex) -> &str {
        self.names.get(step.get()).map_or("", String::as_str)
    }

    /// What a step depends on directly.
    pub fn needs(&self, step: StepIndex) -> &[StepIndex] {
        self.needs.of(step)
    }

    /// The steps that depend on one directly.
    pub fn feeds(&self, step: StepIndex) -> &[StepIndex] {
        self.feeds.of(step)
    }

    /// The steps so that each comes after those it depends on.
    pub fn order(&self) -> &[StepIndex] {
        &self.order
    }

    /// What the steps write, with the step that does: no file of these is an input of a step that
    /// reads its whole folder.
    pub fn outputs(&self) -> impl Iterator<Item = (StepIndex, &RootPattern)> {
        self.places.outputs()
    }

    /// The step that writes a path.
    pub fn producer(&self, path: &str) -> Option<StepIndex> {
        self.places.producer(path)
    }

    /// Of steps and what they depend on, however far, all of them in order.
    pub fn closure(&self, wanted: impl IntoIterator<Item = StepIndex>) -> Vec<StepIndex> {
        self.reached(wanted, |step| self.needs(step))
    }

    /// The steps that a change of these paths may concern, in order: those that read one, those that
    /// write one, and everything after them.
    pub fn affected<'a>(&self, changed: impl IntoIterator<Item = &'a str>) -> Vec<StepIndex> {
        let mut first = BTreeSet::new();
        for path in changed {
            self.places.concerned(path, &mut first);
        }
        self.reached(first, |step| self.feeds(step))
    }

    fn reached<'g>(
        &'g self,
        from: impl IntoIterator<Item = StepIndex>,
        next: impl Fn(StepIndex) -> &'g [StepIndex],
    ) -> Vec<StepIndex> {
        let mut seen = vec![false; self.len()];
        let mut open: Vec<StepIndex> = from
            .into_iter()
            .filter(|one| one.get() < self.len())
            .collect();
        while let Some(step) = open.pop() {
            if !std::mem::replace(&mut seen[step.get()], true) {
                open.extend(next(step));
            }
        }
        let order = self.order.iter().copied();
        order.filter(|step| seen[step.get()]).collect()
    }

    /// For every step, how long it and what comes after it take at least.
    ///
    /// `durations` has an entry for every step.
    pub fn remaining(&self, durations: &[u64]) -> Vec<u64> {
        let mut remaining = vec![0_u64; self.len()];
        for step in self.order.iter().rev() {
            let after = self.feeds(*step).iter().map(|next| remaining[next.get()]);
            let own = durations.get(step.get()).copied().unwrap_or(0);
            remaining[step.get()] = after.max().unwrap_or(0).saturating_add(own);
        }
        remaining
    }

    /// The steps of the longest chain, first to last.
    pub fn critical_path(&self, durations: &[u64]) -> Vec<StepIndex> {
        let remaining = self.remaining(durations);
        let longest = |steps: &mut dyn Iterator<Item = StepIndex>| {
            steps.max_by_key(|step| (remaining[step.get()], std::cmp::Reverse(*step)))
        };
        let mut path = Vec::new();
        let mut at = longest(&mut self.steps());
        while let Some(step) = at {
            path.push(step);
            at = longest(&mut self.feeds(step).iter().copied());
        }
        path
    }
}

/// Places of a list of this length, which is within [`STEPS_MAX`].
fn indices(count: usize) -> impl ExactSizeIterator<Item = StepIndex> {
    (0..u32::try_from(count).unwrap_or(u32::MAX)).map(StepIndex)
}

fn within(what: &'static str, found: usize, max: usize) -> Result<(), GraphError> {
    if found > max {
        return Err(GraphError::TooMany { what, found, max });
    }
    Ok(())
}

/// A step and one that it needs.
type Edge = (StepIndex, StepIndex);

/// The dependencies that steps say they have.
fn said(
    steps: &[BuildStep],
    by_name: &HashMap<String, StepIndex>,
) -> Result<Vec<Edge>, GraphError> {
    let mut edges = Vec::new();
    for (index, step) in indices(steps.len()).zip(steps) {
        for name in &step.depends_on {
            let Some(needed) = by_name.get(name) else {
                return Err(GraphError::Unknown {
                    step: step.name.clone(),
                    needs: name.clone(),
                });
            };
            edges.push((index, *needed));
        }
    }
    Ok(edges)
}

#[cfg(test)]
mod tests;
