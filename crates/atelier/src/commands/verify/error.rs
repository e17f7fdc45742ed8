//! Why a chain was not verified, or does not hold.

use std::{io, path::PathBuf};

use atelier_engine::{Exit, TraceError};
use atelier_seal::SigningKeyError;

/// Why a chain was not verified, or does not hold.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    /// It cannot be looked at.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A link does not hold.
    #[error("verify run {run}: {link}: {broken}{}", beside(*.count))]
    Broken {
        run: String,
        link: &'static str,
        broken: String,
        count: usize,
    },
    /// No key is set.
    #[error("sign the provenance: no key is set")]
    NoKey,
    /// The key cannot be read.
    #[error("read the key {}", path.display())]
    KeyFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The key is none.
    #[error("sign with {}", path.display())]
    Key {
        path: PathBuf,
        #[source]
        source: SigningKeyError,
    },
    /// The file cannot be written.
    #[error("write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

fn beside(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    }
}

impl VerifyError {
    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Trace(TraceError::NoRun(_) | TraceError::NoLock { .. }) => Exit::Usage,
            Self::Trace(TraceError::Lock(_) | TraceError::Rewritten { .. })
            | Self::Broken { .. } => Exit::Failed,
            Self::Trace(TraceError::Git(_) | TraceError::Store(_)) | Self::Write { .. } => {
                Exit::Internal
            }
            Self::NoKey | Self::KeyFile { .. } | Self::Key { .. } => Exit::Configuration,
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Trace(TraceError::NoRun(_)) => {
                "name a run, or a revision that one made; `atelier status` shows them"
            }
            Self::Trace(TraceError::Rewritten { .. }) => {
                "verify the run itself, by its id or its branch, where its commits still are"
            }
            Self::Trace(TraceError::NoLock { .. }) => {
                "a run leaves its lock with its last commit: finish it with `atelier resume`"
            }
            Self::Trace(TraceError::Lock(_)) => {
                "the file was changed by hand: `git log atelier.lock` shows who did"
            }
            Self::Trace(TraceError::Git(_) | TraceError::Store(_)) => "run `atelier doctor`",
            Self::Broken { .. } => {
                "what it names is not what the run made: compare with a backup or a clone"
            }
            Self::NoKey => {
                "make one with `openssl genpkey -algorithm ed25519 -out FILE` and name it: \
                 `atelier config set provenance_key FILE`"
            }
            Self::KeyFile { .. } | Self::Key { .. } => {
                "name a private Ed25519 key in PEM form that only you can read"
            }
            Self::Write { .. } => "name a file in a folder that is there and may be written",
        }
        .to_owned()
    }
}
