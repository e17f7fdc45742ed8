//! The way of a verified task into the trunk: one at a time, and never unverified.

use std::{collections::BTreeMap, sync::Arc};

use atelier_docs::Rendered;
use atelier_exec::{Commit, Merged, Worktree};
use atelier_model::{
    Attempt, AttemptOutcome, CheckResult, Evidence, FileEntry, FileTree, Task, TaskFact, TreePath,
};
use atelier_store::{Lease, StoreError, TrunkMove};

use super::{Proof, TaskEnd, Work, conflict::Clash, number};
use crate::{BuildError, commit, lockfile::lockfiles, presence::lease_wait, report};

/// Times the trunk may be found moved by somebody who had no right to.
const MOVES_MAX: u32 = 5;

/// Work together with what the trunk holds, verified as such.
struct Joined {
    tree: FileTree,
    evidence: Evidence,
    documents: Vec<Rendered>,
    /// Whether it is what those behind it were verified with.
    foreseen: bool,
}

/// What became of work on its way into the trunk.
pub(super) enum Landed {
    /// It is there, or cannot come there as it is.
    Ended(TaskEnd),
    /// It neither passes with what the trunk has become, nor alone: the attempt, with the evidence of
    /// the work alone.
    Unproven(Box<Attempt>),
}

/// What comes of a merge, before the trunk is moved to it.
enum Met {
    Fits(Box<Joined>),
    Clashes(Clash),
    Unproven(Evidence),
}

impl Work<'_> {
    /// Brings verified work into the trunk, or ends the attempt with what is in the way.
    pub(super) async fn land(&mut self, mut proof: Proof) -> Result<Landed, BuildError> {
        if self.take_lockfiles(proof.attempt.ordinal)? {
            proof.own = self.keep(proof.attempt.ordinal)?;
        }
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
        if let Some(car) = &self.car {
            tokio::select! {
                () = car.first() => {}
                () = self.ctx.cancel.cancelled() => return Err(BuildError::Cancelled),
            }
        }
        let _turn = self.desk.queue.lock().await;
        let lease = lease_wait(self.ctx, &Lease::merge(&self.run.id)).await?;
        let end = self.merge(proof).await;
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

    async fn merge(&mut self, proof: Proof) -> Result<Landed, BuildError> {
        let mut proof = proof;
        for _ in 0..MOVES_MAX {
            // Whoever moved the trunk last may have died before its branch followed.
            report::follow_trunk(self.ctx, self.run).await?;
            let stands = self.ctx.store.run_fetch(&self.run.id).await?;
            let trunk = stands.trunk.or(stands.base_commit);
            let met = match &trunk {
                Some(trunk) if Some(trunk) != self.base.as_ref() => {
                    self.meet(trunk, &proof).await?
                }
                Some(_) | None => self.meet_base(&proof).await?,
            };
            let joined = match met {
                Met::Fits(joined) => *joined,
                Met::Clashes(clash) => {
                    let sides = (proof.own.as_str(), trunk.as_deref().unwrap_or_default());
                    let end = self.refuse(proof.attempt, sides, clash).await?;
                    return Ok(Landed::Ended(end));
                }
                Met::Unproven(evidence) => {
                    let attempt = Attempt {
                        evidence,
                        ..proof.attempt
                    };
                    return Ok(Landed::Unproven(Box::new(attempt)));
                }
            };
            match self.advance(proof, trunk.as_deref(), joined).await? {
                None => return Ok(Landed::Ended(TaskEnd::Done)),
                Some(again) => proof = again,
            }
        }
        let (branch, expected) = (self.run.branch.clone(), self.base.clone());
        Err(BuildError::BranchMoved {
            branch,
            expected: expected.unwrap_or_default(),
        })
    }

    /// The work on its base, which the trunk still is.
    async fn meet_base(&mut self, proof: &Proof) -> Result<Met, BuildError> {
        let mut evidence = proof.attempt.evidence.clone();
        let foreseen = self.ahead.is_none();
        if !foreseen {
            // What it was verified together with did not come.
            evidence = self.alone(proof.attempt.ordinal).await?;
            if !evidence.passed() {
                return Ok(Met::Unproven(evidence));
            }
            self.take_lockfiles(proof.attempt.ordinal)?;
        }
        let joined = self.joined(self.tree.clone(), evidence, foreseen).await?;
        Ok(Met::Fits(Box::new(joined)))
    }

    /// Merges the work onto the trunk, in memory first. What comes of it is verified, unless it is
    /// what was verified ahead.
    async fn meet(&mut self, trunk: &str, proof: &Proof) -> Result<Met, BuildError> {
        let merged = match self.ctx.git.merge_trees(trunk, &proof.own)? {
            Merged::Clean(tree) => tree,
            Merged::Conflict(conflict) => return Ok(Met::Clashes(Clash::Text(conflict))),
        };
        let merged = self.joined_commit(&merged, trunk)?;
        let tree = self.ctx.git.tree_of(&merged, &self.ctx.limits)?;
        if let Some(joined) = self.foreseen(trunk, &tree).await? {
            return Ok(Met::Fits(Box::new(joined)));
        }
        let mut evidence = self.verify_joined((trunk, &merged), &tree, proof).await?;
        let failed: Vec<CheckResult> = evidence
            .checks
            .iter()
            .filter(|check| !check.outcome.passed())
            .cloned()
            .collect();
        if !failed.is_empty() {
            let alone = self.fails_alone(proof.attempt.ordinal).await?;
            return Ok(alone.map_or(Met::Clashes(Clash::Checks(failed)), Met::Unproven));
        }
        let known = |name: &str| evidence.checks.iter().any(|check| check.name == name);
        // What a person said of the work holds: nobody is asked twice.
        let said: Vec<CheckResult> = proof
            .attempt
            .evidence
            .checks
            .iter()
            .filter(|check| !known(&check.name) && self.is_own(check))
            .cloned()
            .collect();
        evidence.checks.extend(said);
        Ok(Met::Fits(Box::new(
            self.joined(tree, evidence, false).await?,
        )))
    }

    /// Whether a result is one of the task's own criteria.
    fn is_own(&self, check: &CheckResult) -> bool {
        let own = check.name.strip_prefix(number(&self.task));
        report::is_criterion(&check.name) && own.is_some_and(|rest| rest.starts_with('/'))
    }

    /// The work as it was verified ahead, where the trunk has become what was foreseen.
    async fn foreseen(&self, trunk: &str, tree: &FileTree) -> Result<Option<Joined>, BuildError> {
        let Some(ahead) = &self.ahead else {
            return Ok(None);
        };
        let evidence = ahead.evidence.clone();
        let joined = self.joined(tree.clone(), evidence, true).await?;
        let documents = joined
            .documents
            .iter()
            .map(|one| one.path.clone())
            .collect();
        let holds = self.holds_ahead(ahead, trunk, tree, &documents).await?;
        Ok(holds.then_some(joined))
    }

    /// The evidence of the work alone, where it was never shown to pass so and does not.
    async fn fails_alone(&mut self, ordinal: u32) -> Result<Option<Evidence>, BuildError> {
        if self.ahead.is_none() {
            return Ok(None);
        }
        let evidence = self.alone(ordinal).await?;
        Ok(Some(evidence).filter(|evidence| !evidence.passed()))
    }

    /// Verifies work alone that was verified ahead only.
    async fn alone(&mut self, ordinal: u32) -> Result<Evidence, BuildError> {
        self.ahead = None;
        self.stand_alone()?;
        let _turn = self.turn().await?;
        self.check_alone(ordinal).await
    }

    async fn joined(
        &self,
        tree: FileTree,
        evidence: Evidence,
        foreseen: bool,
    ) -> Result<Joined, BuildError> {
        let finishing = Some((&self.task.id, &evidence));
        let documents =
            report::documents(self.ctx, self.run, self.plan, &tree, finishing, None).await?;
        Ok(Joined {
            tree,
            evidence,
            documents,
            foreseen,
        })
    }

    async fn verify_joined(
        &mut self,
        (trunk, merged): (&str, &str),
        tree: &FileTree,
        proof: &Proof,
    ) -> Result<Evidence, BuildError> {
        let others = self.merged_meanwhile().await?;
        let worktree = self.ctx.git.worktree_open(&self.place, Some(merged))?;
        let _turn = self.turn().await?;
        let floor = self.tests_floor_at(Some(trunk)).await?;
        let (ordinal, joined) = (proof.attempt.ordinal, (&worktree, tree));
        let evidence = self.check_joined(ordinal, joined, &others, floor).await?;
        let evidence = self.graded_joined(merged, tree, evidence).await?;
        self.worktree = Some(worktree);
        Ok(evidence)
    }

    /// The tasks that came into the trunk since the base.
    pub(super) async fn merged_meanwhile(&self) -> Result<Vec<Task>, BuildError> {
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
        &mut self,
        proof: Proof,
        trunk: Option<&str>,
        joined: Joined,
    ) -> Result<Option<Proof>, BuildError> {
        let before = self.desk.trunk.tree_at(self.ctx, trunk)?;
        let mut tree = joined.tree;
        for document in &joined.documents {
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
        if let Some(car) = self.car.take().filter(|_| joined.foreseen) {
            car.arrive();
        }
        self.follow(&commit, trunk, &joined.documents).await?;
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

    /// Lockfiles the build made belong to the work: without them the next build may differ. Says
    /// whether there were any.
    fn take_lockfiles(&mut self, ordinal: u32) -> Result<bool, BuildError> {
        let written = match (&self.ctx.recording, &self.worktree) {
            (Some(recorded), _) => recorded.built(&self.task.id, ordinal)?,
            // Of work verified ahead nothing was written, or it would not have been.
            (None, Some(worktree)) if self.ahead.is_none() => {
                self.lockfiles_written(worktree, &self.tree)
            }
            (None, _) => return Ok(false),
        };
        let any = !written.is_empty();
        for (path, file) in written {
            self.tree.put(path, file);
        }
        Ok(any)
    }

    /// Lockfiles that stand in a worktree other than in the tree that was laid out there.
    pub(super) fn lockfiles_written(
        &self,
        worktree: &Worktree,
        tree: &FileTree,
    ) -> BTreeMap<TreePath, FileEntry> {
        let bytes_max = self.ctx.limits.file_bytes_max;
        let projects = self.ctx.recipes.detect(tree);
        let places = projects
            .iter()
            .flat_map(|project| lockfiles(tree, project.folder.as_ref()));
        let found = places.filter_map(|path| {
            let file = atelier_exec::file_read(worktree.path(), &path, bytes_max)?;
            (tree.get(&path) != Some(&file)).then_some((path, file))
        });
        found.collect()
    }
}
