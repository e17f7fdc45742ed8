//! Groq: open models on its own machines.

use crate::{
    ProviderEntry,
    providers::{
        Abilities, AnswersFrom,
        compatible::{self, Habits},
    },
};

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: "groq",
    about: "Groq, open models",
    default_base_url: Some("https://api.groq.com/openai/v1"),
    key_variables: &["GROQ_API_KEY"],
    address_variables: &[],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| compatible::build(entry, route, transport, HABITS),
    build_embedder: None,
};

/// It cannot stream an answer that it holds to a schema.
const HABITS: Habits = Habits {
    streams_schema: false,
    ..Habits::USUAL
};
