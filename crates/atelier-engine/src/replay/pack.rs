//! All that decided a run, put together from its state and its branch.

use std::collections::{BTreeMap, BTreeSet};

use atelier_archive::{
    ActRecorded, AskRecorded, AttemptRecorded, FileRecorded, LOCK_FILE, Lock, Pack, ReadLockError,
    Recording, VerdictRecorded, archive_name,
};
use atelier_exec::{Git, GitError};
use atelier_model::{
    Act, ActRecord, AskDescriptor, AskRecord, Digest, EventKind, Evidence, Limits, Message, Run,
    Task, TaskId, TaskSource, TaskState, TreePath,
};
use atelier_store::{Store, StoreError};

use super::{
    Traced, begun_from, history,
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
    /// Its plan was changed, and how is not known.
    #[error("tell how the plan of the run was changed: it was changed before that was kept")]
    Unkept,
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

/// The lockfiles of attempts, by task and ordinal.
type Built = BTreeMap<(String, u32), Vec<FileRecorded>>;

/// What is read.
struct Source<'a> {
    store: &'a Store,
    git: &'a Git,
    run: &'a Run,
    /// The commit it began from.
    begun: Option<String>,
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
    let begun = begun_from(store, &run.id).await?;
    let commits = history(git, &run.id, begun.as_deref(), trunk)?;
    let mut source = Source {
        store,
        git,
        run,
        begun,
        contents: BTreeMap::new(),
    };
    let acts = source.acts(&commits).await?;
    let tasks = store.task_list(&run.id).await?;
    let recording = Recording {
        prompts: overriding.prompts,
        recipes: overriding.recipes,
        asks: source.asks(&asks).await?,
        attempts: source.attempts(&tasks, &commits).await?,
        rounds: source.rounds(&tasks).await?,
        tasks: added(&tasks, &acts),
        extracts: source.extracts().await?,
        locks: source.locks(&commits)?,
        components: earlier_components(store, run).await?,
        base: source.base()?,
        built: BTreeMap::new(),
        verdict: source.verdict(trunk).await?,
        tree: git.tree_id(trunk)?,
        acts,
    };
    let requirement = first_requirement(run, &recording.acts);
    Ok(Pack {
        lock,
        requirement,
        recording,
        contents: source.contents,
        answers,
    })
}

/// The lock that a commit holds.
pub(crate) fn lock_at(git: &Git, commit: &str) -> Result<Option<Lock>, PackError> {
    let text = lock_text_at(git, commit)?;
    Ok(text.map(|text| Lock::read(&text)).transpose()?)
}

/// The same, as it is written.
pub(crate) fn lock_text_at(git: &Git, commit: &str) -> Result<Option<String>, PackError> {
    let Ok(path) = TreePath::parse(LOCK_FILE) else {
        return Ok(None);
    };
    let found = git.files_at(&[(commit, &path)])?.into_iter().next();
    let text = found.flatten();
    Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
}

/// The tasks that a person added before such acts were kept, as they were before anything was done
/// about them.
fn added(tasks: &[Task], acts: &[ActRecorded]) -> Vec<Task> {
    let is_kept = |task: &Task| {
        acts.iter().any(|one| match &one.act {
            Act::TaskAdded { task: added } => added.id == task.id,
            Act::PlanGiven { tasks, .. } => tasks.iter().any(|given| given.id == task.id),
            Act::PlanRemarked { .. }
            | Act::PlanChanged { .. }
            | Act::Reopened { .. }
            | Act::TaskEdited { .. }
            | Act::TaskRemarked { .. }
            | Act::TasksAgain { .. }
            | Act::TaskLeft { .. } => false,
        })
    };
    let own = |task: &&Task| task.source == TaskSource::User && !is_kept(task);
    let untouched = |task: &Task| Task {
        attempts: 0,
        round_first: 1,
        state: TaskState::Pending,
        commit: None,
        ..task.clone()
    };
    tasks.iter().filter(own).map(untouched).collect()
}

/// The words that the run began with.
fn first_requirement(run: &Run, acts: &[ActRecorded]) -> String {
    let changed = acts.iter().find_map(|one| {
        let Act::PlanChanged { before, .. } = &one.act else {
            return None;
        };
        Some(before.clone())
    });
    changed.unwrap_or_else(|| run.requirement.clone())
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
        let (mut built, mut restored) = (self.built(commits)?, self.restored().await?);
        let mut recorded = Vec::new();
        for task in tasks {
            let rounds = self.store.attempt_rounds(&self.run.id, &task.id).await?;
            for attempt in self.store.attempt_list(&self.run.id, &task.id).await? {
                let evidence = timeless(attempt.evidence);
                for check in &evidence.checks {
                    self.content(&check.output).await?;
                }
                let round = rounds.get(&attempt.ordinal);
                let met = round.and_then(|round| round.met.as_deref());
                let own = (task.id.clone(), attempt.ordinal);
                let restored = restored.remove(&own).unwrap_or_default();
                let named = (task.id.to_string(), attempt.ordinal);
                recorded.push(AttemptRecorded {
                    first: round.map(|round| round.first),
                    met: met.map(|met| trees.tree(met)).transpose()?.flatten(),
                    built: built.remove(&named).unwrap_or_default(),
                    restored: restored.into_iter().collect(),
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

    /// What was put back in each attempt, as its documents tell it.
    async fn restored(&self) -> Result<BTreeMap<(TaskId, u32), BTreeSet<String>>, StoreError> {
        let mut events = Vec::new();
        for kind in ["attempt.started", "tests.restored"] {
            events.extend(self.store.event_list_kind(&self.run.id, kind).await?);
        }
        events.sort_by_key(|event| event.seq);
        let (mut under_way, mut all) = (BTreeMap::new(), BTreeMap::new());
        for event in events {
            let Some(task) = event.task else { continue };
            if let EventKind::AttemptStarted { ordinal } = event.kind {
                under_way.insert(task, ordinal);
            } else if let EventKind::TestsRestored { files } = event.kind
                && let Some(ordinal) = under_way.get(&task).copied()
            {
                let own: &mut BTreeSet<String> = all.entry((task, ordinal)).or_default();
                own.extend(files);
            }
        }
        Ok(all)
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
        let Some(base) = self.begun.clone() else {
            return Ok(Vec::new());
        };
        let files = self.git.tree_of(&base, &Limits::default())?;
        let file = |path: &TreePath| {
            let entry = files.get(path)?;
            Some(self.file(path, entry.bytes.clone(), entry.executable))
        };
        Ok(files.paths().filter_map(file).collect())
    }

    /// The summaries for which extracts stood in, with why.
    async fn extracts(&self) -> Result<BTreeMap<Digest, String>, StoreError> {
        let made = self.store.summary_list(&self.run.id).await?;
        let faulty = made.into_iter().filter(|one| !one.fault.is_empty());
        Ok(faulty.map(|one| (one.key, one.fault)).collect())
    }

    /// What people did, each with the number of commits that were there.
    async fn acts(&mut self, commits: &[Traced]) -> Result<Vec<ActRecorded>, PackError> {
        let points = self.store.trunk_list(&self.run.id).await?;
        let records = self.store.act_list(&self.run.id).await?;
        let is_change = |one: &&ActRecord| matches!(one.act, Act::PlanChanged { .. });
        let changes = self.store.change_list(&self.run.id).await?;
        if changes.len() > records.iter().filter(is_change).count() {
            return Err(PackError::Unkept);
        }
        let mut acts = Vec::new();
        for record in records {
            let moves = usize::try_from(record.moves).unwrap_or(usize::MAX);
            let before = &points[..moves.min(points.len())];
            let stood: BTreeSet<&str> = before.iter().map(|one| one.commit.as_str()).collect();
            let own = commits.iter();
            let own = own.filter(|commit| stood.contains(commit.commit.as_str()));
            let mut act = ActRecorded {
                after: own.count(),
                act: record.act,
                files: Vec::new(),
                gone: Vec::new(),
            };
            if let Act::Reopened { commit } = &act.act
                && let Some(trunk) = before.last().filter(|trunk| trunk.commit != *commit)
            {
                let commit = commit.clone();
                self.meanwhile(&trunk.commit, &commit, &mut act)?;
            }
            acts.push(act);
        }
        Ok(acts)
    }

    /// What the user had changed between the end of a run and the moment it was opened again.
    fn meanwhile(
        &mut self,
        trunk: &str,
        commit: &str,
        act: &mut ActRecorded,
    ) -> Result<(), GitError> {
        let limits = Limits::default();
        let before = self.git.tree_of(trunk, &limits)?;
        let after = self.git.tree_of(commit, &limits)?;
        for (path, entry) in before.changes_to(&after) {
            match entry {
                Some(entry) => act
                    .files
                    .push(self.file(&path, entry.bytes, entry.executable)),
                None => act.gone.push(path.to_string()),
            }
        }
        Ok(())
    }

    /// The first attempts of the newest rounds of tasks of which some attempt does not say its own.
    async fn rounds(&self, tasks: &[Task]) -> Result<BTreeMap<TaskId, u32>, StoreError> {
        let mut rounds = BTreeMap::new();
        for task in tasks {
            let known = self.store.attempt_rounds(&self.run.id, &task.id).await?;
            let attempts = self.store.attempt_list(&self.run.id, &task.id).await?;
            if known.len() < attempts.len() {
                rounds.insert(task.id.clone(), task.round_first);
            }
        }
        Ok(rounds)
    }

    /// The locks that came with the descriptions before the last one.
    fn locks(&self, commits: &[Traced]) -> Result<BTreeMap<usize, String>, GitError> {
        let Ok(path) = TreePath::parse(LOCK_FILE) else {
            return Ok(BTreeMap::new());
        };
        let earlier = commits.len().saturating_sub(1);
        let numbered = (1..).zip(&commits[..earlier]);
        let described = numbered.filter(|(_, commit)| commit.task.is_none());
        let (numbers, places): (Vec<usize>, Vec<_>) = described
            .map(|(number, commit)| (number, (commit.commit.as_str(), &path)))
            .unzip();
        let found = self.git.files_at(&places)?.into_iter();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let locks = numbers.into_iter().zip(found);
        Ok(locks
            .filter_map(|(number, lock)| Some((number, text(lock?))))
            .collect())
    }

    /// The lockfiles that each attempt brought, as they were before its work met that of others: by
    /// task and ordinal.
    fn built(&mut self, commits: &[Traced]) -> Result<Built, GitError> {
        let Some(last) = commits.last() else {
            return Ok(Built::new());
        };
        let files = self.git.tree_of(&last.commit, &Limits::default())?;
        let is_one = |path: &&TreePath| lockfile::is_one(path);
        let paths: Vec<TreePath> = files.paths().filter(is_one).cloned().collect();
        let mut kept = self.git.attempts()?;
        kept.retain(|one| one.run == self.run.id.as_str());
        let mut places = Vec::new();
        for one in &kept {
            places.extend(paths.iter().map(|path| (one, path)));
        }
        let asked: Vec<_> = places
            .iter()
            .map(|(one, path)| (one.commit.as_str(), *path))
            .collect();
        let found = self.git.files_at(&asked)?;
        let mut built = Built::new();
        for ((one, path), bytes) in places.into_iter().zip(found) {
            if let Some(bytes) = bytes {
                let file = self.file(path, bytes, false);
                let attempt = (one.task.clone(), one.ordinal);
                built.entry(attempt).or_default().push(file);
            }
        }
        Ok(built)
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
