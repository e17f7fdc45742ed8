//! The task graph: order, readiness, cycles.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use crate::{Task, TaskId, TaskState};

/// Why tasks form no graph that can be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// A task depends on one that is not there.
    #[error("find task {needs}, on which {task} depends")]
    Unknown {
        /// The task.
        task: TaskId,
        /// What it depends on.
        needs: TaskId,
    },
    /// Tasks depend on each other in a circle.
    #[error("order the tasks: {} depend on each other", join(.0))]
    Cycle(Vec<TaskId>),
}

fn join(ids: &[TaskId]) -> String {
    ids.iter()
        .map(TaskId::as_str)
        .collect::<Vec<_>>()
        .join(" → ")
}

/// Tasks by id with their dependencies, known to be free of cycles.
#[derive(Debug, Clone)]
pub struct TaskGraph {
    needs: BTreeMap<TaskId, BTreeSet<TaskId>>,
    order: Vec<TaskId>,
}

impl TaskGraph {
    /// Builds the graph; `tasks` in the order a person would read them.
    pub fn new<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Result<Self, GraphError> {
        let edges = tasks
            .into_iter()
            .map(|task| (task.id.clone(), task.depends_on.clone()));
        Self::from_edges(edges)
    }

    /// Builds the graph from ids and what each depends on.
    pub fn from_edges(
        edges: impl IntoIterator<Item = (TaskId, Vec<TaskId>)>,
    ) -> Result<Self, GraphError> {
        let list: Vec<_> = edges.into_iter().collect();
        let needs: BTreeMap<TaskId, BTreeSet<TaskId>> = list
            .iter()
            .map(|(task, needs)| (task.clone(), needs.iter().cloned().collect()))
            .collect();
        for (task, all) in &needs {
            if let Some(unknown) = all.iter().find(|id| !needs.contains_key(id)) {
                return Err(GraphError::Unknown {
                    task: task.clone(),
                    needs: unknown.clone(),
                });
            }
        }
        let order = sorted(&list, &needs)?;
        Ok(Self { needs, order })
    }

    /// The tasks so that each comes after those it depends on, otherwise as given.
    pub fn order(&self) -> &[TaskId] {
        &self.order
    }

    /// What a task depends on.
    pub fn needs(&self, task: &TaskId) -> impl Iterator<Item = &TaskId> {
        self.needs.get(task).into_iter().flatten()
    }

    /// The pending tasks whose dependencies are all settled, in order.
    pub fn now_ready(&self, states: &BTreeMap<TaskId, TaskState>) -> Vec<TaskId> {
        let done = |id: &TaskId| states.get(id).is_some_and(|state| state.is_settled());
        let pending = |id: &&TaskId| states.get(*id) == Some(&TaskState::Pending);
        self.order
            .iter()
            .filter(pending)
            .filter(|id| self.needs(id).all(done))
            .cloned()
            .collect()
    }

    /// Whether `later` comes after `earlier` through dependencies.
    pub fn depends(&self, later: &TaskId, earlier: &TaskId) -> bool {
        let mut open: Vec<&TaskId> = self.needs(later).collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if id == earlier {
                return true;
            }
            if seen.insert(id) {
                open.extend(self.needs(id));
            }
        }
        false
    }
}

/// Kahn's algorithm; among the tasks that are free, the one given first goes first.
fn sorted(
    list: &[(TaskId, Vec<TaskId>)],
    needs: &BTreeMap<TaskId, BTreeSet<TaskId>>,
) -> Result<Vec<TaskId>, GraphError> {
    let mut waits_for: Vec<usize> = list.iter().map(|(id, _)| needs[id].len()).collect();
    let mut dependents: BTreeMap<&TaskId, Vec<usize>> = BTreeMap::new();
    for (index, (id, _)) in list.iter().enumerate() {
        for need in &needs[id] {
            dependents.entry(need).or_default().push(index);
        }
    }
    let free = (0..list.len()).filter(|index| waits_for[*index] == 0);
    let mut free: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
    let mut placed = BTreeSet::new();
    let mut order = Vec::with_capacity(list.len());
    while let Some(Reverse(index)) = free.pop() {
        let id = &list[index].0;
        order.push(id.clone());
        if !placed.insert(id) {
            continue;
        }
        for later in dependents.get(id).into_iter().flatten() {
            waits_for[*later] -= 1;
            if waits_for[*later] == 0 {
                free.push(Reverse(*later));
            }
        }
    }
    if order.len() == list.len() {
        return Ok(order);
    }
    let left = list.iter().map(|(id, _)| id);
    let left = left.filter(|id| !placed.contains(id)).cloned();
    Err(GraphError::Cycle(left.collect()))
}

#[cfg(test)]
mod tests;
