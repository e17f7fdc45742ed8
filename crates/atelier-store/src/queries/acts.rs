//! What people did to runs, each in the transaction in which it was done.

use std::collections::BTreeMap;

use atelier_model::{
    Act, ActRecord, DevPlan, Run, RunFact, RunId, Task, TaskFact, TaskId, TaskState, Timestamp,
};
use sqlx::SqliteConnection;

use crate::{
    Store, StoreError, column,
    queries::{
        plans, runs,
        tasks::{self, task_advance_in_txn},
    },
    write::Write,
};

/// What is known of an attempt beside itself, of those that were begun since it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRound {
    /// The first attempt of its round.
    pub first: u32,
    /// The commit of the trunk that its work did not fit with.
    pub met: Option<String>,
}

/// Puts an act on record, behind those before it.
pub(crate) async fn act_in_txn(
    write: &mut Write,
    run: &RunId,
    act: &Act,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO acts (run_id, ordinal, moves, body, created_at)
         SELECT $1, (SELECT COUNT(*) + 1 FROM acts WHERE run_id = $1),
             (SELECT COUNT(*) FROM trunk_moves WHERE run_id = $1), $2, $3",
    )
    .bind(run.as_str())
    .bind(column::json(act))
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Keeps the title of a task that is about to be given another one.
pub(crate) async fn title_keep_in_txn(
    write: &mut Write,
    (run, task): (&RunId, &TaskId),
    title: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO task_titles (run_id, task_id, seq, title)
         SELECT run_id, id, (SELECT seq FROM chain_head WHERE id = 1), title
         FROM tasks WHERE run_id = $1 AND id = $2 AND title <> $3
         ON CONFLICT DO NOTHING",
    )
    .bind(run.as_str())
    .bind(task.as_str())
    .bind(title)
    .execute(write.connection())
    .await?;
    Ok(())
}

/// The title that a task had when an event was the newest, or the one it has.
pub(crate) const TITLE_THEN: &str = "COALESCE((SELECT task_titles.title FROM task_titles
     WHERE task_titles.run_id = tasks.run_id AND task_titles.task_id = tasks.id
         AND task_titles.seq > $2 ORDER BY task_titles.seq LIMIT 1), title)";

impl Store {
    /// What people did to a run, in its order.
    pub async fn act_list(&self, run: &RunId) -> Result<Vec<ActRecord>, StoreError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT moves, body FROM acts WHERE run_id = $1 ORDER BY ordinal")
                .bind(run.as_str())
                .fetch_all(self.readers())
                .await?;
        let record = |(moves, body): (i64, String)| {
            Ok(ActRecord {
                moves: column::from_count(moves),
                act: column::from_json(&body, "an act of a person")?,
            })
        };
        rows.into_iter().map(record).collect()
    }

    /// Stores a new run with a plan that was given, and with its tasks where they are given too: all
    /// of it, or nothing.
    pub async fn run_adopt(
        &self,
        run: &Run,
        plan: &DevPlan,
        given: &[Task],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        runs::run_create_in_txn(&mut write, run).await?;
        plans::plan_put_in_txn(&mut write, &run.id, plan, at).await?;
        runs::run_advance_in_txn(&mut write, &run.id, RunFact::PlanDrafted, at).await?;
        tasks::tasks_add_in_txn(&mut write, given, at).await?;
        let act = Act::PlanGiven {
            plan: Box::new(plan.clone()),
            tasks: given.to_vec(),
        };
        act_in_txn(&mut write, &run.id, &act, at).await?;
        self.commit(write).await
    }

    /// Adds a task of a person's own to a run.
    pub async fn task_add_own(&self, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        tasks::tasks_add_in_txn(&mut write, std::slice::from_ref(task), at).await?;
        let act = Act::TaskAdded {
            task: Box::new(task.clone()),
        };
        act_in_txn(&mut write, &task.run, &act, at).await?;
        self.commit(write).await
    }

    /// Lets those of some tasks begin anew that are done; the others have not come so far yet.
    pub async fn tasks_again(
        &self,
        run: &RunId,
        again: &[TaskId],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        for task in again {
            let state = tasks::task_state_in_txn(write.connection(), run, task).await?;
            let left = matches!(
                state,
                TaskState::Done | TaskState::Skipped | TaskState::Cancelled | TaskState::Waived
            );
            if left {
                let fact = (TaskFact::PlanChanged, "asked by a person");
                task_advance_in_txn(&mut write, run, task, fact, at).await?;
            }
        }
        tasks::tasks_open_in_txn(&mut write, run, None, at).await?;
        self.commit(write).await
    }

    /// Sets the first attempt of the round that a task is in.
    pub async fn task_round_set(
        &self,
        run: &RunId,
        task: &TaskId,
        first: u32,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE tasks SET round_first = $3 WHERE run_id = $1 AND id = $2")
            .bind(run.as_str())
            .bind(task.as_str())
            .bind(first)
            .execute(write.connection())
            .await?;
        self.commit(write).await
    }

    /// Puts something that a person said beside a task.
    pub async fn task_remark(
        &self,
        run: &RunId,
        task: &TaskId,
        remark: &str,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        super::controls::task_remark_in_txn(&mut write, run, task, remark).await?;
        self.commit(write).await
    }

    /// Keeps which commit of the trunk the work of an attempt did not fit with.
    pub async fn attempt_met_put(
        &self,
        (run, task, ordinal): (&RunId, &TaskId, u32),
        commit: &str,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query(
            "UPDATE attempts SET met = $4 WHERE run_id = $1 AND task_id = $2 AND ordinal = $3",
        )
        .bind(run.as_str())
        .bind(task.as_str())
        .bind(ordinal)
        .bind(commit)
        .execute(write.connection())
        .await?;
        self.commit(write).await
    }

    /// The rounds of the attempts at a task, by ordinal, as far as they are known.
    pub async fn attempt_rounds(
        &self,
        run: &RunId,
        task: &TaskId,
    ) -> Result<BTreeMap<u32, AttemptRound>, StoreError> {
        let rows: Vec<(i64, i64, Option<String>)> = sqlx::query_as(
            "SELECT ordinal, round_first, met FROM attempts
             WHERE run_id = $1 AND task_id = $2 AND round_first IS NOT NULL",
        )
        .bind(run.as_str())
        .bind(task.as_str())
        .fetch_all(self.readers())
        .await?;
        let round = |(ordinal, first, met)| {
            let ordinal = column::small(ordinal, "the ordinal of an attempt")?;
            let first = column::small(first, "the round of an attempt")?;
            Ok((ordinal, AttemptRound { first, met }))
        };
        rows.into_iter().map(round).collect()
    }
}

/// Tasks that come after one and are done or left out already begin anew with it. Returns them.
pub(crate) async fn dependents_again_in_txn(
    write: &mut Write,
    run: &RunId,
    later: Vec<TaskId>,
    at: Timestamp,
) -> Result<Vec<TaskId>, StoreError> {
    let mut again = Vec::new();
    for task in later {
        let state = tasks::task_state_in_txn(write.connection(), run, &task).await?;
        if state == TaskState::Done {
            let fact = (TaskFact::PlanChanged, "what it depends on begins anew");
            task_advance_in_txn(write, run, &task, fact, at).await?;
            round_begin_in_txn(write.connection(), run, &task).await?;
            again.push(task);
        }
    }
    Ok(again)
}

async fn round_begin_in_txn(
    connection: &mut SqliteConnection,
    run: &RunId,
    task: &TaskId,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE tasks SET round_first = attempts + 1 WHERE run_id = $1 AND id = $2")
        .bind(run.as_str())
        .bind(task.as_str())
        .execute(connection)
        .await?;
    Ok(())
}
