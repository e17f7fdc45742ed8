//! Where the tasks of a run stand, without what is to be done in them: a large run has many.

use std::collections::BTreeMap;

use atelier_model::{Budget, RunId, TaskId, TaskState};

use crate::{Store, StoreError, column};

/// Lines of one answer.
const LINES_MAX: u32 = 10_000;

/// Where one task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLine {
    /// Its id.
    pub id: TaskId,
    /// Short title.
    pub title: String,
    /// Where it stands.
    pub state: TaskState,
    /// Why it stands there; empty where nobody said.
    pub reason: String,
    /// The commit that holds it, once it is done.
    pub commit: Option<String>,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    id: String,
    title: String,
    state: String,
    reason: String,
    commit_id: Option<String>,
}

impl TryFrom<LineRow> for TaskLine {
    type Error = StoreError;

    fn try_from(row: LineRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: TaskId::from_text(row.id),
            title: row.title,
            state: column::from_word(&row.state, "the state of a task")?,
            reason: row.reason,
            commit: row.commit_id,
        })
    }
}

impl Store {
    /// How many tasks of a run stand where.
    pub async fn task_counts(&self, run: &RunId) -> Result<BTreeMap<TaskState, u64>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, COUNT(*) FROM tasks WHERE run_id = $1 GROUP BY state")
                .bind(run.as_str())
                .fetch_all(self.readers())
                .await?;
        rows.into_iter()
            .map(|(state, count)| {
                let state = column::from_word(&state, "the state of a task")?;
                Ok((state, column::from_count(count)))
            })
            .collect()
    }

    /// Where the tasks of a run stand that are in one of these states, in the order in which they
    /// were added, at most `limit` and never more than 10,000.
    pub async fn task_lines(
        &self,
        run: &RunId,
        states: &[TaskState],
        limit: u32,
    ) -> Result<Vec<TaskLine>, StoreError> {
        let words: Vec<String> = states.iter().map(column::word).collect();
        let rows: Vec<LineRow> = sqlx::query_as(
            "SELECT id, title, state, reason, commit_id FROM tasks
             WHERE run_id = $1 AND state IN (SELECT value FROM json_each($2))
             ORDER BY seq LIMIT $3",
        )
        .bind(run.as_str())
        .bind(column::json(&words))
        .bind(limit.min(LINES_MAX))
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(TaskLine::try_from).collect()
    }

    /// The budgets that a person set for tasks of a run, by task.
    pub async fn task_budgets(&self, run: &RunId) -> Result<BTreeMap<TaskId, Budget>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT task_id, budget FROM task_terms WHERE run_id = $1")
                .bind(run.as_str())
                .fetch_all(self.readers())
                .await?;
        let mut budgets = BTreeMap::new();
        for (task, budget) in rows {
            let budget: Budget = column::from_json(&budget, "the budget of a task")?;
            if !budget.is_none() {
                budgets.insert(TaskId::from_text(task), budget);
            }
        }
        Ok(budgets)
    }
}
