//! Verifications while a run is replayed: what is recorded of them counts, once it is confirmed.

use atelier_model::Evidence;

use crate::{BuildError, verify::Verification};

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
        recorded.confirm((task, moment), &evidence, &verification.run().await?)?;
    }
    Ok(evidence)
}
