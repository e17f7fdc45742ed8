//! All that decided a run, put together from its state and its branch.

use std::collections::{BTreeMap, BTreeSet};

use atelier_archive::{
    AskRecorded, AttemptRecorded, FileRecorded, LOCK_FILE, Lock, Pack, ReadLockError, Recording,
    VerdictRecorded, archive_name,
};
use atelier_exec::{Git, GitError};
use atelier_model::{
    AskDescriptor, AskRecord, Digest, EventKind, Evidence, Limits, Message, Run, Task, TaskId,
    TaskSource, TaskState, TreePath,
};
use atelier_store::{Store, StoreError};

use super::{
    Traced, history,
    lock::{Trees, answered, answers},
};
use crate::{lockfile, report::earlier_components};

/// What stands in for what is built in.
#[derive(Debug, Clone, Default)]
pub struct Overriding {
    /// Templates, by name.
    pub prompts: BTreeMap<String, String>,
    /// Recipes, by name.
    pub recipes: BTreeMap<String, String>,
}

/// Why there is no pack of a run.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Nothing is built.
    #[error("pack run {0}: it is not finished")]
    Unfinished(String),
    /// Its branch has no lock of it.
    #[error("find the lock of run {0} in its last commit")]
    NoLock(String),
    /// The lock is none.
    #[error("read the lock of the run")]
    Lock(#[from] ReadLockError),
    /// A reply is not what the lock names.
    #[error("pack the replies that the lock names, {named}: the state has {found}")]
    OtherReplies {
        /// The archive that the lock names.
        named: String,
        /// What the replies of the state come to.
        found: String,
    },
    /// What an ask was made of is not known.
    #[error("tell what ask {key} was made of: it was asked before that was kept")]
    Undescribed {
        /// Its key.
        key: String,
    },
    /// The repository cannot be read.
    #[error("read the run's branch")]
    Git(#[from] GitError),
    /// The state cannot be read.
    #[error("read the run's state")]
    Store(#[from] StoreError),
}

/// What is read.
struct Source<'a> {
    store: &'a Store,
    git: &'a Git,
    run: &'a Run,
    contents: BTreeMap<Digest, Vec<u8>>,
}

/// Puts together all that decided a finished run.
pub async fn pack(
    store: &Store,
    git: &Git,
    run: &Run,
    overriding: Overriding,
) -> Result<Pack, PackError> {
    let id = || run.id.to_string();
    let trunk = run.trunk.as_deref();
    let trunk = trunk.ok_or_else(|| PackError::Unfinished(id()))?;
    let lock = lock_at(git, trunk)?.filter(|lock| lock.run == run.id);
    let lock = lock.ok_or_else(|| PackError::NoLock(id()))?;
    let mut asks = answered(store, run).await?;
    asks.retain(|ask| lock.asks.iter().any(|locked| locked.key == ask.key));
    let answers = answers(store, &asks).await?;
    let found = archive_name(&answers).to_string();
    if found != lock.archive {
        let named = lock.archive;
        return Err(PackError::OtherReplies { named, found });
    }
    let commits = history(git, &run.id, run.base_commit.as_deref(), trunk)?;
    let mut source = Source {
        store,
        git,
        run,
        contents: BTreeMap::new(),
    };
    let tasks = store.task_list(&run.id).await?;
    let recording = Recording {
        prompts: overriding.prompts,
        recipes: overriding.recipes,
        asks: source.asks(&asks).await?,
        attempts: source.attempts(&tasks, &commits).await?,
        rounds: tasks
            .iter()
            .map(|task| (task.id.clone(), task.round_first))
            .collect(),
        tasks: tasks.iter().filter_map(added).collect(),
        components: earlier_components(store, run).await?,
        base: source.base()?,
        built: source.built(&commits)?,
        verdict: source.verdict(trunk).await?,
        tree: git.tree_id(trunk)?,
    };
    Ok(Pack {
        lock,
        requirement: run.requirement.clone(),
        recording,
        contents: source.contents,
        answers,
    })
}

/// The lock that a commit holds.
pub(crate) fn lock_at(git: &Git, commit: &str) -> Result<Option<Lock>, PackError> {
    let Ok(path) = TreePath::parse(LOCK_FILE) else {
        return Ok(None);
    };
    let found = git.files_at(&[(commit, &path)])?.into_iter().next();
    let Some(text) = found.flatten() else {
        return Ok(None);
    };
    Ok(Some(Lock::read(&String::from_utf8_lossy(&text))?))
}

/// A task that a person added, as it was before anything was done about it.
fn added(task: &Task) -> Option<Task> {
    (task.source == TaskSource::User).then(|| Task {
        attempts: 0,
        round_first: 1,
        state: TaskState::Pending,
        commit: None,
        ..task.clone()
    })
}

impl Source<'_> {
    /// The asks, newest first: what was asked again with other settings counts.
    async fn asks(&mut self, asks: &[AskRecord]) -> Result<Vec<AskRecorded>, PackError> {
        let mut known = self.store.ask_key_list(&self.run.id).await?;
        let mut recorded = Vec::new();
        for ask in asks.iter().rev() {
            let descriptor = known.remove(&ask.key);
            let descriptor = descriptor.ok_or_else(|| PackError::Undescribed {
                key: ask.key.short(),
            })?;
            self.messages(ask, &descriptor).await?;
            recorded.push(AskRecorded {
                stage: ask.stage,
                task: ask.task.clone(),
                key: ask.key,
                provider: ask.provider.clone(),
                descriptor,
                prompt: ask.prompt,
            });
        }
        Ok(recorded)
    }

    /// Keeps what was said in an ask, each message once.
    async fn messages(
        &mut self,
        ask: &AskRecord,
        descriptor: &AskDescriptor,
    ) -> Result<(), StoreError> {
        let named: BTreeSet<Digest> = descriptor
            .messages
            .iter()
            .map(|(_, digest)| *digest)
            .collect();
        if named
            .iter()
            .all(|digest| self.contents.contains_key(digest))
        {
            return Ok(());
        }
        let Some(prompt) = self.store.blob_fetch(&ask.prompt).await? else {
            return Ok(());
        };
        let messages: Vec<Message> = serde_json::from_slice(&prompt).unwrap_or_default();
        for message in messages {
            let digest = Digest::of(&message.text);
            if named.contains(&digest) {
                self.contents.insert(digest, message.text.into_bytes());
            }
        }
        Ok(())
    }

    async fn attempts(
        &mut self,
        tasks: &[Task],
        commits: &[Traced],
    ) -> Result<Vec<AttemptRecorded>, PackError> {
        let mut trees = Trees::of(self.git, commits);
        let mut recorded = Vec::new();
        for task in tasks {
            for attempt in self.store.attempt_list(&self.run.id, &task.id).await? {
                let evidence = timeless(attempt.evidence);
                for check in &evidence.checks {
                    self.content(&check.output).await?;
                }
                recorded.push(AttemptRecorded {
                    task: task.id.clone(),
                    ordinal: attempt.ordinal,
                    base: trees.tree(&attempt.base)?,
                    outcome: attempt.outcome,
                    form: attempt.edits.map(|used| used.asked),
                    evidence,
                });
            }
        }
        Ok(recorded)
    }

    async fn content(&mut self, digest: &Digest) -> Result<(), StoreError> {
        if !self.contents.contains_key(digest)
            && let Some(bytes) = self.store.blob_fetch(digest).await?
        {
            self.contents.insert(*digest, bytes);
        }
        Ok(())
    }

    fn file(&mut self, path: &TreePath, bytes: Vec<u8>, executable: bool) -> FileRecorded {
        let content = Digest::of(&bytes);
        self.contents.insert(content, bytes);
        FileRecorded {
            path: path.to_string(),
            executable,
            content,
        }
    }

    /// The files that the run began from.
    fn base(&mut self) -> Result<Vec<FileRecorded>, GitError> {
        let Some(base) = &self.run.base_commit else {
            return Ok(Vec::new());
        };
        let files = self.git.tree_of(base, &Limits::default())?;
        let file = |path: &TreePath| {
            let entry = files.get(path)?;
            Some(self.file(path, entry.bytes.clone(), entry.executable))
        };
        Ok(files.paths().filter_map(file).collect())
    }

    /// The lockfiles that each task brought, as they were before its work met that of others.
    fn built(
        &mut self,
        commits: &[Traced],
    ) -> Result<BTreeMap<TaskId, Vec<FileRecorded>>, GitError> {
        let Some(last) = commits.last() else {
            return Ok(BTreeMap::new());
        };
        let files = self.git.tree_of(&last.commit, &Limits::default())?;
        let is_one = |path: &&TreePath| lockfile::is_one(path);
        let paths: Vec<TreePath> = files.paths().filter(is_one).cloned().collect();
        let kept = self.kept()?;
        let mut places = Vec::new();
        for commit in commits {
            let Some(task) = commit.task.as_deref() else {
                continue;
            };
            let own = kept.get(task).unwrap_or(&commit.commit);
            places.extend(paths.iter().map(|path| (task, own.as_str(), path)));
        }
        let asked: Vec<_> = places.iter().map(|(_, own, path)| (*own, *path)).collect();
        let found = self.git.files_at(&asked)?;
        let mut built: BTreeMap<TaskId, Vec<FileRecorded>> = BTreeMap::new();
        for ((task, _, path), bytes) in places.into_iter().zip(found) {
            if let Some(bytes) = bytes {
                let file = self.file(path, bytes, false);
                built.entry(TaskId::from_text(task)).or_default().push(file);
            }
        }
        Ok(built)
    }

    /// The commit of the newest attempt at each task, as far as they are kept.
    fn kept(&self) -> Result<BTreeMap<String, String>, GitError> {
        let mut attempts = self.git.attempts()?;
        attempts.retain(|one| one.run == self.run.id.as_str());
        attempts.sort_by_key(|one| one.ordinal);
        let kept = attempts.into_iter().map(|one| (one.task, one.commit));
        Ok(kept.collect())
    }

    /// What the newest final check of a commit came to.
    async fn verdict(&self, trunk: &str) -> Result<VerdictRecorded, StoreError> {
        let events = self
            .store
            .event_list_kind(&self.run.id, "run.verified")
            .await?;
        let mut verdicts = events.into_iter().rev().filter_map(|event| {
            if let EventKind::RunVerified {
                commit,
                checks,
                tests,
                passed: true,
            } = event.kind
                && commit == trunk
            {
                Some(VerdictRecorded { checks, tests })
            } else {
                None
            }
        });
        Ok(verdicts.next().unwrap_or_default())
    }
}

/// Evidence without how long its checks took.
fn timeless(mut evidence: Evidence) -> Evidence {
    for check in &mut evidence.checks {
        check.duration_ms = 0;
    }
    evidence
}
