//! What is said between the run and the model about one task.

use atelier_model::{Attempt, AttemptOutcome, CheckResult, EventKind, Message, Role};
use atelier_prompt::{context::Compression, evidence};
use serde_json::{Value, json};

use super::{Work, number};
use crate::{
    BuildError, agents,
    context::{self, Material},
    form, replay,
};

/// What stands for the home folder of sandboxed processes in what models are shown.
const HOME: &str = "~";

impl Work<'_> {
    pub(super) async fn begin_conversation(&mut self) -> Result<(), BuildError> {
        let compression = self.ctx.compression;
        let bounds = (compression, self.ctx.limits.context_tokens_max);
        let (reminders, finished) = (self.reminders().await?, self.finished().await?);
        let beside = self.beside().await?;
        let material = Material {
            task: &self.task,
            plan: self.plan,
            requirement: &self.run.requirement,
            tree: &self.before,
            reminders: &reminders,
            finished: &finished,
            are_many: beside.are_many(),
        };
        let shown = context::pack(material, bounds);
        let packed = shown.packed;
        if compression != Compression::Off {
            let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
            self.tell(EventKind::ContextPacked {
                bytes_full: bytes(shown.bytes_full),
                bytes: bytes(packed.text.len()),
            })
            .await?;
        }
        let (done, open) = beside.into_titles(&self.task.depends_on);
        let made = reminders.requirement.as_ref();
        let requirement = context::requirement(&self.run.requirement, self.plan, made);
        let acceptance: Vec<_> = self
            .task
            .acceptance
            .iter()
            .map(|one| json!({"id": one.id, "text": one.text, "how": one.how()}))
            .collect();
        let conventions = agents::conventions(&self.before, &self.task);
        let mut inputs = json!({
            "requirement": requirement,
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
            "conventions": conventions,
        });
        let lines = context::lines(&self.task, &self.before);
        self.form = match replay::form(self.ctx, &self.task, self.base.as_deref())? {
            Some(recorded) => recorded,
            None => form::ask_in(self.ctx, &inputs, &lines).await?,
        };
        inputs["form"] = json!(self.form);
        if let Some((_, schema)) = self.schema() {
            inputs["schema"] = Value::String(schema.to_string());
        }
        inputs["forms"] = json!(context::forms(&self.task, &self.before, self.form));
        let prompt = self.ctx.library.render(self.template(), &inputs)?;
        self.messages = prompt.messages;
        self.prompt_version = prompt.version;
        self.recall_conflict();
        let requirement = (requirement.as_str(), made.is_some());
        self.keep_prompt(shown.parts, requirement, &conventions)
            .await
    }

    /// Takes the failed attempts of an earlier invocation over, word for word, so that the next
    /// ask is the one that would have followed. Returns the ordinal of the next attempt.
    pub(super) async fn take_over(&mut self) -> Result<u32, BuildError> {
        let is_conflict = |one: &Attempt| one.outcome == Some(AttemptOutcome::Conflict);
        let conflict = self.earlier.iter().rposition(is_conflict);
        let begun_anew = conflict.map_or(0, |at| at + 1);
        let mut next = self.conversation_begins();
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
        if self.finds() && !problems.is_empty() {
            return self.asked_again(problems);
        }
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

    /// Failed checks with what they printed, without what differs each time, within the bounds of
    /// what is shown: the same failure is the same question in every run.
    pub(super) async fn shown(&self, failed: &[&CheckResult]) -> Result<Vec<Value>, BuildError> {
        let share = self.ctx.limits.evidence_bytes_max / failed.len().max(1);
        let mut shown = Vec::new();
        for check in failed {
            let output = head_and_tail(&self.lasting_output(check).await?, share);
            let reason = evidence::lasting(&check.reason, &[]);
            shown.push(json!({
                "name": check.name, "command": check.command, "reason": reason,
                "output": output,
            }));
        }
        Ok(shown)
    }

    /// What a check printed, as it would read at another time and in another place.
    pub(super) async fn lasting_output(&self, check: &CheckResult) -> Result<String, BuildError> {
        let output = self.ctx.store.blob_fetch(&check.output).await?;
        let output = output.unwrap_or_default();
        let home = self.ctx.home.to_string_lossy();
        let folders = [(home.as_ref(), HOME)];
        Ok(evidence::lasting(
            &String::from_utf8_lossy(&output),
            &folders,
        ))
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
