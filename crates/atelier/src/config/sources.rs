//! What files, variables and flags say, as keys and values.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use atelier_model::{Resource, Stage};

use super::{ConfigError, Kind, Origin, PROJECT_FILE, keys};
use crate::{
    cli::{Global, RunOptions},
    keys::{KEY_FILE, KeyPlace, PASSPHRASE},
    prices,
    telemetry::{LOG, LOG_LEVEL},
};

/// Variables that begin with `ATELIER_` and are no configuration keys.
const OTHER_VARIABLES: [&str; 6] = [
    "ATELIER_CONFIG",
    "ATELIER_DATA",
    KEY_FILE,
    PASSPHRASE,
    LOG,
    LOG_LEVEL,
];

/// Everything outside the program that configures it, as it was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// The project's file with its path, where there is one.
    pub(crate) project: Option<(PathBuf, String)>,
    /// The user's file with its path, where there is one.
    pub(crate) user: Option<(PathBuf, String)>,
    /// The environment, as far as it is text.
    pub(crate) variables: BTreeMap<String, String>,
    /// Where the user's keys lie, where that is known.
    pub(crate) keys: Option<KeyPlace>,
    /// Where imported prices lie, where that is known.
    pub(crate) prices: Option<PathBuf>,
}

impl Sources {
    /// Reads the files of a project and of the user, and the environment.
    pub(crate) fn read(project: &Path) -> Result<Self, ConfigError> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let user = user_file().map(read).transpose()?.flatten();
        Ok(Self {
            project: read(project.join(PROJECT_FILE))?,
            user,
            variables: std::env::vars_os().filter_map(text).collect(),
            keys: KeyPlace::find(),
            prices: prices::file(),
        })
    }

    /// The value of an environment variable; an empty one counts as none.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }
}

/// The user's configuration file: `ATELIER_CONFIG`, else the platform's configuration folder.
pub(crate) fn user_file() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    if let Some(path) = std::env::var_os("ATELIER_CONFIG") {
        return Some(PathBuf::from(path));
    }
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("atelier").join("config.toml"))
}

/// The folder of state that belongs to no project: `ATELIER_DATA`, else the platform's data folder.
pub(crate) fn user_state() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    if let Some(path) = std::env::var_os("ATELIER_DATA") {
        return Some(PathBuf::from(path));
    }
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.data_dir().join("atelier"))
}

fn read(path: PathBuf) -> Result<Option<(PathBuf, String)>, ConfigError> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Read { path, source }),
    }
}

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
pub(crate) fn variables<'a>(
    all: impl Iterator<Item = (&'a String, &'a String)>,
) -> (Vec<(String, String, Origin)>, Vec<String>) {
    let (mut set, mut warnings) = (Vec::new(), Vec::new());
    for (name, value) in all {
        if value.is_empty() || OTHER_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        if let Some(key) = key_of(name) {
            set.push((key, value.clone(), Origin::Variable(name.clone())));
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
    let gateway = rest
        .strip_prefix("gateway_")
        .map(|name| format!("gateway.{name}"));
    let short = rest.strip_prefix("stages_").unwrap_or(&rest).to_owned();
    let staged = Stage::ALL.iter().filter_map(|stage| {
        let part = short.strip_prefix(stage.name())?.strip_prefix('_')?;
        Some(format!("stages.{stage}.{part}"))
    });
    let provider = rest.strip_prefix("providers_").and_then(|rest| {
        keys::provider_parts().find_map(|part| {
            let name = rest.strip_suffix(part)?.strip_suffix('_')?;
            Some(format!("providers.{name}.{part}"))
        })
    });
    plain
        .chain(provider)
        .chain(limit)
        .chain(gateway)
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
        (
            "budget",
            &options.limits.absolute(Resource::Usd),
            "--budget",
        ),
        (
            "budget_tokens",
            &options.limits.absolute(Resource::Tokens),
            "--budget-tokens",
        ),
        (
            "budget_calls",
            &options.limits.absolute(Resource::Calls),
            "--budget-calls",
        ),
        (
            "budget_wall",
            &options.limits.absolute(Resource::Wall),
            "--budget-wall",
        ),
        ("approval", &options.approval, "--approval"),
        ("jobs", &options.jobs, "--jobs"),
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
        Some(Kind::Whole | Kind::Count) => text
            .parse()
            .map_or_else(|_| as_text(), toml::Value::Integer),
        Some(Kind::Number | Kind::Share) => {
            text.parse().map_or_else(|_| as_text(), toml::Value::Float)
        }
        Some(Kind::Flag) => text
            .parse()
            .map_or_else(|_| as_text(), toml::Value::Boolean),
        Some(Kind::Texts | Kind::Models) => {
            let texts = text.split(',').map(|one| one.trim().into());
            toml::Value::Array(texts.collect())
        }
        Some(
            Kind::Text
            | Kind::Secret
            | Kind::Money
            | Kind::Approval
            | Kind::Effort
            | Kind::Strategy
            | Kind::Guard
            | Kind::Address
            | Kind::Duration
            | Kind::Sandbox
            | Kind::Compression
            | Kind::Model
            | Kind::Vectors
            | Kind::Switch,
        )
        | None => as_text(),
    }
}
