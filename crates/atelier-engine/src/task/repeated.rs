//! What an attempt repeats of the round it belongs to.

use atelier_model::{Attempt, AttemptOutcome, Digest};

use super::Work;
use crate::{
    BuildError,
    repeat::{Trial, repetition},
};

impl Work<'_> {
    /// Keeps which files a failed attempt made, and says what it repeats of those before it.
    pub(super) async fn repeated(
        &self,
        attempt: &Attempt,
        outcome: AttemptOutcome,
    ) -> Result<Option<String>, BuildError> {
        let (store, run, task) = (&self.ctx.store, &self.run.id, &self.task.id);
        let tree = (outcome == AttemptOutcome::ChecksFailed).then(|| self.tree.digest());
        if let Some(tree) = &tree {
            store
                .attempt_tree_put(run, task, attempt.ordinal, tree)
                .await?;
        }
        let trees = store.attempt_trees(run, task).await?;
        let before = |one: &Attempt| {
            one.ordinal >= self.task.round_first
                && one.ordinal < attempt.ordinal
                && one.base == attempt.base
        };
        let earlier = store.attempt_list(run, task).await?;
        let mut trials = Vec::new();
        for one in earlier.iter().filter(|one| before(one)) {
            let tree = trees.get(&one.ordinal).copied();
            trials.extend(self.trial(one, tree).await?);
        }
        let ended = Attempt {
            outcome: Some(outcome),
            ..attempt.clone()
        };
        trials.extend(self.trial(&ended, tree).await?);
        Ok(repetition(&trials))
    }

    /// What an attempt came to, with what its failed checks say each time: a duration is no other
    /// word.
    async fn trial(
        &self,
        attempt: &Attempt,
        tree: Option<Digest>,
    ) -> Result<Option<Trial>, BuildError> {
        let Some(trial) = Trial::of(attempt, tree) else {
            return Ok(None);
        };
        let mut failed = Vec::new();
        for check in &attempt.evidence.checks {
            if !check.outcome.passed() {
                let output = self.lasting_output(check).await?;
                failed.push((check.name.clone(), Digest::of(&output)));
            }
        }
        Ok(Some(Trial { failed, ..trial }))
    }
}
