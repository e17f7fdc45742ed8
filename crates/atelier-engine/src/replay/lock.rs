//! The lock of a run that is about to be done.

use std::collections::{BTreeMap, BTreeSet};

use atelier_archive::{
    LOCK_FILE, Lock, LockedAsk, LockedAttempt, LockedCommit, LockedSettings, archive_name,
};
use atelier_exec::{Git, GitError, environment, find_program, program_version};
use atelier_model::{
    ArchiveEntry, ArchiveKind, AskRecord, Digest, FileTree, MicroUsd, Run, StopReason, TaskId,
    Timestamp, TreePath,
};
use atelier_prompt::context::Compression;
use atelier_store::{Store, StoreError};

use super::{Traced, begun_from, history};
use crate::{BuildError, Ctx};

/// Programs that are named.
const TOOLS_MAX: usize = 50;

/// What most programs take as a question for their version.
const VERSION_FLAG: &str = "--version";

/// Characters of what a program says of its version.
const VERSION_CHARS_MAX: usize = 100;

/// The replies of a run with all that is known of them, by their keys. When they were given, how
/// long that took and what else was asked is no part of them: the same replies are the same archive.
pub(crate) type Answers = Vec<(ArchiveEntry, Vec<u8>)>;

/// The text of the lock that comes with the last commit of a run: of a replay, the one it replays.
///
/// Where the commit that would bring it stands already, with a lock that says the same, that one stays:
/// the process that made the commit died right after it. `is_described` says that nothing but the lock
/// would be in the commit.
pub(crate) async fn lock_text(
    ctx: &Ctx,
    run: &Run,
    files: &FileTree,
    is_described: bool,
) -> Result<String, BuildError> {
    if let Some(recorded) = &ctx.recording {
        return Ok(recorded.lock_text());
    }
    let lock = lock(ctx, run, files).await?;
    let standing = standing(files).filter(|standing| is_described && brings(&lock, standing));
    Ok(standing.unwrap_or(lock).to_text())
}

/// The lock that stands among the files.
fn standing(files: &FileTree) -> Option<Lock> {
    let file = files.get(&TreePath::parse(LOCK_FILE).ok()?)?;
    Lock::read(&String::from_utf8_lossy(&file.bytes)).ok()
}

/// Whether the newest commit of a lock is the one that brought another, which else says the same.
fn brings(lock: &Lock, standing: &Lock) -> bool {
    let mut earlier = lock.clone();
    let newest = earlier.commits.pop();
    newest.is_some_and(|commit| commit.task.is_none()) && earlier == *standing
}

async fn lock(ctx: &Ctx, run: &Run, files: &FileTree) -> Result<Lock, BuildError> {
    let asks = answered(&ctx.store, run).await?;
    let answers = answers(&ctx.store, &asks).await?;
    let trunk = ctx.store.run_fetch(&run.id).await?.trunk;
    let begun = begun_from(&ctx.store, &run.id).await?;
    let commits = match &trunk {
        Some(trunk) => history(&ctx.git, &run.id, begun.as_deref(), trunk)?,
        None => Vec::new(),
    };
    let base = begun.as_deref();
    Ok(Lock {
        version: Lock::VERSION,
        run: run.id.clone(),
        requirement: run.requirement_digest,
        base: base.map(|commit| ctx.git.tree_id(commit)).transpose()?,
        archive: archive_name(&answers).to_string(),
        settings: settings(ctx),
        tools: tools(ctx, files),
        templates: templates(&asks),
        asks: locked_asks(&asks),
        commits: locked_commits(&ctx.store, &ctx.git, run, &commits).await?,
    })
}

/// Every ask of a run that was answered, each key once, oldest first.
pub(crate) async fn answered(store: &Store, run: &Run) -> Result<Vec<AskRecord>, StoreError> {
    let asks = store.ask_list(&run.id).await?;
    let mut seen = BTreeSet::new();
    let fresh = |ask: &AskRecord| ask.reply.is_some() && seen.insert(ask.key);
    Ok(asks.into_iter().filter(fresh).collect())
}

/// The replies to these asks.
pub(crate) async fn answers(store: &Store, asks: &[AskRecord]) -> Result<Answers, StoreError> {
    let mut answers = BTreeMap::new();
    for ask in asks {
        let (entry, body) = match store.archive_reply(&ask.key).await? {
            Some(kept) => (kept.entry, kept.body),
            None => taken_over(store, ask).await?,
        };
        let entry = ArchiveEntry {
            latency_ms: 0,
            at: Timestamp::from_millis(0),
            ..entry
        };
        answers.insert(ask.key, (entry, body));
    }
    Ok(answers.into_values().collect())
}

/// The reply to an ask that was answered with the reply to another one.
async fn taken_over(store: &Store, ask: &AskRecord) -> Result<(ArchiveEntry, Vec<u8>), StoreError> {
    let digest = ask.reply.unwrap_or(ask.key);
    let body = store.blob_fetch(&digest).await?;
    let body = body.ok_or_else(|| StoreError::Corrupt {
        what: format!("the text of reply {}", ask.key.short()),
    })?;
    let entry = ArchiveEntry {
        kind: ArchiveKind::Ask,
        key: ask.key,
        stop: Some(StopReason::End),
        provider: ask.provider.clone(),
        model: ask.model.clone(),
        usage: Some(ask.usage),
        cost: MicroUsd::ZERO,
        latency_ms: 0,
        at: ask.at,
    };
    Ok((entry, body))
}

fn settings(ctx: &Ctx) -> LockedSettings {
    let limits = &ctx.limits;
    LockedSettings {
        compression: Compression::name(ctx.compression).to_owned(),
        attempts_max: limits.attempts_max,
        phases_max: limits.phases_max,
        steps_max: limits.steps_max,
        edits_max: limits.edits_max,
        tree_files_max: limits.tree_files_max,
        file_bytes_max: limits.file_bytes_max,
        context_tokens_max: limits.context_tokens_max,
        output_bytes_max: limits.output_bytes_max,
        evidence_bytes_max: limits.evidence_bytes_max,
    }
}

/// The programs that the steps of the project need, with what they say of their versions.
fn tools(ctx: &Ctx, files: &FileTree) -> BTreeMap<String, String> {
    let path = environment(&ctx.home).remove("PATH").unwrap_or_default();
    let mut found = BTreeMap::new();
    for project in ctx.recipes.detect(files) {
        for tool in project.steps(files).into_iter().flat_map(|step| step.tools) {
            if found.len() >= TOOLS_MAX || found.contains_key(&tool.program) {
                continue;
            }
            let mut args: Vec<&str> = tool.version_args.iter().map(String::as_str).collect();
            if args.is_empty() {
                args.push(VERSION_FLAG);
            }
            let program = find_program(&tool.program, &path);
            let version = program.and_then(|program| program_version(&program, &args));
            if let Some(version) = version {
                let shown = version.chars().take(VERSION_CHARS_MAX).collect();
                found.insert(tool.program, shown);
            }
        }
    }
    found
}

fn templates(asks: &[AskRecord]) -> BTreeMap<String, Vec<Digest>> {
    let mut templates: BTreeMap<String, BTreeSet<Digest>> = BTreeMap::new();
    for ask in asks {
        let versions = templates.entry(ask.template.clone()).or_default();
        versions.insert(ask.template_version);
    }
    let versions =
        |(name, versions): (String, BTreeSet<Digest>)| (name, versions.into_iter().collect());
    templates.into_iter().map(versions).collect()
}

pub(super) fn locked_asks(asks: &[AskRecord]) -> Vec<LockedAsk> {
    let locked = asks.iter().filter_map(|ask| {
        Some(LockedAsk {
            stage: ask.stage,
            task: ask.task.clone(),
            attempt: ask.attempt,
            key: ask.key,
            prompt: ask.prompt,
            reply: ask.reply?,
        })
    });
    let mut locked: Vec<LockedAsk> = locked.collect();
    locked.sort();
    locked
}

async fn locked_commits(
    store: &Store,
    git: &Git,
    run: &Run,
    commits: &[Traced],
) -> Result<Vec<LockedCommit>, BuildError> {
    let mut trees = Trees::of(git, commits);
    let mut locked = Vec::new();
    for commit in commits {
        let task = commit.task.as_deref().map(TaskId::from_text);
        let mut attempts = Vec::new();
        if let Some(task) = &task {
            for attempt in store.attempt_list(&run.id, task).await? {
                attempts.push(LockedAttempt {
                    ordinal: attempt.ordinal,
                    base: trees.tree(&attempt.base)?,
                });
            }
        }
        locked.push(LockedCommit {
            task,
            attempts,
            evidence: commit.evidence.clone(),
            tree: commit.tree.clone(),
        });
    }
    Ok(locked)
}

/// The trees of commits, each asked for once.
pub(super) struct Trees<'a> {
    git: &'a Git,
    known: BTreeMap<String, String>,
}

impl<'a> Trees<'a> {
    pub(super) fn of(git: &'a Git, commits: &[Traced]) -> Self {
        let known = commits.iter();
        let known = known.map(|commit| (commit.commit.clone(), commit.tree.clone()));
        Self {
            git,
            known: known.collect(),
        }
    }

    /// The tree of a commit; `None` where there was no commit.
    pub(super) fn tree(&mut self, commit: &str) -> Result<Option<String>, GitError> {
        if commit.is_empty() {
            return Ok(None);
        }
        if let Some(tree) = self.known.get(commit) {
            return Ok(Some(tree.clone()));
        }
        let tree = self.git.tree_id(commit)?;
        self.known.insert(commit.to_owned(), tree.clone());
        Ok(Some(tree))
    }
}
