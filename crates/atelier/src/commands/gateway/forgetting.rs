//! Letting requests of long ago go: their sums stay.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use atelier_model::{Clock as _, Timestamp};
use atelier_store::{Ledger, LedgerError};
use tokio::time::sleep;

use crate::app::SystemClock;

/// Time between two turns.
const TURN: Duration = Duration::from_hours(1);

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Lets what is older than so many days go, again and again until the end. What fails is told, and
/// tried again the next time.
pub(super) async fn keep(
    ledger: &Ledger,
    days: &AtomicU64,
    ended: impl Future<Output = ()>,
    mut told: impl FnMut(&LedgerError),
) {
    let mut ended = std::pin::pin!(ended);
    loop {
        let before = before(SystemClock.now(), days.load(Ordering::Relaxed));
        tokio::select! {
            biased;
            () = &mut ended => return,
            forgotten = ledger.forget(before) => {
                if let Err(error) = forgotten {
                    told(&error);
                }
            }
        }
        tokio::select! {
            () = &mut ended => return,
            () = sleep(TURN) => {}
        }
    }
}

/// The instant that lies so many days before another.
fn before(now: Timestamp, days: u64) -> Timestamp {
    let ago = i64::try_from(days.saturating_mul(DAY_MS)).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.millis().saturating_sub(ago))
}
