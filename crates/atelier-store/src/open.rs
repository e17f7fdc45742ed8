//! Opening the database: folder, settings, version gates, migrations, backup.

mod unwritable;

pub(crate) use self::unwritable::unwritable;

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, SqlSafeStr as _, SqliteConnection, SqlitePool,
    migrate::{AppliedMigration, MigrateError, Migration, Migrator},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{StoreError, error::Cause, write::Head};

/// Why the state could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or folder could not be made.
    #[error("create {}", .path.display())]
    Create {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The SQLite this program was built with can damage a database.
    #[error("use SQLite {version}: versions before 3.51.3 can damage a database")]
    OldSqlite {
        /// Its version.
        version: String,
    },
    /// The state was written by a newer Atelier.
    #[error("read state of version {found}: this Atelier knows versions up to {known}; update it")]
    NewerSchema {
        /// Version of the state.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The state was written by an older Atelier, and nothing may be written where it lies.
    #[error(
        "read state of version {found}: this Atelier reads version {known}, and may not migrate it"
    )]
    OlderSchema {
        /// Version of the state.
        found: i64,
        /// The version this program reads.
        known: i64,
    },
    /// The newest changes are beside the database, and nothing may be written where it lies.
    #[error("read {}: the changes in it can only be read where files may be made beside it", .path.display())]
    Unmerged {
        /// The file with the changes.
        path: PathBuf,
    },
    /// Another process is bringing the state up to date and does not finish.
    #[error("wait for another process that is migrating the state")]
    Migrating,
    /// The copy of the old state could not be made; the state is as it was.
    #[error("back up the state to {}", .path.display())]
    Backup {
        /// Where the copy was to go.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: StoreError,
    },
    /// The state could not be brought up to date; it is as it was.
    #[error("migrate the state")]
    Migrate(#[source] MigrateError),
    /// The database could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Milliseconds a statement waits for another process's transaction.
const BUSY_WAIT_MS_MAX: u64 = 10_000;
/// Milliseconds a change waits for the changes before it in this process.
const QUEUE_WAIT_MS_MAX: u64 = 60_000;
/// Connections for questions.
const READERS_MAX: u32 = 3;
/// Prepared statements kept by each connection: more than there are in the whole crate, so that none is
/// prepared twice.
const STATEMENTS_MAX: usize = 512;
/// Looks at the migration lock before giving up, and milliseconds between two looks.
const MIGRATION_LOOKS_MAX: u32 = 600;
const MIGRATION_LOOK_MS: u64 = 50;

/// The first SQLite without the bug that could damage a database in write-ahead mode.
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// Dialect tokens of the migrations and what they stand for in SQLite.
const DIALECT: [(&str, &str); 2] = [("{json}", "TEXT"), ("{blob}", "BLOB")];

static MIGRATIONS: Migrator = sqlx::migrate!();

/// A database that is ready for use.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) newest: u64,
}

/// The migrations in SQLite's dialect.
pub(crate) fn migrator() -> Migrator {
    Migrator::with_migrations(MIGRATIONS.iter().map(in_dialect).collect())
}

fn in_dialect(migration: &Migration) -> Migration {
    let plain = migration.sql.as_str().to_owned();
    let sql = DIALECT
        .iter()
        .fold(plain, |sql, (token, meaning)| sql.replace(token, meaning));
    Migration::new(
        migration.version,
        migration.description.clone(),
        migration.migration_type,
        AssertSqlSafe(sql).into_sql_str(),
        migration.no_tx,
    )
}

pub(crate) async fn on_disk(dir: &Path, migrator: &Migrator) -> Result<Opened, OpenError> {
    folder(dir)?;
    let options = settings(SqliteConnectOptions::new().filename(dir.join("state.db")));
    let writer = writer_pool(options.clone()).await?;
    let mut connection = writer.acquire().await?;
    check_sqlite(&mut connection).await?;
    if !is_current(&mut connection, migrator).await? {
        let _lock = migration_lock(dir).await?;
        bring_up_to_date(&mut connection, dir, migrator).await?;
    }
    let newest = Head::read(&mut connection).await?.seq;
    drop(connection);
    Ok(Opened {
        writer,
        readers: pool(READERS_MAX).connect_lazy_with(reading(options)),
        newest,
    })
}

pub(crate) async fn in_memory(migrator: &Migrator) -> Result<Opened, OpenError> {
    let options = settings(SqliteConnectOptions::new().in_memory(true));
    let writer = writer_pool(options).await?;
    let mut connection = writer.acquire().await?;
    check_sqlite(&mut connection).await?;
    migrate(&mut connection, migrator).await?;
    drop(connection);
    Ok(Opened {
        readers: writer.clone(),
        writer,
        newest: 0,
    })
}

/// The settings that lose nothing: every commit is on the disk when it returns.
fn settings(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // What is replaced, such as a plain content by a sealed one, leaves no trace.
        .pragma("secure_delete", "ON")
        .busy_timeout(Duration::from_millis(BUSY_WAIT_MS_MAX))
        .statement_cache_capacity(STATEMENTS_MAX)
        .disable_statement_logging()
}

/// One connection that lives as long as the store: a second one would only wait for the first.
async fn writer_pool(options: SqliteConnectOptions) -> Result<SqlitePool, OpenError> {
    Ok(pool(1).connect_with(options).await?)
}

/// Connections that stay open as long as the store: opening one costs more than keeping it.
fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_millis(QUEUE_WAIT_MS_MAX))
}

/// The same settings for a connection that can change nothing.
fn reading(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.create_if_missing(false).pragma("query_only", "ON")
}

/// Makes the folder, and keeps git from seeing what is in it.
fn folder(dir: &Path) -> Result<(), OpenError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Create { path, source }
    };
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let ignore = dir.join(".gitignore");
    match File::create_new(&ignore) {
        Ok(mut file) => file.write_all(b"*\n").map_err(failed(&ignore)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(&ignore)(error)),
    }
}

async fn check_sqlite(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(connection)
        .await?;
    if is_sound(&version) {
        Ok(())
    } else {
        Err(OpenError::OldSqlite { version })
    }
}

fn is_sound(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    (part(), part(), part()) >= SQLITE_VERSION_MIN
}

/// Whether nothing is left to do before the database can be used.
async fn is_current(
    connection: &mut SqliteConnection,
    migrator: &Migrator,
) -> Result<bool, OpenError> {
    Ok(is_migrated(connection, migrator).await? && journal_mode(connection).await? == "wal")
}

/// Whether the database has seen every migration.
async fn is_migrated(
    connection: &mut SqliteConnection,
    migrator: &Migrator,
) -> Result<bool, OpenError> {
    let found = newest_applied(connection).await?;
    let known = newest_version(migrator);
    if found.version > known {
        let found = found.version;
        return Err(OpenError::NewerSchema { found, known });
    }
    let same = migrator
        .iter()
        .any(|one| one.version == found.version && one.checksum == found.checksum);
    Ok(same && found.version == known)
}

fn newest_version(migrator: &Migrator) -> i64 {
    migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// The newest migration the database has seen; version 0 for an empty one.
async fn newest_applied(connection: &mut SqliteConnection) -> Result<AppliedMigration, OpenError> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    let mut newest: Option<(i64, Vec<u8>)> = None;
    if tables > 0 {
        newest = sqlx::query_as(
            "SELECT version, checksum FROM _sqlx_migrations WHERE success
             ORDER BY version DESC LIMIT 1",
        )
        .fetch_optional(connection)
        .await?;
    }
    let (version, checksum) = newest.unwrap_or_default();
    Ok(AppliedMigration {
        version,
        checksum: checksum.into(),
    })
}

async fn journal_mode(connection: &mut SqliteConnection) -> Result<String, OpenError> {
    let mode = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(connection)
        .await?;
    Ok(mode)
}

/// Brings the database to the newest version. The caller holds the migration lock; another process
/// may have done the work while this one waited for it.
async fn bring_up_to_date(
    connection: &mut SqliteConnection,
    dir: &Path,
    migrator: &Migrator,
) -> Result<(), OpenError> {
    sqlx::query("PRAGMA journal_mode = WAL")
        .execute(&mut *connection)
        .await?;
    if is_current(connection, migrator).await? {
        return Ok(());
    }
    let found = newest_applied(connection).await?.version;
    if (1..newest_version(migrator)).contains(&found) {
        back_up(connection, dir, found).await?;
    }
    migrate(connection, migrator).await
}

async fn migrate(connection: &mut SqliteConnection, migrator: &Migrator) -> Result<(), OpenError> {
    migrator
        .run(&mut *connection)
        .await
        .map_err(migration_failed)
}

/// A full disk is a full disk, also while migrating.
fn migration_failed(error: MigrateError) -> OpenError {
    if let MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) = error {
        return if Cause::of(&cause) == Cause::Other {
            OpenError::Migrate(MigrateError::Execute(cause))
        } else {
            OpenError::Store(cause.into())
        };
    }
    OpenError::Migrate(error)
}

/// Copies the database as it is to `backups/`. The copy appears under its name once it is whole.
async fn back_up(
    connection: &mut SqliteConnection,
    dir: &Path,
    version: i64,
) -> Result<(), OpenError> {
    let backups = dir.join("backups");
    let path = backups.join(format!("state-v{version}.db"));
    let unfinished = backups.join(format!("state-v{version}.db.unfinished"));
    let failed = |source| OpenError::Create {
        path: path.clone(),
        source,
    };
    fs::create_dir_all(&backups).map_err(failed)?;
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    sqlx::query("VACUUM INTO $1")
        .bind(unfinished.to_string_lossy().into_owned())
        .execute(connection)
        .await
        .map_err(|error| OpenError::Backup {
            path: path.clone(),
            source: error.into(),
        })?;
    let file = File::open(&unfinished).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&unfinished, &path).map_err(failed)
}

/// Waits for the right to migrate. The operating system gives it back when the file is dropped.
async fn migration_lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("migrate.lock");
    let failed = |source| OpenError::Create {
        path: path.clone(),
        source,
    };
    let file = File::create(&path).map_err(failed)?;
    for _ in 0..MIGRATION_LOOKS_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                tokio::time::sleep(Duration::from_millis(MIGRATION_LOOK_MS)).await;
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(OpenError::Migrating)
}

#[cfg(test)]
mod tests;
