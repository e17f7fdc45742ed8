//! Where an answer may be one to the same question in other words.

use atelier_llm::{SemanticConfig, Vectors, is_exact};
use atelier_model::Stage;

use super::{Config, ConfigError, Entry};

/// The switch for all stages; below `stages.NAME` and `gateway` it is that one's own.
pub(crate) const SWITCH: &str = "semantic_cache";

/// The share of answers that may be wrong.
pub(crate) const ERROR_MAX: &str = "semantic_error_max";

/// The share of hits that is asked anyway.
pub(crate) const CHECKED_MIN: &str = "semantic_checked_min";

/// What makes the vectors.
pub(crate) const VECTORS: &str = "semantic_vectors";

/// The model that does.
pub(crate) const EMBEDDINGS: &str = "embeddings";

/// What the vectors must be where no model is named.
const WORDS: &str = "words, unless `embeddings` names a model";

/// What a switch must be where only the same will do.
const OFF: &str =
    "off: code for a similar task is wrong code, and a summary of a similar text a wrong summary";

/// Resolves the switches of every stage and of the gateway.
pub(crate) fn resolve(config: &Config) -> Result<SemanticConfig, ConfigError> {
    let default = SemanticConfig::default();
    let of_all = config.get(SWITCH).is_some_and(is_on);
    let mut semantic = SemanticConfig {
        relayed: config.get(&format!("gateway.{SWITCH}")).is_some_and(is_on),
        ..default
    };
    for stage in Stage::ALL {
        let key = format!("stages.{stage}.{SWITCH}");
        let own = config.get(&key);
        if is_exact(stage) {
            if let Some(entry) = own.filter(|entry| is_on(entry)) {
                let origin = entry.origin.clone();
                return Err(ConfigError::value(&key, origin, &entry.value, OFF));
            }
        } else if own.map_or(of_all, is_on) {
            semantic.stages.insert(stage);
        }
    }
    if let Some(entry) = config.get(VECTORS)
        && entry.value.as_str() == Some("model")
    {
        if config.get(EMBEDDINGS).is_none() {
            let origin = entry.origin.clone();
            return Err(ConfigError::value(VECTORS, origin, &entry.value, WORDS));
        }
        semantic.vectors = Vectors::Model;
    }
    let share = |key: &str| config.get(key).and_then(|entry| entry.value.as_float());
    let bounds = &mut semantic.bounds;
    bounds.error_max = share(ERROR_MAX).unwrap_or(bounds.error_max);
    bounds.checked_min = share(CHECKED_MIN).unwrap_or(bounds.checked_min);
    Ok(semantic)
}

fn is_on(entry: &Entry) -> bool {
    entry.value.as_str() == Some("on")
}
