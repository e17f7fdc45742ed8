//! The commit on which the work on a task stands.

use atelier_model::{Attempt, AttemptOutcome, Run};

use crate::{BuildError, Ctx};

/// The commit an attempt goes on from: the one it stood on where it was interrupted or is to be
/// mended, the trunk where it begins anew.
///
/// That way whoever goes on asks exactly what would have been asked without the interruption,
/// whatever others have merged meanwhile.
pub(super) async fn of(
    ctx: &Ctx,
    run: &Run,
    earlier: &[Attempt],
) -> Result<Option<String>, BuildError> {
    let newest = earlier.last();
    if let Some(attempt) = newest.filter(|one| one.outcome != Some(AttemptOutcome::Conflict)) {
        if attempt.base.is_empty() {
            return Ok(None);
        }
        // A run that was opened again stands on another history.
        let on_trunk = ctx.store.trunk_at(&run.id, &attempt.base).await?.is_some();
        if on_trunk || run.base_commit.as_ref() == Some(&attempt.base) {
            return Ok(Some(attempt.base.clone()));
        }
    }
    let stands = ctx.store.run_fetch(&run.id).await?;
    Ok(stands.trunk.or(stands.base_commit))
}
