//! The checks of one task's work: where it stands, when there is room, alone or with what comes before.

use std::collections::BTreeMap;

use atelier_exec::Worktree;
use atelier_model::{Acceptance, Check, EventKind, Evidence, FileTree, Task};
use tokio::sync::SemaphorePermit;

use super::{Work, number};
use crate::{
    BuildError, protect,
    replay::{Moment, judged},
    verify::{Verification, selection},
};

impl<'a> Work<'a> {
    /// A check that passes before the work proves nothing about the work; that is worth knowing.
    pub(super) async fn see_it_fail(&self) -> Result<(), BuildError> {
        let is_missing = |one: &Acceptance| {
            let selected = selection(one, &self.before);
            selected.is_some_and(|selected| selected.is_missing())
        };
        // Tests that are not there yet need no process to fail.
        let runs = |one: &&Acceptance| {
            let asks = matches!(one.check, Check::Human { .. });
            one.must_fail_before && !asks && !is_missing(one)
        };
        let first: Vec<&Acceptance> = self.task.acceptance.iter().filter(runs).collect();
        if first.is_empty() || self.ctx.recording.is_some() {
            return Ok(());
        }
        let worktree = self.lay_out()?;
        let _turn = self.turn().await?;
        for acceptance in first {
            let name = format!("{}/{} before", number(&self.task), acceptance.id);
            let verification = self.verification(&worktree, &self.before, Vec::new());
            let result = verification
                .criterion(&name, acceptance, &BTreeMap::new())
                .await?;
            if result.outcome.passed() {
                let message = format!(
                    "{} {} passes before the work: it proves nothing about it",
                    number(&self.task),
                    acceptance.id
                );
                self.tell(EventKind::Warning { message }).await?;
            }
        }
        Ok(())
    }

    pub(super) fn lay_out(&self) -> Result<Worktree, BuildError> {
        Ok(self
            .ctx
            .git
            .worktree_open(&self.place, self.base.as_deref())?)
    }

    /// Waits until there is room for a verification, which needs processors.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'a>, BuildError> {
        tokio::select! {
            turn = self.desk.checks.acquire() => turn.map_err(|_| BuildError::Cancelled),
            () = self.ctx.cancel.cancelled() => Err(BuildError::Cancelled),
        }
    }

    /// Verifies the work: together with what comes before it if that suffices, else alone.
    pub(super) async fn check(&mut self, ordinal: u32, own: &str) -> Result<Evidence, BuildError> {
        let _turn = self.turn().await?;
        if let Some(evidence) = self.check_ahead(ordinal, own).await? {
            return Ok(evidence);
        }
        let evidence = self.check_alone(ordinal).await?;
        if !evidence.passed() {
            self.car = None;
        }
        Ok(evidence)
    }

    /// Verifies the work on its base, as it stands in the worktree.
    pub(super) async fn check_alone(&self, ordinal: u32) -> Result<Evidence, BuildError> {
        let named = named(&self.task).collect();
        match &self.worktree {
            Some(worktree) => {
                let verification = self.verification(worktree, &self.tree, named);
                let evidence = judged(&verification, Moment::Alone { ordinal }).await?;
                let made = (self.base.as_deref(), &*self.before, &self.tree);
                self.graded(evidence, made).await
            }
            None => Ok(Evidence::default()),
        }
    }

    /// Verifies work together with that of others, as it stands in a worktree; at least so many tests
    /// must run.
    pub(super) async fn check_joined(
        &self,
        ordinal: u32,
        (worktree, tree): (&Worktree, &FileTree),
        others: &[Task],
        tests_before: u64,
    ) -> Result<Evidence, BuildError> {
        let verification = Verification {
            tests_before,
            // What a person looked at is not asked again.
            ask_person: false,
            others: others.iter().flat_map(broken_by_a_merge).collect(),
            ..self.verification(worktree, tree, broken_by_a_merge(&self.task).collect())
        };
        judged(&verification, Moment::Joined { ordinal }).await
    }

    fn verification<'b>(
        &'b self,
        worktree: &'b Worktree,
        tree: &'b FileTree,
        acceptance: Vec<(String, &'b Acceptance)>,
    ) -> Verification<'b> {
        Verification {
            ctx: self.ctx,
            run: &self.run.id,
            task: Some(&self.task.id),
            folder: worktree.path(),
            tree,
            guarded: protect::guarded(tree, Some(&self.task)),
            acceptance,
            others: Vec::new(),
            tests_before: self.tests_before,
            ask_person: true,
        }
    }
}

/// The criteria of a task, with their names.
fn named(task: &Task) -> impl Iterator<Item = (String, &Acceptance)> {
    let name = |one: &Acceptance| format!("{}/{}", number(task), one.id);
    task.acceptance.iter().map(move |one| (name(one), one))
}

/// The criteria of a task that a merge can break. What a person looked at is not asked again.
fn broken_by_a_merge(task: &Task) -> impl Iterator<Item = (String, &Acceptance)> {
    named(task).filter(|(_, one)| !matches!(one.check, Check::Human { .. }))
}
