//! Build steps and acceptance checks over one tree: evidence, never opinion.

mod criteria;
mod guard;
mod level;
mod steps;

use std::{collections::BTreeMap, path::Path};

use atelier_model::{
    Acceptance, BuildStep, Check, CheckResult, Digest, EventKind, Evidence, FileTree, RunId,
    SandboxLevel, TaskId, TestCounts, TreePath,
};

pub use self::level::ChooseLevelError;
pub(crate) use self::{
    criteria::selection,
    level::{Level, settle},
};
use crate::{BuildError, Ctx, conclude::of_reason};

/// One verification: a tree that stands in a folder, and what it must show.
pub(crate) struct Verification<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) run: &'a RunId,
    /// The task it is for; without one it is the last word on a commit, and tests are executed
    /// whatever is known of them.
    pub(crate) task: Option<&'a TaskId>,
    /// Folder the tree stands in, nobody's work.
    pub(crate) folder: &'a Path,
    /// The tree as it must be; what stands on disk beside it is not looked at.
    pub(crate) tree: &'a FileTree,
    /// Files of the tree that must stand on disk as they are in the tree when checks run.
    pub(crate) guarded: Vec<&'a TreePath>,
    /// Name and criterion of each acceptance check.
    pub(crate) acceptance: Vec<(String, &'a Acceptance)>,
    /// Those of other work, which passed before and must pass still.
    pub(crate) others: Vec<(String, &'a Acceptance)>,
    /// Tests that ran before: fewer means that tests were lost.
    pub(crate) tests_before: u64,
    /// Whether questions to a person are asked; otherwise they count as answered.
    pub(crate) ask_person: bool,
}

/// What one command concluded, kept so that the same command is not run twice over one tree.
type Known = BTreeMap<(Vec<String>, Option<String>), CheckResult>;

/// Steps that were executed, with what they concluded.
type Executed = Vec<(BuildStep, CheckResult)>;

impl Verification<'_> {
    /// Executes the build steps; unless one of them fails, then all acceptance checks.
    pub(crate) async fn run(&self) -> Result<Evidence, BuildError> {
        let mut evidence = Evidence::default();
        let mut known = Known::new();
        let mut steps = Executed::new();
        let mut ran = 0_u64;
        for (step, result) in self.steps().await? {
            let executed = result.tests.as_ref().map_or(0, TestCounts::executed);
            ran = u64::saturating_add(ran, executed);
            if let Some(step) = step {
                let cwd = step.cwd.as_ref().map(ToString::to_string);
                known.insert((step.argv.clone(), cwd), result.clone());
                steps.push((step, result.clone()));
            }
            evidence.checks.push(result);
        }
        // What follows a broken build says nothing new and costs time.
        if evidence.checks.iter().any(|check| !check.outcome.passed()) {
            return Ok(evidence);
        }
        let mut judged: Vec<(&Acceptance, CheckResult)> = Vec::new();
        let own = self.acceptance.iter().map(|one| (one, None));
        let others = self.others.iter().map(|one| (one, Some(&steps)));
        for ((name, acceptance), steps) in own.chain(others) {
            let same = judged
                .iter()
                .find(|(one, _)| asks_the_same(one, acceptance));
            let same = same.map(|(_, result)| result.clone());
            let result = if let Some(result) = same {
                self.criterion_told(name, acceptance, result).await?
            } else if let Some(result) = steps.and_then(|all| self.executed(acceptance, all)) {
                self.criterion_told(name, acceptance, result).await?
            } else {
                self.guard().await?;
                self.criterion(name, acceptance, &known).await?
            };
            judged.push((acceptance, result.clone()));
            evidence.checks.push(result);
        }
        if ran < self.tests_before {
            evidence.checks.push(self.tests_lost(ran).await?);
        }
        Ok(evidence)
    }

    /// What a step concluded that executed every test a criterion asks for: alone they would say the
    /// same.
    fn executed(&self, acceptance: &Acceptance, steps: &Executed) -> Option<CheckResult> {
        let selected = criteria::selection(acceptance, self.tree)?;
        let counted = |result: &CheckResult| {
            let tests = result.tests.as_ref();
            tests.is_some_and(|tests| tests.executed() > 0)
        };
        let (_, result) = steps
            .iter()
            .find(|(step, result)| counted(result) && selected.is_within(step, self.tree))?;
        Some(CheckResult {
            tests: None,
            ..result.clone()
        })
    }

    /// A criterion that was judged on this tree already, under another name: tasks often name the
    /// same command.
    async fn criterion_told(
        &self,
        name: &str,
        acceptance: &Acceptance,
        judged: CheckResult,
    ) -> Result<CheckResult, BuildError> {
        let result = CheckResult {
            name: name.to_owned(),
            command: acceptance.how(),
            duration_ms: 0,
            ..judged
        };
        self.began(name, &result.command).await?;
        self.ended(&result, None).await?;
        Ok(result)
    }

    async fn tests_lost(&self, ran: u64) -> Result<CheckResult, BuildError> {
        let before = self.tests_before;
        let result = CheckResult {
            name: "tests kept".to_owned(),
            command: "count the tests".to_owned(),
            ..of_reason(format!(
                "{before} tests ran before and {ran} run now: put them back"
            ))
        };
        self.began(&result.name, &result.command).await?;
        self.ended(&result, None).await?;
        Ok(result)
    }

    /// Output is kept without the folder's name, which differs from run to run.
    async fn keep(&self, output: &str) -> Result<Digest, BuildError> {
        let folder = self.folder.display().to_string();
        let text = output.replace(&folder, ".");
        Ok(self.ctx.store.blob_put(text.as_bytes()).await?)
    }

    async fn began(&self, name: &str, command: &str) -> Result<(), BuildError> {
        let kind = EventKind::CheckStarted {
            name: name.to_owned(),
            command: command.to_owned(),
        };
        self.tell(kind).await
    }

    async fn ended(
        &self,
        result: &CheckResult,
        level: Option<SandboxLevel>,
    ) -> Result<(), BuildError> {
        self.tell(EventKind::CheckFinished {
            name: result.name.clone(),
            outcome: result.outcome,
            reason: result.reason.clone(),
            tests: result.tests.clone(),
            duration_ms: result.duration_ms,
            level,
        })
        .await
    }

    pub(crate) async fn tell(&self, kind: EventKind) -> Result<(), BuildError> {
        self.ctx
            .store
            .event_append(Some(self.run), self.task, kind, self.ctx.now())
            .await?;
        Ok(())
    }
}

/// Whether one execution answers two criteria; a person is asked each by itself.
fn asks_the_same(one: &Acceptance, other: &Acceptance) -> bool {
    let how = |of: &Acceptance| (of.check.clone(), of.expect.clone(), of.timeout_seconds);
    how(one) == how(other) && !matches!(one.check, Check::Human { .. })
}

#[cfg(test)]
mod tests;
