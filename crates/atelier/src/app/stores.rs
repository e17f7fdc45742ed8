//! State that a command uses: the project's, or the user's.

use std::path::{Path, PathBuf};

use atelier_store::{Ledger, Store};
use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::{Place, STATE_FILE};
use crate::{
    cli_error::CliError,
    keys::{self, Asking, KeysError},
    ui::Ui,
};

impl Place {
    /// The project's state, where there is any.
    pub(crate) async fn store(&self) -> Result<Store, CliError> {
        if !self.state().join(STATE_FILE).exists() {
            return Err(CliError::NoProject(self.root.clone()));
        }
        sealed(crate::audit::store(&self.state()).await?).await
    }

    /// The same for whoever only looks: where it may not be written it is read as it lies, which is
    /// told, and without what is sealed for somebody else.
    pub(crate) async fn store_read(&self, ui: &Ui) -> Result<Store, CliError> {
        match unwritable(&self.state(), ui).await? {
            Some(store) => Ok(store),
            None => self.store().await,
        }
    }

    /// The same for whoever only looks at contents; nothing where none was ever begun. State that
    /// cannot be opened is not taken for none.
    pub(crate) async fn store_known(&self) -> Result<Option<Store>, CliError> {
        let state = self.state();
        let store = if may_change(&state) {
            self.store().await
        } else {
            sealed(Store::open_unwritable(&state).await?).await
        };
        match store {
            Ok(store) => Ok(Some(store)),
            Err(CliError::NoProject(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The state in which relayed requests are kept: the project's, else the user's. What a gateway
    /// that was killed has left beside it is brought into it.
    pub(crate) async fn ledger_store(&self) -> Result<Store, CliError> {
        let store = crate::audit::store(&self.ledger_folder()?).await?;
        keys::seal(&store, Asking::Yes).await?;
        Ledger::recover(&store).await?;
        Ok(store)
    }

    /// The same, for whoever only looks: where nothing was kept yet, nothing is made.
    pub(crate) async fn ledger_store_read(&self, ui: &Ui) -> Result<Store, CliError> {
        let folder = self.ledger_folder()?;
        if !folder.join(STATE_FILE).exists() {
            return Ok(Store::open_in_memory().await?);
        }
        match unwritable(&folder, ui).await? {
            Some(store) => Ok(store),
            None => self.ledger_store().await,
        }
    }

    /// The folder of that state.
    pub(crate) fn ledger_folder(&self) -> Result<PathBuf, CliError> {
        let project = self.state();
        if project.join(STATE_FILE).exists() {
            return Ok(project);
        }
        crate::config::user_state().ok_or(CliError::NoDataFolder)
    }
}

/// State that may not be written, which is told; `None` where it may be, or is not there.
async fn unwritable(state: &Path, ui: &Ui) -> Result<Option<Store>, CliError> {
    if may_change(state) {
        return Ok(None);
    }
    let store = Store::open_unwritable(state).await?;
    let left_out = match sealed(store.clone()).await {
        Err(CliError::Keys(KeysError::Foreign)) => ", without what another user's key seals",
        opened => opened.map(|_| "")?,
    };
    let state = state.display();
    ui.status(&format!(
        "{state} may not be written: it is only read{left_out}"
    ));
    Ok(Some(store))
}

/// A store with its contents opened.
async fn sealed(store: Store) -> Result<Store, CliError> {
    keys::seal_existing(&store).await?;
    Ok(store)
}

/// Whether nothing hinders changes of the state in a folder, as far as there is any.
fn may_change(state: &Path) -> bool {
    let file = state.join(STATE_FILE);
    let may_write = |path| accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok();
    !file.exists() || (may_write(state) && may_write(&file))
}
