//! The event log: numbered facts, each chained to the one before by its hash.

use atelier_model::{Event, EventKind, RunId, TaskId, Timestamp};

use crate::{Store, StoreError, column, write::Head};

/// Events of one answer of a list.
const LIST_MAX: u32 = 10_000;
/// Events checked at a time by [`Store::events_verify`].
const VERIFY_AT_ONCE: u32 = 1_000;

/// Why the event log is not what was written.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// An event was changed, or the one before it was.
    #[error("verify event {seq}: it is not what was written")]
    Changed {
        /// Number of the first event that does not fit.
        seq: u64,
    },
    /// An event is gone.
    #[error("verify event {seq}: it is missing")]
    Gone {
        /// Its number.
        seq: u64,
    },
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(sqlx::FromRow)]
struct EventRow {
    seq: i64,
    at: i64,
    run_id: Option<String>,
    task_id: Option<String>,
    kind: String,
    body: String,
    hash: Vec<u8>,
}

impl EventRow {
    fn event(&self) -> Result<Event, StoreError> {
        column::from_json(&self.body, "an event")
    }

    /// Whether this row is what was appended after `before`, in every column.
    fn follows(&self, before: &Head) -> bool {
        let Ok(event) = self.event() else {
            return false;
        };
        self.hash == before.next_hash(&self.body).as_bytes()
            && self.seq == column::count(event.seq)
            && self.at == event.at.millis()
            && self.run_id.as_deref() == event.run.as_ref().map(RunId::as_str)
            && self.task_id.as_deref() == event.task.as_ref().map(TaskId::as_str)
            && self.kind == event.kind.name()
    }
}

impl Store {
    /// Appends an event that changes nothing else, and returns its number.
    pub async fn event_append(
        &self,
        run: Option<&RunId>,
        task: Option<&TaskId>,
        kind: EventKind,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut write = self.write().await?;
        let seq = write.event(run, task, kind, at).await?;
        self.commit(write).await?;
        Ok(seq)
    }

    /// The events after a number, at most `limit` and never more than 10,000, in order.
    pub async fn event_list(&self, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let bodies: Vec<String> =
            sqlx::query_scalar("SELECT body FROM events WHERE seq > $1 ORDER BY seq LIMIT $2")
                .bind(column::count(after))
                .bind(limit.min(LIST_MAX))
                .fetch_all(self.readers())
                .await?;
        events(&bodies)
    }

    /// The events of a run after a number, at most `limit` and never more than 10,000, in order.
    pub async fn event_list_run(
        &self,
        run: &RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let bodies: Vec<String> = sqlx::query_scalar(
            "SELECT body FROM events WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        )
        .bind(run.as_str())
        .bind(column::count(after))
        .bind(limit.min(LIST_MAX))
        .fetch_all(self.readers())
        .await?;
        events(&bodies)
    }

    /// The events of a run that are of one kind, such as `tests.restored`, in order and never more
    /// than 10,000.
    pub async fn event_list_kind(&self, run: &RunId, kind: &str) -> Result<Vec<Event>, StoreError> {
        let bodies: Vec<String> = sqlx::query_scalar(
            "SELECT body FROM events WHERE run_id = $1 AND kind = $2 ORDER BY seq LIMIT $3",
        )
        .bind(run.as_str())
        .bind(kind)
        .bind(LIST_MAX)
        .fetch_all(self.readers())
        .await?;
        events(&bodies)
    }

    /// The newest events of a run, at most `limit` and never more than 10,000, in order.
    pub async fn event_list_newest(
        &self,
        run: &RunId,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let mut bodies: Vec<String> = sqlx::query_scalar(
            "SELECT body FROM events WHERE run_id = $1 ORDER BY seq DESC LIMIT $2",
        )
        .bind(run.as_str())
        .bind(limit.min(LIST_MAX))
        .fetch_all(self.readers())
        .await?;
        bodies.reverse();
        events(&bodies)
    }

    /// The event that last fixed how a task is judged, or the whole run.
    pub async fn acceptance_fixed(
        &self,
        run: &RunId,
        task: Option<&TaskId>,
    ) -> Result<Option<Event>, StoreError> {
        // The kind stands in the question, so that the index of exactly these events answers it.
        let body: Option<String> = sqlx::query_scalar(
            "SELECT body FROM events
             WHERE kind = 'acceptance.fixed' AND run_id = $1 AND task_id IS $2
             ORDER BY seq DESC LIMIT 1",
        )
        .bind(run.as_str())
        .bind(task.map(TaskId::as_str))
        .fetch_optional(self.readers())
        .await?;
        body.map(|body| column::from_json(&body, "an event"))
            .transpose()
    }

    /// Recomputes the chain over all events and returns how many there are.
    pub async fn events_verify(&self) -> Result<u64, ChainError> {
        // One transaction, so that events written meanwhile are not mistaken for missing ones.
        let mut txn = self.readers().begin().await.map_err(StoreError::from)?;
        let end = Head::read(&mut txn).await?;
        let mut link = Head::start();
        loop {
            let rows: Vec<EventRow> = sqlx::query_as(
                "SELECT seq, at, run_id, task_id, kind, body, hash FROM events
                 WHERE seq > $1 ORDER BY seq LIMIT $2",
            )
            .bind(column::count(link.seq))
            .bind(VERIFY_AT_ONCE)
            .fetch_all(&mut *txn)
            .await
            .map_err(StoreError::from)?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                link = verified(row, &link)?;
            }
        }
        if link.seq != end.seq {
            return Err(ChainError::Gone { seq: link.seq + 1 });
        }
        if link.hash != end.hash {
            return Err(ChainError::Changed { seq: link.seq });
        }
        Ok(link.seq)
    }
}

fn verified(row: &EventRow, before: &Head) -> Result<Head, ChainError> {
    let seq = before.seq + 1;
    if row.seq != column::count(seq) {
        return Err(ChainError::Gone { seq });
    }
    if !row.follows(before) {
        return Err(ChainError::Changed { seq });
    }
    let hash = column::digest(&row.hash, "the hash of an event")?;
    Ok(Head { seq, hash })
}

fn events(bodies: &[String]) -> Result<Vec<Event>, StoreError> {
    bodies
        .iter()
        .map(|body| column::from_json(body, "an event"))
        .collect()
}
