//! Asks: what was asked of models, what it cost, and the budget that stops them.

use std::collections::BTreeMap;

use atelier_model::{
    Amount, AskId, AskRecord, AskSource, Digest, EventKind, MicroUsd, Reply, Resource, RunId,
    Stage, TaskId, Timestamp, Usage,
};
use sqlx::SqliteConnection;

use crate::{
    Scope, Store, StoreError, column,
    queries::{
        blobs::blob_put_in_txn,
        budgets::{Excess, Of, RunBudgets, excess_in_txn, marks_in_txn},
        controls,
        leases::LEASE_MS,
        partials::partial_put_in_txn,
        replies::reply_put_in_txn,
    },
    write::Write,
};

/// Why an ask may not be sent.
#[derive(Debug, thiserror::Error)]
pub enum AskBeginError {
    /// The budget does not cover the most it could cost.
    #[error(
        "ask: it may cost {needed}, and {spent} of the {} of {budget} are used",
        .scope.name()
    )]
    OverBudget {
        /// Whose budget does not cover it.
        scope: Scope,
        /// The most it could cost.
        needed: MicroUsd,
        /// What is spent or reserved already.
        spent: MicroUsd,
        /// The budget.
        budget: MicroUsd,
    },
    /// The budget does not cover what else it could use.
    #[error(
        "ask: it may take {}, and {} of the {} of {} are used", .resource.in_words(*.needed),
        .resource.in_words(*.spent), .scope.name(), .resource.in_words(*.budget)
    )]
    OverLimit {
        /// Whose budget does not cover it.
        scope: Scope,
        /// Of what.
        resource: Resource,
        /// The most it could use.
        needed: u64,
        /// What is used or reserved already.
        spent: u64,
        /// The budget.
        budget: u64,
    },
    /// A person asked that nothing more is begun.
    #[error("ask: the run is to rest")]
    Resting,
    /// It could not be put on record.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a sending ended without a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken<'a> {
    /// Why.
    pub reason: &'a str,
    /// What had come of the reply.
    pub partial: Option<&'a [u8]>,
}

impl<'a> From<&'a str> for Broken<'a> {
    fn from(reason: &'a str) -> Self {
        Self {
            reason,
            partial: None,
        }
    }
}

/// What the asks of a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunCost {
    /// Money spent.
    pub spent: MicroUsd,
    /// Money reserved for asks under way.
    pub reserved: MicroUsd,
    /// How many asks there were, those answered from the cache included.
    pub asks: u64,
    /// Of these, how many the cache answered.
    pub cached: u64,
    /// The same by stage.
    pub stages: BTreeMap<Stage, StageCost>,
}

/// What the asks of one stage came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageCost {
    /// How many asks there were, those answered from the cache included.
    pub asks: u64,
    /// Of these, how many the cache answered.
    pub cached: u64,
    /// Tokens of the asks that a provider answered.
    pub usage: Usage,
    /// Money spent.
    pub cost: MicroUsd,
    /// Milliseconds that providers took, added up.
    pub latency_ms: u64,
}

#[derive(sqlx::FromRow)]
struct StageRow {
    stage: String,
    asks: i64,
    cached: i64,
    cost: i64,
    reserved: i64,
    latency_ms: i64,
    input: i64,
    output: i64,
    cached_input: i64,
    cache_write: i64,
    cache_write_hour: i64,
}

impl StageRow {
    fn cost(&self) -> StageCost {
        StageCost {
            asks: column::from_count(self.asks),
            cached: column::from_count(self.cached),
            usage: column::from_tokens([
                self.input,
                self.output,
                self.cached_input,
                self.cache_write,
                self.cache_write_hour,
            ]),
            cost: column::from_money(self.cost),
            latency_ms: column::from_count(self.latency_ms),
        }
    }
}

/// An ask that has no end yet.
struct OpenAsk {
    run: RunId,
    task: Option<TaskId>,
    stage: Stage,
    cost: MicroUsd,
    tokens: u64,
}

impl OpenAsk {
    fn of(&self) -> Of<'_> {
        Of {
            run: &self.run,
            stage: self.stage,
            task: self.task.as_ref(),
        }
    }

    /// All that it has cost, with this.
    fn plus(&self, amount: Amount) -> Amount {
        Amount {
            usd: self.cost + amount.usd,
            tokens: self.tokens.saturating_add(amount.tokens),
        }
    }
}

/// What is put into the row of an ask when it ends.
struct End<'a> {
    reply: Option<&'a Reply>,
    error: Option<&'a str>,
    cost: Amount,
}

#[derive(sqlx::FromRow)]
struct AskRow {
    id: String,
    run_id: String,
    task_id: Option<String>,
    stage: String,
    attempt: i64,
    ask_key: Vec<u8>,
    provider: String,
    model: String,
    template: String,
    template_version: Vec<u8>,
    prompt: Vec<u8>,
    reply: Option<Vec<u8>>,
    source: Option<String>,
    input_tokens: i64,
    output_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: i64,
    cache_write_hour_tokens: i64,
    reserved: i64,
    reserved_tokens: i64,
    cost: i64,
    latency_ms: i64,
    error: Option<String>,
    at: i64,
    choice: Option<String>,
    semantic: bool,
}

impl TryFrom<AskRow> for AskRecord {
    type Error = StoreError;

    fn try_from(row: AskRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AskId::from_text(row.id),
            run: RunId::from_text(row.run_id),
            task: row.task_id.map(TaskId::from_text),
            stage: column::from_word(&row.stage, "the stage of an ask")?,
            attempt: column::small(row.attempt, "the attempt of an ask")?,
            key: column::digest(&row.ask_key, "the key of an ask")?,
            provider: row.provider,
            model: row.model,
            choice: row
                .choice
                .map(|choice| column::from_json(&choice, "the route of an ask"))
                .transpose()?,
            template: row.template,
            template_version: column::digest(&row.template_version, "the template of an ask")?,
            prompt: column::digest(&row.prompt, "the prompt of an ask")?,
            reply: column::digest_opt(row.reply.as_deref(), "the reply of an ask")?,
            source: source(row.source.as_deref(), row.semantic)?,
            usage: column::from_tokens([
                row.input_tokens,
                row.output_tokens,
                row.cached_input_tokens,
                row.cache_write_tokens,
                row.cache_write_hour_tokens,
            ]),
            reserved: column::from_money(row.reserved),
            reserved_tokens: column::from_count(row.reserved_tokens),
            cost: column::from_money(row.cost),
            latency_ms: column::from_count(row.latency_ms),
            error: row.error,
            at: column::at(row.at),
        })
    }
}

impl Store {
    /// Puts an ask on record before it is sent, with the money and tokens reserved for it.
    ///
    /// What the run, the stage and the task have spent and reserved, this ask included, never exceeds
    /// the budget of each: the sum is taken and the reservation made under one lock. A refusal is put
    /// on record too. Where a person wants the run to rest, nothing is begun.
    pub async fn ask_begin(
        &self,
        record: &AskRecord,
        prompt: &[u8],
        budgets: RunBudgets,
    ) -> Result<(), AskBeginError> {
        let mut write = self.write().await?;
        if controls::is_asked_in_txn(write.connection(), &record.run).await? {
            return Err(AskBeginError::Resting);
        }
        let of = Of {
            run: &record.run,
            stage: record.stage,
            task: record.task.as_ref(),
        };
        let needed = Amount {
            usd: record.reserved,
            tokens: record.reserved_tokens,
        };
        if let Some(excess) = excess_in_txn(&mut write, of, needed, budgets).await? {
            let refused = excess.event(record.stage);
            write
                .event(Some(&record.run), record.task.as_ref(), refused, record.at)
                .await?;
            self.commit(write).await?;
            return Err(excess.into());
        }
        blob_put_in_txn(&mut write, prompt).await?;
        let started = EventKind::AskStarted {
            ask: record.id.clone(),
            stage: record.stage,
            key: record.key,
            provider: record.provider.clone(),
            model: record.model.clone(),
            reserved: record.reserved,
            choice: record.choice.clone(),
        };
        let seq = write
            .event(Some(&record.run), record.task.as_ref(), started, record.at)
            .await?;
        ask_insert_in_txn(&mut write, record, seq).await?;
        self.commit(write).await?;
        Ok(())
    }

    /// Settles a sending that broke and reserves money for the next one. Where the budget does not
    /// cover that, the ask ends as failed.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of its own")]
    pub async fn ask_retry(
        &self,
        id: &AskId,
        debit: impl Into<Amount>,
        reserve: impl Into<Amount>,
        broken: Broken<'_>,
        wait_ms: u64,
        budgets: RunBudgets,
        at: Timestamp,
    ) -> Result<(), AskBeginError> {
        let mut write = self.write().await?;
        let ask = open_ask_in_txn(&mut write, id).await?;
        let (cost, reserve) = (ask.plus(debit.into()), reserve.into());
        amounts_set_in_txn(&mut write, id, cost, Amount::default(), 0).await?;
        marks_in_txn(&mut write, ask.of(), budgets, at).await?;
        if let Some(excess) = excess_in_txn(&mut write, ask.of(), reserve, budgets).await? {
            let refused = excess.event(ask.stage);
            write
                .event(Some(&ask.run), ask.task.as_ref(), refused, at)
                .await?;
            ask_fail_in_txn(&mut write, id, &ask, (broken, cost), at).await?;
            self.commit(write).await?;
            return Err(excess.into());
        }
        amounts_set_in_txn(&mut write, id, cost, reserve, 1).await?;
        let retried = EventKind::AskRetried {
            ask: id.clone(),
            reason: broken.reason.to_owned(),
            wait_ms,
            partial: partial_of_in_txn(&mut write, broken, at).await?,
        };
        write
            .event(Some(&ask.run), ask.task.as_ref(), retried, at)
            .await?;
        self.commit(write).await?;
        Ok(())
    }

    /// Settles an ask and keeps its reply, in one step: a reply that is paid for is never lost.
    pub async fn ask_finish(
        &self,
        id: &AskId,
        reply: &Reply,
        budgets: RunBudgets,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let ask = open_ask_in_txn(&mut write, id).await?;
        let cost = ask.plus(Amount {
            usd: reply.cost,
            tokens: reply.usage.input.saturating_add(reply.usage.output),
        });
        reply_put_in_txn(&mut write, id, reply, at).await?;
        let end = End {
            reply: Some(reply),
            error: None,
            cost,
        };
        ask_close_in_txn(&mut write, id, &end, at).await?;
        let finished = finished(id, ask.stage, reply, cost.usd);
        write
            .event(Some(&ask.run), ask.task.as_ref(), finished, at)
            .await?;
        marks_in_txn(&mut write, ask.of(), budgets, at).await?;
        self.commit(write).await
    }

    /// Puts an ask on record that the cache answered. It costs nothing.
    pub async fn ask_hit(
        &self,
        record: &AskRecord,
        reply: &Reply,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        ask_hit_in_txn(&mut write, record, reply, at).await?;
        self.commit(write).await
    }

    /// Ends an ask without a reply. `cost` is what its last sending must be taken to have cost.
    pub async fn ask_fail(
        &self,
        id: &AskId,
        broken: Broken<'_>,
        cost: impl Into<Amount>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let ask = open_ask_in_txn(&mut write, id).await?;
        let cost = ask.plus(cost.into());
        ask_fail_in_txn(&mut write, id, &ask, (broken, cost), at).await?;
        self.commit(write).await
    }

    /// Ends the asks that a dead process left open, and those of this one, which must have none under
    /// way. What was reserved for them must be taken as spent. Returns how many there were.
    pub async fn asks_recover(&self, run: &RunId, at: Timestamp) -> Result<u64, StoreError> {
        let own = self.worker().map(|own| own.to_string());
        self.asks_close(run, own.as_deref(), at).await
    }

    /// Ends the asks that a dead process left open. Returns how many there were.
    pub async fn asks_rescue(&self, run: &RunId, at: Timestamp) -> Result<u64, StoreError> {
        self.asks_close(run, None, at).await
    }

    async fn asks_close(
        &self,
        run: &RunId,
        own: Option<&str>,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        self.workers_bury(at).await?;
        let mut write = self.write().await?;
        let open: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT id, reserved, reserved_tokens FROM asks WHERE run_id = $1 AND ended_at IS NULL
                 AND (worker IS NULL OR worker = $2 OR worker NOT IN
                     (SELECT id FROM workers WHERE ended_at IS NULL AND seen_at > $3))
             ORDER BY seq",
        )
        .bind(run.as_str())
        .bind(own)
        .bind(at.millis() - LEASE_MS)
        .fetch_all(write.connection())
        .await?;
        for (id, reserved, tokens) in &open {
            let id = AskId::from_text(id.as_str());
            let ask = open_ask_in_txn(&mut write, &id).await?;
            let cost = ask.plus(Amount {
                usd: column::from_money(*reserved),
                tokens: column::from_count(*tokens),
            });
            ask_fail_in_txn(&mut write, &id, &ask, ("interrupted".into(), cost), at).await?;
        }
        if !open.is_empty() {
            self.commit(write).await?;
        }
        Ok(open.len() as u64)
    }

    /// The asks of a run in the order in which they were made.
    pub async fn ask_list(&self, run: &RunId) -> Result<Vec<AskRecord>, StoreError> {
        let rows: Vec<AskRow> = sqlx::query_as(
            "SELECT asks.*, EXISTS (SELECT 1 FROM semantic_hits WHERE ask_id = asks.id) AS semantic
             FROM asks WHERE run_id = $1 ORDER BY seq",
        )
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter().map(AskRecord::try_from).collect()
    }

    /// What the asks of a run came to.
    pub async fn run_cost(&self, run: &RunId) -> Result<RunCost, StoreError> {
        let rows: Vec<StageRow> = sqlx::query_as(
            "SELECT stage, COUNT(*) AS asks, COUNT(CASE WHEN source = 'cache' THEN 1 END) AS cached,
                 CAST(SUM(cost) AS BIGINT) AS cost, CAST(SUM(reserved) AS BIGINT) AS reserved,
                 CAST(SUM(CASE WHEN source = 'cache' THEN 0 ELSE latency_ms END) AS BIGINT)
                     AS latency_ms,
                 CAST(SUM(CASE WHEN source = 'cache' THEN 0 ELSE input_tokens END) AS BIGINT)
                     AS input,
                 CAST(SUM(CASE WHEN source = 'cache' THEN 0 ELSE output_tokens END) AS BIGINT)
                     AS output,
                 CAST(SUM(CASE WHEN source = 'cache' THEN 0 ELSE cached_input_tokens END)
                     AS BIGINT) AS cached_input,
                 CAST(SUM(CASE WHEN source = 'cache' THEN 0 ELSE cache_write_tokens END) AS BIGINT)
                     AS cache_write,
                 CAST(SUM(CASE WHEN source = 'cache' THEN 0 ELSE cache_write_hour_tokens END)
                     AS BIGINT) AS cache_write_hour
             FROM asks WHERE run_id = $1 GROUP BY stage",
        )
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        let mut total = RunCost::default();
        for row in rows {
            let stage = column::from_word(&row.stage, "the stage of an ask")?;
            let of_stage = row.cost();
            total.spent = total.spent + of_stage.cost;
            total.reserved = total.reserved + column::from_money(row.reserved);
            total.asks += of_stage.asks;
            total.cached += of_stage.cached;
            total.stages.insert(stage, of_stage);
        }
        Ok(total)
    }

    /// Money that the asks of a run cost so far.
    pub async fn run_spent(&self, run: &RunId) -> Result<MicroUsd, StoreError> {
        let mut connection = self.readers().acquire().await?;
        run_spent(&mut connection, run).await
    }
}

impl From<Excess> for AskBeginError {
    fn from(excess: Excess) -> Self {
        let Excess {
            scope,
            resource,
            needed,
            spent,
            budget,
        } = excess;
        if resource == Resource::Usd {
            return Self::OverBudget {
                scope,
                needed: MicroUsd(needed),
                spent: MicroUsd(spent),
                budget: MicroUsd(budget),
            };
        }
        Self::OverLimit {
            scope,
            resource,
            needed,
            spent,
            budget,
        }
    }
}

/// Where a reply came from, in the words of its column. Which of the kept ones it was is told by
/// the rows about them.
fn source_word(source: AskSource) -> &'static str {
    if source.is_kept() {
        "cache"
    } else {
        "provider"
    }
}

fn source(word: Option<&str>, is_semantic: bool) -> Result<Option<AskSource>, StoreError> {
    let source = column::from_word_opt(word, "the source of a reply")?;
    Ok(source.map(|source| {
        if is_semantic {
            AskSource::Semantic
        } else {
            source
        }
    }))
}

fn finished(id: &AskId, stage: Stage, reply: &Reply, cost: MicroUsd) -> EventKind {
    EventKind::AskFinished {
        ask: id.clone(),
        stage,
        key: reply.key,
        provider: reply.provider.clone(),
        model: reply.model.clone(),
        source: reply.source,
        usage: reply.usage,
        cost,
        latency_ms: reply.latency_ms,
    }
}

/// Puts an ask on record that something kept answered. It costs nothing.
pub(crate) async fn ask_hit_in_txn(
    write: &mut Write,
    record: &AskRecord,
    reply: &Reply,
    at: Timestamp,
) -> Result<(), StoreError> {
    let finished = finished(&record.id, record.stage, reply, MicroUsd::ZERO);
    let seq = write
        .event(Some(&record.run), record.task.as_ref(), finished, at)
        .await?;
    let record = AskRecord {
        reserved: MicroUsd::ZERO,
        reserved_tokens: 0,
        cost: MicroUsd::ZERO,
        ..record.clone()
    };
    ask_insert_in_txn(write, &record, seq).await?;
    let end = End {
        reply: Some(reply),
        error: None,
        cost: Amount::default(),
    };
    sqlx::query("UPDATE asks SET calls = 0 WHERE id = $1")
        .bind(record.id.as_str())
        .execute(write.connection())
        .await?;
    ask_close_in_txn(write, &record.id, &end, at).await
}

/// Money that a run has spent.
pub(crate) async fn run_spent_in_txn(
    write: &mut Write,
    run: &RunId,
) -> Result<MicroUsd, StoreError> {
    run_spent(write.connection(), run).await
}

async fn run_spent(connection: &mut SqliteConnection, run: &RunId) -> Result<MicroUsd, StoreError> {
    let cost: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) FROM asks WHERE run_id = $1",
    )
    .bind(run.as_str())
    .fetch_one(connection)
    .await?;
    Ok(column::from_money(cost))
}

async fn open_ask_in_txn(write: &mut Write, id: &AskId) -> Result<OpenAsk, StoreError> {
    let row: Option<(String, Option<String>, String, i64, i64)> = sqlx::query_as(
        "SELECT run_id, task_id, stage, cost, tokens FROM asks WHERE id = $1 AND ended_at IS NULL",
    )
    .bind(id.as_str())
    .fetch_optional(write.connection())
    .await?;
    let (run, task, stage, cost, tokens) = row.ok_or_else(|| StoreError::Missing {
        what: format!("the open ask {id}"),
    })?;
    Ok(OpenAsk {
        run: RunId::from_text(run),
        task: task.map(TaskId::from_text),
        stage: column::from_word(&stage, "the stage of an ask")?,
        cost: column::from_money(cost),
        tokens: column::from_count(tokens),
    })
}

async fn amounts_set_in_txn(
    write: &mut Write,
    id: &AskId,
    cost: Amount,
    reserved: Amount,
    sendings: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE asks SET cost = $2, reserved = $3, tokens = $4, reserved_tokens = $5,
             calls = calls + $6 WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(column::money(cost.usd))
    .bind(column::money(reserved.usd))
    .bind(column::count(cost.tokens))
    .bind(column::count(reserved.tokens))
    .bind(sendings)
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Keeps what had come of a reply.
async fn partial_of_in_txn(
    write: &mut Write,
    broken: Broken<'_>,
    at: Timestamp,
) -> Result<Option<Digest>, StoreError> {
    let Some(partial) = broken.partial else {
        return Ok(None);
    };
    partial_put_in_txn(write, partial, at).await.map(Some)
}

/// Ends an ask as failed, with the error and all it cost.
async fn ask_fail_in_txn(
    write: &mut Write,
    id: &AskId,
    ask: &OpenAsk,
    (broken, cost): (Broken<'_>, Amount),
    at: Timestamp,
) -> Result<(), StoreError> {
    let end = End {
        reply: None,
        error: Some(broken.reason),
        cost,
    };
    ask_close_in_txn(write, id, &end, at).await?;
    let failed = EventKind::AskFailed {
        ask: id.clone(),
        stage: ask.stage,
        error: broken.reason.to_owned(),
        cost: cost.usd,
        partial: partial_of_in_txn(write, broken, at).await?,
    };
    write
        .event(Some(&ask.run), ask.task.as_ref(), failed, at)
        .await?;
    Ok(())
}

async fn ask_close_in_txn(
    write: &mut Write,
    id: &AskId,
    end: &End<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let usage = end.reply.map(|reply| reply.usage).unwrap_or_default();
    let [input, output, cached_input, cache_write, hour] = column::tokens(usage);
    sqlx::query(
        "UPDATE asks SET reply = $2, source = $3, input_tokens = $4, output_tokens = $5,
             cached_input_tokens = $6, cache_write_tokens = $7, cache_write_hour_tokens = $8,
             reserved = 0, reserved_tokens = 0, cost = $9, latency_ms = $10, error = $11,
             ended_at = $12, tokens = $13
         WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(end.reply.map(|reply| column::bytes(&reply.digest)))
    .bind(end.reply.map(|reply| source_word(reply.source)))
    .bind(input)
    .bind(output)
    .bind(cached_input)
    .bind(cache_write)
    .bind(hour)
    .bind(column::money(end.cost.usd))
    .bind(column::count(end.reply.map_or(0, |reply| reply.latency_ms)))
    .bind(end.error)
    .bind(at.millis())
    .bind(column::count(end.cost.tokens))
    .execute(write.connection())
    .await?;
    Ok(())
}

async fn ask_insert_in_txn(
    write: &mut Write,
    record: &AskRecord,
    seq: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO asks (id, seq, run_id, task_id, stage, attempt, ask_key, provider, model,
             template, template_version, prompt, input_tokens, output_tokens, cached_input_tokens,
             cache_write_tokens, reserved, cost, latency_ms, at, choice, worker,
             reserved_tokens)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, $13, 0, 0, $14, $15,
             $16, $17)",
    )
    .bind(record.id.as_str())
    .bind(column::count(seq))
    .bind(record.run.as_str())
    .bind(record.task.as_ref().map(TaskId::as_str))
    .bind(record.stage.name())
    .bind(record.attempt)
    .bind(column::bytes(&record.key))
    .bind(&record.provider)
    .bind(&record.model)
    .bind(&record.template)
    .bind(column::bytes(&record.template_version))
    .bind(column::bytes(&record.prompt))
    .bind(column::money(record.reserved))
    .bind(record.at.millis())
    .bind(record.choice.as_ref().map(column::json))
    .bind(write.worker().map(ToString::to_string))
    .bind(column::count(record.reserved_tokens))
    .execute(write.connection())
    .await?;
    Ok(())
}
