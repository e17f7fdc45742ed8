//! What `atelier doctor` says of stored keys, and of what is recorded.

use atelier_engine::chain;
use atelier_keys::{Contents, StoredKey};
use atelier_llm::provider_entry;
use atelier_store::Store;

use super::{Finding, State};
use crate::keys::{Asking, KeyPlace, KeysError};

/// Stored keys: whose they are, what opens them, and what stands in their way.
pub(super) fn keys() -> Vec<Finding> {
    let of = |state, text: String, remedy: &str| Finding::new("models", state, text, remedy);
    let problem = |error: &KeysError| {
        let text = format!("failed to {}", chain(error));
        of(State::Problem, text, &error.hint())
    };
    let place = match KeyPlace::found() {
        Ok(place) => place,
        Err(error) => return vec![problem(&error)],
    };
    let contents = match place.store.read().map_err(KeysError::from) {
        Ok(contents) => contents,
        Err(error) => return vec![problem(&error)],
    };
    let mut found = Vec::new();
    let damaged = match place.existing(Asking::No) {
        Ok(vault) => vault.map(|vault| vault.damaged()).unwrap_or_default(),
        Err(error @ KeysError::NoPassphrase(_)) => {
            let text = "the key store is locked with a passphrase".to_owned();
            found.push(of(State::Note, text, &error.hint()));
            Vec::new()
        }
        Err(error) => return vec![problem(&error)],
    };
    found.extend(kept(&contents, &damaged));
    for row in &contents.damaged {
        let (path, list) = (place.store.path().display(), row.list);
        let text = format!("{path}: row {} of {list} is damaged: {}", row.row, row.why);
        found.push(of(State::Problem, text, "restore the file from a backup"));
    }
    found
}

fn kept(contents: &Contents, damaged: &[String]) -> Vec<Finding> {
    let usable = contents.keys.iter().filter(|key| key.is_usable());
    usable.map(|key| kept_key(key, damaged)).collect()
}

fn kept_key(key: &StoredKey, damaged: &[String]) -> Finding {
    let (id, provider, name) = (&key.id, &key.provider, &key.name);
    if damaged.contains(id) {
        let text = format!("the stored key {id} ({provider}/{name}) was changed or moved");
        let remedy = format!("atelier keys revoke {id}, and add it again");
        return Finding::new("models", State::Problem, text, &remedy);
    }
    let entry = provider_entry(provider);
    let mut variables = entry.map_or(&[][..], |entry| entry.key_variables).iter();
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|key| !key.is_empty());
    if let Some(variable) = variables.find(is_set) {
        let text = format!("{variable} ranks before the stored key {id} of {provider}");
        return Finding::new(
            "models",
            State::Note,
            text,
            "unset it to use the stored one",
        );
    }
    let (shown, state) = (&key.shown, key.state.name());
    let text = format!("a key is stored for provider {provider}: {name}, {shown}, {state}");
    Finding::new("models", State::Good, text, "")
}

/// Whether what is recorded of models lies sealed.
pub(super) async fn contents(store: &Store) -> Finding {
    match store.blob_counts().await {
        Ok((sealed, 0)) => {
            let text = format!("{sealed} prompts, answers and other contents, all sealed");
            Finding::new("state", State::Good, text, "")
        }
        Ok((sealed, plain)) => {
            let text = format!("{plain} recorded contents are not sealed, {sealed} are");
            Finding::new("state", State::Note, text, "atelier keys seal")
        }
        Err(error) => {
            let text = format!("failed to {}", chain(&error));
            Finding::new("state", State::Problem, text, "run `atelier doctor` again")
        }
    }
}
