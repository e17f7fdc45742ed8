//! The choice as a table, and what holds of it whatever the routes are.

use atelier_model::{ChoiceReason, MicroUsd, PassedOverReason, Strategy, Timestamp};
use proptest::{prelude::*, strategy::Strategy as Any};

use super::{Health, ModelAbilities, Needs, Order, Standing, models, order};
use crate::{Price, Route};

const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

const USUAL: Needs = Needs {
    input_tokens: 1_000,
    output_tokens: 1_000,
    schema: false,
    tools: false,
    images: false,
    budget: false,
};

fn route() -> Standing {
    Standing {
        abilities: ModelAbilities::UNKNOWN,
        price: Some(Price::FREE),
        health: Health::default(),
        tokens_max: 1_000,
    }
}

/// A route at which a million tokens cost so many micro-dollars.
fn priced(micros: u64) -> Standing {
    let price = Price {
        input: micros,
        output: micros,
        ..Price::FREE
    };
    Standing {
        price: Some(price),
        ..route()
    }
}

/// A route that has just answered after so long.
fn answered(took_ms: u64) -> Standing {
    let mut health = Health::default();
    health.answered(took_ms, NOON);
    Standing { health, ..route() }
}

fn resting(wait_ms: u64) -> Standing {
    let mut health = Health::default();
    health.rest(wait_ms, NOON);
    Standing { health, ..route() }
}

fn check(strategy: Strategy, routes: &[Standing], places: &[usize]) -> Order {
    let order = order(strategy, routes, &USUAL, NOON, 0);
    assert_eq!(order.places, places);
    order
}

#[test]
fn a_static_choice_keeps_the_order_of_the_configuration() {
    let order = check(
        Strategy::Static,
        &[priced(9), priced(1), answered(1)],
        &[0, 1, 2],
    );
    assert_eq!(order.reason, ChoiceReason::First);
    assert_eq!(order.passed_over, []);
}

#[test]
fn whoever_rests_comes_last_and_is_told() {
    let order = check(Strategy::Static, &[resting(700), route()], &[1, 0]);
    let why = PassedOverReason::Resting { wait_ms: 700 };
    assert_eq!(order.passed_over, [(0, why)]);
    assert_eq!(order.reason, ChoiceReason::First);
}

#[test]
fn where_all_rest_the_first_is_asked_nevertheless() {
    let order = check(Strategy::Static, &[resting(700), resting(5)], &[0, 1]);
    assert_eq!(order.reason, ChoiceReason::LastResort);
    let why = PassedOverReason::Resting { wait_ms: 5 };
    assert_eq!(order.passed_over, [(1, why)]);
}

#[test]
fn the_cheapest_is_first_and_an_unknown_price_last() {
    let unknown = Standing {
        price: None,
        ..route()
    };
    let routes = [
        unknown,
        priced(3_000_000),
        priced(1_000_000),
        priced(3_000_000),
    ];
    let order = check(Strategy::Cost, &routes, &[2, 1, 3, 0]);
    let expected = MicroUsd(2_000);
    assert_eq!(order.reason, ChoiceReason::Cheapest { expected });
}

#[test]
fn a_price_that_nobody_knows_cannot_keep_a_budget() {
    let unknown = Standing {
        price: None,
        ..route()
    };
    let needs = Needs {
        budget: true,
        ..USUAL
    };
    let order = order(Strategy::Static, &[unknown, route()], &needs, NOON, 0);
    assert_eq!(order.places, [1]);
    assert_eq!(order.passed_over, [(0, PassedOverReason::PriceUnknown)]);
}

#[test]
fn whoever_is_not_able_is_left_out() {
    let able = ModelAbilities::UNKNOWN;
    let (limit, needed) = (1_999, 2_000);
    let yes = |needs: fn(&mut Needs)| {
        let mut all = USUAL;
        needs(&mut all);
        all
    };
    let cases = [
        (
            ModelAbilities {
                context: Some(limit),
                ..able
            },
            USUAL,
            PassedOverReason::Context { needed, limit },
        ),
        (
            ModelAbilities {
                tools: false,
                ..able
            },
            yes(|needs| needs.tools = true),
            PassedOverReason::Tools,
        ),
        (
            ModelAbilities {
                schema: false,
                ..able
            },
            yes(|needs| needs.schema = true),
            PassedOverReason::Schema,
        ),
        (
            ModelAbilities {
                images: false,
                ..able
            },
            yes(|needs| needs.images = true),
            PassedOverReason::Images,
        ),
    ];
    for (abilities, needs, why) in cases {
        let unable = Standing {
            abilities,
            ..route()
        };
        let told = order(Strategy::Static, &[unable, route()], &needs, NOON, 0);
        assert_eq!(told.places, [1]);
        assert_eq!(told.passed_over, [(0, why)]);
        // Alone, it is asked all the same: the table may be wrong.
        let alone = order(Strategy::Static, &[unable], &needs, NOON, 0);
        assert_eq!((alone.places, alone.passed_over), (vec![0], vec![]));
    }
    let wide = ModelAbilities {
        context: Some(needed),
        ..able
    };
    let wide = Standing {
        abilities: wide,
        ..route()
    };
    check(Strategy::Static, &[wide, route()], &[0, 1]);
}

#[test]
fn the_sooner_of_two_that_are_drawn_is_first() {
    let routes = [answered(900), answered(100), answered(500)];
    // Of the order 1, 2, 0, the bits draw the places named here.
    let draw = |one: u128, other: u128| one | other << 40;
    for (bits, places) in [
        (draw(0, 0), [1, 2, 0]),
        (draw(2, 1), [2, 1, 0]),
        (draw(2, 0), [1, 2, 0]),
    ] {
        let told = order(Strategy::Latency, &routes, &USUAL, NOON, bits);
        assert_eq!(told.places, places);
    }
    let told = order(Strategy::Latency, &routes, &USUAL, NOON, 0);
    assert_eq!(told.reason, ChoiceReason::Fastest { expected_ms: 100 });
}

#[test]
fn a_mean_rises_at_once_falls_slowly_and_fades() {
    let mut health = Health::default();
    health.answered(100, NOON);
    assert_eq!(health.expected_ms(NOON), 100);
    health.answered(900, NOON);
    assert_eq!(health.expected_ms(NOON), 900);
    let soon = Timestamp::from_millis(NOON.millis() + 6_000);
    health.answered(100, soon);
    let after = health.expected_ms(soon);
    assert!((800..900).contains(&after), "{after}");
    let late = Timestamp::from_millis(soon.millis() + 600_000);
    assert!(health.expected_ms(late) < 2);
}

#[test]
fn questions_under_way_make_a_route_slower() {
    let mut health = Health::default();
    health.began();
    let unknown = health.expected_ms(NOON);
    assert!(unknown > 0);
    health.answered(100, NOON);
    assert_eq!(health.expected_ms(NOON), 200);
    health.ended();
    assert_eq!(health.expected_ms(NOON), 100);
    health.ended();
    assert_eq!(health.expected_ms(NOON), 100);
}

#[test]
fn an_answer_ends_a_rest() {
    let mut health = Health::default();
    health.rest(1_000, NOON);
    health.rest(10, NOON);
    assert_eq!(health.rests_ms(NOON), Some(1_000));
    health.answered(5, NOON);
    assert_eq!(health.rests_ms(NOON), None);
}

#[test]
fn the_table_of_models_is_read_and_used() {
    assert!(models::table().len() > 20);
    let of = |provider: &str, model: &str| models::abilities(&Route::new(provider, model, 1));
    assert_eq!(of("openai", "gpt-4o-2024-08-06").context, Some(128_000));
    assert_eq!(of("openrouter", "openai/gpt-4o").context, Some(128_000));
    assert!(!of("openai", "o3-mini").images);
    assert_eq!(of("openai", "made-here"), ModelAbilities::UNKNOWN);
    // What the provider cannot enforce, no model of it can.
    assert!(!of("offline", "offline").schema);
}

fn any_standing() -> impl Any<Value = Standing> {
    let context = prop::option::of(0_u64..4_000);
    let flags = any::<(bool, bool, bool)>();
    let price = prop::option::of(0_u64..5_000_000);
    let took = prop::option::of(1_u64..100_000);
    let rest = prop::option::of(1_u64..10_000);
    (context, flags, price, took, rest).prop_map(|(context, flags, price, took, rest)| {
        let (tools, schema, images) = flags;
        let mut health = Health::default();
        if let Some(took_ms) = took {
            health.answered(took_ms, NOON);
        }
        if let Some(wait_ms) = rest {
            health.rest(wait_ms, NOON);
        }
        Standing {
            abilities: ModelAbilities {
                context,
                tools,
                schema,
                images,
            },
            price: price.and_then(|micros| priced(micros).price),
            health,
            tokens_max: 1_000,
        }
    })
}

proptest! {
    /// Nobody is asked twice, somebody is always asked, and everybody is either asked or
    /// accounted for.
    #[test]
    fn every_route_is_asked_once_or_accounted_for(
        routes in prop::collection::vec(any_standing(), 1..6),
        strategy in prop::sample::select(Strategy::ALL.to_vec()),
        (schema, tools, images, budget) in any::<(bool, bool, bool, bool)>(),
        draw in any::<u128>(),
    ) {
        let needs = Needs { schema, tools, images, budget, ..USUAL };
        let order = order(strategy, &routes, &needs, NOON, draw);
        let mut places = order.places.clone();
        prop_assert!(!places.is_empty());
        places.sort_unstable();
        places.dedup();
        prop_assert_eq!(places.len(), order.places.len());
        prop_assert!(places.iter().all(|place| *place < routes.len()));
        for place in 0..routes.len() {
            let is_told = order.passed_over.iter().any(|(over, _)| *over == place);
            prop_assert!(is_told || order.places.contains(&place));
        }
        prop_assert!(order.passed_over.iter().all(|(place, _)| Some(place) != order.places.first()));
    }

    /// Whoever is ready is asked before whoever rests, and among those ready the strategy holds.
    #[test]
    fn the_strategy_holds_among_those_that_are_ready(
        routes in prop::collection::vec(any_standing(), 1..6),
        draw in any::<u128>(),
    ) {
        let is_ready = |place: &usize| routes[*place].health.rests_ms(NOON).is_none();
        let ready = |strategy| {
            let order = order(strategy, &routes, &USUAL, NOON, draw);
            let is_last_resort = order.reason == ChoiceReason::LastResort;
            let ready = order.places.iter().take_while(|place| is_ready(place)).count();
            prop_assert!(is_last_resort || order.places[ready..].iter().all(|place| !is_ready(place)));
            let places = order.places[..ready].to_vec();
            Ok(if is_last_resort { Vec::new() } else { places })
        };
        let fixed = ready(Strategy::Static)?;
        prop_assert!(fixed.is_sorted());
        let cost = |place: &usize| {
            let cost = routes[*place].expected(&USUAL);
            cost.map_or((1, MicroUsd::ZERO), |cost| (0, cost))
        };
        prop_assert!(ready(Strategy::Cost)?.is_sorted_by_key(cost));
        let soon = |place: &usize| routes[*place].health.expected_ms(NOON);
        let places = ready(Strategy::Latency)?;
        // The first was drawn against another, so it is never the slowest of several.
        if let [first, .., last] = places.as_slice() {
            prop_assert!(soon(first) <= soon(last));
        }
        prop_assert!(places.get(1..).unwrap_or_default().is_sorted_by_key(soon));
    }
}
