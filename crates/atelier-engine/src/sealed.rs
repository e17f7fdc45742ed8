//! How a task is judged, fixed before its code is asked for: its criteria and its hidden tests.
//!
//! Hidden tests are read once, kept in the store, and taken from there alone; the folder in which a
//! person laid them down may be gone or changed when they are needed.

use std::{collections::BTreeMap, io::ErrorKind, path::PathBuf};

use atelier_exec::ReadTreeError;
use atelier_model::{
    Acceptance, Digest, EventKind, FileEntry, FileTree, Run, RunId, Task, TaskId, TreePath,
};

use crate::{BuildError, Ctx};

/// Where a person lays hidden tests down, below the project's root.
const FOLDER: &str = ".atelier/hidden";
/// The folder in it whose tests are of the whole run.
const ALL: &str = "all";

/// A list of hidden tests, as it is kept: each file with the digest under which its text is kept.
pub(crate) type Listed = BTreeMap<TreePath, Digest>;

/// What was fixed last for a task, or for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub(crate) acceptance: Digest,
    pub(crate) hidden: Option<Digest>,
}

impl Fixed {
    fn digest(&self) -> Digest {
        Digest::of_json(&(self.acceptance, self.hidden))
    }
}

/// Digest of criteria.
pub(crate) fn digest_of(acceptance: &[Acceptance]) -> Digest {
    Digest::of_json(&acceptance)
}

/// Fixes how a task is judged, and tells it where that is new.
pub(crate) async fn fix(ctx: &Ctx, run: &RunId, task: &Task) -> Result<(), BuildError> {
    let mut names = vec![task.id.as_str()];
    names.extend(task.step.as_deref());
    let files = lying(ctx, &names)?;
    let acceptance = digest_of(&task.acceptance);
    settle(ctx, run, Some(&task.id), acceptance, &files).await
}

/// Fixes the hidden tests of the whole run.
pub(crate) async fn fix_run(ctx: &Ctx, run: &Run) -> Result<(), BuildError> {
    let files = lying(ctx, &[ALL])?;
    if files.is_empty() && fixed(ctx, &run.id, None).await?.is_none() {
        return Ok(());
    }
    settle(ctx, &run.id, None, digest_of(&[]), &files).await
}

async fn settle(
    ctx: &Ctx,
    run: &RunId,
    task: Option<&TaskId>,
    acceptance: Digest,
    files: &FileTree,
) -> Result<(), BuildError> {
    let before = fixed(ctx, run, task).await?;
    let hidden = if files.is_empty() {
        // What was fixed stays fixed when the folder is gone.
        before.and_then(|before| before.hidden)
    } else {
        Some(keep(ctx, files).await?)
    };
    let now = Fixed { acceptance, hidden };
    if before == Some(now) {
        return Ok(());
    }
    let reason = match before {
        None => String::new(),
        Some(before) if before.acceptance != acceptance => "the task was edited".to_owned(),
        Some(_) => "the hidden tests were changed".to_owned(),
    };
    let kind = EventKind::AcceptanceFixed {
        acceptance,
        hidden,
        files: files.paths().count() as u64,
        before: before.map(|before| before.digest()),
        reason,
    };
    ctx.store
        .event_append(Some(run), task, kind, ctx.now())
        .await?;
    Ok(())
}

/// What was fixed last for a task, or for the run; `None` where nothing was.
pub(crate) async fn fixed(
    ctx: &Ctx,
    run: &RunId,
    task: Option<&TaskId>,
) -> Result<Option<Fixed>, BuildError> {
    let newest = ctx.store.acceptance_fixed(run, task).await?;
    Ok(newest.and_then(|event| {
        let EventKind::AcceptanceFixed {
            acceptance, hidden, ..
        } = event.kind
        else {
            return None;
        };
        Some(Fixed { acceptance, hidden })
    }))
}

/// The first task whose criteria are not those that were fixed before its code was asked for.
pub(crate) async fn moved(
    ctx: &Ctx,
    run: &RunId,
    tasks: &[Task],
) -> Result<Option<String>, BuildError> {
    for task in tasks {
        let Some(fixed) = fixed(ctx, run, Some(&task.id)).await? else {
            continue;
        };
        if fixed.acceptance != digest_of(&task.acceptance) {
            let number = task.step.as_deref().unwrap_or(task.id.as_str());
            return Ok(Some(format!(
                "the criteria of {number} are not those that its code was asked for with"
            )));
        }
    }
    Ok(None)
}

/// The hidden tests that a list names, as files of the project.
pub(crate) async fn hidden_tests(ctx: &Ctx, list: &Digest) -> Result<FileTree, BuildError> {
    let mut tree = FileTree::default();
    let Some(bytes) = ctx.store.blob_fetch(list).await? else {
        return Ok(tree);
    };
    for (path, text) in listed(&bytes) {
        if let Some(text) = ctx.store.blob_fetch(&text).await? {
            let text = String::from_utf8_lossy(&text).into_owned();
            tree.put(path, FileEntry::text(text));
        }
    }
    Ok(tree)
}

/// A list of hidden tests, read.
pub(crate) fn listed(bytes: &[u8]) -> Listed {
    serde_json::from_slice(bytes).unwrap_or_default()
}

async fn keep(ctx: &Ctx, files: &FileTree) -> Result<Digest, BuildError> {
    let mut listed = Listed::new();
    for (path, file) in files.iter() {
        listed.insert(path.clone(), ctx.store.blob_put(&file.bytes).await?);
    }
    let list = serde_json::to_vec(&listed).unwrap_or_default();
    Ok(ctx.store.blob_put(&list).await?)
}

/// The hidden tests that lie in the folders of these names.
fn lying(ctx: &Ctx, names: &[&str]) -> Result<FileTree, BuildError> {
    let mut all = FileTree::default();
    for name in names {
        let folder: PathBuf = ctx.git.root().join(FOLDER).join(name);
        let tree = match atelier_exec::tree_read(&folder, &ctx.limits) {
            Ok(tree) => tree,
            Err(ReadTreeError::Io { path, source })
                if path.is_empty() && source.kind() == ErrorKind::NotFound =>
            {
                continue;
            }
            Err(error) => return Err(BuildError::Hidden(error)),
        };
        for (path, file) in tree.iter() {
            all.put(path.clone(), file.clone());
        }
    }
    Ok(all)
}
