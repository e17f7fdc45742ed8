//! Changes of a run's plan, applied with everything they do to its tasks.

use atelier_model::{
    Act, ChangeAsked, DevPlan, Digest, EventKind, RunId, Task, TaskChange, TaskChangeKind,
    TaskFact, TaskId, TaskState, Timestamp,
};

use crate::{
    Store, StoreError, column,
    queries::{
        acts::{act_in_txn, title_keep_in_txn},
        plans, runs, tasks,
    },
    write::Write,
};

/// A change that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecord {
    /// The run.
    pub run: RunId,
    /// 1 for the first change of the run.
    pub ordinal: u32,
    /// What was wished for, word for word.
    pub wish: String,
    /// Digest of the requirement as it read before.
    pub requirement_before: Digest,
    /// Digest of the requirement as it reads since.
    pub requirement: Digest,
    /// What changed.
    pub summary: String,
    /// Numbers of the steps that were removed: no step has one of them again.
    pub removed: Vec<String>,
    /// What was done to tasks.
    pub tasks: Vec<TaskChange>,
    /// When.
    pub at: Timestamp,
}

/// A change that is to be applied.
#[derive(Debug, Clone, Copy)]
pub struct Amendment<'a> {
    /// The run.
    pub run: &'a RunId,
    /// Which change of the run it is: one more than there are.
    pub ordinal: u32,
    /// What was wished for, word for word.
    pub wish: &'a str,
    /// The requirement as it reads from now on.
    pub requirement: &'a str,
    /// What changes.
    pub summary: &'a str,
    /// The plan from now on.
    pub plan: &'a DevPlan,
    /// Numbers of the steps that are removed.
    pub removed: &'a [String],
    /// What was asked for.
    pub request: &'a ChangeAsked,
    /// Whether models are told something else about every task from now on.
    pub is_reworded: bool,
    /// The tasks it touches, each as it is from now on, in the order of the plan.
    pub tasks: &'a [(Task, TaskChange)],
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    run_id: String,
    ordinal: i64,
    wish: String,
    requirement_before: Vec<u8>,
    requirement: Vec<u8>,
    summary: String,
    removed: String,
    tasks: String,
    created_at: i64,
}

impl TryFrom<ChangeRow> for ChangeRecord {
    type Error = StoreError;

    fn try_from(row: ChangeRow) -> Result<Self, StoreError> {
        Ok(Self {
            run: RunId::from_text(row.run_id),
            ordinal: column::small(row.ordinal, "the number of a change")?,
            wish: row.wish,
            requirement_before: column::digest(&row.requirement_before, "an earlier requirement")?,
            requirement: column::digest(&row.requirement, "the requirement of a change")?,
            summary: row.summary,
            removed: column::from_json(&row.removed, "the removed steps of a change")?,
            tasks: column::from_json(&row.tasks, "the tasks of a change")?,
            at: column::at(row.created_at),
        })
    }
}

impl Store {
    /// Applies a change in one transaction: plan, requirement, and what it does to tasks. A change
    /// that was applied meanwhile under the same number makes it fail.
    pub async fn plan_change(
        &self,
        amendment: &Amendment<'_>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let run = runs::run_fetch_in_txn(write.connection(), amendment.run).await?;
        let before = run.requirement_digest;
        let requirement = Digest::of(amendment.requirement);
        let touched: Vec<&TaskChange> = amendment.tasks.iter().map(|(_, change)| change).collect();
        let event = EventKind::PlanChanged {
            change: amendment.ordinal,
            requirement,
            summary: amendment.summary.to_owned(),
            tasks: touched.iter().map(|&change| change.clone()).collect(),
        };
        let seq = write.event(Some(amendment.run), None, event, at).await?;
        runs::requirement_set_in_txn(&mut write, amendment.run, amendment.requirement, at).await?;
        sqlx::query(
            "INSERT INTO changes (run_id, ordinal, wish, requirement_before, requirement, summary,
                 removed, tasks, seq, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(amendment.run.as_str())
        .bind(amendment.ordinal)
        .bind(amendment.wish)
        .bind(column::bytes(&before))
        .bind(column::bytes(&requirement))
        .bind(amendment.summary)
        .bind(column::json(&amendment.removed))
        .bind(column::json(&touched))
        .bind(column::count(seq))
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        plans::plan_put_in_txn(&mut write, amendment.run, amendment.plan, at).await?;
        tasks_change_in_txn(&mut write, amendment, at).await?;
        if amendment.is_reworded {
            rounds_begin_in_txn(&mut write, amendment.run).await?;
        }
        let act = Act::PlanChanged {
            request: amendment.request.clone(),
            before: run.requirement,
        };
        act_in_txn(&mut write, amendment.run, &act, at).await?;
        self.commit(write).await
    }

    /// The changes of a run in their order.
    pub async fn change_list(&self, run: &RunId) -> Result<Vec<ChangeRecord>, StoreError> {
        let rows: Vec<ChangeRow> =
            sqlx::query_as("SELECT * FROM changes WHERE run_id = $1 ORDER BY ordinal")
                .bind(run.as_str())
                .fetch_all(self.readers())
                .await?;
        rows.into_iter().map(ChangeRecord::try_from).collect()
    }
}

/// Whatever was begun with other words begins anew: what was said of them is no part of it any more.
async fn rounds_begin_in_txn(write: &mut Write, run: &RunId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tasks SET round_first = attempts + 1
         WHERE run_id = $1 AND state NOT IN ('done', 'waived') AND attempts >= round_first",
    )
    .bind(run.as_str())
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Tasks first, dependencies after: a task may depend on one that comes later in the list.
async fn tasks_change_in_txn(
    write: &mut Write,
    amendment: &Amendment<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    for (task, change) in amendment.tasks {
        match change.kind {
            TaskChangeKind::Added => task_add_in_txn(write, task, at).await?,
            TaskChangeKind::Changed | TaskChangeKind::Again | TaskChangeKind::TakenBack => {
                let fact = (TaskFact::PlanChanged, change.reason.as_str());
                tasks::task_advance_in_txn(write, &task.run, &task.id, fact, at).await?;
                task_rewrite_in_txn(write, task).await?;
            }
            TaskChangeKind::Dropped => task_drop_in_txn(write, task, &change.reason, at).await?,
        }
    }
    let standing = amendment
        .tasks
        .iter()
        .filter(|(_, change)| change.kind != TaskChangeKind::Dropped);
    for (task, _) in standing {
        tasks::dependencies_insert_in_txn(write, task).await?;
    }
    Ok(())
}

async fn task_add_in_txn(write: &mut Write, task: &Task, at: Timestamp) -> Result<(), StoreError> {
    let added = EventKind::TaskAdded {
        title: task.title.clone(),
        depends_on: task.depends_on.clone(),
    };
    let seq = write
        .event(Some(&task.run), Some(&task.id), added, at)
        .await?;
    tasks::task_insert_in_txn(write, task, seq, at).await
}

/// Gives a task its new words and begins a new round of attempts.
async fn task_rewrite_in_txn(write: &mut Write, task: &Task) -> Result<(), StoreError> {
    title_keep_in_txn(write, (&task.run, &task.id), &task.title).await?;
    sqlx::query(
        "UPDATE tasks SET step = $3, title = $4, description = $5, why = $6, requirements = $7,
             inputs = $8, outputs = $9, owns = $10, protected = $11, acceptance = $12,
             context = $13, round_first = attempts + 1, commit_id = NULL
         WHERE run_id = $1 AND id = $2",
    )
    .bind(task.run.as_str())
    .bind(task.id.as_str())
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
    .execute(write.connection())
    .await?;
    dependencies_clear_in_txn(write, task).await
}

async fn dependencies_clear_in_txn(write: &mut Write, task: &Task) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM task_deps WHERE run_id = $1 AND task_id = $2")
        .bind(task.run.as_str())
        .bind(task.id.as_str())
        .execute(write.connection())
        .await?;
    Ok(())
}

/// A task that was never tried goes as if it had never been, but for its events. One that was tried
/// keeps its attempts and counts as settled; one that is done stays so, with what is left to prove.
async fn task_drop_in_txn(
    write: &mut Write,
    task: &Task,
    reason: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    if task.state == TaskState::Done {
        sqlx::query(
            "UPDATE tasks SET acceptance = $3, outputs = $4, owns = $5
             WHERE run_id = $1 AND id = $2",
        )
        .bind(task.run.as_str())
        .bind(task.id.as_str())
        .bind(column::json(&task.acceptance))
        .bind(column::json(&task.outputs))
        .bind(column::json(&task.owns))
        .execute(write.connection())
        .await?;
        return Ok(());
    }
    dependencies_clear_in_txn(write, task).await?;
    sqlx::query("DELETE FROM task_deps WHERE run_id = $1 AND needs_id = $2")
        .bind(task.run.as_str())
        .bind(task.id.as_str())
        .execute(write.connection())
        .await?;
    if task.attempts > 0 {
        if task.state == TaskState::Waived {
            return Ok(());
        }
        let fact = (TaskFact::WaiveAsked, reason);
        tasks::task_advance_in_txn(write, &task.run, &task.id, fact, at).await?;
        return Ok(());
    }
    sqlx::query("DELETE FROM tasks WHERE run_id = $1 AND id = $2")
        .bind(task.run.as_str())
        .bind(task.id.as_str())
        .execute(write.connection())
        .await?;
    Ok(())
}

/// Whether a task is done in another way since the plan was changed, or takes work back: tests of that
/// work may go with it.
pub(crate) async fn may_leave_tests_out_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
) -> Result<bool, StoreError> {
    let changes: Vec<String> =
        sqlx::query_scalar("SELECT tasks FROM changes WHERE run_id = $1 ORDER BY ordinal DESC")
            .bind(run.as_str())
            .fetch_all(write.connection())
            .await?;
    for change in changes {
        let tasks: Vec<TaskChange> = column::from_json(&change, "the tasks of a change")?;
        if let Some(newest) = tasks.iter().find(|one| one.task == *task) {
            return Ok(matches!(
                newest.kind,
                TaskChangeKind::Changed | TaskChangeKind::TakenBack
            ));
        }
    }
    Ok(false)
}
