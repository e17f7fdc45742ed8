//! Work that passed on its own and does not fit together with what the trunk had become.

use atelier_exec::MergeConflict;
use atelier_model::{Attempt, AttemptOutcome, CheckResult, Role, TaskFact};
use atelier_store::TrunkPoint;
use serde_json::json;

use super::{TaskEnd, Work, conversation::head_and_tail};
use crate::BuildError;

/// Files of a conflict that a line of reason names.
const NAMED_MAX: usize = 3;

/// What does not fit together.
pub(super) enum Clash {
    /// Both sides changed the same places.
    Text(MergeConflict),
    /// The merged tree does not pass these checks.
    Checks(Vec<CheckResult>),
}

impl Work<'_> {
    /// What the model is told of a conflict that ended the newest attempt: its task begins anew, with
    /// the evidence.
    pub(super) fn recall_conflict(&mut self) {
        let ended = self
            .earlier
            .iter()
            .rev()
            .find(|one| one.outcome == Some(AttemptOutcome::Conflict));
        let Some(feedback) = ended.map(|one| one.feedback.clone()) else {
            return;
        };
        let ask = self.messages.iter_mut().rev();
        if let Some(ask) = ask.into_iter().find(|message| message.role == Role::User) {
            ask.text.push_str("\n\n");
            ask.text.push_str(&feedback);
        }
    }

    /// Ends an attempt whose work does not fit: the task is ready again, or waits for a person where
    /// no attempt is left.
    pub(super) async fn refuse(
        &self,
        mut attempt: Attempt,
        (commit, trunk): (&str, &str),
        clash: Clash,
    ) -> Result<TaskEnd, BuildError> {
        let named = (&self.run.id, &self.task.id, attempt.ordinal);
        self.ctx.store.attempt_met_put(named, trunk).await?;
        let others = self.others().await?;
        let (files, places, failed) = match clash {
            Clash::Text(conflict) => (conflict.files, conflict.places, Vec::new()),
            Clash::Checks(failed) => (Vec::new(), String::new(), failed),
        };
        let reason = reason(&others, &files, &failed);
        let shown = self.shown(&failed.iter().collect::<Vec<_>>()).await?;
        let own = self.ctx.git.diff_text(self.base.as_deref(), commit)?;
        let bytes_max = self.ctx.limits.evidence_bytes_max;
        let inputs = json!({
            "others": others.iter().map(Other::to_model).collect::<Vec<_>>(),
            "files": files, "places": head_and_tail(&places, bytes_max),
            "evidence": shown, "own": head_and_tail(&own, bytes_max),
        });
        let prompt = self.ctx.library.render("conflict", &inputs)?;
        let said = prompt.messages.into_iter().map(|message| message.text);
        attempt.feedback = said.collect::<Vec<_>>().join("\n\n");
        attempt.evidence.checks.extend(failed);
        let last = self.is_last(attempt.ordinal);
        let attempts = attempt.ordinal + 1 - self.task.round_first;
        let fact = if last {
            TaskFact::PersonNeeded
        } else {
            TaskFact::MergeRefused
        };
        self.end(attempt, AttemptOutcome::Conflict, fact, &reason)
            .await?;
        if !last {
            return Ok(TaskEnd::Again);
        }
        Ok(TaskEnd::Conflicting {
            title: self.task.title.clone(),
            attempts,
            reason,
        })
    }

    /// Who moved the trunk since the base.
    async fn others(&self) -> Result<Vec<Other>, BuildError> {
        let since = self.since_base().await?;
        let mut others = Vec::new();
        for moved in since {
            let Some(task) = &moved.task else { continue };
            let task = self.ctx.store.task_fetch(&self.run.id, task).await?;
            others.push(Other {
                number: super::number(&task).to_owned(),
                title: task.title,
                commit: moved.commit,
            });
        }
        Ok(others)
    }

    /// What the trunk went through since the base.
    pub(super) async fn since_base(&self) -> Result<Vec<TrunkPoint>, BuildError> {
        let ordinal = self.point.as_ref().map_or(0, |point| point.ordinal);
        Ok(self.ctx.store.trunk_since(&self.run.id, ordinal).await?)
    }
}

/// A task that moved the trunk.
struct Other {
    number: String,
    title: String,
    commit: String,
}

impl Other {
    /// Without the commit, whose name depends on the time.
    fn to_model(&self) -> serde_json::Value {
        json!({"number": self.number, "title": self.title})
    }
}

/// Both sides in one line, for people.
fn reason(others: &[Other], files: &[String], failed: &[CheckResult]) -> String {
    let sides: Vec<String> = others
        .iter()
        .map(|other| {
            let short = other.commit.get(..10).unwrap_or(&other.commit);
            format!("{} {} ({short})", other.number, other.title)
        })
        .collect();
    let sides = sides.join(", ");
    let more = files.len().saturating_sub(NAMED_MAX);
    let named = files.iter().take(NAMED_MAX).cloned();
    let named = named.collect::<Vec<_>>().join(", ");
    match (failed.first(), more) {
        (Some(check), _) => format!(
            "it passes alone and not together with {sides}: {}: {}",
            check.name, check.reason
        ),
        (None, 0) => format!("it changes the same places as {sides}: {named}"),
        (None, more) => {
            format!("it changes the same places as {sides}: {named} and {more} more files")
        }
    }
}

#[cfg(test)]
mod tests;
