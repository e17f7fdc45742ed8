//! `DeepSeek`.

use crate::{
    ProviderEntry, SchemaSupport,
    providers::{
        Abilities, AnswersFrom,
        compatible::{self, Habits},
    },
};

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: "deepseek",
    about: "DeepSeek",
    default_base_url: Some("https://api.deepseek.com/v1"),
    key_variables: &["DEEPSEEK_API_KEY"],
    address_variables: &[],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities {
        schema: SchemaSupport::Syntax,
        effort: false,
    },
    build: |entry, route, transport| compatible::build(entry, route, transport, Habits::USUAL),
    build_embedder: None,
};
