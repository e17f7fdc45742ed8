//! `OpenRouter`: one key for the models of many vendors.

use crate::{
    ProviderEntry,
    providers::{
        Abilities, AnswersFrom,
        compatible::{self, Habits},
        embedder,
    },
};

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: "openrouter",
    about: "OpenRouter, the models of many vendors",
    default_base_url: Some("https://openrouter.ai/api/v1"),
    key_variables: &["OPENROUTER_API_KEY"],
    address_variables: &[],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| compatible::build(entry, route, transport, HABITS),
    build_embedder: Some(embedder::compatible),
};

/// Its list of models is for everyone, so only what it says of the key tells whether that is right.
const HABITS: Habits = Habits {
    probe: &["key"],
    ..Habits::USUAL
};
