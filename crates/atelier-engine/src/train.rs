//! Work on its way into the trunk, in the order in which it will come there: each piece is verified
//! together with those before it, while they are still being verified themselves.

use std::sync::{Arc, Mutex, PoisonError};

use atelier_model::TaskId;
use tokio::sync::Notify;

/// The pieces of work of this process that are on their way, first come, first served.
///
/// Nothing rests on it but speed: work that does not arrive as it was foreseen is verified again,
/// with whatever the trunk holds by then.
#[derive(Debug, Default)]
pub(crate) struct Train {
    line: Mutex<Line>,
    moved: Notify,
    /// Held while a piece is put together with those before it, so that no other comes between.
    pub(crate) coupling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Line {
    cars: Vec<Foreseen>,
    /// Cars so far.
    count: u64,
}

#[derive(Debug, Clone)]
struct Foreseen {
    number: u64,
    task: TaskId,
    commit: String,
}

/// What the trunk will hold once all that is on its way has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tip {
    /// The commit, but for documents.
    pub(crate) commit: String,
    /// The tasks that are on their way, first first.
    pub(crate) tasks: Vec<TaskId>,
}

impl Train {
    /// What the trunk will hold; nothing where nothing is on its way.
    pub(crate) fn tip(&self) -> Option<Tip> {
        self.with(|line| {
            Some(Tip {
                commit: line.cars.last()?.commit.clone(),
                tasks: line.cars.iter().map(|car| car.task.clone()).collect(),
            })
        })
    }

    /// Puts work of a task behind all others; with it the trunk will hold what the commit does.
    pub(crate) fn couple(self: &Arc<Self>, task: TaskId, commit: String) -> Car {
        let number = self.with(|line| {
            line.count += 1;
            let number = line.count;
            line.cars.push(Foreseen {
                number,
                task,
                commit,
            });
            number
        });
        Car {
            train: Arc::clone(self),
            number,
            arrived: false,
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Line) -> T) -> T {
        change(&mut self.line.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A piece of work in its place. Dropped before it arrived, it takes with it all that was foreseen
/// to come behind it.
#[derive(Debug)]
pub(crate) struct Car {
    train: Arc<Train>,
    number: u64,
    arrived: bool,
}

impl Car {
    /// Waits until nothing is before it any more.
    pub(crate) async fn first(&self) {
        loop {
            // Asked for before the look, so that nothing that moves between is missed.
            let moved = self.train.moved.notified();
            let is_first = self.train.with(|line| {
                let before = |car: &Foreseen| car.number < self.number;
                !line.cars.iter().any(before)
            });
            if is_first {
                return;
            }
            moved.await;
        }
    }

    /// It is in the trunk, as it was foreseen.
    pub(crate) fn arrive(mut self) {
        self.arrived = true;
    }
}

impl Drop for Car {
    fn drop(&mut self) {
        let gone = |car: &Foreseen| {
            if self.arrived {
                car.number == self.number
            } else {
                car.number >= self.number
            }
        };
        self.train.with(|line| line.cars.retain(|car| !gone(car)));
        self.train.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
