//! Why a run was not packed or built again.

use std::{io, path::PathBuf};

use atelier_archive::{ReadArchiveError, ReadPackError};
use atelier_engine::{Exit, PackError, SeedError};

/// Why a run was not packed or built again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The file cannot be opened.
    #[error("open {}", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is no pack that is whole.
    #[error("use the pack {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: Box<ReadPackError>,
    },
    /// The pack that comes with the program is not whole.
    #[error("use the run that comes with this program")]
    Own(#[source] Box<ReadPackError>),
    /// The run cannot be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The replay cannot begin.
    #[error("begin the replay")]
    Seed(#[source] SeedError),
    /// There is no room for it.
    #[error("make a folder for the replay")]
    Folder(#[source] io::Error),
    /// Ids of the run mean nothing in the repository.
    #[error("replay it in {}: git digests otherwise there than where the run was made", .0.display())]
    OtherDigests(PathBuf),
    /// The branch that was named is somebody's.
    #[error("make the branch `{0}`: there is one of that name")]
    BranchThere(String),
    /// It ended before it was done.
    #[error("replay all of the run: {commits} of {all} commits were made")]
    Short { commits: usize, all: usize },
}

impl ReplayError {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Open { .. }
            | Self::OtherDigests(_)
            | Self::BranchThere(_)
            | Self::Seed(SeedError::Base { .. }) => Exit::Usage,
            Self::Read { source, .. } | Self::Own(source) => match **source {
                ReadPackError::Archive(ReadArchiveError::OtherKey { .. }) => Exit::Configuration,
                ReadPackError::Archive(_)
                | ReadPackError::NoRun { .. }
                | ReadPackError::Damaged { .. }
                | ReadPackError::Part { .. }
                | ReadPackError::Lock(_)
                | ReadPackError::OtherReplies { .. }
                | ReadPackError::Large => Exit::Failed,
            },
            Self::Pack(error) => match error {
                PackError::Unfinished(_)
                | PackError::NoLock(_)
                | PackError::Unkept
                | PackError::Undescribed { .. } => Exit::Usage,
                PackError::Lock(_) | PackError::OtherReplies { .. } => Exit::Failed,
                PackError::Git(_) | PackError::Store(_) => Exit::Internal,
            },
            Self::Seed(SeedError::Content(_)) => Exit::Failed,
            Self::Seed(SeedError::Git(_) | SeedError::Store(_)) | Self::Folder(_) => Exit::Internal,
            Self::Short { .. } => Exit::Diverged,
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Open { .. } => "name a pack that `atelier pack` wrote, or a run",
            Self::Read { source, .. } => match **source {
                ReadPackError::Archive(ReadArchiveError::OtherKey { .. }) => {
                    "bring the key store and key file it was sealed with here; see `atelier keys`"
                }
                ReadPackError::NoRun { .. } => {
                    "`atelier archive import` brings its answers here; `atelier pack` writes runs"
                }
                ReadPackError::Archive(_)
                | ReadPackError::Damaged { .. }
                | ReadPackError::Part { .. }
                | ReadPackError::Lock(_)
                | ReadPackError::OtherReplies { .. }
                | ReadPackError::Large => "copy the file again; nothing was changed here",
            },
            Self::OtherDigests(_) => "replay it in an empty folder, or in a clone of its project",
            Self::BranchThere(_) => "name another one with --branch, or remove it",
            Self::Own(_) => "install the program again",
            Self::Pack(error) => match error {
                PackError::Unfinished(_) => "finish it with `atelier resume`",
                PackError::NoLock(_) | PackError::Unkept | PackError::Undescribed { .. } => {
                    "build it again with this version of the program"
                }
                PackError::Lock(_) | PackError::OtherReplies { .. } => {
                    "`atelier verify` says what was changed"
                }
                PackError::Git(_) | PackError::Store(_) => "run `atelier doctor`",
            },
            Self::Seed(SeedError::Base { .. }) => {
                "replay it in a clone of the project: it began from links or files too large for a \
                 pack"
            }
            Self::Seed(SeedError::Content(_)) => "pack the run again",
            Self::Seed(SeedError::Git(_) | SeedError::Store(_)) | Self::Folder(_) => {
                "make room in the folder for temporary files, which TMPDIR names"
            }
            Self::Short { .. } => "replay with the version of the program that made the run",
        }
        .to_owned()
    }
}
