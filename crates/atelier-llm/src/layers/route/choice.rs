//! The choice of a route as it stands on the record.

use atelier_model::{ChoiceReason, PassedOver, PassedOverReason, RouteChoice, Strategy};

use crate::{RouteFailure, routing::Order};

/// What a choice is told from.
pub(super) struct Asked<'a> {
    /// How it was chosen.
    pub(super) strategy: Strategy,
    /// The order in which routes are asked.
    pub(super) order: &'a Order,
    /// The names of all routes, by their places.
    pub(super) labels: &'a [String],
    /// Those that were asked before and did not answer.
    pub(super) failures: Vec<&'a RouteFailure>,
}

/// Why the route that is asked now is asked, and what became of those before it.
pub(super) fn chosen(asked: &Asked<'_>) -> RouteChoice {
    let Asked {
        strategy,
        order,
        labels,
        failures,
    } = asked;
    // Those that failed, and the one that is asked now.
    let places: Vec<usize> = order
        .places
        .iter()
        .take(failures.len() + 1)
        .copied()
        .collect();
    let before = order.passed_over.iter();
    let before = before.filter(|(over, _)| !places.contains(over));
    let before = before.map(|(over, why)| PassedOver {
        route: labels.get(*over).cloned().unwrap_or_default(),
        why: why.clone(),
    });
    let failed = failures.iter().map(|failure| PassedOver {
        route: failure.route.clone(),
        why: PassedOverReason::Failed {
            error: failure.error.to_string(),
        },
    });
    RouteChoice {
        strategy: *strategy,
        reason: if failures.is_empty() {
            order.reason.clone()
        } else {
            ChoiceReason::Fallback
        },
        passed_over: before.chain(failed).collect(),
    }
}
