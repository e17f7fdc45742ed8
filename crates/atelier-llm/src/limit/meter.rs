//! One limit: so much of a measure in so much time, what of it is left, and when more will be.

use std::collections::VecDeque;

use atelier_model::Timestamp;

use crate::limit::{contract::Renewal, measure::Measure};

/// Milliseconds in which a request is on its way: the provider may count it so much later than it
/// was sent.
pub(crate) const TRANSIT_MS: u64 = 1_000;

/// What is left is often told in thousands, rounded.
const ROUNDED_TO: u64 = 1_000;

/// Slots that a window is divided into: what was used within one comes back together.
const SLOTS: u64 = 600;

/// So much of a measure in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// What is counted.
    pub(crate) measure: Measure,
    /// How much of it.
    pub(crate) amount: u64,
    /// In how many milliseconds.
    pub(crate) window_ms: u64,
}

impl Limit {
    /// The limit in words: `30000 input tokens a minute`.
    pub(crate) fn words(&self) -> String {
        let window = match self.window_ms {
            1_000 => "a second".to_owned(),
            60_000 => "a minute".to_owned(),
            3_600_000 => "an hour".to_owned(),
            86_400_000 => "a day".to_owned(),
            other => format!("in {other} ms"),
        };
        format!("{} {} {window}", self.amount, self.measure.words())
    }
}

/// What is left of one limit.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    pub(crate) limit: Limit,
    store: Store,
}

#[derive(Debug, Clone)]
enum Store {
    Bucket(Bucket),
    Window(Window),
}

/// What comes back little by little. It counts in shares, of which one unit has as many as its
/// window has milliseconds: then as many shares come back in a millisecond as the limit has units,
/// and nothing is ever rounded.
#[derive(Debug, Clone)]
struct Bucket {
    /// What is left, below nothing where more was used than there was.
    shares: i128,
    at: Timestamp,
}

/// What comes back at the end of its window.
#[derive(Debug, Clone, Default)]
struct Window {
    slots: VecDeque<Slot>,
    used: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Which slot since the beginning of time.
    number: i64,
    used: u64,
}

/// What an answer tells of a bucket, and what was sent around the moment it tells of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// What was left.
    pub(crate) remaining: u64,
    /// When the request was sent whose answer tells.
    pub(crate) sent_at: Timestamp,
    /// What was sent after it.
    pub(crate) after: u64,
    /// What was sent so shortly before it that it may have been counted later.
    pub(crate) doubtful: u64,
}

impl Meter {
    /// A meter from which nothing was taken.
    pub(crate) fn new(limit: Limit, renewal: Renewal, now: Timestamp) -> Self {
        let store = match renewal {
            Renewal::Windowed => Store::Window(Window::default()),
            Renewal::Steady => Store::Bucket(Bucket {
                shares: capacity(&limit),
                at: now,
            }),
        };
        Self { limit, store }
    }

    /// Milliseconds until so much can be taken, if nobody else takes any. What is more than the
    /// whole limit can be taken when the limit is untouched.
    pub(crate) fn wait_ms(&self, amount: u64, now: Timestamp) -> u64 {
        match &self.store {
            Store::Bucket(bucket) => {
                let wanted = shares(amount, &self.limit).min(capacity(&self.limit));
                bucket.wait_ms(wanted, &self.limit, now)
            }
            Store::Window(window) => window.wait_ms(amount, &self.limit, now),
        }
    }

    /// Milliseconds until so much will have come back, however much it is.
    pub(crate) fn forecast_ms(&self, amount: u64, now: Timestamp) -> u64 {
        match &self.store {
            Store::Bucket(bucket) => bucket.wait_ms(shares(amount, &self.limit), &self.limit, now),
            Store::Window(window) => {
                let whole = amount / self.limit.amount.max(1);
                let rest = amount % self.limit.amount.max(1);
                let wait = window.wait_ms(rest, &self.limit, now);
                wait.saturating_add(whole.saturating_mul(self.limit.window_ms))
            }
        }
    }

    /// Takes so much, whether it is there or not.
    pub(crate) fn take(&mut self, amount: u64, now: Timestamp) {
        match &mut self.store {
            Store::Bucket(bucket) => {
                bucket.renew(&self.limit, now);
                bucket.delay(&self.limit, now);
                bucket.shares -= shares(amount, &self.limit);
            }
            Store::Window(window) => window.take(amount, &self.limit, now),
        }
    }

    /// What was taken for one request turns out to be another amount.
    pub(crate) fn correct(&mut self, was: u64, is: u64, taken_at: Timestamp, now: Timestamp) {
        match &mut self.store {
            Store::Bucket(bucket) => {
                bucket.renew(&self.limit, now);
                let back = shares(was, &self.limit) - shares(is, &self.limit);
                bucket.shares = (bucket.shares + back).min(capacity(&self.limit));
            }
            Store::Window(window) => window.correct(was, is, &self.limit, taken_at),
        }
    }

    /// What a provider says is the limit, where that is another than is known. What was used stays
    /// used.
    pub(crate) fn resize(&mut self, amount: u64, now: Timestamp) {
        if let Store::Bucket(bucket) = &mut self.store {
            bucket.renew(&self.limit, now);
            let used = capacity(&self.limit) - bucket.shares;
            let resized = Limit {
                amount,
                ..self.limit
            };
            bucket.shares = capacity(&resized) - used;
        }
        self.limit.amount = amount;
    }

    /// So much is left, or so much is owed.
    pub(crate) fn set_left(&mut self, left: u64, owed: u64, now: Timestamp) {
        let limit = self.limit;
        if let Store::Bucket(bucket) = &mut self.store {
            bucket.renew(&limit, now);
            bucket.shares = shares(left, &limit) - shares(owed, &limit);
        }
    }

    /// Everything is used up until then.
    pub(crate) fn exhaust(&mut self, wait_ms: u64, now: Timestamp) {
        match &mut self.store {
            Store::Bucket(bucket) => {
                bucket.renew(&self.limit, now);
                let missing = i128::from(self.limit.amount) * i128::from(wait_ms);
                bucket.shares = bucket.shares.min(-missing);
            }
            Store::Window(window) => window.exhaust(&self.limit, wait_ms, now),
        }
    }

    /// Lowers what is left to what an answer says, where that leaves no doubt that others use the
    /// limit as well. Returns whether it did.
    pub(crate) fn lower(&mut self, standing: &Standing, beside: u64, now: Timestamp) -> bool {
        let limit = self.limit;
        let Store::Bucket(bucket) = &mut self.store else {
            return false;
        };
        bucket.renew(&limit, now);
        let (early, late) = standing.left(&limit, now);
        let most = early.max(late) + shares(standing.rounding(), &limit);
        if bucket.shares <= most {
            return false;
        }
        bucket.shares = most - shares(beside, &limit);
        true
    }

    /// Raises what is left to what an answer says is left at least: a provider may count less than
    /// was estimated here.
    pub(crate) fn raise(&mut self, standing: &Standing, now: Timestamp) {
        let limit = self.limit;
        let Store::Bucket(bucket) = &mut self.store else {
            return;
        };
        bucket.renew(&limit, now);
        let (early, late) = standing.left(&limit, now);
        let on_its_way = i128::from(limit.amount) * i128::from(TRANSIT_MS);
        let least = early.min(late) - shares(standing.doubtful, &limit) - on_its_way;
        bucket.shares = bucket.shares.max(least).min(capacity(&limit));
    }

    /// What is left, in whole units.
    pub(crate) fn left(&self, now: Timestamp) -> u64 {
        match &self.store {
            Store::Bucket(bucket) => {
                let shares = bucket.renewed(&self.limit, now);
                let units = shares.max(0) / i128::from(self.limit.window_ms.max(1));
                u64::try_from(units).unwrap_or(u64::MAX)
            }
            Store::Window(window) => {
                let used = window.used_at(&self.limit, now);
                self.limit.amount.saturating_sub(used)
            }
        }
    }
}

impl Standing {
    /// By how much more may be left than is told.
    fn rounding(&self) -> u64 {
        if self.remaining.is_multiple_of(ROUNDED_TO) {
            ROUNDED_TO / 2
        } else {
            0
        }
    }

    /// What is left now if the provider counted when the request came, and if it did when it
    /// answered.
    fn left(&self, limit: &Limit, now: Timestamp) -> (i128, i128) {
        let late = shares(self.remaining, limit);
        let renewed = i128::from(limit.amount) * i128::from(now.millis_since(self.sent_at));
        (late + renewed - shares(self.after, limit), late)
    }
}

fn shares(amount: u64, limit: &Limit) -> i128 {
    i128::from(amount) * i128::from(limit.window_ms)
}

/// The most a bucket holds.
fn capacity(limit: &Limit) -> i128 {
    shares(limit.amount, limit)
}

impl Bucket {
    fn renewed(&self, limit: &Limit, now: Timestamp) -> i128 {
        let back = i128::from(limit.amount) * i128::from(now.millis_since(self.at));
        (self.shares + back).min(capacity(limit))
    }

    fn renew(&mut self, limit: &Limit, now: Timestamp) {
        self.shares = self.renewed(limit, now);
        self.at = self.at.max(now);
    }

    /// Nothing comes back while the provider's own bucket may still be full: it is until the
    /// request is there.
    fn delay(&mut self, limit: &Limit, now: Timestamp) {
        let until_full = (capacity(limit) - self.shares) / i128::from(limit.amount.max(1));
        let until_full = u64::try_from(until_full).unwrap_or(u64::MAX);
        let delay_ms = TRANSIT_MS.saturating_sub(until_full);
        let begins = now.millis().saturating_add_unsigned(delay_ms);
        self.at = self.at.max(Timestamp::from_millis(begins));
    }

    fn wait_ms(&self, wanted: i128, limit: &Limit, now: Timestamp) -> u64 {
        let missing = wanted - self.renewed(limit, now);
        if missing <= 0 {
            return 0;
        }
        let each = i128::from(limit.amount.max(1));
        let wait_ms = u64::try_from((missing + each - 1) / each).unwrap_or(u64::MAX);
        wait_ms.saturating_add(self.at.millis_since(now))
    }
}

impl Window {
    /// Takes so much, in the slot in which the provider will have counted it.
    fn take(&mut self, amount: u64, limit: &Limit, now: Timestamp) {
        self.forget(limit, now);
        let number = slot(limit, now);
        self.used = self.used.saturating_add(amount);
        match self.slots.back_mut() {
            Some(last) if last.number >= number => last.used = last.used.saturating_add(amount),
            _ => self.slots.push_back(Slot {
                number,
                used: amount,
            }),
        }
    }

    fn correct(&mut self, was: u64, is: u64, limit: &Limit, taken_at: Timestamp) {
        let number = slot(limit, taken_at);
        // Slots are in order, and what was taken lies in the first that is not earlier.
        let at = self.slots.partition_point(|slot| slot.number < number);
        if let Some(slot) = self.slots.get_mut(at) {
            let before = slot.used;
            slot.used = before.saturating_sub(was).saturating_add(is);
            self.used = self.used.saturating_sub(before).saturating_add(slot.used);
        }
    }

    fn exhaust(&mut self, limit: &Limit, wait_ms: u64, now: Timestamp) {
        self.slots.clear();
        // The slot that comes back when the wait is over.
        let end = now.millis().saturating_add_unsigned(wait_ms);
        let number = end.saturating_sub_unsigned(limit.window_ms) / width_ms(limit) - 1;
        self.used = limit.amount;
        self.slots.push_back(Slot {
            number,
            used: limit.amount,
        });
    }

    fn forget(&mut self, limit: &Limit, now: Timestamp) {
        while let Some(first) = self.slots.front() {
            if ends_at(first, limit) > now.millis() {
                break;
            }
            self.used = self.used.saturating_sub(first.used);
            self.slots.pop_front();
        }
    }

    fn used_at(&self, limit: &Limit, now: Timestamp) -> u64 {
        let over = self
            .slots
            .iter()
            .take_while(|slot| ends_at(slot, limit) <= now.millis());
        self.used.saturating_sub(over.map(|slot| slot.used).sum())
    }

    fn wait_ms(&self, amount: u64, limit: &Limit, now: Timestamp) -> u64 {
        let room = limit.amount.saturating_sub(amount);
        let mut used = self.used;
        let mut wait_ms = 0;
        for slot in &self.slots {
            if used <= room {
                break;
            }
            used = used.saturating_sub(slot.used);
            let ends = Timestamp::from_millis(ends_at(slot, limit));
            wait_ms = ends.millis_since(now);
        }
        wait_ms
    }
}

/// Milliseconds of one slot.
fn width_ms(limit: &Limit) -> i64 {
    i64::try_from(limit.window_ms.div_ceil(SLOTS).max(1)).unwrap_or(i64::MAX)
}

/// The slot of a request that is sent now.
fn slot(limit: &Limit, now: Timestamp) -> i64 {
    now.millis().saturating_add_unsigned(TRANSIT_MS) / width_ms(limit)
}

/// When what was used in a slot has come back.
fn ends_at(slot: &Slot, limit: &Limit) -> i64 {
    let end = slot
        .number
        .saturating_add(1)
        .saturating_mul(width_ms(limit));
    end.saturating_add_unsigned(limit.window_ms)
}
