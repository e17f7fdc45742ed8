//! Which tasks to start next: what is known of all tasks, kept up to date move by move; pure.

mod paths;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use atelier_model::{GraphError, TaskGraph, TaskId, TaskState};
use atelier_store::{TaskMoves, TaskOutline};

use self::paths::Claims;

/// Tasks offered at once; only one of them is taken, the others are for when somebody else was faster.
const OFFERED_MAX: usize = 16;
/// Conflicts after which a task is done alone, so that nothing moves the trunk meanwhile.
const CONFLICTS_MAX: u32 = 2;

/// All tasks of a run, and which of them may start.
///
/// Every question is answered from what is kept: a move costs as much as the task has neighbours, not
/// as much as there are tasks.
#[derive(Debug)]
pub(crate) struct Schedule {
    nodes: Vec<Node>,
    by_id: HashMap<TaskId, usize>,
    /// Ready tasks that are wanted, best first.
    ready: BTreeSet<Place>,
    /// Paths that tasks under way write.
    claims: Claims,
    under_way: BTreeSet<usize>,
    /// Pending tasks whose dependencies are all settled.
    openable: BTreeSet<usize>,
    /// Wanted tasks that are not settled.
    left: usize,
    /// Attempts a task has.
    attempts_max: u32,
}

#[derive(Debug)]
struct Node {
    id: TaskId,
    state: TaskState,
    priority: i32,
    /// Paths nobody else may write meanwhile.
    writes: Vec<String>,
    /// Milliseconds from its beginning to the end of the longest chain that waits for it.
    path_ms: u64,
    conflicts: u32,
    /// Dependencies that are not settled.
    waits_for: usize,
    dependents: Vec<usize>,
    wanted: bool,
}

/// Where a ready task stands in the queue: those that must be alone first, for they wait for all
/// others to end; then higher priority, the longer chain, the order of the plan.
type Place = (Reverse<bool>, Reverse<i32>, Reverse<u64>, usize);

impl Schedule {
    /// Reads the tasks of a run. `durations` are milliseconds known from earlier attempts; `only` is a
    /// task that is wanted with what it depends on, and nothing else.
    pub(crate) fn new(
        tasks: &[TaskOutline],
        durations: &BTreeMap<TaskId, u64>,
        only: Option<&TaskId>,
        attempts_max: u32,
    ) -> Result<Self, GraphError> {
        let edges = tasks
            .iter()
            .map(|task| (task.id.clone(), task.depends_on.clone()));
        let graph = TaskGraph::from_edges(edges)?;
        let by_id: HashMap<TaskId, usize> = tasks
            .iter()
            .enumerate()
            .map(|(at, task)| (task.id.clone(), at))
            .collect();
        let wanted = wanted(&graph, only);
        let mut schedule = Self {
            nodes: tasks
                .iter()
                .map(|task| Node::new(task, wanted.as_ref()))
                .collect(),
            by_id,
            ready: BTreeSet::new(),
            claims: Claims::default(),
            under_way: BTreeSet::new(),
            openable: BTreeSet::new(),
            left: 0,
            attempts_max,
        };
        schedule.link(tasks);
        schedule.measure(&graph, durations);
        for at in 0..schedule.nodes.len() {
            schedule.enter(at);
        }
        Ok(schedule)
    }

    fn link(&mut self, tasks: &[TaskOutline]) {
        for (at, task) in tasks.iter().enumerate() {
            let needs: BTreeSet<usize> = task
                .depends_on
                .iter()
                .filter_map(|id| self.by_id.get(id).copied())
                .collect();
            for need in needs {
                self.nodes[need].dependents.push(at);
                if !self.nodes[need].state.is_settled() {
                    self.nodes[at].waits_for += 1;
                }
            }
        }
    }

    /// Finds the longest chain behind every task. What nobody measured takes as long as the mean of
    /// what was, or one unit where nothing was.
    fn measure(&mut self, graph: &TaskGraph, durations: &BTreeMap<TaskId, u64>) {
        let count = u64::try_from(durations.len()).unwrap_or(u64::MAX).max(1);
        let mean = durations
            .values()
            .fold(0, |sum: u64, ms| sum.saturating_add(*ms))
            / count;
        for id in graph.order().iter().rev() {
            let Some(&at) = self.by_id.get(id) else {
                continue;
            };
            let own = durations.get(id).copied().unwrap_or(mean).max(1);
            let behind = self.nodes[at].dependents.iter();
            let longest = behind.map(|later| self.nodes[*later].path_ms).max();
            self.nodes[at].path_ms = own.saturating_add(longest.unwrap_or(0));
        }
    }

    /// Takes note of what happened to tasks since the last time.
    pub(crate) fn learn(&mut self, moves: &TaskMoves) {
        for task in &moves.conflicts {
            self.conflicted(task);
        }
        for (task, state) in &moves.moved {
            self.moved(task, *state);
        }
    }

    /// An attempt at a task ended in a conflict.
    fn conflicted(&mut self, id: &TaskId) {
        if let Some(&at) = self.by_id.get(id) {
            self.leave(at);
            self.nodes[at].conflicts += 1;
            self.enter(at);
        }
    }

    /// A task came to a state.
    fn moved(&mut self, id: &TaskId, to: TaskState) {
        let Some(&at) = self.by_id.get(id) else {
            return;
        };
        let from = self.nodes[at].state;
        self.leave(at);
        self.nodes[at].state = to;
        if from != TaskState::Pending && to == TaskState::Pending {
            // What begins anew has met nobody yet.
            self.nodes[at].conflicts = 0;
        }
        self.enter(at);
        if from.is_settled() != to.is_settled() {
            for later in self.nodes[at].dependents.clone() {
                self.leave(later);
                let waits_for = &mut self.nodes[later].waits_for;
                *waits_for = if to.is_settled() {
                    waits_for.saturating_sub(1)
                } else {
                    *waits_for + 1
                };
                self.enter(later);
            }
        }
    }

    fn enter(&mut self, at: usize) {
        let place = self.place(at);
        let node = &self.nodes[at];
        self.left += usize::from(node.wanted && !node.state.is_settled());
        if node.state == TaskState::Pending && node.waits_for == 0 {
            self.openable.insert(at);
        }
        if node.state == TaskState::Ready && node.wanted {
            self.ready.insert(place);
        }
        if node.state.is_under_way() {
            self.claims.take(&node.writes);
            self.under_way.insert(at);
        }
    }

    fn leave(&mut self, at: usize) {
        let place = self.place(at);
        let node = &self.nodes[at];
        self.left -= usize::from(node.wanted && !node.state.is_settled());
        self.openable.remove(&at);
        self.ready.remove(&place);
        if self.under_way.remove(&at) {
            self.claims.give_back(&node.writes);
        }
    }

    fn place(&self, at: usize) -> Place {
        let node = &self.nodes[at];
        (
            Reverse(self.is_alone(at)),
            Reverse(node.priority),
            Reverse(node.path_ms),
            at,
        )
    }

    /// Whether a task may only run while no other does: it came into conflict again and again, or its
    /// next attempt is its last.
    fn is_alone(&self, at: usize) -> bool {
        let conflicts = self.nodes[at].conflicts;
        conflicts >= CONFLICTS_MAX || (conflicts > 0 && conflicts + 1 >= self.attempts_max)
    }

    /// Ready tasks that may start beside those under way, best first.
    pub(crate) fn offered(&self) -> Vec<TaskId> {
        if self.under_way.iter().any(|at| self.is_alone(*at)) {
            return Vec::new();
        }
        let alone = self.ready.first().is_some_and(|first| first.0.0);
        if alone && !self.under_way.is_empty() {
            // It would wait for ever if others went on beginning.
            return Vec::new();
        }
        self.ready
            .iter()
            .take_while(|place| !alone || place.0.0)
            .map(|place| &self.nodes[place.3])
            .filter(|node| self.claims.are_free(&node.writes))
            .take(OFFERED_MAX)
            .map(|node| node.id.clone())
            .collect()
    }

    /// Whether pending tasks wait for nothing any more.
    pub(crate) fn has_openable(&self) -> bool {
        !self.openable.is_empty()
    }

    /// Tasks under way, also those of other workers.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Whether everything that is wanted is settled.
    pub(crate) fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// Whether every task is settled, also those that are not wanted now.
    pub(crate) fn is_whole(&self) -> bool {
        self.nodes.iter().all(|node| node.state.is_settled())
    }

    /// The tasks in a state, in the order of the plan.
    pub(crate) fn in_state(&self, state: TaskState) -> Vec<TaskId> {
        let nodes = self.nodes.iter().filter(|node| node.state == state);
        nodes.map(|node| node.id.clone()).collect()
    }
}

impl Node {
    fn new(task: &TaskOutline, wanted: Option<&BTreeSet<TaskId>>) -> Self {
        // What a task says it writes is its own where it says no more.
        let writes = if task.owns.is_empty() {
            &task.outputs
        } else {
            &task.owns
        };
        Self {
            id: task.id.clone(),
            state: task.state,
            priority: task.priority,
            writes: writes.iter().map(|path| paths::plain(path)).collect(),
            path_ms: 0,
            conflicts: task.conflicts,
            waits_for: 0,
            dependents: Vec::new(),
            wanted: wanted.is_none_or(|wanted| wanted.contains(&task.id)),
        }
    }
}

/// A task and everything it depends on; `None` for all tasks.
fn wanted(graph: &TaskGraph, only: Option<&TaskId>) -> Option<BTreeSet<TaskId>> {
    let mut open = vec![only?.clone()];
    let mut wanted = BTreeSet::new();
    while let Some(id) = open.pop() {
        if wanted.insert(id.clone()) {
            open.extend(graph.needs(&id).cloned());
        }
    }
    Some(wanted)
}

#[cfg(test)]
mod tests;
