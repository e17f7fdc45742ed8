//! A step's result as the protocol writes it: pure.

use atelier_model::Digest;
use bazel_remote_apis::build::bazel::remote::execution::v2::{
    self as api, Action, ActionResult, Command, Directory, OutputFile,
};
use prost::Message;
use sha2::{Digest as _, Sha256};

/// Where the record of a result stands among the files of an action.
const RECORD: &str = "record";
/// Folder of contents, each named by its digest in the local store.
const CONTENTS: &str = "contents/";
/// What separates results of this form from those of every other.
const SALT: &[u8] = b"atelier step 1";

/// A result that is shared: its record, as the local store writes it, and the contents that this
/// names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The record.
    pub record: Vec<u8>,
    /// What was printed, what was made, the trees of folders.
    pub contents: Vec<Content>,
}

/// A content as both stores know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its digest in the local store.
    pub digest: Digest,
    /// Its address in the cache.
    pub(crate) address: api::Digest,
}

/// The address of bytes: SHA-256, which every server speaks.
pub(crate) fn address(bytes: &[u8]) -> api::Digest {
    let hash = Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .collect();
    api::Digest {
        hash,
        size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
    }
}

/// The messages that make up an action, which servers want to have beside its result.
pub(crate) struct Named {
    pub(crate) action: Vec<u8>,
    pub(crate) command: Vec<u8>,
    pub(crate) folder: Vec<u8>,
}

/// The action of a key. The key alone tells one step's result from another's: all that decides it is
/// in it, and nothing of it is told.
pub(crate) fn named(key: &Digest) -> Named {
    let command = Command {
        arguments: vec!["atelier".to_owned(), "step".to_owned(), key.to_string()],
        ..Command::default()
    }
    .encode_to_vec();
    let folder = Directory::default().encode_to_vec();
    let action = Action {
        command_digest: Some(address(&command)),
        input_root_digest: Some(address(&folder)),
        salt: SALT.to_vec(),
        ..Action::default()
    }
    .encode_to_vec();
    Named {
        action,
        command,
        folder,
    }
}

/// The result of an action.
pub(crate) fn result(record: &[u8], contents: &[Content]) -> ActionResult {
    let file = |path: String, digest: api::Digest| OutputFile {
        path,
        digest: Some(digest),
        ..OutputFile::default()
    };
    let contents = contents
        .iter()
        .map(|one| file(format!("{CONTENTS}{}", one.digest), one.address.clone()));
    ActionResult {
        output_files: std::iter::once(file(RECORD.to_owned(), address(record)))
            .chain(contents)
            .collect(),
        ..ActionResult::default()
    }
}

/// The address of the record and the contents of a result that came from a server; `None` where it is
/// of another form.
pub(crate) fn parts(result: &ActionResult) -> Option<(api::Digest, Vec<Content>)> {
    let mut record = None;
    let mut contents = Vec::new();
    for file in &result.output_files {
        let address = file.digest.clone()?;
        if file.path == RECORD {
            record = Some(address);
        } else {
            let digest = file.path.strip_prefix(CONTENTS)?.parse().ok()?;
            contents.push(Content { digest, address });
        }
    }
    Some((record?, contents))
}

#[cfg(test)]
mod tests;
