//! What build steps made, kept by content: contents, digests of files, records of executions.
//!
//! A [`Cas`] is the store, a [`Workspace`] the folder that steps work in. What a step made is
//! collected as [`Outputs`], kept in a [`Record`] under the key of all that went into it, and
//! restored from there when the key comes again.
//!
//! Order makes it safe: contents before the record that names them, each in place only when it is
//! whole. Whatever a killed process, a power cut, a full disk or a flipped bit spoils is found by
//! its digest or its checksum, and costs doing the work again, never a wrong result.
//!
//! Invariants: this crate starts no process, reads no clock but that of the file system, knows
//! nothing of steps beyond their names and keys, and touches no file outside its store and its
//! workspaces.

mod blobs;
mod cas;
mod codec;
mod collect;
mod digests;
mod drift;
mod evict;
mod frame;
mod outputs;
mod parcel;
mod patterns;
mod record;
mod records;
mod restore;
mod root;
mod signature;
mod standing;
mod survey;
mod watch;
mod workspace;

pub use blobs::{PutBlobError, ReadBlobError};
pub use cas::{Cas, CasLimits, OpenCasError, RecordError};
pub use collect::CollectError;
pub use drift::{Drift, DriftKind};
pub use evict::{EvictError, Evicted};
pub use outputs::{FileOutput, Output, OutputPathError, Outputs};
pub use patterns::PatternError;
pub use record::{Outcome, Record};
pub use records::{History, Last};
pub use restore::{RestoreError, Restored};
pub use standing::{Standing, Stood, Touched};
pub use survey::{Input, Survey, SurveyError};
pub use watch::{Changes, Watch, WatchError};
pub use workspace::{Found, LookError, OpenWorkspaceError, Workspace};

#[cfg(test)]
mod tests;
