//! Wiring of the audit log: where its key and its copies lie, and stores that sign.

use std::path::{Path, PathBuf};

use atelier_model::{AuditFact, AuditNote, Clock as _};
use atelier_store::{AuditTrust, Notary, NotaryError, SEED_BYTES, Store};
use rand::TryRng as _;

use crate::{app::SystemClock, cli_error::CliError, config};

/// The folder with the key that signs and the copies of checkpoints, away from any project.
pub(crate) fn folder() -> Option<PathBuf> {
    Some(config::user_state()?.join("audit"))
}

/// Opens the state in a folder; what is written to its audit log from now on is signed.
///
/// Where there is no place for a key, entries are written all the same and say so: work does not
/// stop for it, and `audit verify` tells that they are not signed.
pub(crate) async fn store(state: &Path) -> Result<Store, CliError> {
    let store = Store::open(state).await?;
    match notary(state)? {
        Some(notary) => store.audit_sign_with(notary),
        None => store.audit_note(AuditNote::new(AuditFact::CopyMissed {}, SystemClock.now())),
    }
    Ok(store)
}

fn notary(state: &Path) -> Result<Option<Notary>, CliError> {
    let mut fresh = [0; SEED_BYTES];
    let is_drawn = rand::rngs::SysRng.try_fill_bytes(&mut fresh).is_ok();
    let Some(folder) = folder().filter(|_| is_drawn) else {
        return Ok(None);
    };
    match Notary::open(&folder, &real(state), &fresh) {
        Ok(notary) => Ok(Some(notary)),
        Err(NotaryError::File { .. }) => Ok(None),
        Err(error @ (NotaryError::Exposed(_) | NotaryError::NoKey(_))) => Err(error.into()),
    }
}

/// What is known, outside a project's state, of its audit log.
pub(crate) fn trust(state: &Path) -> Result<AuditTrust, CliError> {
    match folder() {
        Some(folder) => Ok(AuditTrust::read(&folder, &real(state))?),
        None => Ok(AuditTrust::default()),
    }
}

/// One name for a folder, however it was reached.
fn real(state: &Path) -> PathBuf {
    state.canonicalize().unwrap_or_else(|_| state.to_owned())
}
