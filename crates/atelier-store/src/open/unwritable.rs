//! State that lies where nothing may be written: a medium for reading, or a folder of somebody else.

use std::{fs, path::Path};

use sqlx::{migrate::Migrator, sqlite::SqliteConnectOptions};

use super::{
    OpenError, Opened, READERS_MAX, check_sqlite, is_migrated, newest_applied, newest_version,
    pool, reading, settings,
};
use crate::write::Head;

/// Opens a database of which nothing is changed and beside which no file is made.
pub(crate) async fn unwritable(dir: &Path, migrator: &Migrator) -> Result<Opened, OpenError> {
    let options = settings(SqliteConnectOptions::new().filename(dir.join("state.db")));
    let options = reading(options).read_only(true).immutable(!is_open(dir)?);
    let readers = pool(READERS_MAX).connect_with(options).await?;
    let mut connection = readers.acquire().await?;
    check_sqlite(&mut connection).await?;
    if !is_migrated(&mut connection, migrator).await? {
        let found = newest_applied(&mut connection).await?.version;
        let known = newest_version(migrator);
        return Err(OpenError::OlderSchema { found, known });
    }
    let newest = Head::read(&mut connection).await?.seq;
    drop(connection);
    Ok(Opened {
        writer: readers.clone(),
        readers,
        newest,
    })
}

/// Whether somebody works with the database, or died over it: then both the changes and their index
/// lie beside it, and SQLite reads them too. Where neither does, the database alone is all of the
/// state; SQLite must be told so, or it would make an index.
fn is_open(dir: &Path) -> Result<bool, OpenError> {
    let bytes = |name: &str| fs::metadata(dir.join(name)).map_or(0, |found| found.len());
    let has_changes = bytes("state.db-wal") > 0;
    if has_changes && bytes("state.db-shm") == 0 {
        let path = dir.join("state.db-wal");
        return Err(OpenError::Unmerged { path });
    }
    Ok(has_changes)
}
