//! Runs and the requirements they serve.

use atelier_model::{
    Act, Approval, Budget, Digest, EventKind, Refused, Run, RunFact, RunId, RunStatus, Timestamp,
    next_run,
};
use sqlx::SqliteConnection;

use crate::{
    Store, StoreError, column,
    queries::{acts::act_in_txn, asks, budgets::run_budget_set_in_txn, trunk::trunk_append_in_txn},
    write::Write,
};

/// Runs of one answer of a list.
const LIST_MAX: u32 = 10_000;
/// Runs that a prefix may find; a person types more letters when there are more.
const FIND_MAX: u32 = 50;

#[derive(sqlx::FromRow)]
struct RunRow {
    id: String,
    requirement: Vec<u8>,
    body: String,
    mode: String,
    approval: String,
    budget: Option<i64>,
    budget_tokens: Option<i64>,
    budget_calls: Option<i64>,
    budget_wall_ms: Option<i64>,
    base_branch: Option<String>,
    base_commit: Option<String>,
    branch: String,
    trunk: Option<String>,
    status: String,
    exit_code: Option<i64>,
    reason: String,
    created_at: i64,
    ended_at: Option<i64>,
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: RunId::from_text(row.id),
            requirement: row.body,
            requirement_digest: column::digest(&row.requirement, "the requirement of a run")?,
            mode: column::from_word(&row.mode, "the mode of a run")?,
            approval: column::from_word(&row.approval, "the approval of a run")?,
            budget: column::from_budget([
                row.budget,
                row.budget_tokens,
                row.budget_calls,
                row.budget_wall_ms,
            ]),
            base_branch: row.base_branch,
            base_commit: row.base_commit,
            branch: row.branch,
            trunk: row.trunk,
            status: column::from_word(&row.status, "the status of a run")?,
            exit_code: row
                .exit_code
                .map(|code| column::small(code, "the exit code of a run"))
                .transpose()?,
            reason: row.reason,
            created_at: column::at(row.created_at),
            ended_at: row.ended_at.map(column::at),
        })
    }
}

fn runs(rows: Vec<RunRow>) -> Result<Vec<Run>, StoreError> {
    rows.into_iter().map(Run::try_from).collect()
}

fn missing(id: &RunId) -> StoreError {
    StoreError::Missing {
        what: format!("run {id}"),
    }
}

impl Store {
    /// Stores a new run with its requirement. A new run is planning; the state machine alone takes
    /// it further.
    pub async fn run_create(&self, run: &Run) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        run_create_in_txn(&mut write, run).await?;
        self.commit(write).await
    }

    /// One run.
    pub async fn run_fetch(&self, id: &RunId) -> Result<Run, StoreError> {
        let mut connection = self.readers().acquire().await?;
        run_fetch_in_txn(&mut connection, id).await
    }

    /// The newest runs, at most `limit` and never more than 10,000, newest first.
    pub async fn run_list(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT runs.*, requirements.body FROM runs
             JOIN requirements ON requirements.digest = runs.requirement
             ORDER BY runs.seq DESC LIMIT $1",
        )
        .bind(limit.min(LIST_MAX))
        .fetch_all(self.readers())
        .await?;
        runs(rows)
    }

    /// The newest run of a requirement, also of one that was changed since.
    pub async fn run_by_requirement(
        &self,
        requirement: &Digest,
    ) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> = sqlx::query_as(
            "SELECT runs.*, requirements.body FROM runs
             JOIN requirements ON requirements.digest = runs.requirement
             WHERE runs.requirement = $1 OR EXISTS (SELECT 1 FROM changes
                 WHERE changes.run_id = runs.id AND changes.requirement_before = $1)
             ORDER BY runs.seq DESC LIMIT 1",
        )
        .bind(column::bytes(requirement))
        .fetch_optional(self.readers())
        .await?;
        row.map(Run::try_from).transpose()
    }

    /// The runs whose id begins with a text, in either case of letters, newest first and at most
    /// fifty.
    pub async fn run_find(&self, prefix: &str) -> Result<Vec<Run>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT runs.*, requirements.body FROM runs
             JOIN requirements ON requirements.digest = runs.requirement
             WHERE lower(substr(runs.id, 1, length($1))) = lower($1)
             ORDER BY runs.seq DESC LIMIT $2",
        )
        .bind(prefix)
        .bind(FIND_MAX)
        .fetch_all(self.readers())
        .await?;
        runs(rows)
    }

    /// Moves a run by a fact and returns its new status.
    pub async fn run_advance(
        &self,
        id: &RunId,
        fact: RunFact,
        at: Timestamp,
    ) -> Result<RunStatus, StoreError> {
        let mut write = self.write().await?;
        let status = run_advance_in_txn(&mut write, id, fact, at).await?;
        self.commit(write).await?;
        Ok(status)
    }

    /// Ends an invocation of a run: it stops if it was under way, and its end is put on record.
    pub async fn run_end(
        &self,
        id: &RunId,
        exit_code: i32,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let run = run_fetch_in_txn(write.connection(), id).await?;
        let status = match run.status {
            RunStatus::Planning | RunStatus::Running | RunStatus::Verifying => {
                run_advance_in_txn(&mut write, id, RunFact::Ended, at).await?
            }
            settled @ (RunStatus::Planned
            | RunStatus::Done
            | RunStatus::Stopped
            | RunStatus::Cancelled) => settled,
        };
        sqlx::query(
            "UPDATE runs SET exit_code = $2, reason = $3, ended_at = $4, updated_at = $4
             WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(exit_code)
        .bind(reason)
        .bind(at.millis())
        .execute(write.connection())
        .await?;
        let finished = EventKind::RunFinished {
            status,
            exit_code,
            reason: reason.to_owned(),
            commit: run.trunk,
            cost: asks::run_spent_in_txn(&mut write, id).await?,
        };
        write.event(Some(id), None, finished, at).await?;
        self.commit(write).await
    }

    /// Opens a finished run again for more work, which begins at the user's newest commit.
    pub async fn run_reopen(
        &self,
        id: &RunId,
        branch: Option<&str>,
        commit: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        run_advance_in_txn(&mut write, id, RunFact::Reopened, at).await?;
        sqlx::query("UPDATE runs SET base_branch = $2, base_commit = $3, trunk = $3 WHERE id = $1")
            .bind(id.as_str())
            .bind(branch)
            .bind(commit)
            .execute(write.connection())
            .await?;
        let act = Act::Reopened {
            commit: commit.to_owned(),
        };
        act_in_txn(&mut write, id, &act, at).await?;
        trunk_append_in_txn(&mut write, id, (commit, None), 0, at).await?;
        self.commit(write).await
    }

    /// Changes what a run may use up.
    pub async fn run_budget_set(
        &self,
        id: &RunId,
        budget: Budget,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        existing(id, run_budget_set_in_txn(&mut write, id, budget, at).await?)?;
        self.commit(write).await
    }

    /// Changes when a person is asked.
    pub async fn run_approval_set(&self, id: &RunId, approval: Approval) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let done = sqlx::query("UPDATE runs SET approval = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(column::word(&approval))
            .execute(write.connection())
            .await?;
        existing(id, done.rows_affected())?;
        self.commit(write).await
    }

    /// Records that the trunk moved to a commit that belongs to no task.
    pub async fn run_trunk_set(
        &self,
        id: &RunId,
        commit: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        run_trunk_set_in_txn(&mut write, id, commit, at).await?;
        trunk_append_in_txn(&mut write, id, (commit, None), 0, at).await?;
        self.commit(write).await
    }
}

pub(crate) async fn run_create_in_txn(write: &mut Write, run: &Run) -> Result<(), StoreError> {
    if run.status != RunStatus::Planning {
        return Err(Refused {
            state: format!("{:?}", run.status),
            fact: "Created".to_owned(),
        }
        .into());
    }
    sqlx::query(
        "INSERT INTO requirements (digest, body, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(column::bytes(&run.requirement_digest))
    .bind(&run.requirement)
    .bind(run.created_at.millis())
    .execute(write.connection())
    .await?;
    let created = EventKind::RunCreated {
        requirement: run.requirement_digest,
        base: run.base_commit.clone(),
        branch: run.branch.clone(),
        budget: run.budget.usd,
        approval: run.approval,
    };
    let seq = write
        .event(Some(&run.id), None, created, run.created_at)
        .await?;
    run_insert_in_txn(write, run, seq).await
}

/// Gives a run other words to serve.
pub(crate) async fn requirement_set_in_txn(
    write: &mut Write,
    id: &RunId,
    requirement: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let digest = Digest::of(requirement);
    sqlx::query(
        "INSERT INTO requirements (digest, body, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(column::bytes(&digest))
    .bind(requirement)
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    let done = sqlx::query("UPDATE runs SET requirement = $2, updated_at = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(column::bytes(&digest))
        .bind(at.millis())
        .execute(write.connection())
        .await?;
    existing(id, done.rows_affected())
}

fn existing(id: &RunId, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(missing(id)) } else { Ok(()) }
}

async fn run_insert_in_txn(write: &mut Write, run: &Run, seq: u64) -> Result<(), StoreError> {
    let [usd, tokens, calls, wall] = column::budget(run.budget);
    sqlx::query(
        "INSERT INTO runs (id, seq, project_id, requirement, mode, approval, budget, base_branch,
              base_commit, branch, trunk, status, exit_code, reason, created_at, updated_at,
             ended_at, budget_tokens, budget_calls, budget_wall_ms)
         VALUES ($1, $2, (SELECT id FROM projects ORDER BY created_at, id LIMIT 1), $3, $4, $5, $6,
             $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16, $17, $18)",
    )
    .bind(run.id.as_str())
    .bind(column::count(seq))
    .bind(column::bytes(&run.requirement_digest))
    .bind(column::word(&run.mode))
    .bind(column::word(&run.approval))
    .bind(usd)
    .bind(&run.base_branch)
    .bind(&run.base_commit)
    .bind(&run.branch)
    .bind(&run.trunk)
    .bind(column::word(&run.status))
    .bind(run.exit_code)
    .bind(&run.reason)
    .bind(run.created_at.millis())
    .bind(run.ended_at.map(Timestamp::millis))
    .bind(tokens)
    .bind(calls)
    .bind(wall)
    .execute(write.connection())
    .await?;
    Ok(())
}

pub(crate) async fn run_fetch_in_txn(
    connection: &mut SqliteConnection,
    id: &RunId,
) -> Result<Run, StoreError> {
    let row: Option<RunRow> = sqlx::query_as(
        "SELECT runs.*, requirements.body FROM runs
         JOIN requirements ON requirements.digest = runs.requirement
         WHERE runs.id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    row.ok_or_else(|| missing(id))?.try_into()
}

pub(crate) async fn run_advance_in_txn(
    write: &mut Write,
    id: &RunId,
    fact: RunFact,
    at: Timestamp,
) -> Result<RunStatus, StoreError> {
    let from = run_fetch_in_txn(write.connection(), id).await?.status;
    let to = next_run(from, fact)?;
    sqlx::query("UPDATE runs SET status = $2, updated_at = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(column::word(&to))
        .bind(at.millis())
        .execute(write.connection())
        .await?;
    let moved = EventKind::RunStatus { from, to };
    write.event(Some(id), None, moved, at).await?;
    Ok(to)
}

pub(crate) async fn run_trunk_set_in_txn(
    write: &mut Write,
    id: &RunId,
    commit: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE runs SET trunk = $2, updated_at = $3 WHERE id = $1")
        .bind(id.as_str())
        .bind(commit)
        .bind(at.millis())
        .execute(write.connection())
        .await?;
    existing(id, done.rows_affected())
}
