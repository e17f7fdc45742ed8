//! `atelier keys`: keys of providers, kept sealed, and keys of clients of the gateway.

mod clients;
mod providers;

use atelier_keys::{KeyStoreError, LockKind};
use atelier_model::{AuditFact, AuditNote, Clock as _};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    app::{Place, SystemClock},
    cli::Global,
    cli_error::CliError,
    keys::{Asking, KeyPlace, KeysError},
    ui::Ui,
};

/// Keep the keys of providers sealed, and issue keys to clients of the gateway
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Keep a provider's key; its value comes from standard input or is asked for
    Add(KeysAddArgs),
    /// Show which keys there are, never their values
    List(KeysListArgs),
    /// Ask the providers whether they accept the keys
    Test(KeysTestArgs),
    /// Give a key a new value; the old one serves where the new one fails, until it is revoked
    Rotate(KeysRotateArgs),
    /// Revoke a provider's key or a client's: it is never used again
    Revoke(KeysRevokeArgs),
    /// Remove revoked keys from the list
    Forget(KeysForgetArgs),
    /// Choose what opens the key store: a file, the system's keyring, or a passphrase
    Lock(KeysLockArgs),
    /// Seal what was recorded in this project before contents were sealed
    Seal(KeysSealArgs),
    /// Issue a key to a client of `atelier gateway`; it is shown this once
    Issue(KeysIssueArgs),
    /// Show which clients have keys
    Clients(KeysClientsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KeysAddArgs {
    /// Provider, as the configuration names it
    pub(crate) provider: String,

    /// What to call the key; several keys of a provider need different names
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct KeysListArgs {
    /// Show revoked ones too
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeysTestArgs {
    /// The key, by id, name, provider or provider/name; all if left out
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct KeysRotateArgs {
    /// The key, by id, name, provider or provider/name
    pub(crate) key: String,
}

#[derive(Debug, Args)]
pub(crate) struct KeysRevokeArgs {
    /// The key, by id, name, provider or provider/name; or the client, by id or name
    pub(crate) key: String,
}

#[derive(Debug, Args)]
pub(crate) struct KeysForgetArgs {
    /// Forget too that keys were issued to clients: a gateway started from now on answers everybody
    /// on this machine again
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeysLockArgs {
    /// file (readable by you alone), keyring (of the system), or passphrase (asked for, or from
    /// `ATELIER_PASSPHRASE`)
    #[arg(value_parser = lock_kind)]
    pub(crate) with: LockKind,
}

#[derive(Debug, Args)]
pub(crate) struct KeysSealArgs {}

#[derive(Debug, Args)]
pub(crate) struct KeysIssueArgs {
    /// What to call the client
    pub(crate) name: String,

    /// What its holder is trusted with: viewer (looks on), builder (asks models), approver
    /// (decides), admin (issues keys)
    #[arg(long, value_name = "ROLE", default_value = "builder")]
    pub(crate) role: String,

    /// Models it may ask for, separated by commas; `*` stands for any letters; all if left out
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) models: Vec<String>,

    /// Dialects it may speak, separated by commas: chat, completions, responses, messages, gemini;
    /// all if left out
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) dialects: Vec<String>,

    /// When it ends: a date such as 2027-01-31, an instant such as 2027-01-31T18:00:00Z, or a time
    /// from now such as 12h or 30d
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,

    /// Most it may spend: dollars in all such as 20, or a day such as 2/day, or both with a comma
    #[arg(long, value_name = "USD", value_delimiter = ',')]
    pub(crate) budget: Vec<String>,

    /// Most requests in any sixty seconds
    #[arg(long, value_name = "COUNT")]
    pub(crate) rpm: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct KeysClientsArgs {
    /// Show revoked ones too
    #[arg(long)]
    pub(crate) all: bool,
}

fn lock_kind(text: &str) -> Result<LockKind, String> {
    LockKind::from_name(text).ok_or_else(|| {
        let names = LockKind::ALL.map(LockKind::name).join(", ");
        format!("there are {names}")
    })
}

pub(crate) async fn run(global: &Global, command: &KeysCommand, ui: &Ui) -> Result<u8, CliError> {
    let at = KeyPlace::found()?;
    let changed = match command {
        KeysCommand::List(args) => return providers::list(&at, args, ui),
        KeysCommand::Test(args) => return providers::test(&at, global, args, ui).await,
        KeysCommand::Seal(_) => return seal(&at, global, ui).await,
        KeysCommand::Clients(args) => return clients::list(&at, args, ui),
        KeysCommand::Add(args) => providers::add(&at, global, args, ui)?,
        KeysCommand::Rotate(args) => providers::rotate(&at, args, ui)?,
        KeysCommand::Revoke(args) => revoke(&at, args, ui)?,
        KeysCommand::Forget(args) => forget(&at, args, ui)?,
        KeysCommand::Lock(args) => lock(&at, args, ui)?,
        KeysCommand::Issue(args) => clients::issue(&at, args, ui)?,
    };
    note(global, changed).await?;
    Ok(0)
}

/// What was done to which key, for the audit log.
struct Changed {
    name: String,
    change: &'static str,
}

async fn note(global: &Global, changed: Changed) -> Result<(), CliError> {
    let store = Place::find(global)?.ledger_store().await?;
    store.audit_note(AuditNote {
        at: SystemClock.now(),
        run: None,
        task: None,
        client: None,
        fact: AuditFact::KeyChanged {
            name: changed.name,
            change: changed.change.to_owned(),
        },
    });
    store.audit_flush().await?;
    store.close().await;
    Ok(())
}

/// Tells of one change: a line for a person, or one for a program.
fn tell(ui: &Ui, kind: &str, (id, name): (&str, &str), said: &str) {
    if ui.is_json() {
        let line = json!({"v": 1, "type": kind, "id": id, "name": name});
        ui.out(&line.to_string());
        return;
    }
    ui.out(said);
}

/// A client's key and a provider's are revoked by the same word; a name that both have is refused.
fn revoke(at: &KeyPlace, args: &KeysRevokeArgs, ui: &Ui) -> Result<Changed, CliError> {
    let now = SystemClock.now();
    let named = args.key.as_str();
    let contents = at.store.read().map_err(KeysError::from)?;
    let clients = contents
        .clients
        .iter()
        .filter(|one| one.revoked_at.is_none());
    let client = clients
        .into_iter()
        .find(|one| one.id == named || one.name == named);
    let mut keys = contents.keys.iter().filter(|key| key.is_usable());
    let key = keys.find(|key| key.is_named(named));
    let id = match (client, key) {
        (Some(client), Some(key)) => {
            let error = KeyStoreError::Ambiguous {
                name: named.to_owned(),
                ids: format!("{}, {}", key.id, client.id),
            };
            return Err(KeysError::from(error).into());
        }
        (Some(_), None) => {
            let client = at
                .store
                .client_revoke(named, now)
                .map_err(KeysError::from)?;
            let said = format!(
                "revoked the key of {}: it opens nothing any more",
                client.title()
            );
            tell(ui, "client_revoked", (&client.id, &client.name), &said);
            client.id
        }
        (None, _) => {
            let key = at.store.key_revoke(named, now).map_err(KeysError::from)?;
            let said = format!(
                "revoked {} ({}/{}); its value is gone. Revoke it at {} too",
                key.id, key.provider, key.name, key.provider
            );
            tell(ui, "key_revoked", (&key.id, &key.name), &said);
            key.id
        }
    };
    Ok(Changed {
        name: id,
        change: "revoked",
    })
}

fn forget(at: &KeyPlace, args: &KeysForgetArgs, ui: &Ui) -> Result<Changed, CliError> {
    let count = at.store.forget_revoked().map_err(KeysError::from)?;
    if args.open {
        at.store.forget_issuing().map_err(KeysError::from)?;
    }
    let left = at.store.read().map_err(KeysError::from)?;
    if ui.is_json() {
        let line =
            json!({"v": 1, "type": "keys_forgotten", "count": count, "open": !left.were_issued});
        ui.out(&line.to_string());
    } else {
        ui.out(&format!("removed {count} revoked from the list"));
    }
    if left.were_issued && left.clients.is_empty() {
        ui.status("no client has a key, and the gateway goes on answering only who shows one");
        ui.status("`atelier keys issue NAME` issues one; `atelier keys forget --open` lets everybody on this machine in");
    }
    Ok(Changed {
        name: "revoked".to_owned(),
        change: if args.open { "opened" } else { "forgotten" },
    })
}

/// Seals what lies in plain in the project's state, and names the copies that still have it.
async fn seal(at: &KeyPlace, global: &Global, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    at.ensured(Asking::Yes)?;
    let store = place.ledger_store().await?;
    let count = store.blobs_seal().await?;
    store.close().await;
    let folder = place.ledger_folder()?;
    let said = format!("sealed {count} contents in {}", folder.display());
    if ui.is_json() {
        let line = json!({"v": 1, "type": "contents_sealed", "count": count, "folder": folder});
        ui.out(&line.to_string());
    } else {
        ui.out(&said);
    }
    let backups = folder.join("backups");
    if backups.exists() {
        ui.warn(&format!(
            "copies of earlier states in {} may hold contents in plain: remove them once they are \
             not needed",
            backups.display()
        ));
    }
    Ok(0)
}

/// Puts the master key behind another lock. What was sealed with it stays as it is.
fn lock(at: &KeyPlace, args: &KeysLockArgs, ui: &Ui) -> Result<Changed, CliError> {
    at.ensured(Asking::Yes)?;
    let contents = at.store.read().map_err(KeysError::from)?;
    let old = match contents.lock() {
        Some(lock) => at.lock_key(lock, Asking::Yes)?,
        None => return Err(KeysError::NoFolder.into()),
    };
    let (lock, key) = at.new_lock(args.with)?;
    at.store.relock(&old, lock, &key).map_err(KeysError::from)?;
    let name = args.with.name();
    let said = format!("the key store is locked with: {name}");
    tell(ui, "keys_locked", ("", name), &said);
    Ok(Changed {
        name: "master".to_owned(),
        change: "relocked",
    })
}
