//! What models are able to do, as their vendors say: a small table, and trust in what is not in it.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::{Route, SchemaSupport, price, provider_entry};

/// The table that comes with the program.
const BUILT_IN: &str = include_str!("../../models.toml");

/// The table, read once. A test reads it too; an unreadable one would leave every model unknown.
static TABLE: LazyLock<BTreeMap<String, ModelAbilities>> =
    LazyLock::new(|| toml::from_str(BUILT_IN).unwrap_or_default());

/// What a model is able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelAbilities {
    /// Tokens that question and answer have room in; `None` where nobody knows.
    #[serde(default)]
    pub(crate) context: Option<u64>,
    /// Whether it can call tools.
    #[serde(default = "yes")]
    pub(crate) tools: bool,
    /// Whether it can be held to a schema.
    #[serde(default = "yes")]
    pub(crate) schema: bool,
    /// Whether it sees images.
    #[serde(default = "yes")]
    pub(crate) images: bool,
}

fn yes() -> bool {
    true
}

impl ModelAbilities {
    /// Nothing is known against it.
    pub(crate) const UNKNOWN: Self = Self {
        context: None,
        tools: true,
        schema: true,
        images: true,
    };
}

/// What the model of a route is able to do there.
pub(crate) fn abilities(route: &Route) -> ModelAbilities {
    // Brokers put the vendor before the name.
    let bare = route.model.rsplit('/').next().unwrap_or_default();
    let known = price::best(&TABLE, &route.model).or_else(|| price::best(&TABLE, bare));
    let known = known.copied().unwrap_or(ModelAbilities::UNKNOWN);
    let provider = provider_entry(&route.provider);
    let is_held = provider.is_none_or(|entry| entry.abilities.schema != SchemaSupport::Never);
    ModelAbilities {
        schema: known.schema && is_held,
        ..known
    }
}

#[cfg(test)]
pub(super) fn table() -> BTreeMap<String, ModelAbilities> {
    toml::from_str(BUILT_IN).unwrap_or_default()
}
