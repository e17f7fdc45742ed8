//! The way of a verified task into the trunk: one at a time, and never unverified.

use std::sync::Arc;

use atelier_docs::Rendered;
use atelier_exec::{Commit, Merged};
use atelier_model::{
    Acceptance, Attempt, AttemptOutcome, Check, CheckResult, Evidence, FileEntry, FileTree, Task,
    TaskFact,
};
use atelier_store::{Lease, StoreError, TrunkMove};

use super::{Proof, TaskEnd, Work, conflict::Clash, number};
use crate::{
    BuildError, change, commit,
    lockfile::lockfiles,
    presence::lease_wait,
    protect,
    replay::{Moment, judged},
    report,
    verify::Verification,
};

/// Times the trunk may be found moved by somebody who had no right to.
const MOVES_MAX: u32 = 5;

/// Work together with what the trunk holds, verified as such.
struct Joined {
    tree: FileTree,
    evidence: Evidence,
}

impl Work<'_> {
    /// Brings verified work into the trunk, or ends the attempt with what is in the way.
    pub(super) async fn land(&mut self, proof: Proof) -> Result<TaskEnd, BuildError> {
        self.take_lockfiles()?;
        let own = self.keep(proof.attempt.ordinal)?;
        self.ctx
            .store
            .task_advance(
                &self.run.id,
                &self.task.id,
                TaskFact::Verified,
                "",
                self.ctx.now(),
            )
            .await?;
        let _turn = self.desk.queue.lock().await;
        let lease = lease_wait(self.ctx, &Lease::merge(&self.run.id)).await?;
        let end = self.merge(proof, &own).await;
        // Not through the store of the task: its claim may be gone, and this one must not stay.
        self.desk.store.lease_give_back(&lease).await?;
        end
    }

    /// Keeps the files of an attempt as a commit that no branch holds; returns the commit.
    pub(super) fn keep(&self, ordinal: u32) -> Result<String, BuildError> {
        let made = Commit {
            message: format!("{}\n", commit::subject(&self.task)),
            parent: self.base.as_deref(),
            at: self.ctx.now(),
        };
        let changes = self.before.changes_to(&self.tree);
        let commit = self.ctx.git.commit_changes(&changes, &made)?;
        let (run, task) = (self.run.id.as_str(), self.task.id.as_str());
        self.ctx.git.attempt_keep(run, task, ordinal, &commit)?;
        Ok(commit)
    }

    async fn merge(&mut self, proof: Proof, own: &str) -> Result<TaskEnd, BuildError> {
        let mut proof = proof;
        for _ in 0..MOVES_MAX {
            // Whoever moved the trunk last may have died before its branch followed.
            report::follow_trunk(self.ctx, self.run).await?;
            let stands = self.ctx.store.run_fetch(&self.run.id).await?;
            let trunk = stands.trunk.or(stands.base_commit);
            let joined = match &trunk {
                Some(trunk) if Some(trunk) != self.base.as_ref() => {
                    match self.join(trunk, own, &proof.attempt).await? {
                        Ok(joined) => joined,
                        Err(clash) => return self.refuse(proof.attempt, own, clash).await,
                    }
                }
                Some(_) | None => Joined {
                    tree: self.tree.clone(),
                    evidence: proof.attempt.evidence.clone(),
                },
            };
            match self.advance(proof, trunk.as_deref(), joined).await? {
                None => return Ok(TaskEnd::Done),
                Some(again) => proof = again,
            }
        }
        let (branch, expected) = (self.run.branch.clone(), self.base.clone());
        Err(BuildError::BranchMoved {
            branch,
            expected: expected.unwrap_or_default(),
        })
    }

    /// Merges the work onto the trunk, in memory first, and verifies what comes of it.
    async fn join(
        &mut self,
        trunk: &str,
        own: &str,
        attempt: &Attempt,
    ) -> Result<Result<Joined, Clash>, BuildError> {
        let merged = match self.ctx.git.merge_trees(trunk, own)? {
            Merged::Clean(tree) => tree,
            Merged::Conflict(conflict) => return Ok(Err(Clash::Text(conflict))),
        };
        let made = Commit {
            message: format!("{}\n", commit::subject(&self.task)),
            parent: Some(trunk),
            at: self.ctx.now(),
        };
        let merged = self.ctx.git.commit_of_tree(&merged, &made)?;
        let tree = self.ctx.git.tree_of(&merged, &self.ctx.limits)?;
        let others = self.merged_meanwhile().await?;
        let worktree = self.ctx.git.worktree_open(&self.place, Some(&merged))?;
        let point = self.ctx.store.trunk_at(&self.run.id, trunk).await?;
        let tests = point.map_or(self.tests_before, |point| point.tests);
        let tests_before = change::tests_floor(self.ctx, &self.task, tests).await?;
        let turn = self.turn().await?;
        let verification = Verification {
            ctx: self.ctx,
            run: &self.run.id,
            task: Some(&self.task.id),
            folder: worktree.path(),
            tree: &tree,
            guarded: protect::guarded(&tree, Some(&self.task)),
            acceptance: affected(&self.task, &others),
            tests_before,
            ask_person: false,
        };
        let ordinal = attempt.ordinal;
        let mut evidence = judged(&verification, Moment::Joined { ordinal }).await?;
        drop(turn);
        let failed: Vec<CheckResult> = evidence
            .checks
            .iter()
            .filter(|check| !check.outcome.passed())
            .cloned()
            .collect();
        if !failed.is_empty() {
            return Ok(Err(Clash::Checks(failed)));
        }
        let known = |name: &str| evidence.checks.iter().any(|check| check.name == name);
        // What a person said of the work holds: nobody is asked twice.
        let said: Vec<CheckResult> = attempt
            .evidence
            .checks
            .iter()
            .filter(|check| !known(&check.name) && report::is_criterion(&check.name))
            .cloned()
            .collect();
        evidence.checks.extend(said);
        self.worktree = Some(worktree);
        Ok(Ok(Joined { tree, evidence }))
    }

    /// The tasks that came into the trunk since the base.
    async fn merged_meanwhile(&self) -> Result<Vec<Task>, BuildError> {
        let mut tasks = Vec::new();
        for point in self.since_base().await? {
            if let Some(task) = &point.task {
                tasks.push(self.ctx.store.task_fetch(&self.run.id, task).await?);
            }
        }
        Ok(tasks)
    }

    /// Commits joined work with its documents and moves the trunk to it; gives the proof back where
    /// the trunk is not where it was.
    async fn advance(
        &self,
        proof: Proof,
        trunk: Option<&str>,
        joined: Joined,
    ) -> Result<Option<Proof>, BuildError> {
        let before = self.desk.trunk.tree_at(self.ctx, trunk)?;
        let documents = report::documents(
            self.ctx,
            self.run,
            self.plan,
            &joined.tree,
            Some((&self.task.id, &joined.evidence)),
            None,
        )
        .await?;
        let mut tree = joined.tree;
        for document in &documents {
            tree.put(
                document.path.clone(),
                FileEntry::text(document.text.clone()),
            );
        }
        let made = Commit {
            message: self.message(&proof, &joined.evidence).await?,
            parent: trunk,
            at: self.ctx.now(),
        };
        let changes = before.changes_to(&tree);
        let commit = self.ctx.git.commit_changes(&changes, &made)?;
        let subject = commit::subject(&self.task);
        let to = TrunkMove {
            expected: trunk,
            commit: &commit,
            subject: &subject,
            tests: report::of_steps(&joined.evidence),
        };
        let passed = Attempt {
            outcome: Some(AttemptOutcome::Passed),
            ended_at: Some(self.ctx.now()),
            evidence: joined.evidence,
            ..proof.attempt.clone()
        };
        match self
            .ctx
            .store
            .task_merge(&passed, &to, self.ctx.now())
            .await
        {
            Err(StoreError::TrunkMoved { .. }) => return Ok(Some(proof)),
            moved => moved?,
        }
        self.follow(&commit, trunk, &documents).await?;
        self.desk.trunk.keep(commit, Arc::new(tree));
        Ok(None)
    }

    async fn follow(
        &self,
        commit: &str,
        trunk: Option<&str>,
        documents: &[Rendered],
    ) -> Result<(), BuildError> {
        report::trunk_moved(self.ctx, self.run, commit, trunk)?;
        report::keep_documents(self.ctx, self.run, documents).await
    }

    async fn message(&self, proof: &Proof, evidence: &Evidence) -> Result<String, BuildError> {
        // What failed attempts cost is part of the price; what the store answered cost something
        // the first time.
        let cost = self
            .ctx
            .store
            .task_cost(&self.run.id, &self.task.id)
            .await?;
        Ok(commit::message(&commit::Trace {
            run: &self.run.id,
            task: &self.task,
            model: &proof.reply.model,
            prompt: proof.prompt,
            reply: proof.reply.digest,
            evidence: evidence.digest(),
            cost,
        }))
    }

    /// Lockfiles the build made belong to the work: without them the next build may differ.
    fn take_lockfiles(&mut self) -> Result<(), BuildError> {
        if let Some(recorded) = &self.ctx.recording {
            for (path, file) in recorded.built(&self.task.id)? {
                self.tree.put(path, file);
            }
            return Ok(());
        }
        let Some(worktree) = &self.worktree else {
            return Ok(());
        };
        for project in self.ctx.recipes.detect(&self.tree) {
            for path in lockfiles(&self.tree, project.folder.as_ref()) {
                let bytes_max = self.ctx.limits.file_bytes_max;
                let found = atelier_exec::file_read(worktree.path(), &path, bytes_max);
                if let Some(file) = found {
                    self.tree.put(path, file);
                }
            }
        }
        Ok(())
    }
}

/// The criteria that a merge can break: those of the work, and of what it meets. What a person looked
/// at is not asked again.
fn affected<'a>(task: &'a Task, others: &'a [Task]) -> Vec<(String, &'a Acceptance)> {
    let runs = |one: &&Acceptance| !matches!(one.check, Check::Human { .. });
    std::iter::once(task)
        .chain(others)
        .flat_map(|task| {
            let named = |one: &'a Acceptance| (format!("{}/{}", number(task), one.id), one);
            task.acceptance.iter().filter(runs).map(named)
        })
        .collect()
}
