//! How a process comes to its next task: what moved since it last looked, and the taking of one.

use atelier_model::{
    AttemptOutcome, Event, EventKind, RunId, Task, TaskFact, TaskId, TaskState, Timestamp,
};

use crate::{
    Lease, Store, StoreError, column,
    queries::{
        leases::{lease_take_in_txn, leases_give_back_in_txn},
        tasks::{task_fetch_in_txn, task_move_in_txn},
    },
    write::Write,
};

/// What a schedule wants begun next.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// Tasks that may begin, best first.
    pub candidates: &'a [TaskId],
    /// The newest event that was taken into account.
    pub seen: u64,
    /// Leases of work that ended meanwhile: they are given back with the claim, whether or not it
    /// comes to one.
    pub ended: &'a [Lease],
}

/// A task that this process took.
#[derive(Debug)]
pub struct Claim {
    /// The task, running.
    pub task: Task,
    /// The right to work on it.
    pub lease: Lease,
    /// The event that says so. Between what the choice had seen and this one, no task of the run moved.
    pub seq: u64,
}

/// How tasks of a run moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskMoves {
    /// The newest event there is.
    pub seen: u64,
    /// Tasks and the states they came to, in order.
    pub moved: Vec<(TaskId, TaskState)>,
    /// Tasks of which an attempt ended in a conflict, once for each.
    pub conflicts: Vec<TaskId>,
    /// Tasks were added or edited: what is known of them must be read again.
    pub others: bool,
}

impl Claim {
    /// The claim as [`Store::task_moves`] would tell it to whoever made the choice.
    pub fn moves(&self) -> TaskMoves {
        TaskMoves {
            seen: self.seq,
            moved: vec![(self.task.id.clone(), self.task.state)],
            ..TaskMoves::default()
        }
    }
}

impl TaskMoves {
    fn learn(&mut self, event: Event) {
        match (event.task, event.kind) {
            (Some(task), EventKind::TaskState { to, .. }) => self.moved.push((task, to)),
            (Some(task), EventKind::AttemptFinished { outcome, .. }) => {
                if outcome == AttemptOutcome::Conflict {
                    self.conflicts.push(task);
                }
            }
            _ => self.others = true,
        }
    }
}

/// Kinds of events after which a choice of tasks may be another one. The end of an attempt is none of
/// them: it moves its task in the same transaction.
const MOVING: &str = "'task.state', 'task.added', 'task.edited'";

impl Store {
    /// How tasks of a run moved after an event.
    pub async fn task_moves(&self, run: &RunId, after: u64) -> Result<TaskMoves, StoreError> {
        // One statement, which sees one state: the newest event, and what moved up to it.
        let rows: Vec<(i64, Option<String>)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT newest.seq, events.body
             FROM (SELECT COALESCE(MAX(seq), 0) AS seq FROM chain_head) AS newest
             LEFT JOIN events ON events.run_id = $1
                 AND events.kind IN ({MOVING}, 'attempt.finished') AND events.seq > $2
             ORDER BY events.seq"
        )))
        .bind(run.as_str())
        .bind(column::count(after))
        .fetch_all(self.readers())
        .await?;
        let mut moves = TaskMoves::default();
        for (newest, body) in rows {
            moves.seen = column::from_count(newest);
            if let Some(body) = body {
                moves.learn(column::from_json(&body, "an event")?);
            }
        }
        Ok(moves)
    }

    /// Takes the first of the candidates that is ready and that no living worker has, and moves it to
    /// running. Where a task of the run moved since what the choice had seen, nothing is taken, for the
    /// choice may be wrong by now.
    pub async fn task_claim(
        &self,
        run: &RunId,
        choice: Choice<'_>,
        at: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        let mut write = self.write().await?;
        leases_give_back_in_txn(&mut write, choice.ended).await?;
        let claim = claim_in_txn(&mut write, run, choice, at).await?;
        if claim.is_some() || !choice.ended.is_empty() {
            self.commit(write).await?;
        }
        Ok(claim)
    }
}

async fn claim_in_txn(
    write: &mut Write,
    run: &RunId,
    choice: Choice<'_>,
    at: Timestamp,
) -> Result<Option<Claim>, StoreError> {
    if tasks_moved_since_in_txn(write, run, choice.seen).await? {
        return Ok(None);
    }
    for id in choice.candidates {
        let task = task_fetch_in_txn(write.connection(), run, id).await?;
        if task.state != TaskState::Ready {
            continue;
        }
        let name = Lease::task(run, id);
        let Some(lease) = lease_take_in_txn(write, &name, at).await? else {
            continue;
        };
        let claimed = (TaskFact::Claimed, "");
        let state = task_move_in_txn(write, (run, id), task.state, claimed, at).await?;
        let task = Task { state, ..task };
        let seq = write.newest().await?;
        return Ok(Some(Claim { task, lease, seq }));
    }
    Ok(None)
}

async fn tasks_moved_since_in_txn(
    write: &mut Write,
    run: &RunId,
    seen: u64,
) -> Result<bool, StoreError> {
    if write.newest().await? <= seen {
        return Ok(false);
    }
    let moved: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT 1 FROM events WHERE run_id = $1 AND kind IN ({MOVING}) AND seq > $2 LIMIT 1"
    )))
    .bind(run.as_str())
    .bind(column::count(seen))
    .fetch_optional(write.connection())
    .await?;
    Ok(moved.is_some())
}
