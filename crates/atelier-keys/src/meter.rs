//! Requests a minute: never more than so many in any sixty seconds.

use std::collections::VecDeque;

use atelier_model::Timestamp;

/// Milliseconds that are looked back.
const WINDOW_MS: u64 = 60_000;

/// When the latest requests came.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    taken: VecDeque<Timestamp>,
}

impl Meter {
    /// Counts a request, or says in how many milliseconds there is a place for one.
    pub(crate) fn take(&mut self, now: Timestamp, per_minute: u32) -> Result<(), u64> {
        while let Some(&oldest) = self.taken.front()
            && now.millis_since(oldest) >= WINDOW_MS
        {
            self.taken.pop_front();
        }
        let most = usize::try_from(per_minute).unwrap_or(usize::MAX);
        if self.taken.len() < most {
            self.taken.push_back(now);
            return Ok(());
        }
        let oldest = self.taken.front().copied().unwrap_or(now);
        Err(WINDOW_MS - now.millis_since(oldest).min(WINDOW_MS - 1))
    }
}
