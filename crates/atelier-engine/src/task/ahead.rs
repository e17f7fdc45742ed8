//! Work verified together with all that comes into the trunk before it, while that is on its way.

use std::collections::BTreeSet;

use atelier_exec::{Commit, Merged};
use atelier_model::{Check, Evidence, FileTree, Task, TaskId, TreePath};

use super::Work;
use crate::{BuildError, change, commit, replay::Recorded, report};

/// Work as it was verified together with what came before it.
pub(super) struct Ahead {
    tree: FileTree,
    pub(super) evidence: Evidence,
    /// The tasks whose criteria were looked at too.
    others: BTreeSet<TaskId>,
}

/// What the trunk will hold once work has come into it.
struct Foreseen {
    commit: String,
    /// The tasks on their way before it.
    before: Vec<TaskId>,
}

impl Work<'_> {
    /// Verifies the work together with all that comes into the trunk before it, where that is more
    /// than its base: what passes so needs no other verification when its turn comes, unless
    /// something else comes between. Nothing where it does not pass: that says nothing of the work
    /// alone.
    pub(super) async fn check_ahead(
        &mut self,
        ordinal: u32,
        own: &str,
    ) -> Result<Option<Evidence>, BuildError> {
        self.ahead = None;
        self.car = None;
        if !self.may_run_ahead(ordinal) {
            return Ok(None);
        }
        let Some(foreseen) = self.couple(own).await? else {
            return Ok(None);
        };
        let verified = self.verify_ahead(ordinal, &foreseen).await?;
        let Some(ahead) = verified else {
            self.car = None;
            self.stand_alone()?;
            return Ok(None);
        };
        let evidence = ahead.evidence.clone();
        self.ahead = Some(ahead);
        Ok(Some(evidence))
    }

    /// Whether others may build on the work before it has come into the trunk: a person takes long to
    /// look at it. In a replay only what came there is foreseen to.
    fn may_run_ahead(&self, ordinal: u32) -> bool {
        let asks = |check: &Check| matches!(check, Check::Human { .. });
        let asks_nobody = !self.task.acceptance.iter().any(|one| asks(&one.check));
        let arrived = |recorded: &Recorded| recorded.arrived(&self.task.id, ordinal);
        asks_nobody && self.ctx.recording.as_deref().is_none_or(arrived)
    }

    /// Takes a place behind all that is on its way. Nothing where the work stands on just that, or
    /// does not fit with it.
    async fn couple(&mut self, own: &str) -> Result<Option<Foreseen>, BuildError> {
        let train = &self.desk.train;
        let _alone = train.coupling.lock().await;
        let (tip, before) = if let Some(tip) = train.tip() {
            (Some(tip.commit), tip.tasks)
        } else {
            let stands = self.ctx.store.run_fetch(&self.run.id).await?;
            (stands.trunk.or(stands.base_commit), Vec::new())
        };
        let Some(tip) = tip.filter(|tip| Some(tip) != self.base.as_ref()) else {
            self.car = Some(train.couple(self.task.id.clone(), own.to_owned()));
            return Ok(None);
        };
        let onto = self.on_base(&tip)?;
        let Merged::Clean(tree) = self.ctx.git.merge_trees(&onto, own)? else {
            return Ok(None);
        };
        let commit = self.joined_commit(&tree, &tip)?;
        self.car = Some(train.couple(self.task.id.clone(), commit.clone()));
        Ok(Some(Foreseen { commit, before }))
    }

    /// The files of a commit as what became of the base of the work. What was foreseen does not descend
    /// from what it has become in the trunk since: with that, documents would be in everybody's way.
    fn on_base(&self, tip: &str) -> Result<String, BuildError> {
        match &self.base {
            Some(base) => self.joined_commit(&format!("{tip}^{{tree}}"), base),
            None => Ok(tip.to_owned()),
        }
    }

    /// Lays the work out on its base.
    pub(super) fn stand_alone(&mut self) -> Result<(), BuildError> {
        let worktree = self.lay_out()?;
        worktree.tree_write(&self.before.changes_to(&self.tree))?;
        self.worktree = Some(worktree);
        Ok(())
    }

    /// A commit of the work together with what another commit holds.
    pub(super) fn joined_commit(&self, tree: &str, onto: &str) -> Result<String, BuildError> {
        let made = Commit {
            message: format!("{}\n", commit::subject(&self.task)),
            parent: Some(onto),
            at: self.ctx.now(),
        };
        Ok(self.ctx.git.commit_of_tree(tree, &made)?)
    }

    async fn verify_ahead(
        &mut self,
        ordinal: u32,
        foreseen: &Foreseen,
    ) -> Result<Option<Ahead>, BuildError> {
        let tree = self.ctx.git.tree_of(&foreseen.commit, &self.ctx.limits)?;
        let others = self.others_before(foreseen).await?;
        let place = Some(foreseen.commit.as_str());
        let worktree = self.ctx.git.worktree_open(&self.place, place)?;
        let stands = self.ctx.store.run_fetch(&self.run.id).await?;
        let floor = self.tests_floor_at(stands.trunk.as_deref()).await?;
        let joined = (&worktree, &tree);
        let evidence = self.check_joined(ordinal, joined, &others, floor).await?;
        let evidence = self.graded(evidence, (place, &tree, &tree)).await?;
        // What a build wrote of versions belongs to the work alone, not to the work of all.
        let whole = evidence.passed() && self.lockfiles_written(&worktree, &tree).is_empty();
        self.worktree = Some(worktree);
        Ok(whole.then(|| Ahead {
            tree,
            evidence,
            others: others.into_iter().map(|task| task.id).collect(),
        }))
    }

    /// The tasks that came into the trunk since the base, and those that come before the work.
    async fn others_before(&self, foreseen: &Foreseen) -> Result<Vec<Task>, BuildError> {
        let mut tasks = self.merged_meanwhile().await?;
        for id in &foreseen.before {
            if !tasks.iter().any(|task| task.id == *id) {
                tasks.push(self.ctx.store.task_fetch(&self.run.id, id).await?);
            }
        }
        Ok(tasks)
    }

    /// How many tests must at least run on top of a commit of the trunk.
    pub(super) async fn tests_floor_at(&self, trunk: Option<&str>) -> Result<u64, BuildError> {
        let point = match trunk {
            Some(trunk) => self.ctx.store.trunk_at(&self.run.id, trunk).await?,
            None => None,
        };
        let tests = point.map_or(self.tests_before, |point| point.tests);
        change::tests_floor(self.ctx, &self.task, tests).await
    }

    /// Whether what was verified ahead speaks for a tree too that is to be the trunk's: one with the
    /// same files but for documents that are written anew, no others than were looked at, and no
    /// fewer tests.
    pub(super) async fn holds_ahead(
        &self,
        ahead: &Ahead,
        trunk: &str,
        tree: &FileTree,
        documents: &BTreeSet<TreePath>,
    ) -> Result<bool, BuildError> {
        let changes = ahead.tree.changes_to(tree);
        if !changes.keys().all(|path| documents.contains(path)) {
            return Ok(false);
        }
        let others = self.merged_meanwhile().await?;
        let all_seen = others.iter().all(|task| ahead.others.contains(&task.id));
        let floor = self.tests_floor_at(Some(trunk)).await?;
        Ok(all_seen && report::of_steps(&ahead.evidence) >= floor)
    }
}
