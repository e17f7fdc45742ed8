//! A wish to a change of a plan: the model is asked, its answer applied and judged.

use std::collections::BTreeSet;

use atelier_model::{DevPlan, EventKind, FileTree, PlanChange, Stage};
use serde_json::json;

use crate::{
    DeltaError, Draft, DraftError, Problem, delta,
    draft::{FILES_NAMED_MAX, Talk, count},
    lint::{executable, lint},
};

/// Answers to a wish that are judged: the first, and one more with what is wrong with it.
const JUDGED_MAX: u32 = 2;

/// What a wish is about.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// What is wished for, word for word.
    pub text: &'a str,
    /// The plan as it stands.
    pub plan: &'a DevPlan,
    /// Steps that are done, each with its number and title.
    pub done: &'a [String],
    /// Numbers that no step may have again.
    pub retired: &'a BTreeSet<String>,
    /// The project as it stands.
    pub files: &'a FileTree,
    /// 1 for the first change of the run.
    pub ordinal: u32,
}

/// What a wish comes to.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The model's answer.
    pub change: PlanChange,
    /// The plan that results.
    pub plan: DevPlan,
}

impl Draft<'_> {
    /// Asks what a wish changes of the plan, and returns the plan that results: without a problem
    /// that it had not before.
    ///
    /// Asking again after a crash repeats the same asks, which the store answers.
    pub async fn change(&self, wish: Wish<'_>) -> Result<Changed, DraftError> {
        let paths: Vec<_> = wish.files.paths().take(FILES_NAMED_MAX).collect();
        let inputs = json!({
            "requirement": self.run.requirement, "wish": wish.text, "design": wish.plan.design,
            "plan": {"summary": wish.plan.summary, "phases": wish.plan.phases},
            "done": wish.done, "retired": wish.retired, "files": paths,
        });
        let facts = json!({
            "wish": wish.text, "files": paths, "retired": wish.retired, "plan": wish.plan,
        });
        let mut talk = self.talk::<PlanChange>(Stage::Change, None, inputs, facts)?;
        let mut judged = 0;
        loop {
            judged += 1;
            let change: PlanChange = self.answer(&mut talk).await?;
            let summary = in_words(&change);
            let name = format!("change-{}", wish.ordinal);
            self.keep(&talk, &name, &change, &summary).await?;
            let error = match delta::apply(wish.plan, &change, wish.retired) {
                Ok(plan) => {
                    let problems = self.judge_change(wish, &plan).await?;
                    if problems.is_empty() {
                        return Ok(Changed { change, plan });
                    }
                    DraftError::Lint(problems)
                }
                Err(error) => DraftError::Delta(error),
            };
            if judged >= JUDGED_MAX {
                return Err(error);
            }
            self.object(&mut talk, &error)?;
        }
    }

    async fn judge_change(
        &self,
        wish: Wish<'_>,
        plan: &DevPlan,
    ) -> Result<Vec<Problem>, DraftError> {
        let problems = new_problems(wish.plan, plan, wish.files, self.limits);
        let texts = problems.iter().map(|one| one.text.clone()).collect();
        let kind = EventKind::PlanLinted { problems: texts };
        self.store
            .event_append(Some(&self.run.id), None, kind, self.clock.now())
            .await?;
        Ok(problems)
    }

    /// Tells the model what is wrong with its answer.
    fn object(&self, talk: &mut Talk, error: &DraftError) -> Result<(), DraftError> {
        let problems: Vec<String> = if let DraftError::Lint(problems) = error {
            problems.iter().map(|one| one.text.clone()).collect()
        } else {
            vec![format!("it is not possible to {}", cause(error))]
        };
        let inputs = json!({"problems": problems});
        let turn = self.turn(Stage::Change, "relint", &inputs)?;
        talk.messages.extend(turn);
        Ok(())
    }
}

fn cause(error: &DraftError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// What is wrong with a plan that was not wrong with the one it was made from. A step that reads
/// what only a removed step made is such a problem, one that never named an output is not.
pub fn new_problems(
    before: &DevPlan,
    after: &DevPlan,
    files: &FileTree,
    limits: &atelier_model::Limits,
) -> Vec<Problem> {
    let mut known = lint(before, files, limits);
    let mut problems = if known.is_empty() {
        lint(after, files, limits)
    } else {
        // A plan of another tool has steps without checks, and may get more of them.
        known = executable(before, files, limits);
        executable(after, files, limits)
    };
    let known: BTreeSet<String> = known.into_iter().map(|problem| problem.text).collect();
    problems.retain(|problem| !known.contains(&problem.text));
    problems
}

fn in_words(change: &PlanChange) -> String {
    let parts = [
        (change.added.len(), "added"),
        (change.changed.len(), "changed"),
        (change.removed.len(), "removed"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(*number, "step")))
        .collect();
    if said.is_empty() {
        return "no step changed".to_owned();
    }
    said.join(", ")
}

impl From<DeltaError> for DraftError {
    fn from(error: DeltaError) -> Self {
        Self::Delta(error)
    }
}
