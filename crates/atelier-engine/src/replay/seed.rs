//! A store and a repository of their own, laid out for a replay.

use std::{collections::BTreeMap, sync::Arc};

use atelier_archive::Pack;
use atelier_exec::{Commit, Git, GitError};
use atelier_llm::{Gateway, GatewayError, RecordedAsk};
use atelier_model::{Clock, FileEntry, IdSource, Limits, Message, Timestamp, TreePath};
use atelier_seal::SealKey;
use atelier_store::{ArchivedAnswer, Store, StoreError};

/// Replies that are written at once.
const BATCH_MAX: usize = 256;

/// Why a replay cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A content is missing.
    #[error("find the content of `{0}` in the pack")]
    Content(String),
    /// The files it began from are more than regular ones.
    #[error("lay out the files the run began from: they come to tree {found}, not to {expected}")]
    Base {
        /// The recorded tree.
        expected: String,
        /// What the pack's files come to.
        found: String,
    },
    /// The repository cannot be written.
    #[error("use the repository of the replay")]
    Git(#[from] GitError),
    /// The state cannot be written.
    #[error("use the state of the replay")]
    Store(#[from] StoreError),
}

/// Brings replies and contents of a pack into a state, and the files it began from onto the branch
/// of a repository. Both are the replay's own.
pub async fn seed(store: &Store, git: &Git, pack: &Pack, at: Timestamp) -> Result<(), SeedError> {
    for some in pack.answers.chunks(BATCH_MAX) {
        let answers: Vec<ArchivedAnswer> = some
            .iter()
            .map(|(entry, body)| ArchivedAnswer {
                entry: entry.clone(),
                body: body.clone(),
            })
            .collect();
        store.archive_put(&answers).await?;
    }
    for attempt in &pack.recording.attempts {
        for check in &attempt.evidence.checks {
            if let Some(output) = pack.content(&check.output) {
                store.blob_put(output).await?;
            }
        }
    }
    let Some(tree) = &pack.lock.base else {
        return Ok(());
    };
    let commit = base(git, pack, tree, at)?;
    Ok(git.begin_at(&commit)?)
}

/// A commit of the files that the run began from.
fn base(git: &Git, pack: &Pack, tree: &str, at: Timestamp) -> Result<String, SeedError> {
    let message = "chore: what the run began from\n";
    let commit = Commit {
        message: message.to_owned(),
        parent: None,
        at,
    };
    if git.has_tree(tree)? {
        return Ok(git.commit_of_tree(tree, &commit)?);
    }
    let mut files = BTreeMap::new();
    for file in &pack.recording.base {
        let missing = || SeedError::Content(file.path.clone());
        let bytes = pack.content(&file.content).ok_or_else(missing)?;
        let path = TreePath::parse(&file.path).map_err(|_| missing())?;
        let entry = FileEntry {
            bytes: bytes.to_vec(),
            executable: file.executable,
        };
        files.insert(path, Some(entry));
    }
    let made = git.commit_changes(&files, &commit)?;
    let found = git.tree_id(&made)?;
    if found == tree {
        return Ok(made);
    }
    Err(SeedError::Base {
        expected: tree.to_owned(),
        found,
    })
}

/// The gateway of a replay: it answers from the pack and reaches nobody.
pub fn replay_gateway(
    pack: &Pack,
    guard_key: Option<SealKey>,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
) -> Result<Gateway, GatewayError> {
    let asks = pack.recording.asks.iter().map(|ask| {
        let said = |digest| {
            let text = pack.content(digest).map(String::from_utf8_lossy);
            text.map(std::borrow::Cow::into_owned)
        };
        let messages = ask.descriptor.messages.iter().map(|(role, digest)| {
            let role = *role;
            said(digest).map(|text| Message { role, text })
        });
        RecordedAsk {
            stage: ask.stage,
            task: ask.task.clone(),
            key: ask.key,
            provider: ask.provider.clone(),
            messages: messages.collect::<Option<_>>().unwrap_or_default(),
            descriptor: ask.descriptor.clone(),
        }
    });
    let limits = replay_limits(pack, &Limits::default());
    Gateway::recorded(asks.collect(), guard_key, limits, store, (clock, ids))
}

/// Limits with those that decided the run as they were. One task after another: the order is the
/// recorded one.
pub fn replay_limits(pack: &Pack, limits: &Limits) -> Limits {
    let was = &pack.lock.settings;
    Limits {
        attempts_max: was.attempts_max,
        phases_max: was.phases_max,
        steps_max: was.steps_max,
        edits_max: was.edits_max,
        tree_files_max: was.tree_files_max,
        file_bytes_max: was.file_bytes_max,
        context_tokens_max: was.context_tokens_max,
        output_bytes_max: was.output_bytes_max,
        evidence_bytes_max: was.evidence_bytes_max,
        tasks_at_once_max: 1,
        ..limits.clone()
    }
}
