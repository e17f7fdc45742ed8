//! Which of several routes is asked, and in which order: a pure choice.
//!
//! Routes that are not able to answer are left out, those that failed lately come last, and the
//! strategy orders the rest. Where nobody is known to be able, the first is asked nevertheless: a
//! table of models is never complete, and the configuration is what the user wants.

mod health;
mod models;

#[cfg(test)]
mod tests;

use atelier_model::{ChoiceReason, MicroUsd, PassedOverReason, Strategy, Timestamp, Usage};

pub(crate) use self::{
    health::Health,
    models::{ModelAbilities, abilities},
};
use crate::Price;

/// Bits of chance for each of two draws: 80 are good.
const DRAW_BITS: u32 = 40;

/// What an ask needs of whoever answers it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a need of its own, and any of them may be there"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Needs {
    /// Tokens of the prompt, expected.
    pub(crate) input_tokens: u64,
    /// Tokens of the answer, expected.
    pub(crate) output_tokens: u64,
    /// Whether the answer is to be held to a schema.
    pub(crate) schema: bool,
    /// Whether tools are to be called.
    pub(crate) tools: bool,
    /// Whether there are images in the prompt.
    pub(crate) images: bool,
    /// Whether a budget is to be kept.
    pub(crate) budget: bool,
}

/// A route as it stands when the choice is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// What its model is able to do.
    pub(crate) abilities: ModelAbilities,
    /// What its model costs, where that is known.
    pub(crate) price: Option<Price>,
    /// How it answered lately.
    pub(crate) health: Health,
    /// Most tokens of its answer.
    pub(crate) tokens_max: u64,
}

/// The routes in the order in which they are asked, by their places in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// The places; never empty where there was a route at all.
    pub(crate) places: Vec<usize>,
    /// Why the first of them is the first.
    pub(crate) reason: ChoiceReason,
    /// Who is not asked, or only when nobody else answers.
    pub(crate) passed_over: Vec<(usize, PassedOverReason)>,
}

/// Puts routes in order. `draw` are bits of chance, for the strategies that draw.
pub(crate) fn order(
    strategy: Strategy,
    routes: &[Standing],
    needs: &Needs,
    now: Timestamp,
    draw: u128,
) -> Order {
    let (mut ready, mut resting, mut passed_over) = (Vec::new(), Vec::new(), Vec::new());
    for (place, route) in routes.iter().enumerate() {
        if let Some(why) = route.unable(needs) {
            passed_over.push((place, why));
        } else if let Some(wait_ms) = route.health.rests_ms(now) {
            passed_over.push((place, PassedOverReason::Resting { wait_ms }));
            resting.push(place);
        } else {
            ready.push(place);
        }
    }
    if ready.is_empty() {
        return last_resort(resting, passed_over, routes.len());
    }
    let reason = match strategy {
        Strategy::Static => ChoiceReason::First,
        Strategy::Cost => by_cost(&mut ready, routes, needs),
        Strategy::Latency => by_latency(&mut ready, routes, now, draw),
    };
    ready.append(&mut resting);
    Order {
        places: ready,
        reason,
        passed_over,
    }
}

/// Those that rest, as they stand; where nobody is able either, all as they stand.
fn last_resort(
    resting: Vec<usize>,
    passed_over: Vec<(usize, PassedOverReason)>,
    routes: usize,
) -> Order {
    let places = if resting.is_empty() {
        (0..routes).collect()
    } else {
        resting
    };
    // Whoever is asked first was not passed over.
    let first = places.first().copied();
    let before = passed_over.into_iter();
    Order {
        reason: ChoiceReason::LastResort,
        passed_over: before.filter(|(place, _)| Some(*place) != first).collect(),
        places,
    }
}

/// The cheapest first; those whose price nobody knows last.
fn by_cost(ready: &mut [usize], routes: &[Standing], needs: &Needs) -> ChoiceReason {
    let expected = |place: &usize| routes.get(*place).and_then(|route| route.expected(needs));
    ready.sort_by_key(|place| expected(place).map_or((true, MicroUsd::ZERO), |cost| (false, cost)));
    let cheapest = ready.first().and_then(expected);
    cheapest.map_or(ChoiceReason::First, |expected| ChoiceReason::Cheapest {
        expected,
    })
}

/// The sooner of two that are drawn first, and the rest from the soonest to the latest. Drawing
/// keeps those who choose at the same moment from all choosing the same.
fn by_latency(
    ready: &mut [usize],
    routes: &[Standing],
    now: Timestamp,
    draw: u128,
) -> ChoiceReason {
    let expected_ms = |place: &usize| {
        let route = routes.get(*place);
        route.map_or(0, |route| route.health.expected_ms(now))
    };
    ready.sort_by_key(expected_ms);
    let (one, other) = two_of(ready.len(), draw);
    // They are in order, so the earlier of two places is the sooner.
    let first = one.min(other);
    if let Some(up_to) = ready.get_mut(..=first) {
        up_to.rotate_right(1);
    }
    ChoiceReason::Fastest {
        expected_ms: ready.first().map_or(0, expected_ms),
    }
}

/// Two different numbers below `count`; the same twice where there is but one.
fn two_of(count: usize, draw: u128) -> (usize, usize) {
    if count < 2 {
        return (0, 0);
    }
    let below = |bits: u128, bound: usize| {
        let bits = bits & ((1 << DRAW_BITS) - 1);
        let bound = u128::try_from(bound).unwrap_or(1);
        usize::try_from(bits % bound).unwrap_or(0)
    };
    let one = below(draw, count);
    let other = below(draw >> DRAW_BITS, count - 1);
    (one, if other >= one { other + 1 } else { other })
}

impl Standing {
    /// Why it cannot answer; `None` where nothing is known against it.
    fn unable(&self, needs: &Needs) -> Option<PassedOverReason> {
        let needed = needs.input_tokens.saturating_add(self.tokens_max);
        let abilities = &self.abilities;
        let limit = abilities.context.filter(|limit| needed > *limit);
        if let Some(limit) = limit {
            return Some(PassedOverReason::Context { needed, limit });
        }
        let lacks = [
            (needs.tools && !abilities.tools, PassedOverReason::Tools),
            (needs.schema && !abilities.schema, PassedOverReason::Schema),
            (needs.images && !abilities.images, PassedOverReason::Images),
            (
                needs.budget && self.price.is_none(),
                PassedOverReason::PriceUnknown,
            ),
        ];
        let mut lacks = lacks.into_iter();
        lacks
            .find(|(is_lacking, _)| *is_lacking)
            .map(|(_, why)| why)
    }

    fn expected(&self, needs: &Needs) -> Option<MicroUsd> {
        let usage = Usage {
            input: needs.input_tokens,
            output: needs.output_tokens,
            ..Usage::default()
        };
        self.price.map(|price| price.cost(&usage))
    }
}
