//! Sends again what may succeed the next time, after waits that grow and are scattered by chance.

use std::time::Duration;

use atelier_model::{Amount, BoxFuture, IdSource, Reply};
use atelier_store::Broken;
use tokio::time::sleep;

use crate::{
    AskError, Retry,
    layers::{Failure, Layer, Next, Passage, keys},
    relay::{Opened, Refusal, Transit},
};

/// The most the first wait may last; it doubles from wait to wait.
const BACKOFF_FIRST_MS_MAX: u64 = 500;

/// The most any wait may last that the provider did not ask for.
const BACKOFF_MS_MAX: u64 = 20_000;

/// The most a wait may last after nobody could be reached.
const SOON_MS_MAX: u64 = 400;

/// The longest wait a provider may ask for where another one stands by.
pub(super) const STANDBY_WAIT_MS_MAX: u64 = 1_000;

/// Sendings of one relayed request: its client sends it again too.
const RELAYED_TRIES_MAX: u32 = 3;

/// Milliseconds that a provider may ask for before the client is told to wait instead.
pub(super) const RELAYED_WAIT_MS_MAX: u64 = 2_000;

/// Repeats what failed for a reason that may pass.
pub(crate) struct Retries;

impl Layer for Retries {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            loop {
                let failure = match next.run(passage).await {
                    Ok(reply) => return Ok(reply),
                    Err(failure) => failure,
                };
                let Some(wait_ms) = wait_ms(passage, &failure) else {
                    return Err(failure);
                };
                renew(passage, &failure, wait_ms).await?;
                pause(passage, wait_ms).await?;
            }
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            loop {
                let refusal = match next.open(transit).await {
                    Ok(opened) => return Ok(opened),
                    Err(refusal) => refusal,
                };
                let Some(wait_ms) = relayed_wait_ms(transit, &refusal) else {
                    return Err(refusal);
                };
                transit.reserve_again(&refusal)?;
                sleep(Duration::from_millis(wait_ms)).await;
            }
        })
    }
}

/// Milliseconds until the next sending of a relayed request; `None` where there will be none. What
/// takes longer is left to the client, who is told how long to wait and knows whether it is worth it.
fn relayed_wait_ms(transit: &Transit, refusal: &Refusal) -> Option<u64> {
    let tries = transit.sendings.saturating_add(transit.turned_away);
    if tries >= RELAYED_TRIES_MAX.min(transit.limits().ask_tries_max) {
        return None;
    }
    if transit.has_spare_key && keys::refuses_key(refusal) {
        return None;
    }
    let ids = &*transit.hands.ids;
    match refusal.retry {
        Retry::Never => None,
        Retry::Soon => Some(scattered_ms(SOON_MS_MAX, ids)),
        Retry::Backoff => Some(scattered_ms(backoff_ms_max(transit.sendings), ids)),
        Retry::After(wait_ms) => (wait_ms <= RELAYED_WAIT_MS_MAX).then_some(wait_ms),
    }
}

/// Milliseconds until the next sending; `None` where there will be none.
fn wait_ms(passage: &Passage<'_>, failure: &Failure) -> Option<u64> {
    let tries = passage.sendings.saturating_add(passage.turned_away);
    if tries >= passage.limits.ask_tries_max {
        return None;
    }
    if passage.has_spare_key && keys::speaks_of_key(&failure.error) {
        return None;
    }
    if passage.has_standby && !is_worth_waiting(failure) {
        return None;
    }
    match failure.retry {
        Retry::Never => None,
        Retry::Soon => Some(scattered_ms(SOON_MS_MAX, passage.ids)),
        Retry::Backoff => Some(scattered_ms(backoff_ms_max(passage.sendings), passage.ids)),
        Retry::After(wait_ms) => (wait_ms <= passage.limits.retry_wait_ms_max).then_some(wait_ms),
    }
}

/// Whether a wait is short enough where somebody else could answer at once.
fn is_worth_waiting(failure: &Failure) -> bool {
    match failure.retry {
        Retry::Never => false,
        Retry::Soon | Retry::Backoff => true,
        Retry::After(wait_ms) => {
            let is_shut = matches!(failure.error, AskError::LeftAlone { .. });
            !is_shut && wait_ms <= STANDBY_WAIT_MS_MAX
        }
    }
}

/// The bound of the wait after so many sendings.
pub(crate) fn backoff_ms_max(sendings: u32) -> u64 {
    let doublings = sendings.saturating_sub(1).min(u64::BITS - 1);
    BACKOFF_FIRST_MS_MAX
        .saturating_mul(1 << doublings)
        .min(BACKOFF_MS_MAX)
}

/// A wait anywhere between nothing and its bound, so that many who failed together do not come
/// back together.
fn scattered_ms(bound_ms: u64, ids: &dyn IdSource) -> u64 {
    let choices = u128::from(bound_ms) + 1;
    u64::try_from(ids.bits() % choices).unwrap_or(bound_ms)
}

/// Debits the broken sending and reserves the next one.
pub(super) async fn renew(
    passage: &mut Passage<'_>,
    failure: &Failure,
    wait_ms: u64,
) -> Result<(), Failure> {
    let debit = passage.debit(failure);
    let (reason, partial) = (failure.error.to_string(), passage.partial.take());
    let broken = Broken {
        reason: &reason,
        partial: partial.as_deref(),
    };
    let renewed = passage
        .store
        .ask_retry(
            &passage.record.id,
            debit,
            passage.reserved(),
            broken,
            wait_ms,
            passage.budgets,
            passage.clock.now(),
        )
        .await;
    let refused = renewed.err().map(AskError::from);
    let is_closed = matches!(
        refused,
        Some(AskError::Budget { .. } | AskError::Limit { .. })
    );
    if refused.is_none() || is_closed {
        passage.record.cost = passage.record.cost + debit.usd;
    }
    match refused {
        None => Ok(()),
        Some(error) => Err(Failure {
            // Where the store could not take the debit, it is still to be made.
            may_be_billed: failure.may_be_billed && !is_closed,
            is_closed,
            ..Failure::free(error)
        }),
    }
}

async fn pause(passage: &Passage<'_>, wait_ms: u64) -> Result<(), Failure> {
    tokio::select! {
        biased;
        () = passage.cancel.cancelled() => Err(Failure::cancelled(false)),
        () = sleep(Duration::from_millis(wait_ms)) => Ok(()),
    }
}

impl Passage<'_> {
    /// What a failed sending counts for in the ledger.
    pub(super) fn debit(&self, failure: &Failure) -> Amount {
        if failure.may_be_billed {
            self.reserved()
        } else {
            Amount::default()
        }
    }

    /// What is reserved for one sending.
    pub(super) fn reserved(&self) -> Amount {
        Amount {
            usd: self.record.reserved,
            tokens: self.record.reserved_tokens,
        }
    }
}
