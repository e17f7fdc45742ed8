//! Mistral.

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
    name: "mistral",
    about: "Mistral",
    default_base_url: Some("https://api.mistral.ai/v1"),
    key_variables: &["MISTRAL_API_KEY"],
    address_variables: &[],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities {
        effort: false,
        ..Abilities::ALL
    },
    build: |entry, route, transport| compatible::build(entry, route, transport, HABITS),
    build_embedder: Some(embedder::compatible),
};

/// It counts the tokens of every stream, and refuses fields it does not know.
const HABITS: Habits = Habits {
    asks_usage: false,
    ..Habits::USUAL
};
