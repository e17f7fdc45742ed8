//! Tasks and what they depend on.

use std::collections::BTreeMap;

use atelier_model::{
    Attempt, EventKind, MicroUsd, Refused, RunId, Task, TaskFact, TaskId, TaskSource, TaskState,
    Timestamp, next_task,
};
use sqlx::SqliteConnection;

use crate::{
    Lease, Store, StoreError, TrunkMove, column,
    queries::{acts::TITLE_THEN, attempts, runs, trunk::trunk_append_in_txn},
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
    depends_on: String,
    inputs: String,
    outputs: String,
    owns: String,
    protected: String,
    acceptance: String,
    context: String,
    priority: i64,
    source: String,
    agent: Option<String>,
    origin: Option<String>,
    attempts: i64,
    round_first: i64,
    state: String,
    commit_id: Option<String>,
}

/// A task with what it depends on, in one statement: both are of one state, and one trip to the
/// database brings them.
const TASK: &str = "SELECT tasks.*, (
         SELECT json_group_array(needs_id ORDER BY ordinal) FROM task_deps
         WHERE task_deps.run_id = tasks.run_id AND task_deps.task_id = tasks.id) AS depends_on
     FROM tasks";

impl TryFrom<TaskRow> for Task {
    type Error = StoreError;

    fn try_from(row: TaskRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: TaskId::from_text(row.id),
            run: RunId::from_text(row.run_id),
            step: row.step,
            title: row.title,
            description: row.description,
            why: row.why,
            requirements: column::from_json(&row.requirements, "the requirements of a task")?,
            depends_on: column::from_json(&row.depends_on, "what a task depends on")?,
            inputs: column::from_json(&row.inputs, "the inputs of a task")?,
            outputs: column::from_json(&row.outputs, "the outputs of a task")?,
            owns: column::from_json(&row.owns, "what a task owns")?,
            protected: column::from_json(&row.protected, "what a task must not change")?,
            acceptance: column::from_json(&row.acceptance, "the acceptance of a task")?,
            context: column::from_json(&row.context, "the context of a task")?,
            priority: column::small(row.priority, "the priority of a task")?,
            source: column::from_word(
                row.origin.as_ref().unwrap_or(&row.source),
                "the source of a task",
            )?,
            agent: row.agent,
            attempts: column::small(row.attempts, "the attempts of a task")?,
            round_first: column::small(row.round_first, "the attempts of a task")?,
            state: column::from_word(&row.state, "the state of a task")?,
            commit: row.commit_id,
        })
    }
}

/// What a schedule must know of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskOutline {
    /// Its id.
    pub id: TaskId,
    /// Tasks that must be done first.
    pub depends_on: Vec<TaskId>,
    /// Paths it creates or changes.
    pub outputs: Vec<String>,
    /// Paths only it may write while it runs.
    pub owns: Vec<String>,
    /// Higher goes first.
    pub priority: i32,
    /// Where it stands.
    pub state: TaskState,
    /// Attempts of the current round that ended in a conflict.
    pub conflicts: u32,
}

/// What people call a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskName {
    /// Its id.
    pub id: TaskId,
    /// The step it came from.
    pub step: Option<String>,
    /// Short title.
    pub title: String,
}

impl TaskName {
    /// The number of its step, or its id.
    pub fn number(&self) -> &str {
        self.step.as_deref().unwrap_or(self.id.as_str())
    }
}

#[derive(sqlx::FromRow)]
struct OutlineRow {
    id: String,
    outputs: String,
    owns: String,
    priority: i64,
    state: String,
    conflicts: i64,
}

impl OutlineRow {
    fn outline(self, depends_on: Vec<TaskId>) -> Result<TaskOutline, StoreError> {
        Ok(TaskOutline {
            id: TaskId::from_text(self.id),
            depends_on,
            outputs: column::from_json(&self.outputs, "the outputs of a task")?,
            owns: column::from_json(&self.owns, "what a task owns")?,
            priority: column::small(self.priority, "the priority of a task")?,
            state: column::from_word(&self.state, "the state of a task")?,
            conflicts: column::small(self.conflicts, "the conflicts of a task")?,
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
        let mut write = self.write().await?;
        tasks_add_in_txn(&mut write, tasks, at).await?;
        self.commit(write).await
    }

    /// The tasks of a run in the order in which they were added.
    pub async fn task_list(&self, run: &RunId) -> Result<Vec<Task>, StoreError> {
        let rows: Vec<TaskRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{TASK} WHERE tasks.run_id = $1 ORDER BY tasks.seq"
        )))
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(Task::try_from).collect()
    }

    /// One task.
    pub async fn task_fetch(&self, run: &RunId, id: &TaskId) -> Result<Task, StoreError> {
        let mut connection = self.readers().acquire().await?;
        task_fetch_in_txn(&mut connection, run, id).await
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

    /// Records that the trunk moved to the commit of an attempt that passed: its task is done, and what
    /// waited for nothing else is ready.
    ///
    /// Where the trunk is not where the move expects it, nothing happens.
    pub async fn task_merge(
        &self,
        passed: &Attempt,
        to: &TrunkMove<'_>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (run, id) = (&passed.run, &passed.task);
        let mut write = self.write().await?;
        let stands = runs::run_fetch_in_txn(write.connection(), run).await?;
        let found = stands.trunk.or(stands.base_commit);
        if found.as_deref() != to.expected {
            return Err(StoreError::TrunkMoved {
                expected: to.expected.map(str::to_owned),
                found,
            });
        }
        attempts::attempt_finish_in_txn(&mut write, passed, "", at).await?;
        let committed = EventKind::TaskCommitted {
            commit: to.commit.to_owned(),
            subject: to.subject.to_owned(),
        };
        write.event(Some(run), Some(id), committed, at).await?;
        task_advance_in_txn(&mut write, run, id, (TaskFact::Merged, ""), at).await?;
        sqlx::query("UPDATE tasks SET commit_id = $3 WHERE run_id = $1 AND id = $2")
            .bind(run.as_str())
            .bind(id.as_str())
            .bind(to.commit)
            .execute(write.connection())
            .await?;
        runs::run_trunk_set_in_txn(&mut write, run, to.commit, at).await?;
        trunk_append_in_txn(&mut write, run, (to.commit, Some(id)), to.tests, at).await?;
        tasks_open_in_txn(&mut write, run, Some(id), at).await?;
        self.commit(write).await
    }

    /// Makes the tasks ready that wait for nothing any more. Returns how many there were.
    pub async fn tasks_open(&self, run: &RunId, at: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let opened = tasks_open_in_txn(&mut write, run, None, at).await?;
        if opened > 0 {
            self.commit(write).await?;
        }
        Ok(opened)
    }

    /// Makes the tasks ready again on which a dead process was working, or this one, which must have
    /// none under way; closes their attempts. Returns how many tasks there were.
    pub async fn tasks_recover(&self, run: &RunId, at: Timestamp) -> Result<u64, StoreError> {
        let own = self.worker().map(|own| own.to_string());
        self.tasks_take_back(run, &own.unwrap_or_default(), at)
            .await
    }

    /// Makes the tasks ready again on which a dead process was working. Returns how many there were.
    pub async fn tasks_rescue(&self, run: &RunId, at: Timestamp) -> Result<u64, StoreError> {
        self.tasks_take_back(run, "", at).await
    }

    /// Makes the tasks ready again that no living worker but `own` has.
    async fn tasks_take_back(
        &self,
        run: &RunId,
        own: &str,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        self.workers_bury(at).await?;
        let mut write = self.write().await?;
        let closed = attempts::attempts_interrupt_in_txn(&mut write, run, own, at).await?;
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM tasks
             WHERE run_id = $1 AND state IN ('running', 'verifying', 'merging')
                 AND NOT EXISTS (SELECT 1 FROM leases
                     WHERE name = 'task:' || tasks.run_id || ':' || tasks.id
                         AND worker <> $3 AND until > $2)
             ORDER BY seq",
        )
        .bind(run.as_str())
        .bind(at.millis())
        .bind(own)
        .fetch_all(write.connection())
        .await?;
        let interrupted = (TaskFact::Interrupted, "interrupted");
        for id in &ids {
            let id = TaskId::from_text(id.as_str());
            task_advance_in_txn(&mut write, run, &id, interrupted, at).await?;
            // Whoever held it and only slept finds out at its next change.
            lease_free_in_txn(&mut write, &Lease::task(run, &id)).await?;
        }
        if closed + ids.len() > 0 {
            self.commit(write).await?;
        }
        Ok(ids.len() as u64)
    }

    /// What a schedule must know of every task of a run, in the order in which they were added.
    pub async fn task_outlines(&self, run: &RunId) -> Result<(Vec<TaskOutline>, u64), StoreError> {
        let mut txn = self.readers().begin().await?;
        let rows: Vec<OutlineRow> = sqlx::query_as(
            "SELECT id, outputs, owns, priority, state,
                 (SELECT count(*) FROM attempts WHERE attempts.run_id = tasks.run_id
                     AND attempts.task_id = tasks.id AND attempts.ordinal >= tasks.round_first
                     AND attempts.outcome = 'conflict') AS conflicts
             FROM tasks WHERE run_id = $1 ORDER BY seq",
        )
        .bind(run.as_str())
        .fetch_all(&mut *txn)
        .await?;
        let edges: Vec<(String, String)> = sqlx::query_as(
            "SELECT task_id, needs_id FROM task_deps WHERE run_id = $1 ORDER BY task_id, ordinal",
        )
        .bind(run.as_str())
        .fetch_all(&mut *txn)
        .await?;
        let newest: Option<i64> = sqlx::query_scalar("SELECT seq FROM chain_head WHERE id = 1")
            .fetch_optional(&mut *txn)
            .await?;
        let mut needs: BTreeMap<String, Vec<TaskId>> = BTreeMap::new();
        for (task, need) in edges {
            needs.entry(task).or_default().push(TaskId::from_text(need));
        }
        let outlines: Result<_, StoreError> = rows
            .into_iter()
            .map(|row| {
                let depends_on = needs.remove(&row.id).unwrap_or_default();
                row.outline(depends_on)
            })
            .collect();
        Ok((outlines?, column::from_count(newest.unwrap_or(0))))
    }

    /// What people called the tasks of a run that were added up to an event, in that order, when that
    /// event was the newest.
    pub async fn task_names(&self, run: &RunId, until: u64) -> Result<Vec<TaskName>, StoreError> {
        let rows: Vec<(String, Option<String>, String)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT id, step, {TITLE_THEN} FROM tasks WHERE run_id = $1 AND seq <= $2 ORDER BY seq"
        )))
        .bind(run.as_str())
        .bind(column::count(until))
        .fetch_all(self.readers())
        .await?;
        let name = |(id, step, title)| TaskName {
            id: TaskId::from_text(id),
            step,
            title,
        };
        Ok(rows.into_iter().map(name).collect())
    }

    /// Milliseconds that the attempts at each task of a run took, of its longest.
    pub async fn task_durations(&self, run: &RunId) -> Result<BTreeMap<TaskId, u64>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT task_id, max(ended_at - started_at) FROM attempts
             WHERE run_id = $1 AND ended_at IS NOT NULL AND outcome <> 'interrupted'
             GROUP BY task_id",
        )
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        let pair = |(task, ms)| (TaskId::from_text(task), column::from_count(ms));
        Ok(rows.into_iter().map(pair).collect())
    }

    /// What the asks for a task cost, those of failed attempts included.
    pub async fn task_cost(&self, run: &RunId, id: &TaskId) -> Result<MicroUsd, StoreError> {
        let cost: Option<i64> =
            sqlx::query_scalar("SELECT sum(cost) FROM asks WHERE run_id = $1 AND task_id = $2")
                .bind(run.as_str())
                .bind(id.as_str())
                .fetch_one(self.readers())
                .await?;
        Ok(column::from_money(cost.unwrap_or(0)))
    }
}

async fn lease_free_in_txn(write: &mut Write, name: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE leases SET worker = NULL WHERE name = $1")
        .bind(name)
        .execute(write.connection())
        .await?;
    Ok(())
}

/// Makes the pending tasks ready of which everything they depend on is settled: those that depend on
/// one task, or all.
pub(crate) async fn tasks_open_in_txn(
    write: &mut Write,
    run: &RunId,
    after: Option<&TaskId>,
    at: Timestamp,
) -> Result<u64, StoreError> {
    // A question of its own for one task's dependents: to look at all that is pending after every task
    // would take a large run longer and longer.
    let among = match after {
        Some(_) => {
            "(run_id, id) IN
                 (SELECT run_id, task_id FROM task_deps WHERE run_id = $1 AND needs_id = $2)"
        }
        None => "run_id = $1 AND $2 IS NULL",
    };
    let ids: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT id FROM tasks WHERE {among} AND state = 'pending'
             AND NOT EXISTS (SELECT 1 FROM task_deps JOIN tasks AS needed
                 ON needed.run_id = task_deps.run_id AND needed.id = task_deps.needs_id
                 WHERE task_deps.run_id = $1 AND task_deps.task_id = tasks.id
                     AND needed.state NOT IN ('done', 'waived'))
         ORDER BY seq"
    )))
    .bind(run.as_str())
    .bind(after.map(TaskId::as_str))
    .fetch_all(write.connection())
    .await?;
    for id in &ids {
        let id = TaskId::from_text(id.as_str());
        let fact = (TaskFact::DependenciesDone, "");
        task_advance_in_txn(write, run, &id, fact, at).await?;
    }
    Ok(ids.len() as u64)
}

pub(crate) async fn tasks_add_in_txn(
    write: &mut Write,
    tasks: &[Task],
    at: Timestamp,
) -> Result<(), StoreError> {
    if let Some(task) = tasks.iter().find(|task| task.state != TaskState::Pending) {
        return Err(Refused {
            state: format!("{:?}", task.state),
            fact: "Added".to_owned(),
        }
        .into());
    }
    for task in tasks {
        let added = EventKind::TaskAdded {
            title: task.title.clone(),
            depends_on: task.depends_on.clone(),
        };
        let seq = write
            .event(Some(&task.run), Some(&task.id), added, at)
            .await?;
        task_insert_in_txn(write, task, seq, at).await?;
    }
    for task in tasks {
        dependencies_insert_in_txn(write, task).await?;
    }
    Ok(())
}

pub(crate) async fn task_insert_in_txn(
    write: &mut Write,
    task: &Task,
    seq: u64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (source, origin) = match task.source {
        TaskSource::Plan | TaskSource::User => (task.source, false),
        TaskSource::Proposal | TaskSource::Agent => (TaskSource::User, true),
    };
    sqlx::query(
        "INSERT INTO tasks (run_id, id, seq, step, title, description, why, requirements, inputs,
             outputs, owns, protected, acceptance, context, priority, source, attempts,
             round_first, state, updated_at, agent, origin)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 1,
             $17, $18, $19, $20)",
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
    .bind(column::word(&source))
    .bind(column::word(&task.state))
    .bind(at.millis())
    .bind(&task.agent)
    .bind(origin.then(|| column::word(&task.source)))
    .execute(write.connection())
    .await?;
    Ok(())
}

pub(crate) async fn dependencies_insert_in_txn(
    write: &mut Write,
    task: &Task,
) -> Result<(), StoreError> {
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

pub(crate) async fn task_fetch_in_txn(
    connection: &mut SqliteConnection,
    run: &RunId,
    id: &TaskId,
) -> Result<Task, StoreError> {
    let row: Option<TaskRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{TASK} WHERE tasks.run_id = $1 AND tasks.id = $2"
    )))
    .bind(run.as_str())
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    row.ok_or_else(|| missing(run, id))?.try_into()
}

pub(crate) async fn task_state_in_txn(
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
    task_move_in_txn(write, (run, id), from, (fact, reason), at).await
}

/// Moves a task, which the transaction has read already, by a fact, with the reason that its event
/// shall give.
pub(crate) async fn task_move_in_txn(
    write: &mut Write,
    (run, id): (&RunId, &TaskId),
    from: TaskState,
    (fact, reason): (TaskFact, &str),
    at: Timestamp,
) -> Result<TaskState, StoreError> {
    let to = next_task(from, fact)?;
    sqlx::query(
        "UPDATE tasks SET state = $3, updated_at = $4, reason = $5 WHERE run_id = $1 AND id = $2",
    )
    .bind(run.as_str())
    .bind(id.as_str())
    .bind(column::word(&to))
    .bind(at.millis())
    .bind(reason)
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
