//! Workers, and what each of them alone may do at the moment.

use atelier_model::{RunId, TaskId, Timestamp, WorkerId};

use crate::{
    LockError, Store, StoreError, column,
    lock::{self, FileLock, Sign},
    write::Write,
};

/// Milliseconds after which a worker that did not beat counts as gone.
pub const LEASE_MS: i64 = 30_000;
/// Living workers that are looked at; there are as many as processes on one project.
const WORKERS_MAX: i64 = 10_000;

/// Why a process could not begin as a worker.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Its file could not be made or locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It could not be put on record.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A process that is on record as a worker. However it ends, the operating system lets go of its
/// file, and every other worker sees at once that it is gone.
#[derive(Debug)]
pub struct Worker {
    id: WorkerId,
    /// Nothing in memory.
    _alive: Option<FileLock>,
}

impl Worker {
    /// Its id.
    pub fn id(&self) -> &WorkerId {
        &self.id
    }
}

/// The right to do alone what the lease is named after, until it is given back or taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is about.
    pub name: String,
    /// Who has it.
    pub worker: WorkerId,
    /// Larger than that of every earlier holder.
    pub fence: u64,
}

impl Lease {
    /// The name of the right to plan, describe, judge and deliver a run.
    pub fn conduct(run: &RunId) -> String {
        format!("conduct:{run}")
    }

    /// The name of the right to move the trunk of a run.
    pub fn merge(run: &RunId) -> String {
        format!("merge:{run}")
    }

    /// The name of the right to work on a task.
    pub fn task(run: &RunId, task: &TaskId) -> String {
        format!("task:{run}:{task}")
    }
}

impl Store {
    /// Puts this process on record as a worker, under an id that no worker had before. Until
    /// [`Store::worker_end`] all changes of this store are its own.
    pub async fn worker_begin(&self, id: &WorkerId, at: Timestamp) -> Result<Worker, WorkerError> {
        let alive = match self.folder() {
            Some(folder) => Some(lock::on_disk(&lock::of_worker(folder, id)?)?),
            None => None,
        };
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO workers (id, pid, run_id, began_at, seen_at, ended_at)
             VALUES ($1, $2, NULL, $3, $3, NULL)",
        )
        .bind(id.as_str())
        .bind(i64::from(std::process::id()))
        .bind(at.millis())
        .execute(write.connection())
        .await
        .map_err(StoreError::from)?;
        self.commit(write).await?;
        self.set_worker(Some(id.clone()));
        Ok(Worker {
            id: id.clone(),
            _alive: alive,
        })
    }

    /// Says on which run a worker works.
    pub async fn worker_joins(&self, worker: &Worker, run: &RunId) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE workers SET run_id = $2 WHERE id = $1")
            .bind(worker.id.as_str())
            .bind(run.as_str())
            .execute(write.connection())
            .await?;
        self.commit(write).await
    }

    /// Says that a worker still lives; everything it holds stays its own for another
    /// [`LEASE_MS`].
    pub async fn worker_beat(&self, worker: &WorkerId, at: Timestamp) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE workers SET seen_at = $2 WHERE id = $1")
            .bind(worker.as_str())
            .bind(at.millis())
            .execute(write.connection())
            .await?;
        sqlx::query("UPDATE leases SET until = $2 WHERE worker = $1")
            .bind(worker.as_str())
            .bind(until(at))
            .execute(write.connection())
            .await?;
        self.commit(write).await
    }

    /// Ends a worker: what it holds is free.
    pub async fn worker_end(&self, worker: Worker, at: Timestamp) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        end_in_txn(&mut write, &worker.id, at).await?;
        self.commit(write).await?;
        self.set_worker(None);
        if let Some(folder) = self.folder() {
            lock::worker_forget(folder, &worker.id);
        }
        Ok(())
    }

    /// The living workers, oldest first; with a run, those that work on it. Workers that died are
    /// put on record as ended.
    pub async fn worker_list(
        &self,
        run: Option<&RunId>,
        at: Timestamp,
    ) -> Result<Vec<WorkerId>, StoreError> {
        self.workers_bury(at).await?;
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM workers WHERE ended_at IS NULL AND seen_at > $1
                 AND ($2 IS NULL OR run_id = $2)
             ORDER BY id LIMIT $3",
        )
        .bind(at.millis() - LEASE_MS)
        .bind(run.map(RunId::as_str))
        .bind(WORKERS_MAX)
        .fetch_all(self.readers())
        .await?;
        Ok(ids.into_iter().map(WorkerId::from_text).collect())
    }

    /// Takes a lease; `None` where a living worker holds it, this one included.
    pub async fn lease_take(&self, name: &str, at: Timestamp) -> Result<Option<Lease>, StoreError> {
        let held: Option<String> =
            sqlx::query_scalar("SELECT worker FROM leases WHERE name = $1 AND worker IS NOT NULL")
                .bind(name)
                .fetch_optional(self.readers())
                .await?;
        if held.is_some() {
            self.workers_bury(at).await?;
        }
        let mut write = self.write().await?;
        let lease = lease_take_in_txn(&mut write, name, at).await?;
        if lease.is_some() {
            self.commit(write).await?;
        }
        Ok(lease)
    }

    /// Gives a lease back. One that was taken away meanwhile is its new holder's and stays so.
    pub async fn lease_give_back(&self, lease: &Lease) -> Result<(), StoreError> {
        self.leases_give_back(std::slice::from_ref(lease)).await
    }

    /// Gives leases back, as [`Store::lease_give_back`] does one.
    pub async fn leases_give_back(&self, leases: &[Lease]) -> Result<(), StoreError> {
        if leases.is_empty() {
            return Ok(());
        }
        let mut write = self.write().await?;
        leases_give_back_in_txn(&mut write, leases).await?;
        self.commit(write).await
    }

    /// Who holds a lease at this moment.
    pub async fn lease_holder(
        &self,
        name: &str,
        at: Timestamp,
    ) -> Result<Option<WorkerId>, StoreError> {
        self.workers_bury(at).await?;
        let holder: Option<String> = sqlx::query_scalar(
            "SELECT worker FROM leases WHERE name = $1 AND worker IS NOT NULL AND until > $2",
        )
        .bind(name)
        .bind(at.millis())
        .fetch_optional(self.readers())
        .await?;
        Ok(holder.map(WorkerId::from_text))
    }

    /// The leases that a worker has.
    pub async fn leases_held(&self, worker: &WorkerId) -> Result<Vec<Lease>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, fence FROM leases WHERE worker = $1 ORDER BY name")
                .bind(worker.as_str())
                .fetch_all(self.readers())
                .await?;
        let lease = |(name, fence)| Lease {
            name,
            worker: worker.clone(),
            fence: column::from_count(fence),
        };
        Ok(rows.into_iter().map(lease).collect())
    }

    /// Puts workers whose process is gone on record as ended, which frees what they hold.
    pub(crate) async fn workers_bury(&self, at: Timestamp) -> Result<(), StoreError> {
        let Some(folder) = self.folder() else {
            return Ok(());
        };
        let own = self.worker();
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM workers WHERE ended_at IS NULL ORDER BY id LIMIT $1",
        )
        .bind(WORKERS_MAX)
        .fetch_all(self.readers())
        .await?;
        let others = ids
            .into_iter()
            .map(WorkerId::from_text)
            .filter(|id| own.as_ref() != Some(id));
        for id in others {
            // The file is held until the record says so: nobody can be this worker again.
            let sign = lock::sign_of(folder, &id);
            if matches!(sign, Sign::Alive) {
                continue;
            }
            let mut write = self.write().await?;
            end_in_txn(&mut write, &id, at).await?;
            self.commit(write).await?;
            lock::worker_forget(folder, &id);
            drop(sign);
        }
        Ok(())
    }
}

fn until(at: Timestamp) -> i64 {
    at.millis().saturating_add(LEASE_MS)
}

async fn end_in_txn(write: &mut Write, id: &WorkerId, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE workers SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL")
        .bind(id.as_str())
        .bind(at.millis())
        .execute(write.connection())
        .await?;
    sqlx::query("UPDATE leases SET worker = NULL WHERE worker = $1")
        .bind(id.as_str())
        .execute(write.connection())
        .await?;
    Ok(())
}

/// Takes a lease that is free, or whose holder let it run out.
pub(crate) async fn lease_take_in_txn(
    write: &mut Write,
    name: &str,
    at: Timestamp,
) -> Result<Option<Lease>, StoreError> {
    let Some(worker) = write.worker().cloned() else {
        return Err(StoreError::Missing {
            what: "the worker that this process is".to_owned(),
        });
    };
    let fence: Option<i64> = sqlx::query_scalar(
        "INSERT INTO leases (name, worker, fence, until) VALUES ($1, $2, 1, $3)
         ON CONFLICT (name) DO UPDATE SET worker = EXCLUDED.worker, fence = leases.fence + 1,
             until = EXCLUDED.until
         WHERE leases.worker IS NULL OR (leases.until <= $4 AND leases.worker <> EXCLUDED.worker)
         RETURNING fence",
    )
    .bind(name)
    .bind(worker.as_str())
    .bind(until(at))
    .bind(at.millis())
    .fetch_optional(write.connection())
    .await?;
    Ok(fence.map(|fence| Lease {
        name: name.to_owned(),
        worker,
        fence: column::from_count(fence),
    }))
}

/// Gives leases back; those that were taken away meanwhile stay as they are.
pub(crate) async fn leases_give_back_in_txn(
    write: &mut Write,
    leases: &[Lease],
) -> Result<(), StoreError> {
    for lease in leases {
        sqlx::query(
            "UPDATE leases SET worker = NULL WHERE name = $1 AND worker = $2 AND fence = $3",
        )
        .bind(&lease.name)
        .bind(lease.worker.as_str())
        .bind(column::count(lease.fence))
        .execute(write.connection())
        .await?;
    }
    Ok(())
}

/// Refuses a change by a worker whose lease is not its own any more.
pub(crate) async fn lease_check_in_txn(write: &mut Write, lease: &Lease) -> Result<(), StoreError> {
    let held: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM leases WHERE name = $1 AND worker = $2 AND fence = $3")
            .bind(&lease.name)
            .bind(lease.worker.as_str())
            .bind(column::count(lease.fence))
            .fetch_optional(write.connection())
            .await?;
    match held {
        Some(_) => Ok(()),
        None => Err(StoreError::Stale {
            lease: lease.name.clone(),
        }),
    }
}
