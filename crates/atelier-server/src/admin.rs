//! Keys of clients over HTTP, for whoever has an administrator's key.

use atelier_keys::{ClientTerms, KeyStore, KeyStoreError, Role};
use atelier_llm::Dialect;
use atelier_model::{AuditFact, MicroUsd, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{Keys, request::KeysWanted};

/// What was done, and what the audit log is to say of it.
pub(crate) struct Done {
    pub(crate) answer: Value,
    pub(crate) fact: Option<AuditFact>,
}

/// A key that is to be issued.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    name: String,
    role: Option<Role>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    dialects: Vec<String>,
    expires_at: Option<Timestamp>,
    budget_day_micro_usd: Option<MicroUsd>,
    budget_total_micro_usd: Option<MicroUsd>,
    requests_per_minute: Option<u32>,
}

/// A status, and why.
type Refused = (u16, String);

/// Does what is wanted of the keys of clients.
pub(crate) async fn answer(wanted: KeysWanted, keys: &Keys, body: &[u8]) -> Result<Done, Refused> {
    let Some((store, clock)) = keys.issuing() else {
        return Err((501, "this gateway keeps no keys of clients".to_owned()));
    };
    let (store, now) = (store.clone(), clock.now());
    let issue = match wanted {
        KeysWanted::Issue => Some(read(body)?),
        KeysWanted::See | KeysWanted::Revoke(_) => None,
    };
    // The file is written through to the disk.
    let work = spawn_blocking(move || match (wanted, issue) {
        (KeysWanted::Revoke(named), _) => revoke(&store, &named, now),
        (KeysWanted::Issue, Some((name, terms))) => issued(&store, &name, terms, now),
        (KeysWanted::See | KeysWanted::Issue, _) => seen(&store, now),
    });
    let done = work.await;
    let done = done.map_err(|_| (500, "the change was not finished".to_owned()))?;
    done.map_err(|error| {
        (
            status(&error),
            format!("failed to {error}: {}", error.hint()),
        )
    })
}

fn read(body: &[u8]) -> Result<(String, ClientTerms), Refused> {
    let issue: Issue = serde_json::from_slice(body)
        .map_err(|error| (400, format!("the request is not understood: {error}")))?;
    let known = Dialect::ALL.map(Dialect::name);
    if let Some(name) = issue
        .dialects
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        let known = known.join(", ");
        return Err((
            400,
            format!("there is no dialect `{name}`; there are {known}"),
        ));
    }
    let terms = ClientTerms {
        role: issue.role.unwrap_or(Role::Builder),
        models: issue.models,
        dialects: issue.dialects,
        expires_at: issue.expires_at,
        budget_day: issue.budget_day_micro_usd,
        budget_total: issue.budget_total_micro_usd,
        requests_per_minute: issue.requests_per_minute,
    };
    Ok((issue.name, terms))
}

fn seen(store: &KeyStore, now: Timestamp) -> Result<Done, KeyStoreError> {
    let clients = store.read()?.clients;
    let clients: Vec<Value> = clients.iter().map(|client| client.document(now)).collect();
    Ok(Done {
        answer: json!({"data": clients}),
        fact: None,
    })
}

fn issued(
    store: &KeyStore,
    name: &str,
    terms: ClientTerms,
    now: Timestamp,
) -> Result<Done, KeyStoreError> {
    let issued = store.client_issue(name, terms, now)?;
    let mut answer = issued.client.document(now);
    answer["key"] = issued.value.expose().into();
    Ok(Done {
        answer,
        fact: Some(changed(&issued.client.id, "issued")),
    })
}

fn revoke(store: &KeyStore, named: &str, now: Timestamp) -> Result<Done, KeyStoreError> {
    let client = store.client_revoke(named, now)?;
    Ok(Done {
        answer: client.document(now),
        fact: Some(changed(&client.id, "revoked")),
    })
}

fn changed(id: &str, change: &str) -> AuditFact {
    AuditFact::KeyChanged {
        name: id.to_owned(),
        change: change.to_owned(),
    }
}

fn status(error: &KeyStoreError) -> u16 {
    match error {
        KeyStoreError::NoSuchKey { .. } => 404,
        KeyStoreError::NameTaken { .. }
        | KeyStoreError::ClientNameTaken { .. }
        | KeyStoreError::Ambiguous { .. }
        | KeyStoreError::StillIssued { .. }
        | KeyStoreError::TooMany { .. } => 409,
        KeyStoreError::NoName | KeyStoreError::OpensNothing { .. } | KeyStoreError::EmptyValue => {
            400
        }
        KeyStoreError::Busy { .. } => 503,
        KeyStoreError::Read { .. }
        | KeyStoreError::Write { .. }
        | KeyStoreError::Damaged { .. }
        | KeyStoreError::Newer { .. }
        | KeyStoreError::DamagedKey { .. }
        | KeyStoreError::OpenToOthers { .. }
        | KeyStoreError::KeyFileMissing { .. }
        | KeyStoreError::KeyFileDamaged { .. }
        | KeyStoreError::WrongKey { .. }
        | KeyStoreError::PassphraseCosts
        | KeyStoreError::Random(_) => 500,
    }
}
