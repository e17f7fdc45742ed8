//! Why a cache could not be used.

use atelier_model::Digest;

/// Why something is no address of a cache.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another protocol, or none.
    #[error("read the address `{0}`: it begins with neither `grpc://` nor `grpcs://`")]
    Scheme(String),
    /// No host and port can be read from it.
    #[error("read the address `{0}`: a host and a port belong behind the `//`")]
    Host(String),
    /// The token cannot be sent.
    #[error("send the token: it has characters that no header can have")]
    Token,
}

/// Why a cache could not be asked, or did not take something.
#[derive(Debug, thiserror::Error)]
pub enum SharedCacheError {
    /// It was not reached, or refused.
    #[error("{what}: {}", told(.status))]
    Refused {
        /// What was tried.
        what: &'static str,
        /// What came back.
        status: Box<tonic::Status>,
    },
    /// Something came back that is not what was asked for.
    #[error("read what the cache gave back: {0}")]
    Damaged(&'static str),
    /// A content could not be read here.
    #[error("read content {} to share it", .0.short())]
    Unread(Digest),
}

impl SharedCacheError {
    /// Whether the server has too much to do just now.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.code() == tonic::Code::ResourceExhausted,
            Self::Damaged(_) | Self::Unread(_) => false,
        }
    }

    /// Whether asking again in this check would be in vain: nobody answers, or nobody may ask.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(
                status.code(),
                tonic::Code::Unavailable
                    | tonic::Code::Unauthenticated
                    | tonic::Code::PermissionDenied
                    | tonic::Code::Unimplemented
                    | tonic::Code::DeadlineExceeded
                    | tonic::Code::Cancelled
            ),
            Self::Damaged(_) | Self::Unread(_) => false,
        }
    }
}

/// What a server or the transport says, in one line, with the cause where it names one.
fn told(status: &tonic::Status) -> String {
    let mut said = status
        .message()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    if said.is_empty() {
        status.code().description().clone_into(&mut said);
    }
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        cause = error.source();
    }
    said
}
