//! The output of a command: its head and its tail, never more than was agreed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Output as it is kept.
#[derive(Debug)]
pub(super) struct Tape {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_max: usize,
    tail_max: usize,
    left_out: u64,
}

/// A tape that is written by one and read by another.
pub(super) type SharedTape = Arc<Mutex<Tape>>;

impl Tape {
    /// An empty tape of at most `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        let head_max = bytes_max / 2;
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_max,
            tail_max: bytes_max - head_max,
            left_out: 0,
        }
    }

    pub(super) fn shared(self) -> SharedTape {
        Arc::new(Mutex::new(self))
    }

    /// Appends output; what is neither head nor tail is dropped.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let to_head = bytes.len().min(self.head_max - self.head.len());
        let (head, rest) = bytes.split_at(to_head);
        self.head.extend_from_slice(head);
        let kept = &rest[rest.len().saturating_sub(self.tail_max)..];
        let overflow = (self.tail.len() + kept.len()).saturating_sub(self.tail_max);
        self.tail.drain(..overflow);
        self.tail.extend(kept);
        self.left_out += (rest.len() - kept.len() + overflow) as u64;
    }

    /// The text, and whether its middle is left out.
    pub(super) fn text(&self) -> (String, bool) {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.left_out == 0 {
            let whole = [self.head.as_slice(), &tail].concat();
            return (String::from_utf8_lossy(&whole).into_owned(), false);
        }
        let head = String::from_utf8_lossy(&self.head);
        let tail = String::from_utf8_lossy(&tail);
        let marker = format!("\n[... {} bytes left out ...]\n", self.left_out);
        (format!("{head}{marker}{tail}"), true)
    }
}

/// Appends to a shared tape.
pub(super) fn record(tape: &SharedTape, bytes: &[u8]) {
    // A reader that panicked has changed nothing.
    tape.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(bytes);
}

/// The text of a shared tape.
pub(super) fn text(tape: &SharedTape) -> (String, bool) {
    tape.lock().unwrap_or_else(PoisonError::into_inner).text()
}

#[cfg(test)]
mod tests;
