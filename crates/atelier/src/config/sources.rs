//! What files, variables and flags say, as keys and values.

use std::ffi::OsString;

use atelier_model::Stage;

use super::{ConfigError, Kind, Origin, keys};
use crate::cli::{Global, RunOptions};

/// Variables that begin with `ATELIER_` and are no configuration keys.
const OTHER_VARIABLES: [&str; 1] = ["ATELIER_CONFIG"];

/// A nested table as dotted keys. A price names its model, which may hold dots itself.
pub(crate) fn flatten(table: &toml::Table) -> Vec<(String, toml::Value)> {
    let mut flat = Vec::new();
    descend("", table, &mut flat);
    flat
}

fn descend(prefix: &str, table: &toml::Table, flat: &mut Vec<(String, toml::Value)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        if let Some(inner) = value.as_table() {
            descend(&key, inner, flat);
        } else {
            flat.push((key, value.clone()));
        }
    }
}

/// The keys the environment sets: `ATELIER_MODEL`, `ATELIER_STAGES_CODE_MODEL` or
/// `ATELIER_CODE_MODEL`, and `CODE_API_KEY` for the key of a stage. Also warnings about variables
/// that mean nothing.
pub(crate) fn variables(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> (Vec<(String, String, Origin)>, Vec<String>) {
    let (mut set, mut warnings) = (Vec::new(), Vec::new());
    let mut pairs: Vec<(String, String)> = all
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    pairs.sort();
    for (name, value) in pairs {
        if value.is_empty() || OTHER_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        if let Some(key) = key_of(&name) {
            set.push((key, value, Origin::Variable(name)));
        } else if name.starts_with("ATELIER_") {
            warnings.push(format!("{name} is set but means nothing to atelier"));
        }
    }
    (set, warnings)
}

fn key_of(variable: &str) -> Option<String> {
    for stage in Stage::ALL {
        if variable == format!("{}_API_KEY", stage.name().to_uppercase()) {
            return Some(format!("stages.{stage}.key"));
        }
    }
    let rest = variable.strip_prefix("ATELIER_")?.to_lowercase();
    let rest = rest
        .strip_suffix("api_key")
        .map_or(rest.clone(), |head| format!("{head}key"));
    let plain = std::iter::once(rest.clone());
    let limit = rest
        .strip_prefix("limits_")
        .map(|name| format!("limits.{name}"));
    let short = rest.strip_prefix("stages_").unwrap_or(&rest).to_owned();
    let staged = Stage::ALL.iter().filter_map(|stage| {
        let part = short.strip_prefix(stage.name())?.strip_prefix('_')?;
        Some(format!("stages.{stage}.{part}"))
    });
    plain
        .chain(limit)
        .chain(staged)
        .find(|key| keys::kind(key).is_some())
}

/// The keys the flags set.
pub(crate) fn flags(
    global: &Global,
    options: &RunOptions,
) -> Result<Vec<(String, String, Origin)>, ConfigError> {
    let mut set = Vec::new();
    for assignment in &global.set {
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(ConfigError::Assignment(assignment.clone()));
        };
        let flag = Origin::Flag(format!("-c {}", key.trim()));
        set.push((key.trim().to_owned(), value.trim().to_owned(), flag));
    }
    let named = [
        ("provider", &global.provider, "--provider"),
        ("model", &global.model, "--model"),
        ("base_url", &global.base_url, "--base-url"),
        ("budget", &options.budget, "--budget"),
        ("approval", &options.approval, "--approval"),
    ];
    for (key, value, flag) in named {
        if let Some(value) = value {
            set.push((key.to_owned(), value.clone(), Origin::Flag(flag.to_owned())));
        }
    }
    Ok(set)
}

/// A text as the value its key wants.
pub(crate) fn parse(key: &str, text: &str) -> toml::Value {
    let as_text = || toml::Value::String(text.to_owned());
    match keys::kind(key) {
        Some(Kind::Whole) => text
            .parse()
            .map_or_else(|_| as_text(), toml::Value::Integer),
        Some(Kind::Number) => text.parse().map_or_else(|_| as_text(), toml::Value::Float),
        Some(Kind::Flag) => text
            .parse()
            .map_or_else(|_| as_text(), toml::Value::Boolean),
        Some(Kind::Text | Kind::Secret | Kind::Money | Kind::Approval) | None => as_text(),
    }
}
