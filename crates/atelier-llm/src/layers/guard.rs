//! Hides personal data and secrets before a question is kept or sent, and puts them back into the
//! answer.
//!
//! Everything inside sees placeholders alone: keys, caches, records and providers. The same value
//! has the same placeholder in every question under one key, so equal questions stay equal.

pub(crate) mod answer;
mod lanes;
pub(crate) mod question;
mod strings;

#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use atelier_guard::{Form, Guard, Policy, Restorer, Vault};
use atelier_model::{Ask, AuditFact, AuditNote, BoxFuture, Digest, Reply};
use atelier_seal::SealKey;
use bytes::Bytes;

use self::answer::{Answer, Manner};
use crate::{
    gateway::Channels,
    layers::{Failure, Layer, Next, Passage},
    prompt_bytes,
    relay::{Filter, Opened, Refusal, Transit},
};

/// Status of a request that nobody can read.
const BAD_REQUEST: u16 = 400;

/// A text with a little of what most questions hold.
const SAMPLE: &str = "Written on 2026-03-04 at 12:30 by Anna Hughes, anna@example.org, token = 1.";

/// Remembers nothing: what a question hid is known as long as its answer is under way.
pub(crate) struct Hiding;

/// A question that may leave the machine, and what stands for what in it.
pub(crate) struct Hidden {
    /// The question.
    pub(crate) ask: Ask,
    vault: Vault,
}

impl Hidden {
    /// An answer with its values put back.
    pub(crate) fn restored(&self, text: &str) -> String {
        restored(&self.vault, text, self.ask.schema.is_some())
    }
}

impl Layer for Hiding {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let hidden = hidden(&passage.ask, passage.channels, passage.guard_key);
            let Some(Hidden { ask, vault }) = hidden else {
                return next.run(passage).await;
            };
            passage.record.key = (passage.key_of)(&ask);
            passage.record.prompt = Digest::of(prompt_bytes(&ask));
            passage.ask = Cow::Owned(ask);
            note(passage, &vault);
            let mut reply = next.run(passage).await?;
            reply.text = restored(&vault, &reply.text, passage.ask.schema.is_some());
            Ok(reply)
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            hide(transit)?;
            next.open(transit).await
        })
    }
}

/// The question without what the strictest of its providers must not see; `None` where there is
/// nothing of the kind.
pub(crate) fn hidden(ask: &Ask, channels: &Channels, key: Option<&SealKey>) -> Option<Hidden> {
    let policy = channels.iter().map(|channel| channel.route.guard).max()?;
    hidden_by(ask, policy, key)
}

/// The question without what a policy hides; `None` where there is nothing of the kind.
pub(crate) fn hidden_by(ask: &Ask, policy: Policy, key: Option<&SealKey>) -> Option<Hidden> {
    let mut vault = vault(policy, key)?;
    let mut changed = None;
    for (at, message) in ask.messages.iter().enumerate() {
        let text = vault.redact(Guard::builtin(), &message.text, policy).text;
        if text != message.text {
            let changed = changed.get_or_insert_with(|| ask.clone());
            if let Some(message) = changed.messages.get_mut(at) {
                message.text = text;
            }
        }
    }
    changed.map(|ask| Hidden { ask, vault })
}

/// Reads the rules beside whatever else is done at the start, so that no question waits for that.
pub(crate) fn prepare(policy: Policy) {
    let runtime = tokio::runtime::Handle::try_current();
    if let (Ok(runtime), true) = (runtime, policy != Policy::Off) {
        drop(runtime.spawn_blocking(move || Guard::builtin().scan(SAMPLE, policy)));
    }
}

/// A vault for one question; `None` where nothing is to be hidden.
fn vault(policy: Policy, key: Option<&SealKey>) -> Option<Vault> {
    match policy {
        Policy::Off => None,
        Policy::Secrets | Policy::All => key.map(|key| Vault::new(*key.expose())),
    }
}

/// The text with its values. Where it is JSON, they are written as JSON needs it.
fn restored(vault: &Vault, text: &str, is_held_to_json: bool) -> String {
    let is_json =
        is_held_to_json || serde_json::from_str::<serde::de::IgnoredAny>(text.trim()).is_ok();
    let form = if is_json {
        Form::JsonString
    } else {
        Form::Plain
    };
    let mut restorer = Restorer::new(vault, form);
    restorer.push(text) + &restorer.finish()
}

fn note(passage: &Passage<'_>, vault: &Vault) {
    passage.store.audit_note(AuditNote {
        at: passage.clock.now(),
        run: Some(passage.record.run.clone()),
        task: passage.record.task.clone(),
        client: None,
        fact: fact(vault),
    });
}

/// What may be told of a vault: how many values of each kind are in it.
pub(crate) fn fact(vault: &Vault) -> AuditFact {
    let counts = vault.counts().iter();
    let counts: BTreeMap<_, _> = counts
        .map(|(kind, count)| (kind.name().to_owned(), u64::from(*count)))
        .collect();
    AuditFact::GuardRedacted { counts }
}

/// Hides what a relayed request must not tell, and has its answer restored.
fn hide(transit: &mut Transit) -> Result<(), Refusal> {
    let policy = transit.routes.guard(&transit.prepared);
    let key = transit.routes.guard_key.as_ref();
    let Some(mut vault) = vault(policy, key) else {
        return Ok(());
    };
    let no_json = || Refusal::new(BAD_REQUEST, "the request is not JSON");
    let body = std::str::from_utf8(&transit.incoming.body).map_err(|_| no_json())?;
    let dialect = transit.incoming.dialect;
    let question = question::redact(body, dialect, policy, &mut vault).map_err(|_| no_json())?;
    let Some(body) = question.body else {
        return Ok(());
    };
    let value = serde_json::from_str(&body).map_err(|_| no_json())?;
    transit.rewrite(value, Bytes::from(body))?;
    transit.record.decisions.push(fact(&vault));
    let manner = Manner {
        dialect,
        stream: transit.prepared.stream,
        is_json: question.wants_json,
    };
    transit.filter(Restoring(Answer::new(Arc::new(vault), manner)));
    Ok(())
}

/// Puts the values back on the way to the client.
struct Restoring(Answer);

impl Filter for Restoring {
    fn push(&mut self, bytes: Bytes) -> Bytes {
        Bytes::from(self.0.push(&bytes))
    }

    fn finish(&mut self) -> Bytes {
        Bytes::from(self.0.finish())
    }
}
