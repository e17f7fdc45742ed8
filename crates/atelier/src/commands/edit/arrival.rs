//! A reply that is read while it arrives.

use std::io::{ErrorKind, Read};

use atelier_edit::{ChangeSet, Edit, Glimpse, Stream};
use atelier_model::Limits;

use super::report::Refusal;
use crate::ui::{Ui, plain};

/// Bytes that are read at once.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// Reads a reply to its end. Whatever is wrong with it is a refusal, not a failure of reading.
/// `watched` is told each file when its first edit begins to arrive.
pub(super) fn receive(
    mut source: impl Read,
    limits: &Limits,
    mut watched: impl FnMut(&str),
) -> std::io::Result<Result<ChangeSet, Refusal>> {
    let mut stream = Stream::new(limits);
    let mut told = Files::default();
    let mut piece = vec![0; PIECE_BYTES_MAX];
    // The bytes of a character whose rest has not arrived.
    let mut held: Vec<u8> = Vec::new();
    let mut bytes = 0;
    loop {
        let length = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes += length;
        if bytes > limits.reply_bytes_max {
            let bytes_max = limits.reply_bytes_max;
            return Ok(Err(Refusal::TooLong { bytes_max }));
        }
        held.extend_from_slice(piece.get(..length).unwrap_or_default());
        let whole = match std::str::from_utf8(&held) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                if error.error_len().is_some() {
                    let at = bytes - held.len() + at;
                    return Ok(Err(Refusal::NotText { at }));
                }
                std::str::from_utf8(held.get(..at).unwrap_or_default()).unwrap_or_default()
            }
        };
        let end = whole.len();
        let seen = stream.push(whole);
        held.drain(..end);
        seen.iter()
            .filter_map(|glimpse| told.new_in(glimpse))
            .for_each(&mut watched);
    }
    if !held.is_empty() {
        let at = bytes - held.len();
        return Ok(Err(Refusal::NotText { at }));
    }
    Ok(stream.finish().map_err(Refusal::from))
}

/// Tells a person which file is arriving.
pub(super) fn say(ui: &Ui, path: &str) {
    ui.status(&format!("receiving {}", plain(path)));
}

/// The file that was told last.
#[derive(Default)]
struct Files(String);

impl Files {
    /// The file of a glimpse, where another was told before it.
    fn new_in<'a>(&mut self, glimpse: &'a Glimpse) -> Option<&'a str> {
        let path = match glimpse {
            Glimpse::Opened { path, .. } => path.as_deref()?,
            Glimpse::Complete(Edit { path, .. }) => path.as_str(),
            Glimpse::Line(_) => return None,
        };
        if self.0 == path {
            return None;
        }
        path.clone_into(&mut self.0);
        Some(path)
    }
}

#[cfg(test)]
mod tests;
