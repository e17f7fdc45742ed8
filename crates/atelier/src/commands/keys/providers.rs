//! Keys of providers: kept, listed, tried out, exchanged.

use std::io::{self, IsTerminal as _, Read as _};

use atelier_engine::{Exit, chain};
use atelier_keys::{KeyStoreError, StoredKey, Vault};
use atelier_llm::{Route, Secret, probe_key, provider_entry};
use atelier_model::{Clock as _, Limits};
use serde_json::json;

use super::{Changed, KeysAddArgs, KeysListArgs, KeysRotateArgs, KeysTestArgs, tell};
use crate::{
    app::{Place, SystemClock},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Settings, Sources, provider_names},
    keys::{Asking, KeyPlace, KeysError, hidden},
    ui::{Tone, Ui},
};

/// Bytes of a key that are read.
const VALUE_BYTES_MAX: u64 = 16 * 1024;

/// Milliseconds for a provider to say whether it accepts a key.
const PROBE_MS: u64 = 10_000;

pub(super) fn add(
    at: &KeyPlace,
    global: &Global,
    args: &KeysAddArgs,
    ui: &Ui,
) -> Result<Changed, CliError> {
    let provider = args.provider.as_str();
    let sources = Sources::read(&Place::find(global)?.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let known = provider_names(&config);
    if !known.iter().any(|name| name == provider) {
        return Err(CliError::NotFound {
            what: "provider",
            name: provider.to_owned(),
            known,
        });
    }
    let value = value(&format!("Key of {provider}: "))?;
    let vault = at.ensured(Asking::Yes)?;
    let of = (provider, args.name.as_str());
    let key = at
        .store
        .key_add(vault.master(), of, &value, SystemClock.now());
    let key = key.map_err(KeysError::from)?;
    let said = format!(
        "kept {} ({}/{}, {})",
        key.id, key.provider, key.name, key.shown
    );
    tell(ui, "key_added", (&key.id, &key.name), &said);
    for warning in outranked(provider, &sources) {
        ui.warn(&warning);
    }
    Ok(Changed {
        name: key.id,
        change: "added",
    })
}

pub(super) fn rotate(at: &KeyPlace, args: &KeysRotateArgs, ui: &Ui) -> Result<Changed, CliError> {
    let value = value(&format!("New value of {}: ", args.key))?;
    let vault = at.ensured(Asking::Yes)?;
    let now = SystemClock.now();
    let key = at.store.key_rotate(vault.master(), &args.key, &value, now);
    let key = key.map_err(KeysError::from)?;
    let said = format!(
        "kept {} ({}/{}, {}); the value before it is retiring: revoke it once this one serves",
        key.id, key.provider, key.name, key.shown
    );
    tell(ui, "key_rotated", (&key.id, &key.name), &said);
    Ok(Changed {
        name: key.id,
        change: "rotated",
    })
}

pub(super) fn list(at: &KeyPlace, args: &KeysListArgs, ui: &Ui) -> Result<u8, CliError> {
    let contents = at.store.read().map_err(KeysError::from)?;
    let damaged = match at.existing(Asking::No) {
        Ok(vault) => vault.map(|vault| vault.damaged()).unwrap_or_default(),
        // Which keys there are can be seen without opening one.
        Err(KeysError::NoPassphrase(_)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let shown = contents
        .keys
        .iter()
        .filter(|key| args.all || key.is_usable());
    let shown: Vec<&StoredKey> = shown.collect();
    for key in &shown {
        row(ui, key, damaged.contains(&key.id));
    }
    for row in &contents.damaged {
        let id = row.id.as_deref().unwrap_or("?");
        let said = format!(
            "row {} of {} ({id}) is damaged: {}",
            row.row, row.list, row.why
        );
        if ui.is_json() {
            let line = json!({
                "v": 1, "type": "damaged", "list": row.list, "row": row.row, "id": row.id,
                "why": row.why,
            });
            ui.out(&line.to_string());
        }
        ui.warn(&said);
    }
    let lock = contents.lock().map(|lock| lock.kind().name());
    match (shown.as_slice(), lock) {
        ([], _) => ui.status("no keys are kept; `atelier keys add PROVIDER` keeps one"),
        (_, Some(lock)) => {
            ui.status(&format!(
                "{}, locked with: {lock}",
                at.store.path().display()
            ));
        }
        (_, None) => {}
    }
    let is_whole = damaged.is_empty() && contents.damaged.is_empty();
    Ok(if is_whole {
        Exit::Verified
    } else {
        Exit::Configuration
    } as u8)
}

fn row(ui: &Ui, key: &StoredKey, is_damaged: bool) {
    let state = if is_damaged {
        "damaged"
    } else {
        key.state.name()
    };
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "key", "id": key.id, "provider": key.provider, "name": key.name,
            "state": state, "shown": key.shown, "created_at": key.created_at,
            "changed_at": key.changed_at,
        });
        ui.out(&line.to_string());
        return;
    }
    let tone = if is_damaged { Tone::Bad } else { Tone::Plain };
    ui.out(&format!(
        "{}  {}/{}  {}  {}  {}",
        key.id,
        key.provider,
        key.name,
        ui.ink(tone, state),
        key.shown,
        ui.ink(Tone::Faint, &format!("since {}", key.changed_at)),
    ));
}

pub(super) async fn test(
    at: &KeyPlace,
    global: &Global,
    args: &KeysTestArgs,
    ui: &Ui,
) -> Result<u8, CliError> {
    let contents = at.store.read().map_err(KeysError::from)?;
    let named = |key: &&StoredKey| args.key.as_deref().is_none_or(|name| key.is_named(name));
    let keys = contents.keys.iter().filter(|key| key.is_usable());
    let keys: Vec<&StoredKey> = keys.filter(named).collect();
    if let (Some(name), true) = (&args.key, keys.is_empty()) {
        let name = name.clone();
        return Err(KeysError::from(KeyStoreError::NoSuchKey { name }).into());
    }
    let Some(vault) = at.existing(Asking::Yes)? else {
        ui.status("no keys are kept; `atelier keys add PROVIDER` keeps one");
        return Ok(Exit::Verified as u8);
    };
    let routes = routes(global)?;
    let mut are_good = true;
    for key in keys {
        let said = tried(key, &vault, &routes).await;
        are_good &= said.is_ok();
        verdict(ui, key, &said);
    }
    Ok(if are_good {
        Exit::Verified
    } else {
        Exit::Configuration
    } as u8)
}

/// Where the configuration has each provider.
fn routes(global: &Global) -> Result<Vec<Route>, CliError> {
    let sources = Sources::read(&Place::find(global)?.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let settings = Settings::resolve(&config, &sources)?;
    let stages = settings.routes.into_values();
    let others = settings
        .routing
        .into_values()
        .flat_map(|routing| routing.fallback);
    Ok(stages.chain(others).chain(settings.upstreams).collect())
}

/// What the provider says to a key.
async fn tried(key: &StoredKey, vault: &Vault, routes: &[Route]) -> Result<(), String> {
    let value = key.open(vault.master());
    let value = value.map_err(|error| format!("failed to {error}"))?;
    let configured = routes.iter().find(|route| route.name() == key.provider);
    let usual = || {
        let entry = provider_entry(&key.provider)?;
        Some(Route::new(entry.name, "", 1))
    };
    let route = configured.cloned().or_else(usual);
    let route = route.ok_or_else(|| "no address of this provider is configured".to_owned())?;
    let route = Route {
        key: value,
        ring: None,
        ..route
    };
    let limits = Limits {
        connect_ms_max: PROBE_MS,
        first_byte_ms_max: PROBE_MS,
        ask_total_ms_max: PROBE_MS,
        ..Limits::default()
    };
    let probed = probe_key(&route, &limits).await;
    probed.map_err(|error| format!("failed to {}", chain(&error)))
}

fn verdict(ui: &Ui, key: &StoredKey, said: &Result<(), String>) {
    let (word, tone, why) = match said {
        Ok(()) => ("accepted", Tone::Good, ""),
        Err(why) => ("not accepted", Tone::Bad, why.as_str()),
    };
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "key_tested", "id": key.id, "provider": key.provider,
            "name": key.name, "accepted": said.is_ok(), "why": why,
        });
        ui.out(&line.to_string());
        return;
    }
    let (id, provider, name) = (&key.id, &key.provider, &key.name);
    let line = format!("{id}  {provider}/{name}  {}  {why}", ui.ink(tone, word));
    ui.out(line.trim_end());
}

/// The value of a key: from standard input, or asked for where that is a terminal. It is never an
/// argument, which other users of the machine could see.
fn value(question: &str) -> Result<Secret, CliError> {
    let value = if io::stdin().is_terminal() {
        hidden(question)?
    } else {
        let mut text = zeroize::Zeroizing::new(String::new());
        let read = io::stdin()
            .lock()
            .take(VALUE_BYTES_MAX)
            .read_to_string(&mut text);
        read.map_err(CliError::Terminal)?;
        Secret::new(&text)
    };
    let is_one_word = value.expose().chars().all(|c| c.is_ascii_graphic());
    if !is_one_word {
        return Err(CliError::Usage(
            "keep that key: it must be one word of plain characters".to_owned(),
        ));
    }
    Ok(value)
}

/// What stands in the way of a stored key.
fn outranked(provider: &str, sources: &Sources) -> Vec<String> {
    let entry = provider_entry(provider);
    let variables = entry.map_or(&[][..], |entry| entry.key_variables).iter();
    let set = variables.filter(|name| sources.variable(name).is_some());
    set.map(|name| format!("{name} is set, and its key is used instead"))
        .collect()
}
