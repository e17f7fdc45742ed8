//! Who passes which gates, in which order, and what that costs them.

use atelier_model::{Digest, Timestamp, Usage};

use crate::limit::{
    contract::Contract,
    gate::{Ending, Lack},
    rate::{Rate, RateTable},
    turnstile::{Approach, Entry, Place, Ticket, Turn, Turnstile, WAITING_MAX},
    weights::{Load, Weights},
};

const PATIENT: u64 = u64::MAX;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + ms)
}

/// A small request.
const LOAD: Load = Load {
    bytes: 400,
    tokens_max: Some(100),
};

/// Somebody who asks a model of a provider with one key, under these limits.
struct Asker {
    target: Digest,
    contract: Contract,
    rates: Vec<(Digest, Rate)>,
    trial: bool,
}

impl Asker {
    fn of(model: &str, rates: &[(&str, Rate)]) -> Self {
        let line = |(name, rate): &(&str, Rate)| (Digest::of(name), *rate);
        Self {
            target: Digest::of(model),
            contract: Contract::Plain,
            rates: rates.iter().map(line).collect(),
            trial: false,
        }
    }

    fn enter(&self, turnstile: &mut Turnstile, number: Option<u64>, now: i64) -> Entry {
        self.enter_with(turnstile, number, PATIENT, now)
    }

    fn enter_with(
        &self,
        turnstile: &mut Turnstile,
        number: Option<u64>,
        most: u64,
        now: i64,
    ) -> Entry {
        let approach = Approach {
            target: self.target,
            contract: self.contract,
            trial: self.trial,
            label: ("vendor", "model"),
            rates: self
                .rates
                .iter()
                .map(|(name, rate)| (*name, "line", rate))
                .collect(),
        };
        turnstile.enter(&approach, LOAD, number, most, at(now))
    }

    fn go(&self, turnstile: &mut Turnstile, now: i64) -> Ticket {
        match self.enter(turnstile, None, now) {
            Entry::Go(ticket) => ticket,
            other @ (Entry::Wait(_) | Entry::TooLong(_) | Entry::Full) => panic!("{other:?}"),
        }
    }

    fn wait(&self, turnstile: &mut Turnstile, now: i64) -> Place {
        match self.enter(turnstile, None, now) {
            Entry::Wait(place) => place,
            other @ (Entry::Go(_) | Entry::TooLong(_) | Entry::Full) => panic!("{other:?}"),
        }
    }
}

fn goes(turnstile: &mut Turnstile, place: Place, now: i64) -> Option<Ticket> {
    match turnstile.turn(place, at(now)) {
        Turn::Go(ticket) => Some(ticket),
        Turn::Wait { .. } => None,
    }
}

fn at_once(limit: u64) -> Rate {
    Rate {
        requests_at_once: Some(limit),
        ..Rate::default()
    }
}

fn a_minute(limit: u64) -> Rate {
    Rate {
        requests_per_minute: Some(limit),
        ..Rate::default()
    }
}

fn answered() -> Ending {
    Ending::Answered(Usage {
        input: 100,
        output: 50,
        ..Usage::default()
    })
}

#[test]
fn so_many_are_under_way_at_once_and_no_more() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[("vendor", at_once(2))]);
    let first = asker.go(&mut turnstile, 0);
    let _second = asker.go(&mut turnstile, 0);
    let third = asker.wait(&mut turnstile, 0);
    assert!(goes(&mut turnstile, third, 1).is_none());
    turnstile.end(&first, &answered(), at(2));
    assert!(goes(&mut turnstile, third, 2).is_some());
}

#[test]
fn whoever_came_first_goes_first_and_whoever_leaves_makes_room() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[("vendor", at_once(1))]);
    let under_way = asker.go(&mut turnstile, 0);
    let places = [0, 1, 2].map(|now| asker.wait(&mut turnstile, now));
    turnstile.end(&under_way, &answered(), at(3));
    // Also whoever comes just now has to wait for those who are there.
    let late = asker.wait(&mut turnstile, 3);
    assert!(goes(&mut turnstile, places[1], 3).is_none());
    turnstile.leave(places[0]);
    assert!(goes(&mut turnstile, late, 4).is_none());
    let second = goes(&mut turnstile, places[1], 4).unwrap();
    turnstile.end(&second, &answered(), at(5));
    let third = goes(&mut turnstile, places[2], 5).unwrap();
    turnstile.end(&third, &answered(), at(6));
    assert!(goes(&mut turnstile, late, 6).is_some());
    assert_eq!(turnstile.waiting(), 0);
}

#[test]
fn whoever_comes_back_keeps_the_place() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[("vendor", at_once(1))]);
    let first = asker.go(&mut turnstile, 0);
    let number = first.number;
    let second = asker.wait(&mut turnstile, 0);
    turnstile.end(
        &first,
        &Ending::Crowded {
            wait_ms: Some(1_000),
        },
        at(1),
    );
    let Entry::Wait(again) = asker.enter(&mut turnstile, Some(number), 2) else {
        panic!("it is shut");
    };
    assert!(goes(&mut turnstile, second, 1_001).is_none());
    assert!(goes(&mut turnstile, again, 1_001).is_some());
}

#[test]
fn one_models_queue_does_not_hold_up_another_model() {
    let mut turnstile = Turnstile::default();
    let small = Asker::of(
        "small",
        &[("vendor", a_minute(100)), ("small", a_minute(1))],
    );
    let large = Asker::of("large", &[("vendor", a_minute(100))]);
    small.go(&mut turnstile, 0);
    let waiting = small.wait(&mut turnstile, 0);
    large.go(&mut turnstile, 0);
    assert!(goes(&mut turnstile, waiting, 0).is_none());
}

#[test]
fn what_all_models_share_goes_to_whoever_came_first() {
    let mut turnstile = Turnstile::default();
    let first = Asker::of("first", &[("vendor", a_minute(1))]);
    let other = Asker::of("other", &[("vendor", a_minute(1))]);
    first.go(&mut turnstile, 0);
    let places = [first.wait(&mut turnstile, 0), other.wait(&mut turnstile, 1)];
    assert!(goes(&mut turnstile, places[1], 62_000).is_none());
    assert!(goes(&mut turnstile, places[0], 62_000).is_some());
    assert!(goes(&mut turnstile, places[1], 62_000).is_none());
    assert!(goes(&mut turnstile, places[1], 124_000).is_some());
}

#[test]
fn a_providers_wait_is_its_models_own_and_a_second_refusal_cannot_shorten_it() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[("vendor", a_minute(100))]);
    let other = Asker::of("n", &[("vendor", a_minute(100))]);
    let tickets = [asker.go(&mut turnstile, 0), asker.go(&mut turnstile, 0)];
    turnstile.end(
        &tickets[0],
        &Ending::Crowded {
            wait_ms: Some(9_000),
        },
        at(100),
    );
    turnstile.end(&tickets[1], &Ending::Crowded { wait_ms: Some(10) }, at(101));
    assert_eq!(
        turnstile.gate(&asker.target).unwrap().shut_ms(at(101)),
        8_999
    );
    let place = asker.wait(&mut turnstile, 200);
    other.go(&mut turnstile, 200);
    assert!(goes(&mut turnstile, place, 9_099).is_none());
    assert!(goes(&mut turnstile, place, 9_100).is_some());
}

#[test]
fn after_a_wait_one_goes_ahead_to_see() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[]);
    let refused = asker.go(&mut turnstile, 0);
    turnstile.end(
        &refused,
        &Ending::Crowded {
            wait_ms: Some(1_000),
        },
        at(0),
    );
    let places = [asker.wait(&mut turnstile, 1), asker.wait(&mut turnstile, 1)];
    let first = goes(&mut turnstile, places[0], 1_000).unwrap();
    assert!(goes(&mut turnstile, places[1], 1_001).is_none());
    turnstile.hear(&first, &[], at(1_200));
    assert!(goes(&mut turnstile, places[1], 1_200).is_some());
}

#[test]
fn refusals_without_a_wait_are_waited_for_longer_and_longer() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[]);
    let mut now = 0;
    for wait_ms in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
        let ticket = asker.go(&mut turnstile, now);
        turnstile.end(&ticket, &Ending::Crowded { wait_ms: None }, at(now));
        let shut_ms = turnstile.gate(&asker.target).unwrap().shut_ms(at(now));
        assert_eq!(shut_ms, wait_ms);
        now += i64::try_from(wait_ms).unwrap();
    }
    let ticket = asker.go(&mut turnstile, now);
    turnstile.end(&ticket, &answered(), at(now));
    let ticket = asker.go(&mut turnstile, now);
    turnstile.end(&ticket, &Ending::Crowded { wait_ms: None }, at(now));
    assert_eq!(
        turnstile.gate(&asker.target).unwrap().shut_ms(at(now)),
        1_000
    );
}

#[test]
fn the_first_of_all_goes_alone_until_its_answer_begins() {
    let mut turnstile = Turnstile::default();
    let mut asker = Asker::of("m", &[]);
    asker.trial = true;
    let first = asker.go(&mut turnstile, 0);
    let second = asker.wait(&mut turnstile, 0);
    assert!(goes(&mut turnstile, second, 500).is_none());
    // One that gives up before it learns anything leaves it to the next.
    turnstile.end(&first, &Ending::Lost, at(600));
    let ticket = goes(&mut turnstile, second, 600).unwrap();
    let third = asker.wait(&mut turnstile, 600);
    assert!(goes(&mut turnstile, third, 3_599).is_none());
    // And nobody waits for it for ever.
    assert!(goes(&mut turnstile, third, 3_600).is_some());
    turnstile.end(&ticket, &answered(), at(4_000));
    asker.go(&mut turnstile, 4_000);
}

#[test]
fn what_was_not_sent_costs_nothing() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[("vendor", a_minute(1))]);
    let ticket = asker.go(&mut turnstile, 0);
    turnstile.end(&ticket, &Ending::Unsent, at(10));
    let ticket = asker.go(&mut turnstile, 20);
    turnstile.end(&ticket, &Ending::Lost, at(30));
    asker.wait(&mut turnstile, 40);
}

#[test]
fn whoever_would_wait_too_long_is_told_at_once_and_why() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[("vendor", a_minute(2))]);
    for _ in 0..2 {
        asker.go(&mut turnstile, 0);
    }
    for _ in 0..2 {
        let entry = asker.enter_with(&mut turnstile, None, 70_000, 0);
        assert!(matches!(entry, Entry::Wait(_)), "{entry:?}");
    }
    // Two go after a minute; the third would have to wait for a second one.
    let Entry::TooLong(lack) = asker.enter_with(&mut turnstile, None, 70_000, 0) else {
        panic!("it has to wait for two minutes");
    };
    assert_eq!(lack.words(), "2 requests a minute");
    assert!(
        matches!(
            lack,
            Lack::Rate {
                wait_ms: 70_001..,
                ..
            }
        ),
        "{lack:?}"
    );
}

#[test]
fn a_queue_has_an_end() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[("vendor", at_once(1))]);
    asker.go(&mut turnstile, 0);
    for _ in 0..WAITING_MAX {
        asker.wait(&mut turnstile, 0);
    }
    assert!(matches!(asker.enter(&mut turnstile, None, 0), Entry::Full));
}

#[test]
fn limits_that_a_person_changes_count_from_then_on() {
    let mut turnstile = Turnstile::default();
    let asker = Asker::of("m", &[("vendor", a_minute(3))]);
    for _ in 0..3 {
        asker.go(&mut turnstile, 0);
    }
    let more = Asker::of("m", &[("vendor", a_minute(4))]);
    more.go(&mut turnstile, 1);
    more.wait(&mut turnstile, 2);
    let less = Asker::of("m", &[("vendor", at_once(100))]);
    // Whoever waits goes first, now that nothing is counted over time.
    less.wait(&mut turnstile, 3);
}

#[test]
fn vendors_count_each_their_own() {
    let load = Load {
        bytes: 4_000,
        tokens_max: Some(8_000),
    };
    let usage = Usage {
        input: 1_000,
        output: 300,
        cached_input: 600,
        ..Usage::default()
    };
    let tokens = |contract: Contract| {
        use crate::limit::measure::Measure as M;
        let reserved = contract.reserve(&load, &Weights::default());
        let settled = contract.settle(&usage).unwrap_or(reserved);
        let all = |amounts: crate::limit::measure::Amounts| {
            [M::Tokens, M::Input, M::Output].map(|measure| amounts.of(measure))
        };
        (all(reserved), all(settled))
    };
    let input = 1_216;
    let both = [input + 8_000, input, 8_000];
    assert_eq!(tokens(Contract::OpenAi), (both, both));
    assert_eq!(tokens(Contract::Anthropic), (both, [700, 400, 300]));
    let gemini = ([input, input, 8_000], [1_000, 1_000, 300]);
    assert_eq!(tokens(Contract::Gemini), gemini);
    assert_eq!(tokens(Contract::Plain), (both, [1_300, 1_000, 300]));
}

#[test]
fn tokens_for_bytes_are_learnt() {
    let mut weights = Weights::default();
    let load = Load {
        bytes: 10_000,
        tokens_max: Some(4_000),
    };
    assert_eq!(weights.output(&load), 4_000);
    for _ in 0..200 {
        let usage = Usage {
            input: 2_016,
            output: 500,
            ..Usage::default()
        };
        weights.learn(&load, &usage);
    }
    // Rather a little too much than too little.
    assert!(
        (2_016..2_100).contains(&weights.input(10_000)),
        "{weights:?}"
    );
    assert!((500..600).contains(&weights.output(&load)), "{weights:?}");
}

#[test]
fn a_line_stands_for_a_provider_a_model_or_a_family() {
    let table = RateTable::new(
        [
            "openai",
            "openai/gpt-5",
            "openai/gpt-5*",
            "openai/o*",
            "openrouter",
            "open",
        ]
        .map(|name| (name.to_owned(), Rate::default()))
        .into(),
    );
    let lines = |provider: &str, model: &str| -> Vec<String> {
        let lines = table.of(provider, model).into_iter();
        lines.map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(
        lines("openai", "gpt-5"),
        ["openai", "openai/gpt-5", "openai/gpt-5*"]
    );
    assert_eq!(lines("openai", "gpt-5-mini"), ["openai", "openai/gpt-5*"]);
    assert_eq!(lines("openrouter", "openai/gpt-5"), ["openrouter"]);
    assert!(lines("gemini", "gpt-5").is_empty());
}
