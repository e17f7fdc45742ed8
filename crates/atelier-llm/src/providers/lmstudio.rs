//! LM Studio.

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
    name: "lmstudio",
    about: "LM Studio, models on this machine",
    default_base_url: Some("http://127.0.0.1:1234/v1"),
    key_variables: &["LM_API_TOKEN"],
    address_variables: &["LMSTUDIO_BASE_URL"],
    needs_key: false,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities {
        effort: false,
        ..Abilities::ALL
    },
    build: |entry, route, transport| compatible::build(entry, route, transport, Habits::USUAL),
    build_embedder: Some(embedder::compatible),
};
