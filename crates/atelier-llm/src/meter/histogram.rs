//! How many durations lie below which bounds.

/// Upper bounds in milliseconds; the last bucket has none.
pub const BOUNDS_MS: [u64; 16] = [
    1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
];

/// Durations, counted by bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// Durations in each bucket, the one without a bound last.
    buckets: [u64; BOUNDS_MS.len() + 1],
    /// The sum of all, in milliseconds.
    sum_ms: u64,
}

impl Histogram {
    /// Counts a duration.
    pub fn add(&mut self, ms: u64) {
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < ms);
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// Durations counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The sum of all, in milliseconds.
    pub fn sum_ms(&self) -> u64 {
        self.sum_ms
    }

    /// Durations in each bucket, the one without a bound last.
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// Each bound with the durations that do not exceed it.
    pub fn below(&self) -> impl Iterator<Item = (u64, u64)> {
        let counts = self.buckets.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        BOUNDS_MS.into_iter().zip(counts)
    }
}
