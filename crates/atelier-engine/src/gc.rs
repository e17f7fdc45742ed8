//! What runs left behind that nobody needs any more.

use std::collections::BTreeMap;

use atelier_exec::{AttemptRef, Git};
use atelier_model::{RunStatus, Timestamp};
use atelier_store::Store;

use crate::{BuildError, presence::left_over};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Runs that are looked at.
const RUNS_MAX: u32 = 10_000;

/// What was taken away, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freed {
    /// Attempts of runs that have had their end.
    pub attempts: Vec<AttemptRef>,
    /// Worktrees of workers that are gone.
    pub worktrees: Vec<String>,
    /// Bytes of these worktrees.
    pub bytes: u64,
}

/// Takes away what nobody needs: attempts of runs that ended for good so many days ago, and
/// worktrees of dead workers. With `is_dry`, only says what that would be.
pub async fn gc(
    store: &Store,
    git: &Git,
    now: Timestamp,
    keep_days: u32,
    is_dry: bool,
) -> Result<Freed, BuildError> {
    let before = now.millis() - i64::from(keep_days) * DAY_MS;
    let ended: BTreeMap<String, Option<Timestamp>> = store
        .run_list(RUNS_MAX)
        .await?
        .into_iter()
        .map(|run| {
            let for_good = matches!(run.status, RunStatus::Done | RunStatus::Cancelled);
            (run.id.to_string(), run.ended_at.filter(|_| for_good))
        })
        .collect();
    let is_over = |attempt: &AttemptRef| match ended.get(&attempt.run) {
        Some(Some(at)) => at.millis() < before || keep_days == 0,
        Some(None) => false,
        // State that is gone can bring nothing of it back.
        None => true,
    };
    let mut freed = Freed {
        attempts: git.attempts()?.into_iter().filter(is_over).collect(),
        worktrees: left_over(store, git, now, None).await?,
        bytes: 0,
    };
    freed.bytes = git.worktrees_bytes(&freed.worktrees);
    if !is_dry {
        git.attempts_forget(&freed.attempts)?;
        git.worktrees_remove(&freed.worktrees)?;
    }
    Ok(freed)
}
