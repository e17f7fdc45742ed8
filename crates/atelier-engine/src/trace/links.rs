//! Every link of a chain, recomputed from the repository and, where it is there, the state.

use std::collections::BTreeSet;

use atelier_archive::{Lock, LockedAsk, archive_name};
use atelier_exec::Git;
use atelier_model::{AskDescriptor, AskKey, AskRecord, Digest, Evidence, Message, Run, TaskId};
use atelier_store::{Store, StoreError};

use super::{Chain, Link, TraceError, criteria::criteria};
use crate::replay::{
    Traced, answered, answers, begun_from, history, lock_at, lock_text_at, trailer,
};

/// Commits that are searched for the newest one of a run.
const SEARCHED_MAX: usize = 2_000;

/// Why links that need the state are not recomputed where it is not there.
const NO_STATE: &str = "it is in the state of the project, which is not here, or in a pack";

/// The run that made the newest commit of a revision, and that commit.
pub fn run_of(git: &Git, revision: &str) -> Result<(String, String), TraceError> {
    let commits = git.log(revision, SEARCHED_MAX)?;
    let mut runs = commits.into_iter().filter_map(|commit| {
        let run = trailer(&commit.message, "Atelier-Run")?;
        Some((run, commit.commit))
    });
    if let Some(found) = runs.next() {
        return Ok(found);
    }
    let revision = revision.to_owned();
    match locked(git, &revision)? {
        Some(lock) => Err(TraceError::Rewritten {
            revision,
            run: lock.run.to_string(),
        }),
        None => Err(TraceError::NoRun(revision)),
    }
}

impl Chain {
    /// The last commit of the run that made `newest`, which a revision has: the one with its lock.
    /// `trunk` is what the state knows of it.
    pub fn last_of(
        git: &Git,
        revision: &str,
        (run, newest): (&str, &str),
        trunk: Option<&str>,
    ) -> Result<String, TraceError> {
        let branch = git.branch_commit(&format!("atelier/{run}"))?;
        let known = [Some(newest), trunk, branch.as_deref()];
        for commit in known.into_iter().flatten() {
            let lock = locked(git, commit).unwrap_or_default();
            let is_own = lock.is_some_and(|lock| lock.run.as_str() == run);
            if is_own && git.is_ancestor(newest, commit)? {
                return Ok(commit.to_owned());
            }
        }
        match locked(git, revision)?.filter(|lock| lock.run.as_str() == run) {
            Some(_) => Err(TraceError::Rewritten {
                revision: revision.to_owned(),
                run: run.to_owned(),
            }),
            // Whoever wants to read the lock is told that there is none.
            None => Ok(newest.to_owned()),
        }
    }

    /// Whether a revision that has the lock of the run has it as the run left it, with the commits
    /// that it tells of; nothing where it has none, or that of another run.
    pub fn standing(&self, git: &Git, revision: &str) -> Result<Option<Link>, TraceError> {
        let own = |text: &String| Lock::read(text).map_or(true, |lock| lock.run == self.lock.run);
        let Some(here) = lock_text(git, revision)?.filter(own) else {
            return Ok(None);
        };
        let mut link = Link::new("lock");
        let made = lock_text(git, &self.commit)?;
        link.check(made.as_ref() == Some(&here), || {
            format!("the lock in {revision} is not the one that the run left")
        });
        let has_all = git.is_ancestor(&self.commit, revision)?;
        link.check(has_all, || {
            format!(
                "{revision} has the lock of the run and not its last commit: its history was \
                 rewritten"
            )
        });
        Ok(Some(link))
    }
}

fn locked(git: &Git, commit: &str) -> Result<Option<Lock>, TraceError> {
    lock_at(git, commit).map_err(|error| TraceError::Lock(Box::new(error)))
}

fn lock_text(git: &Git, commit: &str) -> Result<Option<String>, TraceError> {
    lock_text_at(git, commit).map_err(|error| TraceError::Lock(Box::new(error)))
}

/// Recomputes the chain of a run whose newest commit this is. `known` is the run with its state.
pub async fn verify(
    git: &Git,
    (run, commit): (&str, &str),
    known: Option<(&Store, &Run)>,
) -> Result<Chain, TraceError> {
    let lock = locked(git, commit)?.filter(|lock| lock.run.as_str() == run);
    let lock = lock.ok_or_else(|| TraceError::NoLock {
        run: run.to_owned(),
        commit: commit.to_owned(),
    })?;
    let base = match known {
        Some((store, run)) => begun_from(store, &run.id).await?,
        None => None,
    };
    let commits = history(git, &lock.run, base.as_deref(), commit)?;
    let mut links = match known {
        Some((store, run)) => {
            Stored {
                store,
                run,
                lock: &lock,
            }
            .links(&commits)
            .await?
        }
        None => ["requirement", "prompts", "replies", "evidence", "events"]
            .map(|name| Link::unchecked(name, NO_STATE))
            .to_vec(),
    };
    links.push(trailers(&lock, &commits));
    links.push(trees(git, &lock, &commits)?);
    links.push(objects(git)?);
    Ok(Chain {
        run: run.to_owned(),
        commit: commit.to_owned(),
        lock,
        links,
    })
}

/// What the commits of tasks say of their replies and evidence, beside what the lock says.
fn trailers(lock: &Lock, commits: &[Traced]) -> Link {
    let mut link = Link::new("trailers");
    for (commit, locked) in commits.iter().zip(&lock.commits) {
        let short = commit.commit.get(..12).unwrap_or_default();
        link.check(commit.evidence == locked.evidence, || {
            format!("commit {short} names other evidence than the lock")
        });
        let task = commit.task.as_deref().map(TaskId::from_text);
        link.check(task == locked.task, || {
            format!("commit {short} names another task than the lock")
        });
        let Some(task) = &task else { continue };
        let said = trailer(&commit.message, "Atelier-Reply").unwrap_or_default();
        let own = |ask: &&LockedAsk| ask.task.as_ref() == Some(task);
        let mut asks = lock.asks.iter().filter(own);
        link.check(asks.any(|ask| ask.reply.to_string() == said), || {
            format!("commit {short} names a reply that the lock does not")
        });
    }
    link
}

/// The trees of the commits, beside those that the lock names.
fn trees(git: &Git, lock: &Lock, commits: &[Traced]) -> Result<Link, TraceError> {
    let mut link = Link::new("commits");
    let expected = lock.commits.len() + 1;
    link.check(commits.len() == expected, || {
        format!(
            "there are {} commits of the run, not {expected}",
            commits.len()
        )
    });
    for (number, (commit, locked)) in commits.iter().zip(&lock.commits).enumerate() {
        link.check(commit.tree == locked.tree, || {
            let (number, short) = (number + 1, commit.commit.get(..12).unwrap_or_default());
            format!("commit {number} ({short}) has other files than the lock says")
        });
    }
    if let (Some(first), Some(base)) = (commits.first(), &lock.base) {
        let parent = first.parent.as_deref().map(|parent| git.tree_id(parent));
        let found = parent.transpose()?;
        link.check(found.as_ref() == Some(base), || {
            "the run began from other files than the lock says".to_owned()
        });
    }
    Ok(link)
}

/// Whether every object of the repository is what its name says.
fn objects(git: &Git) -> Result<Link, TraceError> {
    let mut link = Link::new("objects");
    let damages = git.damages()?;
    link.check(damages.is_empty(), || damages.join("; "));
    Ok(link)
}

/// What the state has of a run.
struct Stored<'a> {
    store: &'a Store,
    run: &'a Run,
    lock: &'a Lock,
}

impl Stored<'_> {
    async fn links(&self, commits: &[Traced]) -> Result<Vec<Link>, TraceError> {
        let mut requirement = Link::new("requirement");
        requirement.check(
            Digest::of(self.run.requirement.trim()) == self.lock.requirement,
            || "the requirement is not the one that the lock names".to_owned(),
        );
        let asks = answered(self.store, self.run).await?;
        let locked: BTreeSet<Digest> = self.lock.asks.iter().map(|ask| ask.key).collect();
        let asks: Vec<AskRecord> = asks
            .into_iter()
            .filter(|ask| locked.contains(&ask.key))
            .collect();
        Ok(vec![
            requirement,
            self.prompts(&asks).await?,
            self.replies(&asks).await?,
            self.evidence(commits).await?,
            criteria(self.store, self.run, commits).await?,
            self.events().await?,
        ])
    }

    /// Each conversation is what its digest says, and its key is made of it.
    async fn prompts(&self, asks: &[AskRecord]) -> Result<Link, TraceError> {
        let mut link = Link::new("prompts");
        let descriptors = self.store.ask_key_list(&self.run.id).await?;
        for ask in asks {
            let named = || format!("prompt {} of stage {}", ask.prompt.short(), ask.stage);
            let Some(bytes) = intact(self.store, &ask.prompt, &mut link, named).await? else {
                continue;
            };
            let messages: Vec<Message> = serde_json::from_slice(&bytes).unwrap_or_default();
            let Some(descriptor) = descriptors.get(&ask.key) else {
                continue;
            };
            link.check(is_made_of(&ask.key, descriptor, &messages), || {
                format!("{} does not make the key {}", named(), ask.key.short())
            });
        }
        let found: BTreeSet<Digest> = asks.iter().map(|ask| ask.key).collect();
        for ask in &self.lock.asks {
            link.check(found.contains(&ask.key), || {
                format!("ask {} of the lock is not in the state", ask.key.short())
            });
        }
        Ok(link)
    }

    /// Each reply is what its digest says, and all of them are the archive that the lock names.
    async fn replies(&self, asks: &[AskRecord]) -> Result<Link, TraceError> {
        let mut link = Link::new("replies");
        for ask in &self.lock.asks {
            let named = || format!("reply {} of stage {}", ask.reply.short(), ask.stage);
            intact(self.store, &ask.reply, &mut link, named).await?;
        }
        if !link.broken.is_empty() {
            return Ok(link);
        }
        let found = archive_name(&answers(self.store, asks).await?).to_string();
        link.check(found == self.lock.archive, || {
            format!(
                "the replies are {found}, and the lock names {}",
                self.lock.archive
            )
        });
        Ok(link)
    }

    /// What the checks concluded is what the commit says, and what they printed is there.
    async fn evidence(&self, commits: &[Traced]) -> Result<Link, TraceError> {
        let mut link = Link::new("evidence");
        for commit in commits {
            let Some(task) = commit.task.as_deref().map(TaskId::from_text) else {
                continue;
            };
            // A task that was done anew has a commit for each time.
            let attempts = self.store.attempt_list(&self.run.id, &task).await?;
            let proven = attempts.iter().map(|one| &one.evidence);
            let mut proven =
                proven.filter(|evidence| evidence.digest().to_string() == commit.evidence);
            let found: Option<&Evidence> = proven.next();
            link.check(found.is_some(), || {
                format!("the evidence of task {task} is not the one that its commit names")
            });
            for check in found.into_iter().flat_map(|one| &one.checks) {
                let named = || format!("the output of {} of task {task}", check.name);
                intact(self.store, &check.output, &mut link, named).await?;
            }
        }
        Ok(link)
    }

    async fn events(&self) -> Result<Link, TraceError> {
        let mut link = Link::new("events");
        match self.store.events_verify().await {
            Ok(count) => link.checked = count,
            Err(error) => link.check(false, || crate::chain(&error)),
        }
        Ok(link)
    }
}

/// Takes note of whether a content is what its digest says, and gives it where it is.
pub(super) async fn intact(
    store: &Store,
    digest: &Digest,
    link: &mut Link,
    named: impl Fn() -> String,
) -> Result<Option<Vec<u8>>, TraceError> {
    match store.blob_fetch(digest).await {
        Ok(Some(bytes)) => {
            link.check(true, String::new);
            Ok(Some(bytes))
        }
        // A check without any output has kept none.
        Ok(None) if *digest == Digest::of("") => Ok(None),
        Ok(None) => {
            link.check(false, || format!("{} is missing", named()));
            Ok(None)
        }
        Err(StoreError::Corrupt { .. }) => {
            link.check(false, || format!("{} is not what its digest says", named()));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a key is made of a conversation. Of a schema only the digest is kept, so a key with one is
/// held against its descriptor alone.
fn is_made_of(key: &Digest, descriptor: &AskDescriptor, messages: &[Message]) -> bool {
    let said: Vec<_> = messages
        .iter()
        .map(|message| (message.role, Digest::of(&message.text)))
        .collect();
    if said != descriptor.messages {
        // What answers from facts was not asked with these words.
        return descriptor.messages.len() == 1;
    }
    if descriptor.schema.is_some() {
        return true;
    }
    let among = descriptor.among.as_ref();
    let made = AskKey {
        version: descriptor.version,
        model: &descriptor.model,
        messages,
        temperature: descriptor.temperature,
        effort: descriptor.effort.as_deref(),
        tokens_max: descriptor.tokens_max,
        schema: None,
        template_version: descriptor.template_version,
        attempt: descriptor.attempt,
        among: among.map(|(strategy, routes)| (*strategy, &**routes)),
    };
    made.digest() == *key
}
