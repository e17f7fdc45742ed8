//! `OpenAI`'s models at Azure: a deployment stands in the address, and the key has a header of its
//! own.

use url::Url;

use crate::{
    GatewayError, ProviderEntry, Route,
    providers::{
        Abilities, AnswersFrom,
        compatible::{self, Habits, LimitName, SEGMENTS},
        endpoint::{self, MODELS, is_version},
        hosted::KeyHeader,
    },
};

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: "azure",
    about: "OpenAI's models at Azure; the model is the name of a deployment",
    default_base_url: None,
    key_variables: &["AZURE_OPENAI_API_KEY"],
    address_variables: &["AZURE_OPENAI_ENDPOINT"],
    needs_key: true,
    answers_from: AnswersFrom::Messages,
    abilities: Abilities::ALL,
    build: |entry, route, transport| {
        let addresses = addresses(route, entry)?;
        compatible::build_at(addresses, (entry, route, transport), HABITS)
    },
    build_embedder: None,
};

const HABITS: Habits = Habits {
    key: KeyHeader::named("api-key"),
    limit: LimitName::MaxCompletionTokens,
    ..Habits::USUAL
};

/// The dated version of the interface where the address names none.
const API_VERSION: &str = "2024-10-21";

/// The name of the dated version in an address.
const API_VERSION_NAME: &str = "api-version";

/// The addresses of a route. An address with a version in its path, such as `/openai/v1`, is like
/// everyone's; any other has dated versions and the deployment in its path.
pub(crate) fn addresses(route: &Route, entry: &ProviderEntry) -> Result<(Url, Url), GatewayError> {
    let base = endpoint::base(route, entry)?;
    let has_version = |mut path: std::str::Split<'_, char>| path.any(is_version);
    if base.path_segments().is_some_and(has_version) {
        return endpoint::addresses(route, entry, endpoint::VERSION, SEGMENTS);
    }
    let deployment = ["openai", "deployments", route.model.as_str()];
    let ask_url = dated(&base, &[&deployment, SEGMENTS].concat());
    let models_url = dated(&base, &[&["openai"], MODELS].concat());
    Ok((ask_url, models_url))
}

fn dated(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_path(&path.join("/"));
    if !base.query_pairs().any(|(name, _)| name == API_VERSION_NAME) {
        url.query_pairs_mut()
            .append_pair(API_VERSION_NAME, API_VERSION);
    }
    url
}
