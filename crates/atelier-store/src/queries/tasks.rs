//! Tasks and what they depend on.

use std::collections::BTreeMap;

use atelier_model::{
    EventKind, Refused, RunId, Task, TaskFact, TaskId, TaskState, Timestamp, next_task,
};
use sqlx::SqliteConnection;

use crate::{
    Store, StoreError, column,
    queries::{attempts, runs},
    write::Write,
};

#[derive(sqlx::FromRow)]
struct TaskRow {
    run_id: String,
    id: String,
    step: Option<String>,
    title: String,
    description: String,
    why: String,
    requirements: String,
    inputs: String,
    outputs: String,
    owns: String,
    protected: String,
    acceptance: String,
    context: String,
    priority: i64,
    source: String,
    attempts: i64,
    round_first: i64,
    state: String,
    commit_id: Option<String>,
}

impl TaskRow {
    fn task(self, depends_on: Vec<TaskId>) -> Result<Task, StoreError> {
        Ok(Task {
            id: TaskId::from_text(self.id),
            run: RunId::from_text(self.run_id),
            step: self.step,
            title: self.title,
            description: self.description,
            why: self.why,
            requirements: column::from_json(&self.requirements, "the requirements of a task")?,
            depends_on,
            inputs: column::from_json(&self.inputs, "the inputs of a task")?,
            outputs: column::from_json(&self.outputs, "the outputs of a task")?,
            owns: column::from_json(&self.owns, "what a task owns")?,
            protected: column::from_json(&self.protected, "what a task must not change")?,
            acceptance: column::from_json(&self.acceptance, "the acceptance of a task")?,
            context: column::from_json(&self.context, "the context of a task")?,
            priority: column::small(self.priority, "the priority of a task")?,
            source: column::from_word(&self.source, "the source of a task")?,
            attempts: column::small(self.attempts, "the attempts of a task")?,
            round_first: column::small(self.round_first, "the attempts of a task")?,
            state: column::from_word(&self.state, "the state of a task")?,
            commit: self.commit_id,
        })
    }
}

fn missing(run: &RunId, task: &TaskId) -> StoreError {
    StoreError::Missing {
        what: format!("task {task} of run {run}"),
    }
}

impl Store {
    /// Adds tasks, in the order in which a person would read them. A task may depend on any task of
    /// its run, also on one that comes later in the list. A new task is pending and untried; the
    /// state machine alone takes it further.
    pub async fn task_add(&self, tasks: &[Task], at: Timestamp) -> Result<(), StoreError> {
        if let Some(task) = tasks.iter().find(|task| task.state != TaskState::Pending) {
            return Err(Refused {
                state: format!("{:?}", task.state),
                fact: "Added".to_owned(),
            }
            .into());
        }
        let mut write = self.write().await?;
        for task in tasks {
            let added = EventKind::TaskAdded {
                title: task.title.clone(),
                depends_on: task.depends_on.clone(),
            };
            let seq = write
                .event(Some(&task.run), Some(&task.id), added, at)
                .await?;
            task_insert_in_txn(&mut write, task, seq, at).await?;
        }
        for task in tasks {
            dependencies_insert_in_txn(&mut write, task).await?;
        }
        self.commit(write).await
    }

    /// The tasks of a run in the order in which they were added.
    pub async fn task_list(&self, run: &RunId) -> Result<Vec<Task>, StoreError> {
        // One transaction, so that tasks and dependencies fit together.
        let mut txn = self.readers().begin().await?;
        let rows: Vec<TaskRow> =
            sqlx::query_as("SELECT * FROM tasks WHERE run_id = $1 ORDER BY seq")
                .bind(run.as_str())
                .fetch_all(&mut *txn)
                .await?;
        let edges: Vec<(String, String)> = sqlx::query_as(
            "SELECT task_id, needs_id FROM task_deps WHERE run_id = $1 ORDER BY task_id, ordinal",
        )
        .bind(run.as_str())
        .fetch_all(&mut *txn)
        .await?;
        let mut needs: BTreeMap<String, Vec<TaskId>> = BTreeMap::new();
        for (task, need) in edges {
            needs.entry(task).or_default().push(TaskId::from_text(need));
        }
        rows.into_iter()
            .map(|row| {
                let depends_on = needs.remove(&row.id).unwrap_or_default();
                row.task(depends_on)
            })
            .collect()
    }

    /// One task.
    pub async fn task_fetch(&self, run: &RunId, id: &TaskId) -> Result<Task, StoreError> {
        let mut txn = self.readers().begin().await?;
        let row: Option<TaskRow> =
            sqlx::query_as("SELECT * FROM tasks WHERE run_id = $1 AND id = $2")
                .bind(run.as_str())
                .bind(id.as_str())
                .fetch_optional(&mut *txn)
                .await?;
        let needs: Vec<String> = sqlx::query_scalar(
            "SELECT needs_id FROM task_deps WHERE run_id = $1 AND task_id = $2 ORDER BY ordinal",
        )
        .bind(run.as_str())
        .bind(id.as_str())
        .fetch_all(&mut *txn)
        .await?;
        row.ok_or_else(|| missing(run, id))?
            .task(needs.into_iter().map(TaskId::from_text).collect())
    }

    /// Moves a task by a fact and returns its new state. When a person asks for it again, a new
    /// round begins with the attempt after the newest one.
    pub async fn task_advance(
        &self,
        run: &RunId,
        id: &TaskId,
        fact: TaskFact,
        reason: &str,
        at: Timestamp,
    ) -> Result<TaskState, StoreError> {
        let mut write = self.write().await?;
        let state = task_advance_in_txn(&mut write, run, id, (fact, reason), at).await?;
        if fact == TaskFact::RetryAsked {
            sqlx::query(
                "UPDATE tasks SET round_first = attempts + 1 WHERE run_id = $1 AND id = $2",
            )
            .bind(run.as_str())
            .bind(id.as_str())
            .execute(write.connection())
            .await?;
        }
        self.commit(write).await?;
        Ok(state)
    }

    /// Records that the trunk moved to a task's commit: the task is done.
    pub async fn task_merge(
        &self,
        run: &RunId,
        id: &TaskId,
        commit: &str,
        subject: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let committed = EventKind::TaskCommitted {
            commit: commit.to_owned(),
            subject: subject.to_owned(),
        };
        write.event(Some(run), Some(id), committed, at).await?;
        task_advance_in_txn(&mut write, run, id, (TaskFact::Merged, ""), at).await?;
        sqlx::query("UPDATE tasks SET commit_id = $3 WHERE run_id = $1 AND id = $2")
            .bind(run.as_str())
            .bind(id.as_str())
            .bind(commit)
            .execute(write.connection())
            .await?;
        runs::run_trunk_set_in_txn(&mut write, run, commit, at).await?;
        self.commit(write).await
    }

    /// Makes the tasks ready again on which a dead process was working, and closes its attempts.
    /// Returns how many tasks there were. Only the holder of the run lock may call this.
    pub async fn tasks_recover(&self, run: &RunId, at: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        attempts::attempts_interrupt_in_txn(&mut write, run, at).await?;
        let under_way = [TaskState::Running, TaskState::Verifying, TaskState::Merging];
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM tasks WHERE run_id = $1 AND state IN ($2, $3, $4) ORDER BY seq",
        )
        .bind(run.as_str())
        .bind(column::word(&under_way[0]))
        .bind(column::word(&under_way[1]))
        .bind(column::word(&under_way[2]))
        .fetch_all(write.connection())
        .await?;
        let interrupted = (TaskFact::Interrupted, "interrupted");
        for id in &ids {
            let id = TaskId::from_text(id.as_str());
            task_advance_in_txn(&mut write, run, &id, interrupted, at).await?;
        }
        self.commit(write).await?;
        Ok(ids.len() as u64)
    }
}

async fn task_insert_in_txn(
    write: &mut Write,
    task: &Task,
    seq: u64,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO tasks (run_id, id, seq, step, title, description, why, requirements, inputs,
             outputs, owns, protected, acceptance, context, priority, source, attempts,
             round_first, state, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 1,
             $17, $18)",
    )
    .bind(task.run.as_str())
    .bind(task.id.as_str())
    .bind(column::count(seq))
    .bind(&task.step)
    .bind(&task.title)
    .bind(&task.description)
    .bind(&task.why)
    .bind(column::json(&task.requirements))
    .bind(column::json(&task.inputs))
    .bind(column::json(&task.outputs))
    .bind(column::json(&task.owns))
    .bind(column::json(&task.protected))
    .bind(column::json(&task.acceptance))
    .bind(column::json(&task.context))
    .bind(task.priority)
    .bind(column::word(&task.source))
    .bind(column::word(&task.state))
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    Ok(())
}

async fn dependencies_insert_in_txn(write: &mut Write, task: &Task) -> Result<(), StoreError> {
    for (ordinal, needs) in (0_i64..).zip(&task.depends_on) {
        sqlx::query(
            "INSERT INTO task_deps (run_id, task_id, ordinal, needs_id) VALUES ($1, $2, $3, $4)",
        )
        .bind(task.run.as_str())
        .bind(task.id.as_str())
        .bind(ordinal)
        .bind(needs.as_str())
        .execute(write.connection())
        .await?;
    }
    Ok(())
}

async fn task_state_in_txn(
    connection: &mut SqliteConnection,
    run: &RunId,
    id: &TaskId,
) -> Result<TaskState, StoreError> {
    let state: Option<String> =
        sqlx::query_scalar("SELECT state FROM tasks WHERE run_id = $1 AND id = $2")
            .bind(run.as_str())
            .bind(id.as_str())
            .fetch_optional(connection)
            .await?;
    let state = state.ok_or_else(|| missing(run, id))?;
    column::from_word(&state, "the state of a task")
}

/// Moves a task by a fact, with the reason that its event shall give.
pub(crate) async fn task_advance_in_txn(
    write: &mut Write,
    run: &RunId,
    id: &TaskId,
    (fact, reason): (TaskFact, &str),
    at: Timestamp,
) -> Result<TaskState, StoreError> {
    let from = task_state_in_txn(write.connection(), run, id).await?;
    let to = next_task(from, fact)?;
    sqlx::query("UPDATE tasks SET state = $3, updated_at = $4 WHERE run_id = $1 AND id = $2")
        .bind(run.as_str())
        .bind(id.as_str())
        .bind(column::word(&to))
        .bind(at.millis())
        .execute(write.connection())
        .await?;
    let moved = EventKind::TaskState {
        from,
        to,
        reason: reason.to_owned(),
    };
    write.event(Some(run), Some(id), moved, at).await?;
    Ok(to)
}
