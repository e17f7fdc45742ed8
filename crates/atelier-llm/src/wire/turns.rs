//! A conversation as most dialects want it: standing text apart, speakers that alternate.

use atelier_model::{Message, Role};

/// What stands between two messages of one speaker that become one.
const BETWEEN_MESSAGES: &str = "\n\n";

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The one who asks.
    User,
    /// The model.
    Model,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Who speaks.
    pub(crate) speaker: Speaker,
    /// What is said.
    pub(crate) text: String,
}

/// Takes a conversation apart into the system text and turns that alternate.
pub(crate) fn turns(messages: &[Message]) -> (String, Vec<Turn>) {
    let mut system = String::new();
    let mut turns: Vec<Turn> = Vec::new();
    for message in messages {
        let speaker = match message.role {
            Role::System => {
                join(&mut system, &message.text);
                continue;
            }
            Role::User => Speaker::User,
            Role::Assistant => Speaker::Model,
        };
        match turns.last_mut() {
            Some(last) if last.speaker == speaker => join(&mut last.text, &message.text),
            _ => turns.push(Turn {
                speaker,
                text: message.text.clone(),
            }),
        }
    }
    (system, turns)
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str(BETWEEN_MESSAGES);
    }
    text.push_str(more);
}
