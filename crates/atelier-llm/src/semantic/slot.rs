//! The user's own words in a question, and the scope in which they were said: everything else.

use atelier_model::{Ask, Digest, Message, Role};
use serde_json::{Value, json};

use crate::{
    embed,
    relay::{Demand, Dialect, Transit},
};

/// What stands in a scope where the user's words were.
const MARKER: &str = "\u{1}";

/// The member of an ask's facts that holds the user's words, where a template puts more around them.
const REQUIREMENT: &str = "requirement";

/// A question apart from everything around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Digest of everything around it: a question is only compared with those of its own scope.
    pub(crate) scope: Digest,
    /// The question.
    pub(crate) question: String,
}

/// The slot of an ask of our own; `None` where there is none, or where the answer does not depend
/// on it. `key_of` says everything that the answer depends on.
pub(crate) fn of_ask(ask: &Ask, key_of: &dyn Fn(&Ask) -> Digest) -> Option<Slot> {
    // What is asked again is to have another answer, and vectors are those of their own text.
    if ask.attempt > 1 || ask.template == embed::TEMPLATE {
        return None;
    }
    let (question, messages) = of_requirement(ask).or_else(|| of_last(&ask.messages))?;
    let blank = Ask {
        messages,
        ..ask.clone()
    };
    let around = key_of(&blank);
    let scope = Digest::of_json(&json!({
        "version": 1, "stage": ask.stage, "template": ask.template, "around": around,
    }));
    (around != key_of(ask)).then_some(Slot { scope, question })
}

/// The requirement, and the conversation without it, where a template has put it in one place.
fn of_requirement(ask: &Ask) -> Option<(String, Vec<Message>)> {
    let requirement = ask.facts.get(REQUIREMENT)?.as_str()?.trim();
    let places = |message: &Message| message.text.matches(requirement).count();
    if requirement.is_empty() || ask.messages.iter().map(places).sum::<usize>() != 1 {
        return None;
    }
    let without = |message: &Message| Message {
        role: message.role,
        text: message.text.replace(requirement, MARKER),
    };
    let around = ask.messages.iter().map(without).collect();
    Some((requirement.to_owned(), around))
}

/// The last message, and the conversation without it, where a person said it.
fn of_last(messages: &[Message]) -> Option<(String, Vec<Message>)> {
    let (last, before) = messages.split_last()?;
    let mut around = before.to_vec();
    around.push(Message {
        role: Role::User,
        text: MARKER.to_owned(),
    });
    (last.role == Role::User).then(|| (last.text.clone(), around))
}

/// The slot of a relayed request; `None` where its last turn is not a person's text alone.
pub(crate) fn of_transit(transit: &Transit) -> Option<Slot> {
    if transit.prepared.demand != Demand::Answer {
        return None;
    }
    let mut around = transit.value().clone();
    let place = last_text(transit.incoming.dialect, &mut around)?;
    let Value::String(question) = place else {
        return None;
    };
    let question = std::mem::replace(question, MARKER.to_owned());
    let prepared = &transit.prepared;
    let client = transit.incoming.client.as_ref().map(|client| &client.name);
    let scope = Digest::of_json(&json!({
        "version": 1, "client": client, "dialect": transit.incoming.dialect.name(),
        "model": prepared.about.model, "provider": prepared.relayed.route.name(),
        "url": prepared.url.as_str(), "headers": prepared.headers, "stream": prepared.stream,
        "around": around,
    }));
    Some(Slot { scope, question })
}

/// The place of the last text in a request, where a person said it and nothing else with it.
fn last_text(dialect: Dialect, body: &mut Value) -> Option<&mut Value> {
    match dialect {
        Dialect::Chat | Dialect::Messages => said_by_user(
            body.get_mut("messages")?.as_array_mut()?.last_mut()?,
            "content",
        ),
        Dialect::Responses => {
            let input = body.get_mut("input")?;
            if input.is_string() {
                return Some(input);
            }
            said_by_user(input.as_array_mut()?.last_mut()?, "content")
        }
        Dialect::Gemini => said_by_user(
            body.get_mut("contents")?.as_array_mut()?.last_mut()?,
            "parts",
        ),
        // What is to be continued is no question.
        Dialect::Completions => None,
    }
}

fn said_by_user<'v>(turn: &'v mut Value, content: &str) -> Option<&'v mut Value> {
    if turn.get("role").is_some_and(|role| role != "user") {
        return None;
    }
    match turn.get_mut(content)? {
        text @ Value::String(_) => Some(text),
        Value::Array(parts) => match parts.as_mut_slice() {
            [part] => part.get_mut("text"),
            _ => None,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
