//! The way of a verified task into the trunk.

use atelier_exec::Commit;
use atelier_model::{AttemptOutcome, FileEntry, TaskFact};

use super::{Proof, TaskEnd, Work};
use crate::{BuildError, commit, lockfile::lockfiles, report};

impl Work<'_> {
    /// Commits the verified tree with its documents and moves the trunk to it.
    pub(super) async fn finish(&mut self, proof: Proof) -> Result<TaskEnd, BuildError> {
        self.take_lockfiles();
        let evidence = proof.attempt.evidence.digest();
        // What failed attempts cost is part of the price; what the store answered cost something
        // the first time.
        let asks = self.ctx.store.ask_list(&self.run.id).await?;
        let own = asks
            .iter()
            .filter(|ask| ask.task.as_ref() == Some(&self.task.id));
        let cost = own.map(|ask| ask.cost).sum();
        let trace = commit::Trace {
            run: &self.run.id,
            task: &self.task,
            model: &proof.reply.model,
            prompt: proof.prompt,
            reply: proof.reply.digest,
            evidence,
            cost,
        };
        let message = commit::message(&trace);
        let documents = report::documents(
            self.ctx,
            self.run,
            self.plan,
            &self.tree,
            Some((&self.task.id, &proof.attempt.evidence)),
            None,
        )
        .await?;
        let mut tree = self.tree.clone();
        for document in &documents {
            tree.put(
                document.path.clone(),
                FileEntry::text(document.text.clone()),
            );
        }
        let changes = self.before.changes_to(&tree);
        self.end(
            proof.attempt,
            AttemptOutcome::Passed,
            TaskFact::Verified,
            "",
        )
        .await?;
        let made = Commit {
            message,
            parent: self.base.as_deref(),
            at: self.ctx.now(),
        };
        let commit = self.ctx.git.commit_changes(&changes, &made)?;
        let end = self.merge(&commit, &documents).await?;
        if matches!(end, TaskEnd::Done) {
            self.trunk.keep(commit, tree);
        }
        Ok(end)
    }

    async fn merge(
        &self,
        commit: &str,
        documents: &[atelier_docs::Rendered],
    ) -> Result<TaskEnd, BuildError> {
        let (run, task) = (&self.run.id, &self.task.id);
        let store = &self.ctx.store;
        let trunk = store
            .run_fetch(run)
            .await?
            .trunk
            .or_else(|| self.run.base_commit.clone());
        if trunk != self.base {
            let reason = "the trunk moved";
            store
                .task_advance(run, task, TaskFact::MergeRefused, reason, self.ctx.now())
                .await?;
            return Ok(TaskEnd::Again);
        }
        let subject = commit::subject(&self.task);
        store
            .task_merge(run, task, commit, &subject, self.ctx.now())
            .await?;
        report::trunk_moved(self.ctx, self.run, commit, self.base.as_deref())?;
        report::keep_documents(self.ctx, self.run, documents).await?;
        Ok(TaskEnd::Done)
    }

    /// Lockfiles the build made belong to the work: without them the next build may differ.
    fn take_lockfiles(&mut self) {
        let Some(worktree) = &self.worktree else {
            return;
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
    }
}
