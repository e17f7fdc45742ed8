//! The user's table of imported prices: one file, read with the configuration.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use atelier_llm::{ReadTariffsError, Tariffs};

use crate::{config::user_state, whole};

/// Why the table of imported prices cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PricesError {
    /// The file cannot be read.
    #[error("read the imported prices in {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is not what this program writes.
    #[error("use the imported prices in {}", path.display())]
    Form {
        path: PathBuf,
        #[source]
        source: ReadTariffsError,
    },
    /// The file cannot be written.
    #[error("keep the imported prices in {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl PricesError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Read { .. } => "check that the file may be read".to_owned(),
            Self::Form { path, .. } => format!(
                "remove {} and import the list again with `atelier prices import FILE`",
                path.display()
            ),
            Self::Write { .. } => "check that the folder may be written to and the disk has room; \
                                   the prices before are still there"
                .to_owned(),
        }
    }
}

/// Where the table lies; `None` where the system names no folder for data.
pub(crate) fn file() -> Option<PathBuf> {
    Some(user_state()?.join("prices.toml"))
}

/// The table; an empty one where nothing was imported.
pub(crate) fn read(path: &Path) -> Result<Tariffs, PricesError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Tariffs::default()),
        Err(source) => {
            return Err(PricesError::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    Tariffs::parse(&text).map_err(|source| PricesError::Form {
        path: path.to_owned(),
        source,
    })
}

/// Puts a table in the place of the one before, whole or not at all.
pub(crate) fn write(path: &Path, tariffs: &Tariffs) -> Result<(), PricesError> {
    let put = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        whole::write(path, tariffs.text().as_bytes(), whole::MODE)
    };
    put().map_err(|source| PricesError::Write {
        path: path.to_owned(),
        source,
    })
}
