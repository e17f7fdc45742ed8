//! How a route answered lately: how long it takes, and whether it is left alone.

use atelier_model::Timestamp;

/// Milliseconds after which what was measured counts for about a third. Answers take seconds, so
/// a memory much shorter than this would hold one or none.
const MEMORY_MS: f64 = 60_000.0;

/// Milliseconds each question under way counts for at a route that never answered yet, so that
/// not everybody tries it at once.
const UNKNOWN_MS: u64 = 10_000;

/// What is known of one route.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Health {
    /// Milliseconds of an answer: a mean that forgets, and that rises to a peak at once.
    mean_ms: f64,
    /// When an answer was last measured.
    measured: Timestamp,
    /// Until when it is left alone.
    rests_until: Timestamp,
    /// Questions under way.
    under_way: u32,
}

impl Health {
    /// A question is sent.
    pub(crate) fn began(&mut self) {
        self.under_way = self.under_way.saturating_add(1);
    }

    /// A question has ended, whichever way.
    pub(crate) fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// It answered after so long.
    pub(crate) fn answered(&mut self, took_ms: u64, now: Timestamp) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds of an answer are few enough"
        )]
        let took_ms = took_ms as f64;
        let weight = self.faded(now);
        self.mean_ms = if took_ms > self.mean_ms {
            took_ms
        } else {
            self.mean_ms * weight + took_ms * (1.0 - weight)
        };
        self.measured = self.measured.max(now);
        self.rests_until = Timestamp::default();
    }

    /// It is left alone for so long.
    pub(crate) fn rest(&mut self, wait_ms: u64, now: Timestamp) {
        let wait_ms = i64::try_from(wait_ms).unwrap_or(i64::MAX);
        let until = Timestamp::from_millis(now.millis().saturating_add(wait_ms));
        self.rests_until = self.rests_until.max(until);
    }

    /// Milliseconds it is still left alone; `None` where it may be asked.
    pub(crate) fn rests_ms(&self, now: Timestamp) -> Option<u64> {
        let wait_ms = self.rests_until.millis_since(now);
        (wait_ms > 0).then_some(wait_ms)
    }

    /// Milliseconds until it would have answered one question more. What was slow long ago is
    /// worth another look, so this falls while nothing is measured.
    pub(crate) fn expected_ms(&self, now: Timestamp) -> u64 {
        let under_way = u64::from(self.under_way);
        if self.mean_ms <= 0.0 {
            return under_way.saturating_mul(UNKNOWN_MS);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean of milliseconds is positive, and too large a one saturates"
        )]
        let mean_ms = (self.mean_ms * self.faded(now)).ceil() as u64;
        mean_ms.saturating_mul(under_way.saturating_add(1))
    }

    /// What is left of the weight of what was measured.
    fn faded(&self, now: Timestamp) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds between two answers are few enough"
        )]
        let age_ms = now.millis_since(self.measured) as f64;
        (-age_ms / MEMORY_MS).exp()
    }
}
