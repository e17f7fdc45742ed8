//! vLLM.

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
    name: "vllm",
    about: "vLLM, models on this machine",
    default_base_url: Some("http://127.0.0.1:8000/v1"),
    key_variables: &["VLLM_API_KEY"],
    address_variables: &[],
    needs_key: false,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| compatible::build(entry, route, transport, Habits::USUAL),
    build_embedder: Some(embedder::compatible),
};
