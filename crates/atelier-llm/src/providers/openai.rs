//! `OpenAI` and every server that speaks its chat completions.

use crate::{
    ProviderEntry,
    providers::{
        Abilities, AnswersFrom,
        compatible::{self, Habits, LimitName, SEGMENTS},
        embedder, endpoint,
        hosted::is_usual,
    },
};

/// The registry's line.
pub(crate) const ENTRY: ProviderEntry = ProviderEntry {
    name: "openai",
    about: "OpenAI, or any server that speaks its chat completions",
    default_base_url: Some("https://api.openai.com/v1"),
    key_variables: &["OPENAI_API_KEY"],
    address_variables: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| {
        let addresses = endpoint::addresses(route, entry, endpoint::VERSION, SEGMENTS)?;
        let habits = if is_usual(entry, &addresses.0) {
            PUBLIC
        } else {
            Habits::USUAL
        };
        compatible::build_at(addresses, (entry, route, transport), habits)
    },
    build_embedder: Some(embedder::compatible),
};

/// The public address takes the limit under another name than everyone else.
pub(crate) const PUBLIC: Habits = Habits {
    limit: LimitName::MaxCompletionTokens,
    ..Habits::USUAL
};
