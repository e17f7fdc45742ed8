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
    build: |entry, route, transport| compatible::build(entry, route, transport, Habits::USUAL),
    build_embedder: Some(embedder::compatible),
};
