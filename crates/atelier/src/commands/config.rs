//! `atelier config`: the effective values and where each came from.

use std::path::{Path, PathBuf};

use atelier_llm::{PROVIDERS, Routing, Secret};
use atelier_model::{Stage, Strategy};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{
        Config, Entry, Kind, OFFLINE, Origin, PROJECT_FILE, Settings, Sources, known_keys,
        user_file, usual_address,
    },
    ui::{Tone, Ui, plain},
    whole,
};

/// Show or change configuration
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every value in effect and where it came from; secrets are masked
    Show(ConfigShowArgs),
    /// Write a value into atelier.toml, or with --user into your own file
    Set(ConfigSetArgs),
    /// Show where the files are
    Path,
}

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    /// Also every key that is not set, and what it means
    #[arg(long)]
    pub(crate) all: bool,
}

/// What to set.
#[derive(Debug, Args)]
pub(crate) struct ConfigSetArgs {
    /// The key, such as stages.code.model
    pub(crate) key: String,
    /// The value
    pub(crate) value: String,
    /// Write into your own file instead of the project's
    #[arg(long)]
    pub(crate) user: bool,
}

pub(crate) fn run(global: &Global, command: &ConfigCommand, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    match command {
        ConfigCommand::Show(args) => show(&place, global, args.all, ui),
        ConfigCommand::Set(args) => set(&place, args, ui),
        ConfigCommand::Path => {
            ui.out(&place.root.join(PROJECT_FILE).display().to_string());
            if let Some(path) = user_file() {
                ui.out(&path.display().to_string());
            }
            Ok(0)
        }
    }
}

fn show(place: &Place, global: &Global, all: bool, ui: &Ui) -> Result<u8, CliError> {
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    for warning in &config.warnings {
        ui.warn(warning);
    }
    let values = in_force(&config, &sources);
    if ui.is_json() {
        let entries: Vec<_> = values
            .iter()
            .map(|(key, value, origin)| json!({"key": key, "value": value, "origin": origin}))
            .collect();
        ui.out(&json!({"v": 1, "type": "config", "entries": entries}).to_string());
        return Ok(0);
    }
    for (key, value, origin) in &values {
        line(ui, &format!("{key} = {value}"), origin);
    }
    if all {
        ui.out("");
        unset(&config, ui);
    }
    ui.out("");
    stages(&config, &sources, ui);
    Ok(0)
}

/// Every value in force with its origin: what is set, and defaults.
fn in_force(config: &Config, sources: &Sources) -> Vec<(String, String, String)> {
    let set = config
        .iter()
        .map(|(key, entry)| (key.clone(), shown(key, entry), entry.origin.to_string()));
    let defaults = known_keys()
        .into_iter()
        .filter(|key| config.get(&key.name).is_none());
    let defaults =
        defaults.filter_map(|key| Some((key.name, key.default?, Origin::Default.to_string())));
    let addresses = PROVIDERS.iter().filter_map(|provider| {
        let entry = usual_address(provider.name, sources)?;
        let name = format!("base_url ({})", provider.name);
        Some((name, shown("base_url", &entry), entry.origin.to_string()))
    });
    set.chain(addresses).chain(defaults).collect()
}

fn line(ui: &Ui, value: &str, beside: &str) {
    ui.out(&format!("{value:<48} {}", ui.ink(Tone::Faint, beside)));
}

fn shown(key: &str, entry: &Entry) -> String {
    let secret = crate::config::is_secret(key);
    match entry.value.as_str() {
        Some(text) if secret => Secret::new(text).masked(),
        Some(text) => plain(text),
        None => entry.value.to_string(),
    }
}

/// Keys without a value. Those of the stages are the same for each.
fn unset(config: &Config, ui: &Ui) {
    let first = format!("stages.{}.", Stage::Design);
    for key in known_keys() {
        let of_first = key.name.strip_prefix(&first);
        let of_other = key.name.starts_with("stages.") && of_first.is_none();
        if key.default.is_none() && config.get(&key.name).is_none() && !of_other {
            let name = of_first.map_or(key.name.clone(), |part| format!("stages.NAME.{part}"));
            line(ui, &name, key.about);
        }
    }
}

/// Who answers each stage in the end.
fn stages(config: &Config, sources: &Sources, ui: &Ui) {
    let settings = match Settings::resolve(config, sources) {
        Ok(settings) => settings,
        Err(error) => {
            ui.failure(&format!("failed to {error}"), Some(&error.hint()));
            return;
        }
    };
    for (stage, route) in &settings.routes {
        let mut text = format!("{:<8} is answered by {}", stage.name(), route.name());
        if route.provider != OFFLINE {
            text = format!("{text} {}", plain(&route.model));
        }
        if let Some(url) = &route.base_url {
            text = format!("{text} at {url}");
        }
        if let Some(key) = &route.key {
            text = format!("{text} with key {}", key.masked());
        }
        if let Some(others) = settings.routing.get(stage) {
            text = format!("{text}{}", else_by(others));
        }
        ui.out(&text);
    }
}

/// Who else answers a stage, and how one of them is chosen.
fn else_by(routing: &Routing) -> String {
    if routing.fallback.is_empty() {
        return String::new();
    }
    let labels = routing.fallback.iter().map(|route| plain(&route.label()));
    let labels = labels.collect::<Vec<_>>().join(", ");
    match routing.strategy {
        Strategy::Static => format!(", else by {labels}"),
        Strategy::Cost => format!(", or by {labels}: by whom it costs least"),
        Strategy::Latency => format!(", or by {labels}: by whom it takes least"),
    }
}

fn set(place: &Place, args: &ConfigSetArgs, ui: &Ui) -> Result<u8, CliError> {
    let path = if args.user {
        user_file().ok_or_else(|| CliError::Usage("find your configuration folder".to_owned()))?
    } else {
        place.root.join(PROJECT_FILE)
    };
    let value = Config::check(&args.key, &args.value)?;
    let secret = known_keys()
        .iter()
        .any(|key| key.name == args.key && key.kind == Kind::Secret);
    if secret && !args.user {
        ui.warn("the key will stand in a file of the project; do not commit it, or use --user");
    }
    write(&path, &args.key, &value)?;
    ui.status(&format!("wrote {} into {}", args.key, path.display()));
    Ok(0)
}

/// Changes one value of a file and leaves the rest, comments included, as it is.
fn write(path: &Path, key: &str, value: &toml::Value) -> Result<(), CliError> {
    let failed = |source| CliError::File {
        path: path.to_owned(),
        source,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(failed(source)),
    };
    let mut document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|error| CliError::Usage(format!("read {}: {error}", path.display())))?;
    let mut parts = crate::config::parts(key);
    let last = parts.pop().unwrap_or_default();
    let mut table = document.as_table_mut();
    for part in parts {
        let item = table.entry(&part).or_insert_with(|| {
            let mut inner = toml_edit::Table::new();
            inner.set_implicit(true);
            toml_edit::Item::Table(inner)
        });
        table = item.as_table_mut().ok_or_else(|| {
            CliError::Usage(format!(
                "set {key} in {}: `{part}` is no table there",
                path.display()
            ))
        })?;
    }
    table[&last] = toml_edit::value(in_file(value));
    let folder: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
    std::fs::create_dir_all(&folder).map_err(failed)?;
    whole::write(path, document.to_string().as_bytes(), whole::MODE).map_err(failed)
}

fn in_file(value: &toml::Value) -> toml_edit::Value {
    match value {
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(flag) => (*flag).into(),
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Array(items) => {
            let items = items.iter().map(in_file);
            toml_edit::Value::Array(items.collect())
        }
        // No key takes any of these: `Kind::fit` lets numbers, texts and lists of texts through.
        toml::Value::Datetime(_) | toml::Value::Table(_) => value.to_string().into(),
    }
}
