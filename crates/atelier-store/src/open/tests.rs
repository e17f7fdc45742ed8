//! Tests of version gates, migrations and backups.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use sqlx::migrate::MigrationType;

use super::*;

/// Today's migrations and one more, as a later version would have them.
fn later_migrator(sql: &'static str) -> Migrator {
    let mut migrations: Vec<Migration> = migrator().iter().cloned().collect();
    let version = newest_version(&migrator()) + 1;
    let next = Migration::new(
        version,
        "next".into(),
        MigrationType::Simple,
        sql.into_sql_str(),
        false,
    );
    migrations.push(next);
    Migrator::with_migrations(migrations)
}

async fn open_and_close(dir: &Path, migrator: &Migrator) -> Result<(), OpenError> {
    let opened = on_disk(dir, migrator).await?;
    opened.readers.close().await;
    opened.writer.close().await;
    Ok(())
}

async fn project_titles(path: &Path) -> Vec<String> {
    let options = SqliteConnectOptions::new().filename(path);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let titles = sqlx::query_scalar("SELECT title FROM projects")
        .fetch_all(&pool)
        .await;
    pool.close().await;
    titles.unwrap()
}

async fn with_one_project(dir: &Path) {
    let opened = on_disk(dir, &migrator()).await.unwrap();
    sqlx::query("INSERT INTO projects (id, root, title, created_at) VALUES ('p', '/', 'clock', 0)")
        .execute(&opened.writer)
        .await
        .unwrap();
    opened.readers.close().await;
    opened.writer.close().await;
}

#[test]
fn versions_of_sqlite_with_the_bug_are_told_apart() {
    for sound in ["3.51.3", "3.52.0", "4.0.0", "3.51.10"] {
        assert!(is_sound(sound), "{sound}");
    }
    for unsound in ["3.51.2", "3.50.9", "2.99.99", "3.51", "", "?"] {
        assert!(!is_sound(unsound), "{unsound}");
    }
}

#[test]
fn the_locked_sqlite_is_one_without_the_bug() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock = fs::read_to_string(path).unwrap();
    let (_, after) = lock
        .split_once("name = \"libsqlite3-sys\"\nversion = \"")
        .unwrap();
    let (version, rest) = after.split_once('"').unwrap();
    let minor: u32 = version.split('.').nth(1).unwrap().parse().unwrap();
    assert!(
        minor >= 37,
        "libsqlite3-sys {version} bundles an SQLite that can damage a database"
    );
    assert!(!rest.contains("name = \"libsqlite3-sys\""));
}

#[test]
fn migrations_are_numbered_from_one_and_leave_no_token() {
    let migrator = migrator();
    let versions: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
    let numbers: Vec<i64> = (1..).take(versions.len()).collect();
    assert_eq!(versions, numbers);
    for migration in migrator.iter() {
        let sql = migration.sql.as_str();
        assert!(!sql.contains(['{', '}']), "{}", migration.description);
    }
}

#[tokio::test]
async fn a_newer_state_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let newer = later_migrator("CREATE TABLE tomorrow (id BIGINT PRIMARY KEY)");
    open_and_close(home.path(), &newer).await.unwrap();
    let known = newest_version(&migrator());
    let error = open_and_close(home.path(), &migrator()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "read state of version {}: this Atelier knows versions up to {known}; update it",
            known + 1
        )
    );
    open_and_close(home.path(), &newer).await.unwrap();
}

#[tokio::test]
async fn a_state_made_by_other_migrations_is_refused() {
    let home = tempfile::tempdir().unwrap();
    open_and_close(home.path(), &later_migrator("CREATE TABLE a (id BIGINT)"))
        .await
        .unwrap();
    let other = later_migrator("CREATE TABLE b (id BIGINT)");
    let error = open_and_close(home.path(), &other).await.unwrap_err();
    let newest = newest_version(&other);
    assert!(matches!(
        error,
        OpenError::Migrate(MigrateError::VersionMismatch(version)) if version == newest
    ));
    assert!(!home.path().join("backups").exists());
}

#[tokio::test]
async fn an_older_state_is_backed_up_and_migrated() {
    let home = tempfile::tempdir().unwrap();
    with_one_project(home.path()).await;
    let newer = later_migrator("UPDATE projects SET title = title || ' 2'");
    open_and_close(home.path(), &newer).await.unwrap();
    assert_eq!(
        project_titles(&home.path().join("state.db")).await,
        ["clock 2"]
    );
    let backup = home
        .path()
        .join(format!("backups/state-v{}.db", newest_version(&migrator())));
    assert_eq!(project_titles(&backup).await, ["clock"]);

    fs::copy(&backup, home.path().join("state.db")).unwrap();
    let restored = on_disk(home.path(), &migrator()).await.unwrap();
    let mode = journal_mode(&mut restored.writer.acquire().await.unwrap()).await;
    assert_eq!(mode.unwrap(), "wal");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_state_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    with_one_project(home.path()).await;
    let broken = later_migrator("UPDATE projects SET title = 'lost'; SELECT nonsense");
    for _ in 0..2 {
        let error = open_and_close(home.path(), &broken).await.unwrap_err();
        assert!(matches!(error, OpenError::Migrate(_)), "{error:?}");
    }
    open_and_close(home.path(), &migrator()).await.unwrap();
    assert_eq!(
        project_titles(&home.path().join("state.db")).await,
        ["clock"]
    );
    let backups = fs::read_dir(home.path().join("backups")).unwrap().count();
    assert_eq!(backups, 1);
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_stops_the_migration() {
    let home = tempfile::tempdir().unwrap();
    with_one_project(home.path()).await;
    fs::write(home.path().join("backups"), "a file in the way").unwrap();
    let newer = later_migrator("UPDATE projects SET title = 'lost'");
    let error = open_and_close(home.path(), &newer).await.unwrap_err();
    assert!(matches!(error, OpenError::Create { .. }), "{error:?}");
    assert_eq!(
        project_titles(&home.path().join("state.db")).await,
        ["clock"]
    );
}

/// The names and bytes of the files in a folder.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut files: Vec<_> = files
        .map(|entry| (name(&entry), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

async fn titles_unwritable(dir: &Path) -> Result<Vec<String>, OpenError> {
    let opened = unwritable(dir, &migrator()).await?;
    let titles = sqlx::query_scalar("SELECT title FROM projects ORDER BY title");
    let titles = titles.fetch_all(&opened.readers).await?;
    let change = sqlx::query("DELETE FROM projects");
    assert!(change.execute(&opened.writer).await.is_err());
    opened.readers.close().await;
    Ok(titles)
}

#[tokio::test]
async fn what_may_not_be_written_is_read_as_it_lies() {
    let home = tempfile::tempdir().unwrap();
    with_one_project(home.path()).await;
    let before = files(home.path());
    assert_eq!(titles_unwritable(home.path()).await.unwrap(), ["clock"]);
    assert_eq!(files(home.path()), before);
}

#[tokio::test]
async fn changes_that_nobody_merged_yet_are_read_too_or_refused() {
    let home = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    with_one_project(home.path()).await;
    let opened = on_disk(home.path(), &migrator()).await.unwrap();
    sqlx::query("INSERT INTO projects (id, root, title, created_at) VALUES ('q', '/q', 'map', 0)")
        .execute(&opened.writer)
        .await
        .unwrap();
    // What a process that is killed now would leave behind.
    for (name, bytes) in files(home.path()) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    let titles = titles_unwritable(home.path()).await.unwrap();
    assert_eq!(titles, ["clock", "map"]);
    opened.readers.close().await;
    opened.writer.close().await;

    let before = files(copy.path());
    let titles = titles_unwritable(copy.path()).await.unwrap();
    assert_eq!(titles, ["clock", "map"]);
    let names = |files: Vec<(String, Vec<u8>)>| -> Vec<String> {
        files.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(files(copy.path())), names(before));
    fs::remove_file(copy.path().join("state.db-shm")).unwrap();
    let error = titles_unwritable(copy.path()).await.unwrap_err();
    assert!(matches!(error, OpenError::Unmerged { .. }), "{error:?}");
}

#[tokio::test]
async fn state_of_another_version_is_not_migrated_where_it_may_not_be_written() {
    let home = tempfile::tempdir().unwrap();
    with_one_project(home.path()).await;
    let later = later_migrator("CREATE TABLE later (id TEXT)");
    let error = unwritable(home.path(), &later).await.unwrap_err();
    let newest = newest_version(&migrator());
    assert!(
        matches!(error, OpenError::OlderSchema { found, .. } if found == newest),
        "{error:?}"
    );
    open_and_close(home.path(), &later).await.unwrap();
    let error = unwritable(home.path(), &migrator()).await.unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { .. }), "{error:?}");
}
