//! Budgets of runs: what is used of each, what one more sending may use, which marks are passed.

use atelier_model::{
    Amount, Budget, BudgetChange, EventKind, MicroUsd, Resource, RunId, Stage, TaskId, TaskState,
    Timestamp, Used, marks_passed,
};
use sqlx::SqliteConnection;

use crate::{Scope, Store, StoreError, column, queries::controls, write::Write};

/// Milliseconds between two ticks above which nobody worked meanwhile.
const TICK_GAP_MS_MAX: u64 = 15_000;

/// What an ask may make the sums of its run come to. What the run and the task themselves have in
/// the store goes before what is named here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunBudgets {
    /// All asks of the run.
    pub run: Budget,
    /// Those of the ask's stage.
    pub stage: Budget,
    /// Those of the ask's task.
    pub task: Budget,
}

impl RunBudgets {
    /// Whether there is an end of money.
    pub fn has_usd(&self) -> bool {
        [self.run, self.stage, self.task]
            .iter()
            .any(|budget| budget.usd.is_some())
    }
}

impl From<Option<MicroUsd>> for RunBudgets {
    fn from(run: Option<MicroUsd>) -> Self {
        Self {
            run: Budget::of_usd(run),
            ..Self::default()
        }
    }
}

/// What a run, the stage and the task of an ask have used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunUse {
    /// The run.
    pub run: Used,
    /// The stage.
    pub stage: Used,
    /// The task.
    pub task: Used,
}

/// How far the tasks of a run are, and what the finished ones used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunProgress {
    /// Tasks that are done.
    pub done: u64,
    /// Tasks that are still to be done.
    pub open: u64,
    /// What the asks of those that are done used; their time is not told.
    pub done_used: Used,
}

/// Whose asks are counted.
#[derive(Clone, Copy)]
pub(crate) struct Of<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) stage: Stage,
    pub(crate) task: Option<&'a TaskId>,
}

/// A limit that does not cover a sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    pub(crate) scope: Scope,
    pub(crate) resource: Resource,
    pub(crate) needed: u64,
    pub(crate) spent: u64,
    pub(crate) budget: u64,
}

impl Excess {
    pub(crate) fn event(&self, stage: Stage) -> EventKind {
        let scope = self.scope.word().to_owned();
        if self.resource == Resource::Usd {
            return EventKind::BudgetRefused {
                stage,
                scope,
                needed: MicroUsd(self.needed),
                spent: MicroUsd(self.spent),
                budget: MicroUsd(self.budget),
            };
        }
        EventKind::BudgetExhausted {
            scope,
            resource: self.resource,
            needed: self.needed,
            spent: self.spent,
            budget: self.budget,
        }
    }
}

/// Money, tokens, calls and milliseconds of a budget.
pub(crate) type BudgetRow = (Option<i64>, Option<i64>, Option<i64>, Option<i64>);

#[derive(sqlx::FromRow)]
struct UseRow {
    run_cost: i64,
    run_tokens: i64,
    run_calls: i64,
    stage_cost: i64,
    stage_tokens: i64,
    stage_calls: i64,
    task_cost: i64,
    task_tokens: i64,
    task_calls: i64,
}

impl UseRow {
    fn usage(&self) -> RunUse {
        let used = |cost, tokens, calls| Used {
            usd: column::from_money(cost),
            tokens: column::from_count(tokens),
            calls: column::from_count(calls),
            wall_ms: 0,
        };
        RunUse {
            run: used(self.run_cost, self.run_tokens, self.run_calls),
            stage: used(self.stage_cost, self.stage_tokens, self.stage_calls),
            task: used(self.task_cost, self.task_tokens, self.task_calls),
        }
    }
}

/// Whether what is reserved counts as used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reserved {
    Counts,
    Waits,
}

/// What is used of money, tokens and calls.
async fn use_in_txn(
    connection: &mut SqliteConnection,
    of: Of<'_>,
    reserved: Reserved,
) -> Result<RunUse, StoreError> {
    let row: UseRow = sqlx::query_as(
        "SELECT
             CAST(COALESCE(SUM(cost + reserved * $4), 0) AS BIGINT) AS run_cost,
             CAST(COALESCE(SUM(tokens + reserved_tokens * $4), 0) AS BIGINT) AS run_tokens,
             CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS run_calls,
             CAST(COALESCE(SUM(CASE WHEN stage = $2 THEN cost + reserved * $4 END), 0) AS BIGINT)
                 AS stage_cost,
             CAST(COALESCE(SUM(CASE WHEN stage = $2 THEN tokens + reserved_tokens * $4 END), 0)
                 AS BIGINT) AS stage_tokens,
             CAST(COALESCE(SUM(CASE WHEN stage = $2 THEN calls END), 0) AS BIGINT) AS stage_calls,
             CAST(COALESCE(SUM(CASE WHEN task_id = $3 THEN cost + reserved * $4 END), 0) AS BIGINT)
                 AS task_cost,
             CAST(COALESCE(SUM(CASE WHEN task_id = $3 THEN tokens + reserved_tokens * $4 END), 0)
                 AS BIGINT) AS task_tokens,
             CAST(COALESCE(SUM(CASE WHEN task_id = $3 THEN calls END), 0) AS BIGINT) AS task_calls
         FROM asks WHERE run_id = $1",
    )
    .bind(of.run.as_str())
    .bind(of.stage.name())
    .bind(of.task.map(TaskId::as_str))
    .bind(i64::from(reserved == Reserved::Counts))
    .fetch_one(connection)
    .await?;
    Ok(row.usage())
}

/// The budgets that hold for an ask: what stands in the store goes before what was configured.
pub(crate) async fn budgets_in_txn(
    connection: &mut SqliteConnection,
    of: Of<'_>,
    configured: RunBudgets,
) -> Result<RunBudgets, StoreError> {
    let run = run_budget_in_txn(connection, of.run).await?;
    let task = match of.task {
        Some(task) => {
            controls::terms_in_txn(connection, of.run, task)
                .await?
                .budget
        }
        None => Budget::default(),
    };
    Ok(RunBudgets {
        run: run.or(configured.run),
        stage: configured.stage,
        task: if of.task.is_some() {
            task.or(configured.task)
        } else {
            Budget::default()
        },
    })
}

async fn run_budget_in_txn(
    connection: &mut SqliteConnection,
    run: &RunId,
) -> Result<Budget, StoreError> {
    let row: Option<BudgetRow> = sqlx::query_as(
        "SELECT budget, budget_tokens, budget_calls, budget_wall_ms FROM runs WHERE id = $1",
    )
    .bind(run.as_str())
    .fetch_optional(connection)
    .await?;
    let row = row.map(|(usd, tokens, calls, wall)| [usd, tokens, calls, wall]);
    Ok(row.map(column::from_budget).unwrap_or_default())
}

/// The first limit that does not cover one more sending.
pub(crate) async fn excess_in_txn(
    write: &mut Write,
    of: Of<'_>,
    needed: Amount,
    configured: RunBudgets,
) -> Result<Option<Excess>, StoreError> {
    let budgets = budgets_in_txn(write.connection(), of, configured).await?;
    if budgets == RunBudgets::default() {
        return Ok(None);
    }
    let used = use_in_txn(write.connection(), of, Reserved::Counts).await?;
    Ok(scopes(&budgets, &used)
        .into_iter()
        .find_map(|(scope, budget, used)| excess(scope, budget, used, needed)))
}

fn scopes(budgets: &RunBudgets, used: &RunUse) -> [(Scope, Budget, Used); 3] {
    [
        (Scope::Run, budgets.run, used.run),
        (Scope::Stage, budgets.stage, used.stage),
        (Scope::Task, budgets.task, used.task),
    ]
}

/// What of a budget does not cover one more sending. Time is looked at by whoever works.
fn excess(scope: Scope, budget: Budget, used: Used, needed: Amount) -> Option<Excess> {
    let needs = [
        (Resource::Usd, needed.usd.0),
        (Resource::Tokens, needed.tokens),
        (Resource::Calls, 1),
    ];
    needs.into_iter().find_map(|(resource, needed)| {
        let (limit, spent) = (budget.limit(resource)?, used.of(resource));
        (spent.saturating_add(needed) > limit).then_some(Excess {
            scope,
            resource,
            needed,
            spent,
            budget: limit,
        })
    })
}

/// Tells each mark that what was settled has passed, once.
pub(crate) async fn marks_in_txn(
    write: &mut Write,
    of: Of<'_>,
    configured: RunBudgets,
    at: Timestamp,
) -> Result<(), StoreError> {
    let budgets = budgets_in_txn(write.connection(), of, configured).await?;
    if budgets == RunBudgets::default() {
        return Ok(());
    }
    let used = use_in_txn(write.connection(), of, Reserved::Waits).await?;
    for (scope, budget, used) in scopes(&budgets, &used) {
        let subject = match scope {
            Scope::Stage => of.stage.name(),
            Scope::Task => of.task.map(TaskId::as_str).unwrap_or_default(),
            Scope::Run
            | Scope::Everyone
            | Scope::EveryoneDay
            | Scope::Client
            | Scope::ClientDay => "",
        };
        for resource in Resource::ALL {
            let Some(limit) = budget.limit(resource) else {
                continue;
            };
            let mark = Mark {
                scope,
                subject,
                resource,
                spent: used.of(resource),
                limit,
            };
            mark_in_txn(write, of.run, &mark, at).await?;
        }
    }
    Ok(())
}

struct Mark<'a> {
    scope: Scope,
    subject: &'a str,
    resource: Resource,
    spent: u64,
    limit: u64,
}

async fn mark_in_txn(
    write: &mut Write,
    run: &RunId,
    mark: &Mark<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    for percent in marks_passed(mark.spent, mark.limit) {
        let told: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM budget_marks WHERE run_id = $1 AND scope = $2 AND subject = $3
                 AND resource = $4 AND percent = $5 AND budget = $6",
        )
        .bind(run.as_str())
        .bind(mark.scope.word())
        .bind(mark.subject)
        .bind(mark.resource.name())
        .bind(column::count(percent))
        .bind(column::count(mark.limit))
        .fetch_one(write.connection())
        .await?;
        if told > 0 {
            continue;
        }
        let marked = EventKind::BudgetMarked {
            scope: mark.scope.word().to_owned(),
            subject: mark.subject.to_owned(),
            resource: mark.resource,
            percent,
            spent: mark.spent,
            budget: mark.limit,
        };
        let seq = write.event(Some(run), None, marked, at).await?;
        sqlx::query(
            "INSERT INTO budget_marks (run_id, scope, subject, resource, percent, budget, seq)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(run.as_str())
        .bind(mark.scope.word())
        .bind(mark.subject)
        .bind(mark.resource.name())
        .bind(column::count(percent))
        .bind(column::count(mark.limit))
        .bind(column::count(seq))
        .execute(write.connection())
        .await?;
    }
    Ok(())
}

impl Store {
    /// The budgets that hold for an ask.
    pub async fn run_budgets(
        &self,
        run: &RunId,
        stage: Stage,
        task: Option<&TaskId>,
        configured: RunBudgets,
    ) -> Result<RunBudgets, StoreError> {
        let mut connection = self.readers().acquire().await?;
        budgets_in_txn(&mut connection, Of { run, stage, task }, configured).await
    }

    /// What a run has used, with the time that it was worked on.
    pub async fn run_used(&self, run: &RunId) -> Result<Used, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let of = Of {
            run,
            stage: Stage::Code,
            task: None,
        };
        let used = use_in_txn(&mut connection, of, Reserved::Counts).await?.run;
        Ok(Used {
            wall_ms: worked_in_txn(&mut connection, run).await?,
            ..used
        })
    }

    /// How far the tasks of a run are, and what the finished ones used.
    pub async fn run_progress(&self, run: &RunId) -> Result<RunProgress, StoreError> {
        let mut txn = self.readers().begin().await?;
        let (done, open): (i64, i64) = sqlx::query_as(
            "SELECT COUNT(CASE WHEN state = 'done' THEN 1 END),
                 COUNT(CASE WHEN state NOT IN ('done', 'waived', 'skipped', 'cancelled') THEN 1 END)
             FROM tasks WHERE run_id = $1",
        )
        .bind(run.as_str())
        .fetch_one(&mut *txn)
        .await?;
        let (cost, tokens, calls): (i64, i64, i64) = sqlx::query_as(
            "SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT),
                 CAST(COALESCE(SUM(tokens), 0) AS BIGINT), CAST(COALESCE(SUM(calls), 0) AS BIGINT)
             FROM asks WHERE run_id = $1 AND task_id IN
                 (SELECT id FROM tasks WHERE run_id = $1 AND state = 'done')",
        )
        .bind(run.as_str())
        .fetch_one(&mut *txn)
        .await?;
        Ok(RunProgress {
            done: column::from_count(done),
            open: column::from_count(open),
            done_used: Used {
                usd: column::from_money(cost),
                tokens: column::from_count(tokens),
                calls: column::from_count(calls),
                wall_ms: 0,
            },
        })
    }

    /// What a stage of a run has used; its time is that which its asks took, added up, those under way
    /// up to `now`.
    pub async fn stage_used(
        &self,
        run: &RunId,
        stage: Stage,
        now: Timestamp,
    ) -> Result<Used, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let of = Of {
            run,
            stage,
            task: None,
        };
        let used = use_in_txn(&mut connection, of, Reserved::Counts)
            .await?
            .stage;
        let wall: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(COALESCE(ended_at, $3) - at), 0) AS BIGINT) FROM asks
             WHERE run_id = $1 AND stage = $2 AND calls > 0",
        )
        .bind(run.as_str())
        .bind(stage.name())
        .bind(now.millis())
        .fetch_one(&mut *connection)
        .await?;
        Ok(Used {
            wall_ms: column::from_count(wall),
            ..used
        })
    }

    /// What a task has used; its time is that of its attempts, the one under way up to `now`.
    pub async fn task_used(
        &self,
        run: &RunId,
        task: &TaskId,
        now: Timestamp,
    ) -> Result<Used, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let of = Of {
            run,
            stage: Stage::Code,
            task: Some(task),
        };
        let used = use_in_txn(&mut connection, of, Reserved::Counts)
            .await?
            .task;
        let wall: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(COALESCE(ended_at, $3) - started_at), 0) AS BIGINT)
             FROM attempts WHERE run_id = $1 AND task_id = $2",
        )
        .bind(run.as_str())
        .bind(task.as_str())
        .bind(now.millis())
        .fetch_one(&mut *connection)
        .await?;
        Ok(Used {
            wall_ms: column::from_count(wall),
            ..used
        })
    }

    /// Counts the time since the last tick as worked, where somebody has worked since; tells the
    /// marks of it, and returns how long the run was worked on.
    pub async fn run_tick(&self, run: &RunId, at: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let before: Option<i64> = sqlx::query_scalar("SELECT worked_at FROM runs WHERE id = $1")
            .bind(run.as_str())
            .fetch_one(write.connection())
            .await?;
        let gone = before.map_or(0, |before| at.millis_since(column::at(before)));
        let gone = if gone > TICK_GAP_MS_MAX { 0 } else { gone };
        let newest = before.map_or(at.millis(), |before| before.max(at.millis()));
        sqlx::query("UPDATE runs SET worked_ms = worked_ms + $2, worked_at = $3 WHERE id = $1")
            .bind(run.as_str())
            .bind(column::count(gone))
            .bind(newest)
            .execute(write.connection())
            .await?;
        let worked = worked_in_txn(write.connection(), run).await?;
        if let Some(limit) = run_budget_in_txn(write.connection(), run).await?.wall_ms {
            let mark = Mark {
                scope: Scope::Run,
                subject: "",
                resource: Resource::Wall,
                spent: worked,
                limit,
            };
            mark_in_txn(&mut write, run, &mark, at).await?;
        }
        self.commit(write).await?;
        Ok(worked)
    }

    /// Puts on record that a limit of time is used up.
    pub async fn budget_exhausted(
        &self,
        run: &RunId,
        task: Option<&TaskId>,
        (scope, spent, budget): (Scope, u64, u64),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let exhausted = EventKind::BudgetExhausted {
            scope: scope.word().to_owned(),
            resource: Resource::Wall,
            needed: 0,
            spent,
            budget,
        };
        self.event_append(Some(run), task, exhausted, at).await?;
        Ok(())
    }

    /// Changes what a run may use up, and returns what it may from now on.
    pub async fn run_budget_change(
        &self,
        run: &RunId,
        change: BudgetChange,
        at: Timestamp,
    ) -> Result<Budget, StoreError> {
        let mut write = self.write().await?;
        let before = run_budget_in_txn(write.connection(), run).await?;
        let of = Of {
            run,
            stage: Stage::Code,
            task: None,
        };
        let used = Used {
            wall_ms: worked_in_txn(write.connection(), run).await?,
            ..use_in_txn(write.connection(), of, Reserved::Counts)
                .await?
                .run
        };
        let after = change.apply(before, used);
        if after != before {
            run_budget_set_in_txn(&mut write, run, after, at).await?;
            let set = EventKind::BudgetSet {
                task: None,
                budget: after,
            };
            write.event(Some(run), None, set, at).await?;
        }
        self.commit(write).await?;
        Ok(after)
    }

    /// Time that the tasks of a run under way have taken, with the limits of those that have one.
    pub async fn tasks_timed(
        &self,
        run: &RunId,
        configured: Budget,
        now: Timestamp,
    ) -> Result<Vec<(TaskId, u64, u64)>, StoreError> {
        let words = [TaskState::Running, TaskState::Verifying].map(|state| column::word(&state));
        let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(
            "SELECT tasks.id, task_terms.budget,
                 (SELECT CAST(COALESCE(SUM(COALESCE(ended_at, $4) - started_at), 0)
                     AS BIGINT) FROM attempts
                  WHERE attempts.run_id = tasks.run_id AND attempts.task_id = tasks.id)
             FROM tasks LEFT JOIN task_terms
                 ON task_terms.run_id = tasks.run_id AND task_terms.task_id = tasks.id
             WHERE tasks.run_id = $1 AND tasks.state IN ($2, $3)",
        )
        .bind(run.as_str())
        .bind(&words[0])
        .bind(&words[1])
        .bind(now.millis())
        .fetch_all(self.readers())
        .await?;
        let mut timed = Vec::new();
        for (id, own, took) in rows {
            let own: Budget = own
                .map(|own| column::from_json(&own, "the budget of a task"))
                .transpose()?
                .unwrap_or_default();
            if let Some(limit) = own.or(configured).wall_ms {
                timed.push((TaskId::from_text(id), column::from_count(took), limit));
            }
        }
        Ok(timed)
    }
}

async fn worked_in_txn(connection: &mut SqliteConnection, run: &RunId) -> Result<u64, StoreError> {
    let worked: Option<i64> = sqlx::query_scalar("SELECT worked_ms FROM runs WHERE id = $1")
        .bind(run.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(column::from_count(worked.unwrap_or(0)))
}

pub(crate) async fn run_budget_set_in_txn(
    write: &mut Write,
    run: &RunId,
    budget: Budget,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let [usd, tokens, calls, wall] = column::budget(budget);
    let done = sqlx::query(
        "UPDATE runs SET budget = $2, budget_tokens = $3, budget_calls = $4, budget_wall_ms = $5,
             updated_at = $6 WHERE id = $1",
    )
    .bind(run.as_str())
    .bind(usd)
    .bind(tokens)
    .bind(calls)
    .bind(wall)
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    Ok(done.rows_affected())
}
