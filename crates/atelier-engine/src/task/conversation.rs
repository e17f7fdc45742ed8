//! What is said between the run and the model about one task.

use atelier_model::{Attempt, AttemptOutcome, CheckResult, EventKind, Message, Role};
use atelier_prompt::context::Compression;
use atelier_store::TaskName;
use serde_json::{Value, json};

use super::{Work, number};
use crate::{BuildError, context, form, replay, report};

impl Work<'_> {
    pub(super) async fn begin_conversation(&mut self) -> Result<(), BuildError> {
        let compression = self.ctx.compression;
        let bounds = (compression, self.ctx.limits.context_tokens_max);
        let shown = context::pack(&self.task, self.plan, &self.before, bounds);
        let packed = shown.packed;
        if compression != Compression::Off {
            let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
            self.tell(EventKind::ContextPacked {
                bytes_full: bytes(shown.bytes_full),
                bytes: bytes(packed.text.len()),
            })
            .await?;
        }
        let (done, open) = self.beside().await?;
        let acceptance: Vec<_> = self
            .task
            .acceptance
            .iter()
            .map(|one| json!({"id": one.id, "text": one.text, "how": one.how()}))
            .collect();
        let mut inputs = json!({
            "requirement": self.run.requirement,
            "design_summary": self.plan.design.summary,
            "task": {
                "number": number(&self.task), "title": self.task.title,
                "description": self.task.description, "why": self.task.why,
                "outputs": self.task.outputs, "owns": self.task.owns,
                "protected": self.task.protected, "acceptance": acceptance,
            },
            "done": done, "open": open,
            "context": packed.text,
            "attempt": self.task.round_first,
            "conventions": report::conventions(&self.before),
        });
        let lines = context::lines(&self.task, &self.before);
        self.form = match replay::form(self.ctx, &self.task.id, self.base.as_deref())? {
            Some(recorded) => recorded,
            None => form::ask_in(self.ctx, &inputs, &lines).await?,
        };
        inputs["form"] = json!(self.form);
        inputs["forms"] = json!(context::forms(&self.task, &self.before, self.form));
        let prompt = self.ctx.library.render("code", &inputs)?;
        self.messages = prompt.messages;
        self.prompt_version = prompt.version;
        self.recall_conflict();
        Ok(())
    }

    /// The other tasks: those that the base holds, and those that were known then and are left.
    async fn beside(&self) -> Result<(Vec<Value>, Vec<Value>), BuildError> {
        let Some(point) = &self.point else {
            return Ok((Vec::new(), Vec::new()));
        };
        let (run, store) = (&self.run.id, &self.ctx.store);
        let held = store.trunk_tasks(run, point.ordinal).await?;
        let names = store.task_names(run, point.seq).await?;
        let others = names.into_iter().filter(|other| other.id != self.task.id);
        let (done, open): (Vec<_>, Vec<_>) = others.partition(|other| held.contains(&other.id));
        let to_model = |other: TaskName| json!({"number": other.number(), "title": other.title});
        Ok((
            done.into_iter().map(to_model).collect(),
            open.into_iter().map(to_model).collect(),
        ))
    }

    /// Takes the failed attempts of an earlier invocation over, word for word, so that the next
    /// ask is the one that would have followed. Returns the ordinal of the next attempt.
    pub(super) async fn take_over(&mut self) -> Result<u32, BuildError> {
        let is_conflict = |one: &Attempt| one.outcome == Some(AttemptOutcome::Conflict);
        let conflict = self.earlier.iter().rposition(is_conflict);
        let begun_anew = conflict.map_or(0, |at| at + 1);
        let mut next = conflict.map_or(self.task.round_first, |at| self.earlier[at].ordinal + 1);
        let base = self.base.clone().unwrap_or_default();
        for attempt in self.earlier.split_off(begun_anew) {
            let failed = matches!(
                attempt.outcome,
                Some(AttemptOutcome::EditsRefused | AttemptOutcome::ChecksFailed)
            );
            let reply = match attempt.reply {
                // What was said about another commit would only mislead.
                Some(digest) if failed && attempt.ordinal == next && attempt.base == base => {
                    self.ctx.store.blob_fetch(&digest).await?
                }
                _ => None,
            };
            let Some(reply) = reply else { break };
            let text = String::from_utf8_lossy(&reply).into_owned();
            // Only edits that were checked had become part of the tree.
            if attempt.outcome == Some(AttemptOutcome::ChecksFailed)
                && let Ok(edited) = self.edited(&text)
            {
                self.tree = edited.tree;
            }
            self.say(Role::Assistant, text);
            self.say(Role::User, attempt.feedback);
            next += 1;
        }
        Ok(next)
    }

    pub(super) fn say(&mut self, role: Role, text: String) {
        self.messages.push(Message { role, text });
    }

    /// What the model is told after a failed attempt.
    pub(super) async fn feedback(
        &mut self,
        problems: &[String],
        failed: &[&CheckResult],
        attempts_left: u32,
    ) -> Result<String, BuildError> {
        let evidence = self.shown(failed).await?;
        let inputs = json!({
            "problems": problems, "evidence": evidence, "attempts_left": attempts_left,
        });
        let prompt = self.ctx.library.render("repair", &inputs)?;
        let turn = prompt
            .messages
            .into_iter()
            .find(|message| message.role == Role::User);
        let text = turn.map(|message| message.text).unwrap_or_default();
        self.say(Role::User, text.clone());
        Ok(text)
    }

    /// Failed checks with what they printed, within the bounds of what is shown.
    pub(super) async fn shown(&self, failed: &[&CheckResult]) -> Result<Vec<Value>, BuildError> {
        let share = self.ctx.limits.evidence_bytes_max / failed.len().max(1);
        let mut evidence = Vec::new();
        for check in failed {
            let output = self.ctx.store.blob_fetch(&check.output).await?;
            let output = output.unwrap_or_default();
            let output = head_and_tail(&String::from_utf8_lossy(&output), share);
            evidence.push(json!({
                "name": check.name, "command": check.command, "reason": check.reason,
                "output": output,
            }));
        }
        Ok(evidence)
    }
}

/// The first third and the last two thirds of a text that is too long: errors stand at its end,
/// their cause often at its beginning.
pub(super) fn head_and_tail(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(bytes_max / 3);
    let tail = text.ceil_char_boundary(text.len() - bytes_max * 2 / 3);
    let left_out = tail - head;
    format!(
        "{}\n… {left_out} bytes left out …\n{}",
        &text[..head],
        &text[tail..]
    )
}

#[cfg(test)]
mod tests;
