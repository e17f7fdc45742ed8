//! Results of other machines: looked for before a step is executed, left for others after.

use std::{
    borrow::Cow,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use atelier_cas::{Cas, Outcome, PutBlobError, Record};
use atelier_model::Digest;
use atelier_remote::{SharedCache, SharedCacheError};
use atelier_step::{StepIndex, explain};
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use crate::{
    CheckError, Project,
    examine::{Examined, MadeFrom},
    execute::KeepError,
};

/// Results that are on their way at once.
const AT_ONCE_MAX: usize = 8;
/// Tries with a server that has too much to do.
const TRIES_MAX: u32 = 6;
/// Wait before the second try; doubled before each further one.
const WAIT: Duration = Duration::from_millis(20);

/// A cache of results that machines share.
#[derive(Debug)]
pub struct Sharing {
    cache: SharedCache,
    /// Whether results of this machine are put in.
    write: bool,
    /// Why it is asked no more.
    fault: Mutex<Option<String>>,
    turns: Semaphore,
}

/// Why a result was not brought.
#[derive(Debug, thiserror::Error)]
enum BringError {
    #[error(transparent)]
    Cache(#[from] SharedCacheError),
    #[error(transparent)]
    Put(#[from] PutBlobError),
}

impl Sharing {
    /// Shares through a cache; with `write`, what is made here is put in, too.
    pub fn new(cache: SharedCache, write: bool) -> Self {
        Self {
            cache,
            write,
            fault: Mutex::default(),
            turns: Semaphore::new(AT_ONCE_MAX),
        }
    }

    /// Why the cache could not be used, where that is so.
    pub fn fault(&self) -> Option<String> {
        self.faulty().clone()
    }

    fn faulty(&self) -> MutexGuard<'_, Option<String>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault costs a result, never a check: the first is remembered, and one that will last ends the
    /// asking.
    fn failed(&self, error: &SharedCacheError) {
        if error.is_lasting() {
            self.turns.close();
        }
        self.faulty()
            .get_or_insert_with(|| format!("failed to {error}"));
    }

    /// Takes the result under a key into the own store, every content by its digest. `None` where there
    /// is none that can be used.
    async fn bring(&self, cas: &Arc<Cas>, key: Digest) -> Result<Option<Record>, PutBlobError> {
        let Ok(_turn) = self.turns.acquire().await else {
            return Ok(None);
        };
        match self.bring_now(cas, key).await {
            Ok(record) => Ok(record),
            Err(BringError::Put(error)) => Err(error),
            Err(BringError::Cache(error)) => {
                self.failed(&error);
                Ok(None)
            }
        }
    }

    async fn bring_now(&self, cas: &Arc<Cas>, key: Digest) -> Result<Option<Record>, BringError> {
        let Some(shared) = patient(|| self.cache.find(&key)).await? else {
            return Ok(None);
        };
        let record = Record::from_bytes(key, &shared.record);
        let usable = record.filter(|record| record.outcome == Outcome::Passed);
        let Some(record) = usable else {
            return Err(SharedCacheError::Damaged("a record is of another form").into());
        };
        let full = Mutex::new(None);
        let take = |digest: &Digest, bytes: Vec<u8>| match cas.put_bytes(&bytes) {
            Ok(found) if found == *digest => Ok(()),
            Ok(_) => Err(SharedCacheError::Damaged("a content has another digest")),
            Err(error) => {
                *full.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(SharedCacheError::Unread(*digest))
            }
        };
        let read = patient(|| self.cache.read(&shared.contents, take)).await;
        if let Some(error) = full.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        read?;
        let has = |digest: &Digest| cas.size(digest).is_some();
        if !cas.contents(&record).is_some_and(|all| all.iter().all(has)) {
            return Err(SharedCacheError::Damaged("a content is missing").into());
        }
        Ok(Some(record))
    }

    /// Looks for the results of steps that would have to be executed, and takes them into the own store
    /// as if they had been made here.
    pub(crate) async fn bring_all(
        self: &Arc<Self>,
        cas: &Arc<Cas>,
        project: &Project,
        steps: &[StepIndex],
        examined: &mut [Arc<Examined>],
    ) -> Result<(), CheckError> {
        let mut brought = JoinSet::new();
        for (at, (step, one)) in steps.iter().zip(examined.iter()).enumerate() {
            let step = project.step(*step);
            // What shows that an installation stands says nothing of one elsewhere.
            if one.record.is_none() && step.cacheable && step.marks.is_empty() {
                let (own, cas, key) = (Arc::clone(self), Arc::clone(cas), one.key);
                brought.spawn(async move { (at, own.bring(&cas, key).await) });
            }
        }
        while let Some(done) = brought.join_next().await {
            let (at, record) = done.map_err(|_| CheckError::Lost)?;
            let name = || project.graph.name(steps[at]).to_owned();
            let failed = |source| CheckError::Keep {
                step: name(),
                source,
            };
            if let Some(record) = record.map_err(|error| failed(error.into()))? {
                let now = Arc::make_mut(&mut examined[at]);
                let why = explain(None, &now.descriptor, &now.findings, |_| None);
                let made_from = MadeFrom {
                    descriptor: Cow::Borrowed(&now.descriptor),
                    why: Cow::Borrowed(&why),
                };
                let record = Record {
                    step: name(),
                    ..record
                };
                let made_from = serde_json::to_vec(&made_from).unwrap_or_default();
                cas.append(&record, &made_from)
                    .map_err(|error| failed(KeepError::from(error)))?;
                now.record = Some(record);
                now.shared = true;
            }
        }
        Ok(())
    }

    /// Leaves the result of a step that was executed for other machines.
    pub(crate) async fn leave(&self, cas: &Arc<Cas>, key: Digest) {
        if !self.write {
            return;
        }
        let Ok(_turn) = self.turns.acquire().await else {
            return;
        };
        let Ok(Some(record)) = cas.find(&key) else {
            return;
        };
        let Some(contents) = cas.contents(&record) else {
            return;
        };
        let contents: Vec<Digest> = contents.into_iter().collect();
        let read = |digest: &Digest| cas.read(digest).ok();
        let keep = || self.cache.keep(&key, record.to_bytes(), &contents, read);
        if let Err(error) = patient(keep).await {
            self.failed(&error);
        }
    }
}

/// Asks again while the server has too much to do.
async fn patient<T, Call>(mut ask: impl FnMut() -> Call) -> Result<T, SharedCacheError>
where
    Call: Future<Output = Result<T, SharedCacheError>>,
{
    let mut wait = WAIT;
    for _ in 1..TRIES_MAX {
        match ask().await {
            Err(error) if error.is_passing() => sleep(wait).await,
            other => return other,
        }
        wait *= 2;
    }
    ask().await
}
