//! What a task is told of the long texts and the finished tasks behind it, and the record of what its
//! prompt was put together from.

use atelier_model::{
    Attempt, AttemptOutcome, Message, PromptPart, PromptRecord, Role, Summary, TaskId, TreePath,
};
use atelier_prompt::tokens;
use atelier_store::TaskName;
use serde_json::{Value, json};

use super::Work;
use crate::{
    BuildError,
    context::{self, Finished, Reminders},
    summaries::{self, Source},
};

/// What the requirement is called.
const REQUIREMENT: &str = "the requirement";

/// The other tasks of a run, as a task sees them from its base.
#[derive(Default)]
pub(super) struct Beside {
    /// Those that the base holds.
    done: Vec<TaskName>,
    /// Those that were known then and are left.
    open: Vec<TaskName>,
}

impl Beside {
    /// Whether titles no longer tell what was done.
    pub(super) fn are_many(&self) -> bool {
        context::are_many(self.done.len())
    }

    /// The titles of both, within their budgets.
    pub(super) fn into_titles(self, needed: &[TaskId]) -> (Vec<Value>, Vec<Value>) {
        let titles = |names: Vec<TaskName>, from_end: bool| {
            let named = |one: TaskName| (one.id.clone(), one.number().to_owned(), one.title);
            let all = names.into_iter().map(named).collect();
            let shown = context::titles(all, needed, from_end).into_iter();
            shown
                .map(|(number, title)| json!({"number": number, "title": title}))
                .collect()
        };
        (titles(self.done, true), titles(self.open, false))
    }
}

impl Work<'_> {
    /// The other tasks: those that the base holds, and those that were known then and are left.
    pub(super) async fn beside(&self) -> Result<Beside, BuildError> {
        let Some(point) = &self.point else {
            return Ok(Beside::default());
        };
        let (run, store) = (&self.run.id, &self.ctx.store);
        let held = store.trunk_tasks(run, point.ordinal).await?;
        let names = store.task_names(run, point.seq).await?;
        let others = names.into_iter().filter(|other| other.id != self.task.id);
        let (done, open) = others.partition(|other| held.contains(&other.id));
        Ok(Beside { done, open })
    }

    /// The summaries that stand for long texts, which are made now where the run has none.
    pub(super) async fn reminders(&self) -> Result<Reminders, BuildError> {
        let mut reminders = Reminders::default();
        let text = &self.run.requirement;
        if context::is_long(text, self.plan) {
            let name = REQUIREMENT;
            reminders.requirement = Some(self.summary(Source { name, text }).await?);
        }
        let begun_from = self.run.base_commit.as_deref();
        if begun_from.is_none() {
            return Ok(reminders);
        }
        let named = &self.task.context;
        if named.documents.is_empty() && named.files.is_empty() {
            return Ok(reminders);
        }
        let first = self.desk.trunk.tree_at(self.ctx, begun_from)?;
        let long = context::long_documents(&self.task, self.plan, (&first, &self.before));
        for path in long {
            let made = self.document(&path).await?;
            reminders.documents.insert(path, made);
        }
        Ok(reminders)
    }

    async fn document(&self, path: &TreePath) -> Result<Summary, BuildError> {
        let name = path.as_str();
        let text = self.before.text(path).unwrap_or_default();
        self.summary(Source { name, text }).await
    }

    async fn summary(&self, source: Source<'_>) -> Result<Summary, BuildError> {
        let of = (self.run, &self.task.id);
        let made = summaries::of(self.ctx, &self.desk.store, of, source).await?;
        Ok(made.summary)
    }

    /// The tasks this one builds on, as far as the base holds them, with what was said of their work.
    pub(super) async fn finished(&self) -> Result<Vec<Finished>, BuildError> {
        let Some(point) = &self.point else {
            return Ok(Vec::new());
        };
        let (run, store) = (&self.run.id, &self.ctx.store);
        let mut finished = Vec::new();
        let held = store.trunk_tasks(run, point.ordinal).await?;
        for id in self.task.depends_on.iter().filter(|id| held.contains(*id)) {
            let task = store.task_fetch(run, id).await?;
            let attempts = store.attempt_list(run, id).await?;
            let passed = |one: &&Attempt| one.outcome == Some(AttemptOutcome::Passed);
            let reply = attempts.iter().rev().find(passed).and_then(|one| one.reply);
            let text = match reply {
                Some(reply) => store.blob_fetch(&reply).await?.unwrap_or_default(),
                None => Vec::new(),
            };
            finished.push(Finished::new(&task, &String::from_utf8_lossy(&text)));
        }
        Ok(finished)
    }

    /// Keeps what the first prompt of this conversation was put together from.
    pub(super) async fn keep_prompt(
        &self,
        mut parts: Vec<PromptPart>,
        (requirement, is_summary): (&str, bool),
        conventions: &str,
    ) -> Result<(), BuildError> {
        let whole = tokens::estimate(&self.run.requirement);
        let mut of_run = vec![PromptPart {
            name: REQUIREMENT.to_owned(),
            form: if is_summary {
                "summary and statements"
            } else {
                "whole"
            }
            .to_owned(),
            tokens: tokens::estimate(requirement),
            tokens_full: whole,
            why: if is_summary { "it is background" } else { "" }.to_owned(),
        }];
        if !conventions.is_empty() {
            let size = tokens::estimate(conventions);
            of_run.push(PromptPart {
                name: "conventions of the project".to_owned(),
                form: "whole".to_owned(),
                tokens: size,
                tokens_full: size,
                why: String::new(),
            });
        }
        of_run.append(&mut parts);
        let of_prompt = |message: &&Message| message.role != Role::Assistant;
        let shown = self.messages.iter().filter(of_prompt);
        let record = PromptRecord {
            run: self.run.id.clone(),
            task: self.task.id.clone(),
            attempt: self.conversation_begins(),
            base: self.base.clone(),
            parts: of_run,
            tokens: shown.map(|message| tokens::estimate(&message.text)).sum(),
        };
        self.ctx.store.prompt_keep(&record).await?;
        Ok(())
    }

    /// The first attempt that is made in this conversation.
    pub(super) fn conversation_begins(&self) -> u32 {
        let is_conflict = |one: &&Attempt| one.outcome == Some(AttemptOutcome::Conflict);
        let conflict = self.earlier.iter().rev().find(is_conflict);
        conflict.map_or(self.task.round_first, |one| one.ordinal + 1)
    }
}
