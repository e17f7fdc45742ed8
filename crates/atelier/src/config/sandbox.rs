//! How strongly commands are confined, and which package registries they reach: the operator's
//! word, never that of a file a command could change.

use std::collections::BTreeMap;

use atelier_model::SandboxLevel;
use serde_json::{Map, Value};

use super::{Config, ConfigError, Origin, Sources, own_steps};

/// The key of the level.
pub(crate) const SANDBOX: &str = "sandbox";
/// The key of the registries.
pub(crate) const REGISTRIES: &str = "registries";

/// The level where none is set.
const DEFAULT: SandboxLevel = SandboxLevel::Strong;

/// The level of a word.
pub(crate) fn from_name(name: &str) -> Option<SandboxLevel> {
    [
        SandboxLevel::Strong,
        SandboxLevel::Light,
        SandboxLevel::None,
    ]
    .into_iter()
    .find(|level| level.as_str() == name)
}

/// How strongly commands are confined.
///
/// The project's file may be changed by what runs in the project: it may ask for more than the
/// default, never for less.
pub(crate) fn level(config: &Config) -> Result<SandboxLevel, ConfigError> {
    let Some(entry) = config.get(SANDBOX) else {
        return Ok(DEFAULT);
    };
    let level = entry.value.as_str().and_then(from_name).unwrap_or(DEFAULT);
    match &entry.origin {
        Origin::Project(_) if level < DEFAULT => Err(ConfigError::Value {
            key: SANDBOX.to_owned(),
            origin: entry.origin.clone(),
            wanted: "strong there, for what runs in the project may change that file; less is said \
                     in your own file (`atelier config set --user`), with -c or in ATELIER_SANDBOX",
            found: level.as_str().to_owned(),
        }),
        Origin::Project(_)
        | Origin::Default
        | Origin::User(_)
        | Origin::Variable(_)
        | Origin::Flag(_) => Ok(level),
    }
}

/// Hosts of package registries that a command which installs packages may reach, beside those
/// that are known. What the project's file names does not count.
pub(crate) fn registries(config: &Config) -> Vec<String> {
    let Some(entry) = config.get(REGISTRIES) else {
        return Vec::new();
    };
    if matches!(entry.origin, Origin::Project(_)) {
        return Vec::new();
    }
    let items = entry.value.as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// What is said of the checks of runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct CheckWords {
    /// How strongly commands are confined, where somebody says so.
    pub(crate) level: Option<SandboxLevel>,
    /// Hosts of package registries beside those that are known.
    pub(crate) registries: Vec<String>,
    /// Steps by their names.
    pub(crate) steps: BTreeMap<String, Map<String, Value>>,
}

impl CheckWords {
    /// Resolves them.
    pub(super) fn resolve(config: &Config, sources: &Sources) -> Result<Self, ConfigError> {
        let level = level(config)?;
        Ok(Self {
            level: config.get(SANDBOX).map(|_| level),
            registries: registries(config),
            steps: own_steps(sources)?,
        })
    }
}
