//! Circles of steps, found by Tarjan's algorithm and told as the shortest way round.

use std::collections::VecDeque;

use atelier_model::BuildStep;

use super::{CycleLink, GraphError, StepIndex, csr::Csr, indices, overlap::Places};

/// Names the shortest way round in the first group of steps that all depend on each other.
pub(super) fn error(steps: &[BuildStep], needs: &Csr, places: &Places) -> GraphError {
    let group = circular(steps.len(), needs);
    let round = group.first().map_or_else(Vec::new, |start| {
        shortest_round(*start, &group, steps.len(), needs)
    });
    let name = |step: StepIndex| steps[step.get()].name.clone();
    let links = round.iter().zip(round.iter().cycle().skip(1));
    let links = links.map(|(step, needed)| {
        let said = steps[step.get()].depends_on.contains(&name(*needed));
        CycleLink {
            step: name(*step),
            needs: name(*needed),
            through: if said {
                None
            } else {
                places.between(*step, *needed)
            },
        }
    });
    GraphError::Cycle(links.collect())
}

/// What Tarjan's algorithm knows of a step.
#[derive(Clone, Copy, Default)]
struct Visit {
    number: u32,
    lowest: u32,
    on_stack: bool,
}

/// The members of the strongly connected group that holds the earliest step of any circle.
fn circular(steps: usize, needs: &Csr) -> Vec<StepIndex> {
    let mut visits = vec![Visit::default(); steps];
    let mut stack: Vec<StepIndex> = Vec::new();
    let mut found: Vec<Vec<StepIndex>> = Vec::new();
    let mut count = 0;
    for root in indices(steps) {
        if visits[root.get()].number != 0 {
            continue;
        }
        // A chain may be as long as there are steps, so the way down is kept by hand.
        let mut way: Vec<(StepIndex, usize)> = vec![(root, 0)];
        while let Some((step, at)) = way.last_mut() {
            let step = *step;
            if *at == 0 {
                count += 1;
                visits[step.get()] = Visit {
                    number: count,
                    lowest: count,
                    on_stack: true,
                };
                stack.push(step);
            }
            let next = needs.of(step).get(*at).copied();
            *at += 1;
            if let Some(next) = next {
                let seen = visits[next.get()];
                if seen.number == 0 {
                    way.push((next, 0));
                } else if seen.on_stack {
                    let own = &mut visits[step.get()].lowest;
                    *own = (*own).min(seen.number);
                }
                continue;
            }
            way.pop();
            let own = visits[step.get()];
            if let Some((above, _)) = way.last() {
                let lowest = &mut visits[above.get()].lowest;
                *lowest = (*lowest).min(own.lowest);
            }
            if own.lowest == own.number {
                let start = stack.iter().rposition(|one| *one == step).unwrap_or(0);
                let group = stack.split_off(start);
                for member in &group {
                    visits[member.get()].on_stack = false;
                }
                if group.len() > 1 || needs.of(step).contains(&step) {
                    found.push(group);
                }
            }
        }
    }
    for group in &mut found {
        group.sort_unstable();
    }
    found.into_iter().min().unwrap_or_default()
}

/// The shortest way from a step back to itself within its group, by breadth.
fn shortest_round(
    start: StepIndex,
    group: &[StepIndex],
    steps: usize,
    needs: &Csr,
) -> Vec<StepIndex> {
    let mut came_from: Vec<Option<StepIndex>> = vec![None; steps];
    let mut open = VecDeque::from([start]);
    while let Some(step) = open.pop_front() {
        for next in needs.of(step) {
            if *next == start {
                let back = std::iter::successors(Some(step), |at| came_from[at.get()]);
                let mut round: Vec<_> = back.collect();
                round.reverse();
                return round;
            }
            let member = group.binary_search(next).is_ok();
            if member && came_from[next.get()].is_none() {
                came_from[next.get()] = Some(step);
                open.push_back(*next);
            }
        }
    }
    Vec::new()
}
