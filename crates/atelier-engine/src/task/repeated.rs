//! What an attempt repeats of the round it belongs to.

use atelier_model::{Attempt, AttemptOutcome};

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
        let mut trials: Vec<Trial> = earlier
            .into_iter()
            .filter(before)
            .filter_map(|one| Trial::of(&one, trees.get(&one.ordinal).copied()))
            .collect();
        let ended = Attempt {
            outcome: Some(outcome),
            ..attempt.clone()
        };
        trials.extend(Trial::of(&ended, tree));
        Ok(repetition(&trials))
    }
}
