//! Configuration: files, environment and flags become final values of known origin.
//!
//! The only reader of the environment's keys.

mod keys;
pub(crate) mod sandbox;
mod semantic;
mod settings;
pub(crate) mod shared_cache;
mod sources;
mod width;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

pub(crate) use keys::{Kind, known_keys};
pub(crate) use settings::{OFFLINE, Settings, limits, usual_address};
pub(crate) use sources::{Sources, user_file, user_state};

use crate::{
    cli::{Global, RunOptions},
    keys::KeysError,
    prices::PricesError,
};

/// Characters of a value that an error shows.
const SHOWN_CHARS_MAX: usize = 80;

/// Name of the file in a project.
pub(crate) const PROJECT_FILE: &str = "atelier.toml";
/// Table of steps in that file.
const STEPS: &str = "steps";

/// Where a value came from, in rising order of rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// The project's file.
    Project(PathBuf),
    /// The user's file.
    User(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Project(path) | Self::User(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One value with its origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) value: toml::Value,
    pub(crate) origin: Origin,
}

/// Why configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file could not be read.
    #[error("read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file is no TOML.
    #[error("read {}", path.display())]
    Syntax {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A key that does not exist.
    #[error("use `{key}` from {origin}: there is no such key{}", did_you_mean(.near.as_deref()))]
    Unknown {
        key: String,
        origin: Origin,
        near: Option<String>,
    },
    /// A value that does not fit its key.
    #[error("use `{key}` from {origin}: it must be {wanted}; it is {found}")]
    Value {
        key: String,
        origin: Origin,
        wanted: &'static str,
        found: String,
    },
    /// `-c` without `=`.
    #[error("use `-c {0}`: write it as KEY=VALUE")]
    Assignment(String),
    /// A provider that does not exist.
    #[error("use provider `{name}` from {origin}: there are {known}")]
    Provider {
        name: String,
        origin: Origin,
        known: String,
    },
    /// A provider without a model.
    #[error("ask for {asked}: no model is named for provider `{provider}`")]
    NoModel { asked: String, provider: String },
    /// A provider without a key.
    #[error("ask for {asked}: provider `{provider}` needs a key")]
    NoKey {
        asked: String,
        provider: String,
        variable: String,
    },
    /// The user's key store cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Imported prices cannot be used.
    #[error(transparent)]
    Prices(#[from] PricesError),
    /// A key of the user would go where only the project says.
    #[error("send a key to {url}: only {origin} names that address")]
    ForeignAddress { url: String, origin: Origin },
    /// Prompts would go into the user's own network because a project says so.
    #[error("send prompts to {url} in a private network: only {origin} names that address")]
    InnerAddress { url: String, origin: Origin },
}

/// A value as a person wrote it, as far as one line shows it. Secrets stay where they are.
fn shown(key: &str, value: &toml::Value) -> String {
    let is_text = value.is_str();
    if is_secret(key) {
        return if is_text { "a text" } else { "no text" }.to_owned();
    }
    let written = value.to_string();
    let mut short: String = written.chars().take(SHOWN_CHARS_MAX).collect();
    if short.len() < written.len() {
        short.push('…');
    }
    format!("`{}`", crate::ui::plain(&short))
}

fn did_you_mean(key: Option<&str>) -> String {
    key.map(|key| format!("; did you mean `{key}`?"))
        .unwrap_or_default()
}

impl ConfigError {
    /// What was found does not fit its key.
    fn value(key: &str, origin: Origin, found: &toml::Value, wanted: &'static str) -> Self {
        Self::Value {
            key: key.to_owned(),
            origin,
            wanted,
            found: shown(key, found),
        }
    }

    /// Whether an argument of the command is at fault, and no file or variable.
    pub(crate) fn is_argument(&self) -> bool {
        match self {
            Self::Assignment(_) => true,
            Self::Unknown { origin, .. }
            | Self::Value { origin, .. }
            | Self::Provider { origin, .. }
            | Self::ForeignAddress { origin, .. }
            | Self::InnerAddress { origin, .. } => matches!(origin, Origin::Flag(_)),
            Self::Read { .. }
            | Self::Syntax { .. }
            | Self::NoModel { .. }
            | Self::NoKey { .. }
            | Self::Keys(_)
            | Self::Prices(_) => false,
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Read { .. } => "check that the file exists and may be read".to_owned(),
            Self::Syntax { .. } => "mend the line; `atelier config show` lists all keys".to_owned(),
            Self::Unknown { .. } | Self::Value { .. } | Self::Assignment(_) => {
                "see `atelier config show --all` for all keys and their values".to_owned()
            }
            Self::Provider { .. } => "use one of them with `--provider NAME`".to_owned(),
            Self::NoModel { .. } => {
                "name one with `--model NAME` or `atelier config set model NAME`".to_owned()
            }
            Self::NoKey {
                variable, provider, ..
            } => format!(
                "`atelier keys add {provider}`, set {variable}, or connect a local server with `--base-url \
                 http://127.0.0.1:11434/v1`"
            ),
            Self::Keys(error) => error.hint(),
            Self::Prices(error) => error.hint(),
            Self::ForeignAddress { url, .. } | Self::InnerAddress { url, .. } => format!(
                "if you trust it: `atelier config set --user base_url {url}`, or pass --base-url"
            ),
        }
    }
}

/// All values that are set, by key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    entries: BTreeMap<String, Entry>,
    /// Things a person should know, such as variables that mean nothing.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    /// What every source says together: the project's file, the user's file, the environment, the
    /// flags, in rising order of rank.
    pub(crate) fn load(
        sources: &Sources,
        global: &Global,
        options: &RunOptions,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        if let Some((path, text)) = &sources.project {
            config.add_file(path, text, &Origin::Project(path.clone()))?;
        }
        if let Some((path, text)) = &sources.user {
            config.add_file(path, text, &Origin::User(path.clone()))?;
        }
        let (variables, warnings) = sources::variables(sources.variables.iter());
        config.warnings = warnings;
        for (key, value, origin) in variables {
            config.set(&key, sources::parse(&key, &value), origin)?;
        }
        for (key, value, origin) in sources::flags(global, options)? {
            config.set(&key, sources::parse(&key, &value), origin)?;
        }
        Ok(config)
    }

    /// Whether what `-c` sets can be set, also where a command reads no configuration.
    pub(crate) fn check_flags(global: &Global) -> Result<(), ConfigError> {
        let mut config = Self::default();
        for (key, value, origin) in sources::flags(global, &RunOptions::default())? {
            config.set(&key, sources::parse(&key, &value), origin)?;
        }
        Ok(())
    }

    /// The value that a text is for a key.
    pub(crate) fn check(key: &str, text: &str) -> Result<toml::Value, ConfigError> {
        let mut config = Self::default();
        let origin = Origin::Flag("the command line".to_owned());
        config.set(key, sources::parse(key, text), origin)?;
        Ok(config
            .entries
            .remove(key)
            .map_or_else(|| text.into(), |entry| entry.value))
    }

    /// The entry of a key, where one is set.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Every key that is set.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter()
    }

    fn add_file(&mut self, path: &Path, text: &str, origin: &Origin) -> Result<(), ConfigError> {
        let table: toml::Table = text.parse().map_err(|source| ConfigError::Syntax {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let mut table = table;
        if matches!(origin, Origin::Project(_)) {
            // Steps have a form of their own, see `own_steps`.
            table.remove(STEPS);
        }
        for (key, value) in sources::flatten(&table) {
            self.set(&key, value, origin.clone())?;
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: toml::Value, origin: Origin) -> Result<(), ConfigError> {
        let Some(kind) = keys::kind(key) else {
            let near = keys::nearest(key);
            return Err(ConfigError::Unknown {
                key: key.to_owned(),
                origin,
                near,
            });
        };
        let found = value.clone();
        let Some(value) = kind.fit(value) else {
            return Err(ConfigError::value(key, origin, &found, kind.wanted()));
        };
        self.entries.insert(key.to_owned(), Entry { value, origin });
        Ok(())
    }
}

/// What the project's file says of steps, by their names.
pub(crate) fn own_steps(
    sources: &Sources,
) -> Result<BTreeMap<String, serde_json::Map<String, serde_json::Value>>, ConfigError> {
    let Some((path, text)) = &sources.project else {
        return Ok(BTreeMap::new());
    };
    let table: toml::Table = text.parse().map_err(|source| ConfigError::Syntax {
        path: path.clone(),
        source: Box::new(source),
    })?;
    let Some(steps) = table.get(STEPS) else {
        return Ok(BTreeMap::new());
    };
    let wrong = |key: &str, found: &toml::Value| {
        let wanted = "a table of steps, such as `[steps.build]` with `argv = [\"make\"]`";
        ConfigError::value(key, Origin::Project(path.clone()), found, wanted)
    };
    let steps_table = steps.as_table().ok_or_else(|| wrong(STEPS, steps))?;
    let mut own = BTreeMap::new();
    for (name, said) in steps_table {
        let form = serde_json::to_value(said).ok();
        let Some(serde_json::Value::Object(form)) = form else {
            return Err(wrong(&format!("{STEPS}.{name}"), said));
        };
        own.insert(name.clone(), form);
    }
    Ok(own)
}

/// Every name that a provider has: those of the program, and those that the user gave.
pub(crate) fn provider_names(config: &Config) -> Vec<String> {
    let own: Vec<&str> = atelier_llm::PROVIDERS
        .iter()
        .map(|entry| entry.name)
        .filter(|name| *name != OFFLINE)
        .collect();
    let given: BTreeSet<&str> = config
        .iter()
        .filter_map(|(key, _)| keys::of_provider(key))
        .map(|(name, _)| name)
        .filter(|name| !own.contains(name))
        .collect();
    let all = own.iter().copied().chain(given);
    all.map(str::to_owned).collect()
}

/// Providers with settings of their own whose models nobody lists and nothing uses: no program can
/// ask for one.
pub(crate) fn unlisted_providers(config: &Config, settings: &Settings) -> BTreeSet<String> {
    let standbys = settings.routing.values().flat_map(|one| &one.fallback);
    let used: BTreeSet<&str> = settings
        .routes
        .values()
        .chain(standbys)
        .chain(&settings.upstreams)
        .chain(&settings.embeddings)
        .map(|route| route.upstream.as_deref().unwrap_or(&route.provider))
        .collect();
    let given = config.iter().filter_map(|(key, _)| keys::of_provider(key));
    given
        .map(|(name, _)| name.to_owned())
        .filter(|name| !used.contains(name.as_str()))
        .collect()
}

/// Whether the value of a key must not be shown.
pub(crate) fn is_secret(key: &str) -> bool {
    keys::kind(key) == Some(Kind::Secret)
}

/// The tables and the name that a key stands for in a file. The name of a model, which may hold
/// dots, is one part.
pub(crate) fn parts(key: &str) -> Vec<String> {
    for table in ["prices", "rates"] {
        let rest = key.strip_prefix(table);
        let rest = rest.and_then(|rest| rest.strip_prefix('.'));
        if let Some((model, part)) = rest.and_then(|rest| rest.rsplit_once('.')) {
            return vec![table.to_owned(), model.to_owned(), part.to_owned()];
        }
    }
    key.split('.').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
