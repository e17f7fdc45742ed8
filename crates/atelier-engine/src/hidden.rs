//! Hidden tests: laid beside the work in a folder of their own, executed once, and gone again.
//!
//! Nobody is told more of them than which ones failed.

use std::sync::Arc;

use atelier_exec::Worktree;
use atelier_model::{
    CheckOutcome, CheckResult, Digest, EventKind, Evidence, FileTree, RunId, Task, TaskId,
    TaskState,
};

use crate::{
    BuildError, Ctx,
    conclude::{blank, named_failures, of_reason},
    protect, sealed,
    verify::Verification,
};

/// Name of the check by which hidden tests stand in evidence.
pub(crate) const NAME: &str = "hidden tests";

/// What hidden tests are executed against.
pub(crate) struct Graded<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) run: &'a RunId,
    /// The tree, without any hidden test.
    pub(crate) tree: &'a FileTree,
    /// A folder of its own with that tree; nothing was executed in it.
    pub(crate) worktree: &'a Worktree,
    /// Tests that were executed without the hidden ones.
    pub(crate) visible: u64,
}

/// The hidden tests of a task, or of the run as a whole.
pub(crate) async fn of(
    ctx: &Ctx,
    run: &RunId,
    task: Option<&TaskId>,
) -> Result<FileTree, BuildError> {
    let fixed = sealed::fixed(ctx, run, task).await?;
    match fixed.and_then(|fixed| fixed.hidden) {
        Some(list) => sealed::hidden_tests(ctx, &list).await,
        None => Ok(FileTree::default()),
    }
}

/// The hidden tests of tasks that are done, and those of the run where all of them are.
pub(crate) async fn of_done(
    ctx: &Ctx,
    run: &RunId,
    tasks: &[Task],
) -> Result<FileTree, BuildError> {
    let done = |task: &&Task| task.state == TaskState::Done;
    let mut whole = FileTree::default();
    let tasks_done = tasks.iter().filter(done).map(|task| Some(&task.id));
    let of_run = tasks.iter().all(|task| done(&task)).then_some(None);
    for task in tasks_done.chain(of_run) {
        for (path, file) in of(ctx, run, task).await?.iter() {
            whole.put(path.clone(), file.clone());
        }
    }
    Ok(whole)
}

impl Graded<'_> {
    /// Executes the build steps with these hidden tests among the files.
    ///
    /// What is executed with them has a home of its own, which is gone afterwards: what it may have
    /// learnt of them reaches no later check whose output a model is shown.
    pub(crate) async fn grade(&self, hidden: &FileTree) -> Result<CheckResult, BuildError> {
        let folder = self.worktree.path().file_name().unwrap_or_default();
        let name = format!("home-{}", folder.to_string_lossy());
        let home = self.ctx.home.with_file_name(name);
        atelier_exec::home_copy(&self.ctx.home, &home).map_err(BuildError::Home)?;
        let apart = Ctx {
            checks: Arc::new(self.ctx.checks.apart()),
            home: home.clone(),
            ..self.ctx.clone()
        };
        let result = self.grade_apart(&apart, hidden).await;
        drop(apart);
        atelier_exec::home_remove(&home).map_err(BuildError::Home)?;
        result
    }

    async fn grade_apart(&self, ctx: &Ctx, hidden: &FileTree) -> Result<CheckResult, BuildError> {
        let mut with = self.tree.clone();
        for (path, file) in hidden.iter() {
            with.put(path.clone(), file.clone());
        }
        self.worktree.tree_write(&self.tree.changes_to(&with))?;
        let verification = Verification {
            ctx,
            run: self.run,
            task: None,
            folder: self.worktree.path(),
            tree: &with,
            guarded: protect::guarded(&with, None),
            acceptance: Vec::new(),
            others: Vec::new(),
            tests_before: 0,
            ask_person: false,
        };
        let evidence = verification.run().await?;
        let mut result = if self.are_there(hidden) {
            concluded(&evidence, self.visible)
        } else {
            of_reason("the hidden tests were changed while they ran".to_owned())
        };
        NAME.clone_into(&mut result.name);
        result.command = match hidden.paths().count() {
            1 => "execute 1 file of hidden tests".to_owned(),
            files => format!("execute {files} files of hidden tests"),
        };
        // What they print would give them away.
        result.output = Digest::of("");
        self.tell(&result).await?;
        // They are no tests of the project, and never count among those that it must keep.
        result.tests = None;
        Ok(result)
    }

    /// Whether hidden tests stand in the folder as they were laid there.
    fn are_there(&self, hidden: &FileTree) -> bool {
        let bytes_max = self.ctx.limits.file_bytes_max;
        let folder = self.worktree.path();
        hidden.iter().all(|(path, file)| {
            atelier_exec::file_read(folder, path, bytes_max).as_ref() == Some(file)
        })
    }

    async fn tell(&self, result: &CheckResult) -> Result<(), BuildError> {
        let kind = EventKind::CheckFinished {
            name: result.name.clone(),
            outcome: result.outcome,
            reason: result.reason.clone(),
            tests: result.tests.clone(),
            duration_ms: result.duration_ms,
            level: None,
        };
        self.ctx
            .store
            .event_append(Some(self.run), None, kind, self.ctx.now())
            .await?;
        Ok(())
    }
}

/// One result for all steps: names of what failed, and nothing of what was printed.
fn concluded(evidence: &Evidence, visible: u64) -> CheckResult {
    let executed = evidence.tests_executed();
    let failed = evidence.checks.iter().find(|one| !one.outcome.passed());
    let (outcome, reason) = match failed {
        Some(one) => {
            let named = one.tests.as_ref().map(named_failures).unwrap_or_default();
            let what = match one.tests.as_ref().map_or(0, |tests| tests.failed) {
                0 => format!("`{}` does not succeed with them", one.name),
                1 => "1 test failed".to_owned(),
                count => format!("{count} tests failed"),
            };
            (one.outcome, format!("{what}{named}"))
        }
        None if executed <= visible => {
            let said = "no more tests ran than without them";
            (CheckOutcome::NoTests, said.to_owned())
        }
        None => (CheckOutcome::Passed, String::new()),
    };
    let counts = evidence.checks.iter().filter_map(|one| one.tests.as_ref());
    let tests = counts.fold(None, |sum: Option<atelier_model::TestCounts>, one| {
        let mut sum = sum.unwrap_or_default();
        sum.add(one);
        // Messages and places say more than names.
        for failure in &mut sum.failures {
            failure.message.clear();
            failure.place = None;
        }
        Some(sum)
    });
    CheckResult {
        outcome,
        reason,
        tests,
        duration_ms: evidence.checks.iter().map(|one| one.duration_ms).sum(),
        ..blank()
    }
}

#[cfg(test)]
mod tests;
