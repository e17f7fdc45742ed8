//! What is said between the run and the model about one task.

use atelier_model::{AttemptOutcome, CheckResult, EventKind, Message, Role, TaskState};
use atelier_prompt::context::Compression;
use serde_json::json;

use super::{Work, number};
use crate::{BuildError, context, form, report};

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
        let named = |done: bool| -> Vec<_> {
            self.tasks
                .iter()
                .filter(|task| task.id != self.task.id)
                .filter(|task| (task.state == TaskState::Done) == done)
                .map(|task| json!({"number": number(task), "title": task.title}))
                .collect()
        };
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
            "done": named(true), "open": named(false),
            "context": packed.text,
            "attempt": self.task.round_first,
            "conventions": report::conventions(&self.before),
        });
        let lines = context::lines(&self.task, &self.before);
        self.form = form::ask_in(self.ctx, &inputs, &lines).await?;
        inputs["form"] = json!(self.form);
        inputs["forms"] = json!(context::forms(&self.task, &self.before, self.form));
        let prompt = self.ctx.library.render("code", &inputs)?;
        self.messages = prompt.messages;
        self.prompt_version = prompt.version;
        Ok(())
    }

    /// Takes the failed attempts of an earlier invocation over, word for word, so that the next
    /// ask is the one that would have followed. Returns the ordinal of the next attempt.
    pub(super) async fn replay(&mut self) -> Result<u32, BuildError> {
        let attempts = self
            .ctx
            .store
            .attempt_list(&self.run.id, &self.task.id)
            .await?;
        let mut next = self.task.round_first;
        // What was said about another commit would only mislead.
        let base = self.base.clone().unwrap_or_default();
        for attempt in attempts
            .into_iter()
            .skip_while(|one| one.ordinal < self.task.round_first)
        {
            let failed = matches!(
                attempt.outcome,
                Some(AttemptOutcome::EditsRefused | AttemptOutcome::ChecksFailed)
            );
            let reply = match attempt.reply {
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
            self.messages.push(Message {
                role: Role::Assistant,
                text,
            });
            self.messages.push(Message {
                role: Role::User,
                text: attempt.feedback,
            });
            next += 1;
        }
        Ok(next)
    }

    /// What the model is told after a failed attempt.
    pub(super) async fn feedback(
        &mut self,
        problems: &[String],
        failed: &[&CheckResult],
        attempts_left: u32,
    ) -> Result<String, BuildError> {
        let share = self.ctx.limits.evidence_bytes_max / failed.len().max(1);
        let mut evidence = Vec::new();
        for check in failed {
            let output = self
                .ctx
                .store
                .blob_fetch(&check.output)
                .await?
                .unwrap_or_default();
            let output = head_and_tail(&String::from_utf8_lossy(&output), share);
            evidence.push(json!({
                "name": check.name, "command": check.command, "reason": check.reason,
                "output": output,
            }));
        }
        let inputs = json!({
            "problems": problems, "evidence": evidence, "attempts_left": attempts_left,
        });
        let prompt = self.ctx.library.render("repair", &inputs)?;
        let turn = prompt
            .messages
            .into_iter()
            .find(|message| message.role == Role::User);
        let text = turn.map(|message| message.text).unwrap_or_default();
        self.messages.push(Message {
            role: Role::User,
            text: text.clone(),
        });
        Ok(text)
    }
}

/// The first third and the last two thirds of a text that is too long: errors stand at its end,
/// their cause often at its beginning.
fn head_and_tail(text: &str, bytes_max: usize) -> String {
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
