//! What a run will have used up when it is done, told from what its finished tasks used.

use atelier_model::{MicroUsd, Used};
use atelier_store::RunProgress;

/// What is used, and for each task that is still to be done as much as a finished one used on average.
/// Nothing can be said before the first task is done, or once none is left.
pub fn forecast(used: Used, progress: &RunProgress) -> Option<Used> {
    if progress.done == 0 || progress.open == 0 {
        return None;
    }
    let more = |of_done: u64| {
        let all = u128::from(of_done) * u128::from(progress.open);
        u64::try_from(all.div_ceil(u128::from(progress.done))).unwrap_or(u64::MAX)
    };
    Some(Used {
        usd: used.usd + MicroUsd(more(progress.done_used.usd.0)),
        tokens: used.tokens.saturating_add(more(progress.done_used.tokens)),
        calls: used.calls.saturating_add(more(progress.done_used.calls)),
        // Tasks run side by side, so the time of the whole run is divided among them.
        wall_ms: used.wall_ms.saturating_add(more(used.wall_ms)),
    })
}

#[cfg(test)]
mod tests;
