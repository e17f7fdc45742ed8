//! Verifications while a run is replayed: what is recorded of them counts, once it is confirmed.

use atelier_model::{EventKind, Evidence, Run, Stage};

use super::recorded::confirm;
use crate::{BuildError, Ctx, verify::Verification};

/// Which verification of a task it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// An attempt on its own base.
    Alone {
        /// The attempt.
        ordinal: u32,
    },
    /// An attempt together with what the trunk holds.
    Joined {
        /// The attempt.
        ordinal: u32,
    },
}

/// Verifies; in a replay, what was concluded then.
///
/// What a check prints differs from time to time, and the model was told what it had printed: so a
/// replay needs the recorded words, and its own conclusions must be the same.
pub(crate) async fn judged(
    verification: &Verification<'_>,
    moment: Moment,
) -> Result<Evidence, BuildError> {
    let recorded = verification.ctx.recording.as_ref();
    let Some((recorded, task)) = recorded.zip(verification.task) else {
        return verification.run().await;
    };
    let evidence = recorded.evidence(task, moment)?;
    if recorded.runs_checks() {
        confirm((task, moment), &evidence, &verification.run().await?)?;
    } else {
        // Documents say what was put back.
        let files = recorded.restored(task, moment);
        if !files.is_empty() {
            verification
                .tell(EventKind::TestsRestored { files })
                .await?;
        }
    }
    Ok(evidence)
}

/// Whether the run that is replayed had prose for its documents.
pub(crate) fn has_prose(ctx: &Ctx) -> bool {
    let recorded = ctx.recording.as_ref();
    recorded.is_some_and(|recorded| {
        let mut asks = recorded.pack().lock.asks.iter();
        asks.any(|ask| ask.stage == Stage::Docs)
    })
}

/// Takes the final verdict from the record, where that is wanted. Says whether it did.
pub(crate) async fn verdict_taken(ctx: &Ctx, run: &Run, commit: &str) -> Result<bool, BuildError> {
    let recorded = ctx.recording.as_ref();
    let Some(recorded) = recorded.filter(|recorded| !recorded.runs_checks()) else {
        return Ok(false);
    };
    let verdict = recorded.verdict();
    let kind = EventKind::RunVerified {
        commit: commit.to_owned(),
        passed: true,
        checks: verdict.checks,
        tests: verdict.tests,
    };
    ctx.store
        .event_append(Some(&run.id), None, kind, ctx.now())
        .await?;
    Ok(true)
}
