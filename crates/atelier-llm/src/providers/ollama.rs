//! Ollama.

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
    name: "ollama",
    about: "Ollama, models on this machine",
    default_base_url: Some("http://127.0.0.1:11434/v1"),
    key_variables: &["OLLAMA_API_KEY"],
    address_variables: &["OLLAMA_HOST"],
    needs_key: false,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| compatible::build(entry, route, transport, Habits::USUAL),
    build_embedder: Some(embedder::compatible),
};
