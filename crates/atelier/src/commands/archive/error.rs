//! What can go wrong with archives, and what to do then.

use std::{io, path::PathBuf};

use atelier_archive::{Cid, Damaged, ReadArchiveError};
use atelier_engine::Exit;
use atelier_llm::KuboError;

/// Why answers were not archived or brought back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// The file cannot be opened.
    #[error("open the archive {}", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is no archive that can be read here.
    #[error("use the archive {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: ReadArchiveError,
    },
    /// The file is an archive, and a part of it is damaged or missing.
    #[error("bring all {entries} answers: {missing} are missing; {first}{}", beside(*.damages))]
    Damaged {
        entries: u64,
        missing: u64,
        damages: usize,
        first: Damaged,
    },
    /// A node sent something else.
    #[error("fetch {expected}: the node sent {found}")]
    OtherRoot { expected: Cid, found: Cid },
    /// A file cannot be written.
    #[error("write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The node did not do it.
    #[error(transparent)]
    Node(#[from] KuboError),
}

fn beside(damages: usize) -> String {
    match damages {
        0 | 1 => String::new(),
        count => format!(", and {} more places", count - 1),
    }
}

impl ArchiveError {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Open { .. } | Self::Node(KuboError::Url { .. }) => Exit::Usage,
            Self::Read { source, .. } => match source {
                ReadArchiveError::OtherKey { .. } => Exit::Configuration,
                ReadArchiveError::Car(_)
                | ReadArchiveError::NoRoot { .. }
                | ReadArchiveError::NoArchive { .. }
                | ReadArchiveError::Newer { .. } => Exit::Failed,
            },
            Self::Damaged { .. } | Self::OtherRoot { .. } => Exit::Failed,
            Self::Write { .. } => Exit::Internal,
            Self::Node(_) => Exit::Provider,
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Open { .. } => "name a file that is there and may be read".to_owned(),
            Self::Read { source, .. } => match source {
                ReadArchiveError::OtherKey { .. } => {
                    "bring the key store and key file it was sealed with here; see `atelier keys`"
                        .to_owned()
                }
                ReadArchiveError::Newer { .. } => "update this program".to_owned(),
                ReadArchiveError::Car(_)
                | ReadArchiveError::NoRoot { .. }
                | ReadArchiveError::NoArchive { .. } => {
                    "nothing was changed; copy the file again, or fetch it from a node".to_owned()
                }
            },
            Self::Damaged { .. } => "the others are here; copy the file again, or fetch it from a \
                                     node, and import it once more"
                .to_owned(),
            Self::OtherRoot { .. } => "nothing was changed; ask another node".to_owned(),
            Self::Write { .. } => {
                "check that it may be written and that the disk has room".to_owned()
            }
            Self::Node(KuboError::Url { .. }) => {
                "name it with --node, such as http://127.0.0.1:5001".to_owned()
            }
            Self::Node(KuboError::Reach { .. }) => {
                "start the node with `ipfs daemon`, or name another one with --node".to_owned()
            }
            Self::Node(_) => "look at what the node says with `ipfs log tail`, and try again; \
                              nothing was changed here"
                .to_owned(),
        }
    }
}
