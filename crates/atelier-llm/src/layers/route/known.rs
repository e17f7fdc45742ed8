//! What is remembered of every route, whoever asked it: asks and relayed requests share it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{AskError, Route, routing::Health};

/// Milliseconds a route is left alone that failed after all its tries, where others can answer.
const FAILED_REST_MS: u64 = 5_000;

/// Milliseconds a route is left alone whose key is refused: somebody may be mending it.
const REFUSED_REST_MS: u64 = 60_000;

/// Milliseconds a route is left alone at most, whatever its provider asks for.
const REST_MS_MAX: u64 = 3_600_000;

/// The health of routes, by their names and addresses. It holds the routes of the configuration and
/// no others, so it does not grow.
#[derive(Default)]
pub(super) struct Known(Mutex<BTreeMap<String, Health>>);

/// One question under way at a route. Whoever drops it has ended it.
pub(super) struct UnderWay {
    known: Arc<Known>,
    name: String,
}

impl Known {
    /// What is known of these routes, in their order.
    pub(super) fn of<'r>(&self, routes: impl Iterator<Item = &'r Route>) -> Vec<Health> {
        let known = self.lock();
        let health = |route| known.get(&name(route)).copied().unwrap_or_default();
        routes.map(health).collect()
    }

    /// The notes of a route are plain numbers, so no panic leaves them half written.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Health>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// A question is sent to a route.
    pub(super) fn new(known: &Arc<Known>, route: &Route) -> Self {
        let under_way = Self {
            known: Arc::clone(known),
            name: name(route),
        };
        under_way.note(Health::began);
        under_way
    }

    /// Notes something of the route.
    pub(super) fn note(&self, change: impl FnOnce(&mut Health)) {
        let mut known = self.known.lock();
        match known.get_mut(&self.name) {
            Some(health) => change(health),
            None => change(known.entry(self.name.clone()).or_default()),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.note(Health::ended);
    }
}

/// The name of a route, and of no other.
fn name(route: &Route) -> String {
    match &route.base_url {
        Some(url) => format!("{} {url}", route.label()),
        None => route.label(),
    }
}

/// Milliseconds a route is left alone after a failure; `None` where it concerns this ask alone.
pub(super) fn rest_ms(error: &AskError) -> Option<u64> {
    let rest_ms = match error {
        AskError::LeftAlone { wait_ms, .. } | AskError::OverRate { wait_ms, .. } => *wait_ms,
        AskError::RateLimited { retry_after_ms, .. } => retry_after_ms.unwrap_or(FAILED_REST_MS),
        AskError::Provider { .. }
        | AskError::Network { .. }
        | AskError::TimedOut { .. }
        | AskError::Truncated { .. } => FAILED_REST_MS,
        AskError::Credentials { .. } => REFUSED_REST_MS,
        AskError::Budget { .. }
        | AskError::Limit { .. }
        | AskError::Resting
        | AskError::Refused { .. }
        | AskError::Malformed { .. }
        | AskError::TooLarge { .. }
        | AskError::NoEmbeddings
        | AskError::Diverged(_)
        | AskError::NothingRecorded
        | AskError::PriceUnknown { .. }
        | AskError::Scaffold(_)
        | AskError::Cancelled
        | AskError::EveryRoute { .. }
        | AskError::Store(_) => return None,
    };
    Some(rest_ms.min(REST_MS_MAX))
}
