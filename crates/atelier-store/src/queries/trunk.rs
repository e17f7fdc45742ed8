//! The history of a run's trunk: where it stood, and what brought it there.

use std::collections::BTreeSet;

use atelier_model::{RunId, TaskId, Timestamp};

use crate::{Store, StoreError, column, queries::changes, write::Write};

/// A move of the trunk that a task's verified work wants.
#[derive(Debug, Clone, Copy)]
pub struct TrunkMove<'a> {
    /// Where the trunk must stand; `None` where it is nowhere yet.
    pub expected: Option<&'a str>,
    /// Where it goes.
    pub commit: &'a str,
    /// The commit's subject line.
    pub subject: &'a str,
    /// Tests that build steps executed on it.
    pub tests: u64,
}

/// A commit the trunk stood at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkPoint {
    /// 1 for the first.
    pub ordinal: u64,
    /// The commit.
    pub commit: String,
    /// The task that brought it there; `None` for documents.
    pub task: Option<TaskId>,
    /// The most tests that build steps executed up to it.
    pub tests: u64,
    /// Number of the newest event before it: what was added to the run later was not known then.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct PointRow {
    ordinal: i64,
    commit_id: String,
    task_id: Option<String>,
    tests: i64,
    seq: i64,
    at: i64,
}

impl From<PointRow> for TrunkPoint {
    fn from(row: PointRow) -> Self {
        Self {
            ordinal: column::from_count(row.ordinal),
            commit: row.commit_id,
            task: row.task_id.map(TaskId::from_text),
            tests: column::from_count(row.tests),
            seq: column::from_count(row.seq),
            at: column::at(row.at),
        }
    }
}

const POINT: &str = "SELECT ordinal, commit_id, task_id, tests, seq, at FROM trunk_moves";

impl Store {
    /// The history of a run's trunk, oldest first.
    pub async fn trunk_list(&self, run: &RunId) -> Result<Vec<TrunkPoint>, StoreError> {
        self.trunk_since(run, 0).await
    }

    /// What the trunk of a run went through after a point of its history, oldest first.
    pub async fn trunk_since(
        &self,
        run: &RunId,
        ordinal: u64,
    ) -> Result<Vec<TrunkPoint>, StoreError> {
        let rows: Vec<PointRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{POINT} WHERE run_id = $1 AND ordinal > $2 ORDER BY ordinal"
        )))
        .bind(run.as_str())
        .bind(column::count(ordinal))
        .fetch_all(self.readers())
        .await?;
        Ok(rows.into_iter().map(TrunkPoint::from).collect())
    }

    /// The point at which the trunk of a run last stood at a commit; `None` where it never did.
    pub async fn trunk_at(
        &self,
        run: &RunId,
        commit: &str,
    ) -> Result<Option<TrunkPoint>, StoreError> {
        let row: Option<PointRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{POINT} WHERE run_id = $1 AND commit_id = $2 ORDER BY ordinal DESC LIMIT 1"
        )))
        .bind(run.as_str())
        .bind(commit)
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(TrunkPoint::from))
    }

    /// The tasks that the trunk of a run held at a point of its history.
    pub async fn trunk_tasks(
        &self,
        run: &RunId,
        ordinal: u64,
    ) -> Result<BTreeSet<TaskId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT task_id FROM trunk_moves
             WHERE run_id = $1 AND ordinal <= $2 AND task_id IS NOT NULL",
        )
        .bind(run.as_str())
        .bind(column::count(ordinal))
        .fetch_all(self.readers())
        .await?;
        Ok(ids.into_iter().map(TaskId::from_text).collect())
    }
}

/// Puts a move of the trunk on record. `tests` counts where it is more than before, or where the plan
/// was changed so that the task may leave tests out.
pub(crate) async fn trunk_append_in_txn(
    write: &mut Write,
    run: &RunId,
    (commit, task): (&str, Option<&TaskId>),
    tests: u64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let newest: Option<(i64, i64)> = sqlx::query_as(
        "SELECT ordinal, tests FROM trunk_moves WHERE run_id = $1 ORDER BY ordinal DESC LIMIT 1",
    )
    .bind(run.as_str())
    .fetch_optional(write.connection())
    .await?;
    let (ordinal, before) = newest.unwrap_or_default();
    // A task that may leave tests out sets what later ones are measured by.
    let fewer = match task {
        Some(task) if tests > 0 => changes::may_leave_tests_out_in_txn(write, run, task).await?,
        Some(_) | None => false,
    };
    let before = if fewer { 0 } else { before };
    let seq = write.newest().await?;
    sqlx::query(
        "INSERT INTO trunk_moves (run_id, ordinal, commit_id, task_id, tests, seq, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(run.as_str())
    .bind(ordinal + 1)
    .bind(commit)
    .bind(task.map(TaskId::as_str))
    .bind(column::count(tests).max(before))
    .bind(column::count(seq))
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    Ok(())
}
