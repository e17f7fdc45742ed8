//! Summaries of long texts: kept ones found again, others asked for once, and where no answer can be
//! used, an extract of the text's own words.

use atelier_llm::{AnswersFrom, AskErrorKind, provider_entry};
use atelier_model::{
    Ask, Digest, EventKind, Message, Role, Run, Stage, StopReason, Summary, SummaryMaker,
    SummaryRecord, TaskId,
};
use atelier_prompt::{answer, summary};
use atelier_store::Store;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{BuildError, Ctx, chain, presence::lease_wait};

/// Asks for one summary: the first, and one more with what was wrong with it.
const SUMMARY_ASKS_MAX: u32 = 2;
/// Template of the question.
const TEMPLATE: &str = "summary";

/// A longer text that tasks need as background.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// What it is, such as `the requirement` or a path.
    pub(crate) name: &'a str,
    /// The text.
    pub(crate) text: &'a str,
}

/// Everything that decides a summary. Which model is asked is no part of it: a run that goes on with
/// another one goes on with what it has.
#[derive(Serialize)]
struct SummaryKey<'a> {
    version: u32,
    name: &'a str,
    text: Digest,
    template: Digest,
}

/// The summary of a text, made at most once in a run; `task` is the one that needs it, and `free` is
/// the state without its lease: what is taken can be given back also by a task that lost its own.
pub(crate) async fn of(
    ctx: &Ctx,
    free: &Store,
    (run, task): (&Run, &TaskId),
    source: Source<'_>,
) -> Result<SummaryRecord, BuildError> {
    let schema = answer::schema::<Summary>();
    let inputs = json!({
        "name": source.name, "text": source.text, "tokens_max": summary::SUMMARY_TOKENS_MAX,
        "schema": schema.to_string(),
    });
    let prompt = ctx.library.render(TEMPLATE, &inputs)?;
    let key = Digest::of_json(&SummaryKey {
        version: 1,
        name: source.name,
        text: Digest::of(source.text),
        template: prompt.version,
    });
    if let Some(kept) = ctx.store.summary_fetch(&run.id, &key).await? {
        return Ok(kept);
    }
    let question = Question {
        ctx,
        run,
        task,
        source,
        key,
        schema,
        version: prompt.version,
    };
    // Tasks that begin together need the same summary: one of them asks, in whichever process.
    let lease = lease_wait(ctx, &format!("summary:{}:{key}", run.id)).await?;
    let made = question.made(prompt.messages).await;
    free.lease_give_back(&lease).await?;
    made
}

/// A summary that is not there yet.
struct Question<'a> {
    ctx: &'a Ctx,
    run: &'a Run,
    task: &'a TaskId,
    source: Source<'a>,
    key: Digest,
    schema: Value,
    version: Digest,
}

impl Question<'_> {
    async fn made(&self, messages: Vec<Message>) -> Result<SummaryRecord, BuildError> {
        if let Some(kept) = self
            .ctx
            .store
            .summary_fetch(&self.run.id, &self.key)
            .await?
        {
            return Ok(kept);
        }
        let recorded = self.ctx.recording.as_ref();
        let made = match recorded.and_then(|recorded| recorded.extract(&self.key)) {
            Some(fault) => self.extract(fault.to_owned()),
            None => self.asked(messages).await?,
        };
        self.ctx.store.summary_keep(&made).await?;
        if !made.fault.is_empty() {
            let message = format!(
                "no summary of {} could be used ({}); an extract of its own words stands in",
                made.name, made.fault
            );
            let kind = EventKind::Warning { message };
            let run = Some(&self.run.id);
            self.ctx
                .store
                .event_append(run, None, kind, self.ctx.now())
                .await?;
        }
        Ok(made)
    }

    /// Asks, and asks once more with what was wrong. What stops the run stops here too; whatever
    /// else keeps an answer away is no reason to stop.
    async fn asked(&self, mut messages: Vec<Message>) -> Result<SummaryRecord, BuildError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let ask = self.ask(messages.clone());
            let budget = self.run.budget.usd;
            let reply = match self.ctx.gateway.ask(&ask, budget, &self.ctx.cancel).await {
                Ok(reply) => reply,
                Err(source) => match source.kind() {
                    AskErrorKind::Provider | AskErrorKind::Credentials => {
                        return Ok(self.extract(chain(&source)));
                    }
                    AskErrorKind::Budget
                    | AskErrorKind::Diverged
                    | AskErrorKind::Cancelled
                    | AskErrorKind::Internal => {
                        let task = self.task.clone();
                        return Err(BuildError::Ask { task, source });
                    }
                },
            };
            let fault = match usable(&reply.text, reply.stop, self.source.text) {
                Ok(summary) => return Ok(self.record(summary, &reply.provider)),
                Err(fault) => fault,
            };
            if tries >= SUMMARY_ASKS_MAX {
                return Ok(self.extract(fault));
            }
            messages.push(Message {
                role: Role::Assistant,
                text: reply.text,
            });
            let again = self.ctx.library.render("reask", &json!({"error": fault}))?;
            let turns = again.messages.into_iter();
            messages.extend(turns.filter(|message| message.role != Role::System));
        }
    }

    fn ask(&self, messages: Vec<Message>) -> Ask {
        let extract = summary::extract(self.source.text, summary::SUMMARY_TOKENS_MAX);
        Ask {
            stage: Stage::Summary,
            run: self.run.id.clone(),
            task: None,
            messages,
            schema: Some(("Summary".to_owned(), self.schema.clone())),
            template: TEMPLATE.to_owned(),
            template_version: self.version,
            attempt: 1,
            facts: json!({"name": self.source.name, "extract": extract}),
        }
    }

    fn record(&self, summary: Summary, provider: &str) -> SummaryRecord {
        let entry = provider_entry(provider);
        let from = entry.map_or(AnswersFrom::Messages, |one| one.answers_from);
        SummaryRecord {
            run: self.run.id.clone(),
            key: self.key,
            name: self.source.name.to_owned(),
            maker: match from {
                AnswersFrom::Messages => SummaryMaker::Model,
                AnswersFrom::Facts => SummaryMaker::Extract,
            },
            summary,
            fault: String::new(),
            at: self.ctx.now(),
        }
    }

    fn extract(&self, fault: String) -> SummaryRecord {
        SummaryRecord {
            run: self.run.id.clone(),
            key: self.key,
            name: self.source.name.to_owned(),
            maker: SummaryMaker::Extract,
            summary: summary::extract(self.source.text, summary::SUMMARY_TOKENS_MAX),
            fault,
            at: self.ctx.now(),
        }
    }
}

/// The summary in a reply, or what is wrong with it.
fn usable(reply: &str, stop: StopReason, text: &str) -> Result<Summary, String> {
    match stop {
        StopReason::Length => return Err("the answer was cut off: make it shorter".to_owned()),
        StopReason::Filtered => return Err("the provider withheld the answer".to_owned()),
        StopReason::End => {}
    }
    let read = answer::read::<Summary>(reply).map_err(|error| chain(&error))?;
    match summary::fault(&read.value, text) {
        Some(fault) => Err(fault.to_string()),
        None => Ok(read.value),
    }
}
