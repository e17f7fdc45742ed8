//! Why files were not changed.

use rustix::io::Errno;

use super::super::write::WriteTreeError;

/// Why files could not be changed together. Unless it says otherwise, none of them was.
#[derive(Debug, thiserror::Error)]
pub enum ChangeFilesError {
    /// Another process changes the folder.
    #[error("change the folder: another process is changing it")]
    Busy,
    /// An earlier process left a change half done.
    #[error("read the folder: an earlier change of it was cut off half way")]
    HalfDone,
    /// A file is not as it was when it was read.
    #[error("change `{path}`: it was changed by somebody else in the meantime")]
    Changed {
        /// The path below the root.
        path: String,
    },
    /// A link, a folder or something else that is no file stands in the place of a file.
    #[error("change `{path}`: what stands there is no regular file")]
    NoFile {
        /// The path below the root.
        path: String,
    },
    /// Nobody may write a file.
    #[error("change `{path}`: the file is read-only")]
    ReadOnly {
        /// The path below the root.
        path: String,
    },
    /// No file may be put into a folder or taken from it.
    #[error("change `{path}`: its folder may not be written")]
    ReadOnlyFolder {
        /// The path below the root.
        path: String,
    },
    /// The folder itself may not be written.
    #[error("change the folder: it may not be written")]
    ReadOnlyRoot,
    /// A folder lies on another disk than the root, so that files cannot move there in one step.
    #[error("change `{path}`: its folder is on another file system than the root")]
    OtherFileSystem {
        /// The path below the root.
        path: String,
    },
    /// A folder of this program's name was made by somebody else.
    #[error("use the folder `{path}`: it belongs to somebody else, or is no folder")]
    ForeignStage {
        /// The path below the root.
        path: &'static str,
    },
    /// What an earlier process wrote about its change cannot be read.
    #[error("read `{path}`: it is damaged")]
    Journal {
        /// The path below the root.
        path: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Another version of this program left a change half done.
    #[error("read `{path}`: it was written by another version")]
    OtherVersion {
        /// The path below the root.
        path: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteTreeError),
    /// A change failed half way and could not be taken back; the next change of the folder tries
    /// again.
    #[error("undo a change that failed half way ({first})")]
    NotUndone {
        /// What failed first.
        first: Box<ChangeFilesError>,
        /// Why it could not be taken back.
        #[source]
        source: Box<ChangeFilesError>,
    },
}

impl ChangeFilesError {
    pub(super) fn io(path: &str, error: Errno) -> Self {
        match error {
            Errno::XDEV => Self::OtherFileSystem {
                path: path.to_owned(),
            },
            other => Self::Write(super::super::write::failed(path, other)),
        }
    }
}
