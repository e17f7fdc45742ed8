//! Why the store could not do what it was asked.

use atelier_model::Refused;

/// Why a query or a change of state failed. A change that failed left nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process held the database longer than the store waits.
    #[error("get hold of the state database: another process kept it busy")]
    Busy(#[source] sqlx::Error),
    /// The disk, or a quota on it, is full.
    #[error("write the state database: the disk is full")]
    Full(#[source] sqlx::Error),
    /// The database holds something this program cannot have written.
    #[error("read the state database: {what} is damaged")]
    Corrupt {
        /// What is damaged.
        what: String,
    },
    /// The state machine does not allow the step.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Something that is named is not there.
    #[error("find {what} in the state database")]
    Missing {
        /// What is not there.
        what: String,
    },
    /// The lease that allowed the change is somebody else's now.
    #[error("go on as the holder of `{lease}`: somebody else has it now")]
    Stale {
        /// Its name.
        lease: String,
    },
    /// The trunk is not where the change expects it.
    #[error("move the trunk: it is at {found}, not at {expected}", found = place(found.as_ref()), expected = place(expected.as_ref()))]
    TrunkMoved {
        /// Where it should have been; `None` for nowhere.
        expected: Option<String>,
        /// Where it is.
        found: Option<String>,
    },
    /// Something is larger than the store keeps.
    #[error("store {what} of {bytes} bytes: at most {max} are kept")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The most that is kept.
        max: u64,
    },
    /// A content is sealed, and nobody brought the project's data key.
    #[error("read {what}: it is sealed, and the key store of its user is not open")]
    Sealed {
        /// What is sealed.
        what: String,
    },
    /// The database refused for another reason.
    #[error("use the state database")]
    Database(#[source] sqlx::Error),
}

fn place(commit: Option<&String>) -> &str {
    commit.map_or("no commit", String::as_str)
}

// Primary result codes of SQLite; the lower byte of what the driver reports.
const SQLITE_BUSY: i64 = 5;
const SQLITE_LOCKED: i64 = 6;
const SQLITE_CORRUPT: i64 = 11;
const SQLITE_FULL: i64 = 13;
const SQLITE_NOTADB: i64 = 26;

/// What an error of the driver comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Busy,
    Full,
    Corrupt,
    Dangling,
    Other,
}

impl Cause {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        if matches!(error, sqlx::Error::ColumnDecode { .. }) {
            return Self::Corrupt;
        }
        let Some(reported) = error.as_database_error() else {
            return Self::Other;
        };
        if reported.is_foreign_key_violation() {
            return Self::Dangling;
        }
        let code = reported.code().and_then(|code| code.parse::<i64>().ok());
        match code.map(|code| code & 0xff) {
            Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Busy,
            Some(SQLITE_FULL) => Self::Full,
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Corrupt,
            _ => Self::Other,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match Cause::of(&error) {
            Cause::Busy => Self::Busy(error),
            Cause::Full => Self::Full(error),
            Cause::Corrupt => Self::Corrupt {
                what: format!("a row or page ({error})"),
            },
            Cause::Dangling => Self::Missing {
                what: "what the new row refers to".to_owned(),
            },
            Cause::Other => Self::Database(error),
        }
    }
}
