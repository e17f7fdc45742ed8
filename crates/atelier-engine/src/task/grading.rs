//! What work that passed its checks must stand beyond them: tests keep their names, and hidden tests
//! pass.

use std::collections::BTreeSet;

use atelier_model::{AttemptOutcome, CheckResult, EventKind, Evidence, FileTree};

use super::Work;
use crate::{
    BuildError,
    hidden::{self, Graded},
    kept,
};

impl Work<'_> {
    /// Evidence of checks, and what is found beyond them where all of them passed: of a tree that is
    /// made from a commit with its files.
    pub(super) async fn graded(
        &self,
        mut evidence: Evidence,
        made: (Option<&str>, &FileTree, &FileTree),
    ) -> Result<Evidence, BuildError> {
        // What is replayed was graded when it was recorded.
        if !evidence.passed() || self.ctx.recording.is_some() {
            return Ok(evidence);
        }
        if let Some(lost) = self.names_lost(&evidence).await? {
            evidence.checks.push(lost);
            return Ok(evidence);
        }
        if let Some(result) = self.hidden(made, &evidence).await? {
            evidence.checks.push(result);
        }
        Ok(evidence)
    }

    /// Evidence of work together with that of others, and what the task's hidden tests say of both.
    pub(super) async fn graded_joined(
        &self,
        merged: &str,
        tree: &FileTree,
        mut evidence: Evidence,
    ) -> Result<Evidence, BuildError> {
        if !evidence.passed() || self.ctx.recording.is_some() {
            return Ok(evidence);
        }
        if let Some(result) = self.hidden((Some(merged), tree, tree), &evidence).await? {
            evidence.checks.push(result);
        }
        Ok(evidence)
    }

    async fn names_lost(&self, evidence: &Evidence) -> Result<Option<CheckResult>, BuildError> {
        if kept::owns_changed_tests(&self.task, &self.before, &self.tree) {
            return Ok(None);
        }
        let before = self.names_before().await?;
        if before.is_empty() {
            return Ok(None);
        }
        let now = kept::names_of(self.ctx, evidence).await?;
        let lost = kept::names_lost(&before, &now);
        if let Some(lost) = &lost {
            self.tell(EventKind::CheckFinished {
                name: lost.name.clone(),
                outcome: lost.outcome,
                reason: lost.reason.clone(),
                tests: None,
                duration_ms: 0,
                level: None,
            })
            .await?;
        }
        Ok(lost)
    }

    /// The names of the tests that passed in the commit that the work began from.
    async fn names_before(&self) -> Result<BTreeSet<String>, BuildError> {
        let task = self.point.as_ref().and_then(|point| point.task.as_ref());
        let Some(task) = task else {
            return Ok(BTreeSet::new());
        };
        let attempts = self.ctx.store.attempt_list(&self.run.id, task).await?;
        let passed = attempts
            .iter()
            .rev()
            .find(|one| one.outcome == Some(AttemptOutcome::Passed));
        match passed {
            Some(attempt) => kept::names_of(self.ctx, &attempt.evidence).await,
            None => Ok(BTreeSet::new()),
        }
    }

    /// What the task's hidden tests say of a tree that is made from a commit with its files, in a
    /// folder where nothing was executed before.
    async fn hidden(
        &self,
        (commit, before, tree): (Option<&str>, &FileTree, &FileTree),
        evidence: &Evidence,
    ) -> Result<Option<CheckResult>, BuildError> {
        let hidden = hidden::of(self.ctx, &self.run.id, Some(&self.task.id)).await?;
        if hidden.is_empty() {
            return Ok(None);
        }
        let git = &self.ctx.git;
        let place = format!("{}-graded", self.place);
        let worktree = git.worktree_open(&place, commit)?;
        worktree.tree_write(&before.changes_to(tree))?;
        let graded = Graded {
            ctx: self.ctx,
            run: &self.run.id,
            tree,
            worktree: &worktree,
            visible: crate::report::of_steps(evidence),
        };
        let result = graded.grade(&hidden).await;
        git.worktree_remove(&worktree)?;
        Ok(Some(result?))
    }
}
