//! Edges in two flat lists, and the order that respects them.

use super::{Edge, StepIndex, indices};

/// For every step a slice of others: one list, and where each slice begins.
#[derive(Debug, Clone)]
pub(super) struct Csr {
    starts: Vec<u32>,
    targets: Vec<StepIndex>,
}

impl Csr {
    /// Counts, then places: each step's targets stay in the order of the edges.
    pub(super) fn new(steps: usize, edges: impl Iterator<Item = Edge> + Clone) -> Self {
        let mut starts = vec![0_u32; steps + 1];
        for (from, _) in edges.clone() {
            starts[from.get() + 1] += 1;
        }
        for at in 0..steps {
            starts[at + 1] += starts[at];
        }
        let count = starts.last().map_or(0, |end| *end as usize);
        let mut targets = vec![StepIndex(0); count];
        let mut next = starts.clone();
        for (from, to) in edges {
            targets[next[from.get()] as usize] = to;
            next[from.get()] += 1;
        }
        Self { starts, targets }
    }

    pub(super) fn of(&self, step: StepIndex) -> &[StepIndex] {
        let start = self.starts.get(step.get());
        let end = self.starts.get(step.get() + 1);
        match (start, end) {
            (Some(start), Some(end)) => &self.targets[*start as usize..*end as usize],
            _ => &[],
        }
    }
}

/// Kahn's algorithm: the steps so that each comes after what it needs; those on a circle, and what
/// comes after them, are missing.
pub(super) fn order(needs: &Csr, feeds: &Csr) -> Vec<StepIndex> {
    let steps = needs.starts.len() - 1;
    let mut missing: Vec<usize> = indices(steps).map(|step| needs.of(step).len()).collect();
    let mut order: Vec<StepIndex> = indices(steps)
        .filter(|step| missing[step.get()] == 0)
        .collect();
    let mut at = 0;
    while let Some(step) = order.get(at).copied() {
        at += 1;
        for next in feeds.of(step) {
            missing[next.get()] -= 1;
            if missing[next.get()] == 0 {
                order.push(*next);
            }
        }
    }
    order
}
