//! The log as a file: JSON lines that anyone can check without this program.
//!
//! The first line names format and hash. A line of an entry is its leaf hash and its body, whose
//! bytes are exactly those that were hashed. A line of a checkpoint follows the last entry it
//! covers; the last line is one.

use serde::{Deserialize, Serialize};

use crate::{AuditCheck, AuditEntry, AuditReport, Checkpoint, Standing, Tampering, TreeHash};

/// The first line.
const HEADER: &str = r#"{"audit":{"format":1,"hash":"SHA-256"}}"#;
/// What stands before, between and after the leaf hash and the body of an entry.
const ENTRY: [&str; 3] = [r#"{"leaf":""#, r#"","entry":"#, "}"];
/// Hexadecimal digits of a hash.
const HASH_DIGITS: usize = 64;

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditExportLine<'a> {
    /// The first line.
    Header,
    /// An entry.
    Entry {
        /// Its leaf hash.
        leaf: TreeHash,
        /// Its body, letter by letter.
        body: &'a str,
    },
    /// A checkpoint over all entries before it.
    Checkpoint(Box<Checkpoint>),
}

/// A line that is none of an export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the line as one of an audit export")]
pub struct ExportLineError;

#[derive(Serialize, Deserialize)]
struct CheckpointLine {
    checkpoint: Checkpoint,
}

/// All that is read of an entry's body to know where it belongs.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

impl<'a> AuditExportLine<'a> {
    /// The line as it is written, without its end.
    pub fn text(&self) -> String {
        match self {
            Self::Header => HEADER.to_owned(),
            Self::Entry { leaf, body } => {
                let [before, between, after] = ENTRY;
                format!("{before}{leaf}{between}{body}{after}")
            }
            Self::Checkpoint(checkpoint) => {
                let mut line = serde_json::json!({ "checkpoint": checkpoint });
                line.sort_all_objects();
                line.to_string()
            }
        }
    }

    /// Reads a line. Only what [`Self::text`] writes, letter by letter, is one.
    pub fn parse(line: &'a str) -> Result<Self, ExportLineError> {
        let read = if line == HEADER {
            Self::Header
        } else if let Some(rest) = line.strip_prefix(ENTRY[0]) {
            entry(rest).ok_or(ExportLineError)?
        } else {
            let read: CheckpointLine = serde_json::from_str(line).map_err(|_| ExportLineError)?;
            Self::Checkpoint(Box::new(read.checkpoint))
        };
        if read.text() == line {
            Ok(read)
        } else {
            Err(ExportLineError)
        }
    }
}

fn entry(rest: &str) -> Option<AuditExportLine<'_>> {
    let (leaf, rest) = rest.split_at_checked(HASH_DIGITS)?;
    let leaf = serde_json::from_value(leaf.into()).ok()?;
    let body = rest.strip_prefix(ENTRY[1])?.strip_suffix(ENTRY[2])?;
    Some(AuditExportLine::Entry { leaf, body })
}

/// The number of an entry, if the entry is what was hashed: any other is told as changed, at the
/// place where it stands.
fn number(body: &str, leaf: TreeHash) -> Option<u64> {
    let read: Numbered = serde_json::from_str(body).ok()?;
    (AuditEntry::leaf(body) == leaf).then_some(read.seq)
}

/// Checks an export that is all there is of a log.
pub fn check_export(
    text: &[u8],
    standing: &dyn Fn(&Checkpoint) -> Standing,
    copies: Vec<(String, Checkpoint)>,
) -> AuditReport {
    let mut check = AuditCheck::new(standing, copies);
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let is_ended = lines.pop().is_some_and(<[u8]>::is_empty);
    for (line, bytes) in (1..).zip(&lines) {
        let text = str::from_utf8(bytes).map_err(|_| ExportLineError);
        match text.and_then(AuditExportLine::parse) {
            Ok(AuditExportLine::Header) if line == 1 => {}
            Ok(AuditExportLine::Entry { leaf, body }) if line > 1 => {
                check.entry(number(body, leaf).unwrap_or(check.size() + 1), body, leaf);
            }
            Ok(AuditExportLine::Checkpoint(checkpoint)) if line > 1 => {
                check.checkpoint(&checkpoint);
            }
            Ok(_) | Err(_) => check.find(Tampering::Line { line }),
        }
    }
    if !is_ended || lines.is_empty() {
        let line = lines.len() as u64 + 1;
        check.find(Tampering::Line { line });
    }
    check.finish(None)
}

#[cfg(test)]
mod tests;
