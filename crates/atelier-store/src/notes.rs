//! Facts that wait to be written into the audit log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use atelier_model::{AuditFact, AuditNote};

/// Facts that wait at once. More than that are not kept, but counted, and the count is on record.
const NOTES_MAX: usize = 65_536;

/// Waiting facts that are looked through for a refusal like the one that comes.
const REFUSALS_MAX: usize = 64;

/// The facts that were noted since the last change of state.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    notes: Vec<AuditNote>,
    lost: u64,
}

/// Facts that are being written. Dropped before they are, they wait again.
pub(crate) struct Taken<'a> {
    from: &'a Notes,
    notes: Vec<AuditNote>,
}

impl Notes {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Whoever panicked had added a note or none.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting().notes.is_empty()
    }

    pub(crate) fn add(&self, note: AuditNote) {
        let mut waiting = self.waiting();
        if waiting.counts(&note) {
            return;
        }
        if waiting.notes.len() < NOTES_MAX {
            waiting.notes.push(note);
        } else {
            waiting.lost += 1;
        }
    }

    /// Takes all there are.
    pub(crate) fn take(&self) -> Taken<'_> {
        let mut waiting = self.waiting();
        let count = std::mem::take(&mut waiting.lost);
        let mut notes = std::mem::take(&mut waiting.notes);
        if let Some(at) = notes.last().map(|last| last.at).filter(|_| count > 0) {
            notes.push(AuditNote::new(AuditFact::NotesLost { count }, at));
        }
        Taken { from: self, notes }
    }
}

impl Waiting {
    /// Counts a refusal like one that waits already, so that nobody who is not let in can fill
    /// the log.
    fn counts(&mut self, note: &AuditNote) -> bool {
        let AuditFact::ClientRefused { reason, .. } = &note.fact else {
            return false;
        };
        let newest = self.notes.iter_mut().rev().take(REFUSALS_MAX);
        for waiting in newest.filter(|waiting| waiting.client == note.client) {
            if let AuditFact::ClientRefused {
                reason: same,
                count,
            } = &mut waiting.fact
                && same == reason
            {
                *count += 1;
                return true;
            }
        }
        false
    }
}

impl Taken<'_> {
    pub(crate) fn notes(&self) -> &[AuditNote] {
        &self.notes
    }

    /// Says that they need not be written again.
    pub(crate) fn are_written(mut self) {
        self.notes.clear();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.notes.is_empty() {
            let mut waiting = self.from.waiting();
            let newer = std::mem::take(&mut waiting.notes);
            waiting.notes.append(&mut self.notes);
            waiting.notes.extend(newer);
        }
    }
}
