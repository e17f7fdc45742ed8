//! Answers from a recording, or not at all: behind this layer there is nobody.

use std::borrow::Cow;

use atelier_guard::Policy;
use atelier_model::{
    Ask, AskDescriptor, AskKey, BoxFuture, Digest, Message, Reply, Role, Strategy,
};
use atelier_seal::SealKey;

use crate::{
    AnswersFrom, AskDivergence, AskError, RecordedAsk,
    layers::{Failure, Layer, Next, Passage, guard},
};

/// Knows with which settings each stage was asked.
pub(crate) struct Recorded {
    asks: Vec<RecordedAsk>,
    guard_key: Option<SealKey>,
}

impl Recorded {
    pub(crate) fn new(asks: Vec<RecordedAsk>, guard_key: Option<SealKey>) -> Self {
        Self { asks, guard_key }
    }

    /// The asks whose settings differ, of those that are of the same stage.
    fn settings(&self, ask: &Ask) -> Vec<&RecordedAsk> {
        let mut found: Vec<&RecordedAsk> = Vec::new();
        let own = self.asks.iter().filter(|one| one.stage == ask.stage);
        for one in own {
            let known = found.iter().any(|other| is_set_alike(one, other));
            if !known {
                found.push(one);
            }
        }
        found
    }
}

impl Layer for Recorded {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        _: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let settings = self.settings(&passage.ask);
            // What was hidden from providers is hidden here too, or the question is another one.
            for policy in [Policy::Off, Policy::Secrets, Policy::All] {
                let hidden = guard::hidden_by(&passage.ask, policy, self.guard_key.as_ref());
                if policy != Policy::Off && hidden.is_none() {
                    continue;
                }
                let asked = hidden.as_ref().map_or(&*passage.ask, |hidden| &hidden.ask);
                for one in &settings {
                    let (key, _) = key_as(asked, one);
                    let Some(reply) = passage.store.reply_by_key(&key).await? else {
                        continue;
                    };
                    passage.record.key = key;
                    passage.record.provider.clone_from(&reply.provider);
                    passage.record.model.clone_from(&reply.model);
                    let mut reply = passage.hit(reply).await?;
                    if let Some(hidden) = &hidden {
                        reply.text = hidden.restored(&reply.text);
                    }
                    return Ok(reply);
                }
            }
            Err(Failure::free(self.diverged(&passage.ask)))
        })
    }
}

impl Recorded {
    fn diverged(&self, ask: &Ask) -> AskError {
        let own = |one: &&RecordedAsk| one.stage == ask.stage;
        let Some(any) = self.asks.iter().find(own).or(self.asks.first()) else {
            return AskError::NothingRecorded;
        };
        let (_, asked) = key_as(ask, any);
        let divergence = AskDivergence::of(
            (ask.stage, ask.task.as_ref()),
            &asked,
            &ask.messages,
            &self.asks,
        );
        AskError::Diverged(Box::new(divergence))
    }
}

fn is_set_alike(one: &RecordedAsk, other: &RecordedAsk) -> bool {
    let (one_was, other_was) = (&one.descriptor, &other.descriptor);
    one.provider == other.provider
        && one_was.model == other_was.model
        && one_was.temperature == other_was.temperature
        && one_was.effort == other_was.effort
        && one_was.tokens_max == other_was.tokens_max
        && one_was.among == other_was.among
        && one_was.schema.is_some() == other_was.schema.is_some()
}

/// The key that an ask has with the settings of a recorded one, and what it is made of.
fn key_as(ask: &Ask, settings: &RecordedAsk) -> (Digest, AskDescriptor) {
    let was = &settings.descriptor;
    let messages: Cow<'_, [Message]> = match settings.answers_from() {
        AnswersFrom::Messages => Cow::Borrowed(&ask.messages),
        AnswersFrom::Facts => Cow::Owned(vec![Message {
            role: Role::User,
            text: ask.facts.to_string(),
        }]),
    };
    let schema = ask.schema.as_ref().filter(|_| was.schema.is_some());
    let among = was.among.as_ref();
    let key = AskKey {
        version: AskKey::VERSION,
        model: &was.model,
        messages: &messages,
        temperature: was.temperature,
        effort: was.effort.as_deref(),
        tokens_max: was.tokens_max,
        schema: schema.map(|(_, schema)| schema),
        template_version: ask.template_version,
        attempt: ask.attempt,
        among: among.map(|(strategy, routes): &(Strategy, Vec<String>)| (*strategy, &**routes)),
    };
    (key.digest(), key.descriptor())
}
