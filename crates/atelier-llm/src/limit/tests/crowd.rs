//! Many who ask at once for minutes, against each vendor's contract: how much gets through, and
//! how much is refused.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use atelier_model::{Digest, Timestamp, Usage};

use crate::{
    http::retry_after,
    limit::{
        contract::Contract,
        gate::Ending,
        rate::Rate,
        told,
        turnstile::{Approach, Entry, Place, Ticket, Turn, Turnstile},
        weights::Load,
    },
};

use super::vendors::{Anthropic, Begun, Gemini, OpenAi, Request, START_MS, Vendor};

const MINUTE_MS: i64 = 60_000;

/// A window that had begun before may come back in the first minute, which nobody can know.
const COUNTED_FROM_MS: i64 = START_MS + MINUTE_MS;

/// Nobody gives up in these tests.
const PATIENT: u64 = u64::MAX;

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        low + (self.0 >> 33) % (high - low + 1)
    }

    fn ms(&mut self, low: u64, high: u64) -> i64 {
        i64::try_from(self.between(low, high)).unwrap()
    }
}

/// What those who ask are like.
#[derive(Clone, Copy)]
struct Crowd {
    contract: Contract,
    /// Limits that a person set; without, they have to be learnt.
    rate: Option<Rate>,
    /// Who asks at once, again and again.
    askers: usize,
    /// Bytes of questions, and tokens of answers.
    bytes: (u64, u64),
    output: (u64, u64),
    tokens_max: u64,
    /// Whether answers are written piece by piece; else headers come with the end.
    streams: bool,
    minutes: i64,
}

/// What became of them.
#[derive(Debug, Default)]
struct Tally {
    /// Let in by the vendor.
    let_in: usize,
    /// Refused by the vendor.
    refused: usize,
    /// Sent while the vendor wanted to be left alone.
    early: usize,
}

fn request(dice: &mut Dice, crowd: &Crowd) -> Request {
    let bytes = dice.between(crowd.bytes.0, crowd.bytes.1);
    let input = bytes * dice.between(210, 290) / 1_000 + 12;
    let cached_input = if dice.between(0, 3) == 0 {
        input / 2
    } else {
        0
    };
    let output = dice
        .between(crowd.output.0, crowd.output.1)
        .min(crowd.tokens_max);
    let begin_ms = dice.ms(200, 1_500);
    let end_ms = begin_ms + i64::try_from(output).unwrap() * 12 + 50;
    Request {
        bytes,
        tokens_max: crowd.tokens_max,
        usage: Usage {
            input,
            output,
            cached_input,
            ..Usage::default()
        },
        there_ms: dice.ms(5, 400),
        begin_ms: if crowd.streams { begin_ms } else { end_ms },
        end_ms,
    }
}

/// How many would be answered if the vendor itself called up who comes next.
fn ideal(crowd: &Crowd, vendor: &mut dyn Vendor) -> usize {
    let mut dice = Dice(7);
    let end = START_MS + crowd.minutes * MINUTE_MS;
    // When each asker is free again.
    let mut free: BinaryHeap<Reverse<i64>> = (0..crowd.askers).map(|_| Reverse(START_MS)).collect();
    let mut now = START_MS;
    let mut answered = 0;
    while let Some(Reverse(at)) = free.pop() {
        let next = request(&mut dice, crowd);
        now = now.max(at);
        while vendor.fair_wait_ms(&next, now) > 0 {
            now += 1;
        }
        if now >= end {
            break;
        }
        assert!(!vendor.arrive(&next, now).is_refused);
        answered += usize::from(now >= COUNTED_FROM_MS);
        free.push(Reverse(now + next.there_ms + next.end_ms));
    }
    answered
}

enum What {
    Arrives(usize),
    Begins(usize, Begun),
    Ends(usize),
    Wakes,
    OthersUse(i64, i64),
}

/// The simulated world: askers, their way to the vendor, and the turnstile before it.
struct World<'v> {
    crowd: Crowd,
    vendor: &'v mut dyn Vendor,
    turnstile: Turnstile,
    target: Digest,
    dice: Dice,
    now: i64,
    events: BTreeMap<(i64, u64), What>,
    serial: u64,
    waiting: BTreeMap<u64, (Place, Request)>,
    sent: Vec<(Request, Option<Ticket>)>,
    shut_until: i64,
    wakes_at: i64,
    /// Numbers in the order in which they were sent first.
    order: Vec<u64>,
    tally: Tally,
}

impl<'v> World<'v> {
    fn new(crowd: Crowd, vendor: &'v mut dyn Vendor) -> Self {
        Self {
            crowd,
            vendor,
            turnstile: Turnstile::default(),
            target: Digest::of("target"),
            dice: Dice(7),
            now: START_MS,
            events: BTreeMap::new(),
            serial: 0,
            waiting: BTreeMap::new(),
            sent: Vec::new(),
            shut_until: i64::MIN,
            wakes_at: i64::MIN,
            order: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn run(mut self, others: &[(i64, i64, i64)]) -> (Tally, Vec<u64>) {
        for (after_ms, requests, tokens) in others {
            self.at(START_MS + after_ms, What::OthersUse(*requests, *tokens));
        }
        for _ in 0..self.crowd.askers {
            let next = request(&mut self.dice, &self.crowd);
            self.enter(next, None);
        }
        self.call();
        let end = START_MS + self.crowd.minutes * MINUTE_MS;
        while let Some(((at, _), what)) = self.events.pop_first() {
            if at >= end {
                break;
            }
            self.now = at;
            self.happen(what);
            self.call();
        }
        (self.tally, self.order)
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn at(&mut self, at: i64, what: What) {
        self.serial += 1;
        self.events.insert((at, self.serial), what);
    }

    fn wake_at(&mut self, at: i64) {
        if self.wakes_at <= self.now || at < self.wakes_at {
            self.wakes_at = at;
            self.at(at, What::Wakes);
        }
    }

    fn enter(&mut self, request: Request, number: Option<u64>) {
        let rate = self.crowd.rate;
        let approach = Approach {
            target: self.target,
            contract: self.crowd.contract,
            trial: rate.is_none() && self.crowd.contract.tells(),
            label: ("vendor", "model"),
            rates: rate
                .iter()
                .map(|rate| (Digest::of("rate"), "vendor", rate))
                .collect(),
        };
        let load = Load {
            bytes: request.bytes,
            tokens_max: Some(request.tokens_max),
        };
        match self
            .turnstile
            .enter(&approach, load, number, PATIENT, self.time())
        {
            Entry::Go(ticket) => self.send(request, ticket),
            Entry::Wait(place) => {
                self.waiting.insert(place.number, (place, request));
            }
            Entry::TooLong(lack) => panic!("{lack:?}"),
            Entry::Full => panic!("full"),
        }
    }

    /// Everybody who is first somewhere asks whether it is their turn.
    fn call(&mut self) {
        loop {
            let heads: Vec<u64> = self.turnstile.heads().collect();
            let mut is_over = true;
            for number in heads {
                let (place, request) = self.waiting[&number];
                match self.turnstile.turn(place, self.time()) {
                    Turn::Go(ticket) => {
                        self.waiting.remove(&number);
                        self.send(request, ticket);
                        is_over = false;
                    }
                    Turn::Wait {
                        wait_ms: Some(wait_ms),
                        ..
                    } => {
                        self.wake_at(self.now + i64::try_from(wait_ms).unwrap().max(1));
                    }
                    Turn::Wait { wait_ms: None, .. } => {}
                }
            }
            if is_over {
                return;
            }
        }
    }

    fn send(&mut self, request: Request, ticket: Ticket) {
        if self.now < self.shut_until {
            self.tally.early += 1;
        }
        self.order.push(ticket.number);
        self.sent.push((request, Some(ticket)));
        let index = self.sent.len() - 1;
        self.at(self.now + request.there_ms, What::Arrives(index));
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Arrives(index) => {
                let request = self.sent[index].0;
                let begun = self.vendor.arrive(&request, self.now);
                let after_ms = if begun.is_refused {
                    REFUSAL_MS
                } else {
                    request.begin_ms
                };
                let is_counted = !begun.is_refused && self.now >= COUNTED_FROM_MS;
                self.tally.let_in += usize::from(is_counted);
                self.at(self.now + after_ms, What::Begins(index, begun));
            }
            What::Begins(index, begun) => self.begin(index, &begun),
            What::Ends(index) => {
                let usage = self.sent[index].0.usage;
                self.end(index, &Ending::Answered(usage));
                let next = request(&mut self.dice, &self.crowd);
                self.enter(next, None);
            }
            What::Wakes => {}
            What::OthersUse(requests, tokens) => self.vendor.use_up(requests, tokens, self.now),
        }
    }

    fn begin(&mut self, index: usize, begun: &Begun) {
        let now = self.time();
        let (request, ticket) = &self.sent[index];
        let ticket = ticket.as_ref().unwrap();
        let number = ticket.number;
        let told = told::of_headers(&begun.headers, now);
        self.turnstile.hear(ticket, &told, now);
        if !begun.is_refused {
            let ends = self.now + request.end_ms - request.begin_ms;
            self.at(ends, What::Ends(index));
            return;
        }
        let wait_ms = retry_after::millis(&begun.headers, now)
            .or_else(|| retry_after::in_body(&begun.body))
            .unwrap();
        let limits = told::of_refusal(&begun.body);
        self.turnstile.exceeded(ticket, &limits, wait_ms, now);
        self.end(
            index,
            &Ending::Crowded {
                wait_ms: Some(wait_ms),
            },
        );
        self.tally.refused += 1;
        self.shut_until = self
            .shut_until
            .max(self.now + i64::try_from(wait_ms).unwrap());
        let request = self.sent[index].0;
        self.enter(request, Some(number));
    }

    fn end(&mut self, index: usize, ending: &Ending) {
        let ticket = self.sent[index].1.take().unwrap();
        self.turnstile.end(&ticket, ending, self.time());
    }
}

/// Milliseconds that a refusal takes to come back.
const REFUSAL_MS: i64 = 20;

/// At least 95 of 100 that the contract allows get through, and none is refused.
fn check(crowd: Crowd, vendor: impl Fn() -> Box<dyn Vendor>) {
    let ideal = ideal(&crowd, &mut *vendor());
    let (tally, _) = World::new(crowd, &mut *vendor()).run(&[]);
    assert_eq!(tally.refused, 0, "{tally:?} of {ideal}");
    assert!(tally.let_in * 100 >= ideal * 95, "{tally:?} of {ideal}");
}

fn crowd(contract: Contract) -> Crowd {
    Crowd {
        contract,
        rate: None,
        askers: 120,
        bytes: (200, 12_000),
        output: (50, 900),
        tokens_max: 1_000,
        streams: true,
        minutes: 11,
    }
}

fn anthropic() -> Box<dyn Vendor> {
    Box::new(Anthropic::new(200, 160_000, 60_000))
}

fn openai() -> Box<dyn Vendor> {
    Box::new(OpenAi::new(120, 200_000))
}

fn gemini() -> Box<dyn Vendor> {
    Box::new(Gemini::new(120, 150_000, 17_000))
}

fn gemini_rate() -> Rate {
    Rate {
        requests_per_minute: Some(120),
        tokens_per_minute: Some(150_000),
        ..Rate::default()
    }
}

#[test]
fn anthropic_is_asked_as_often_as_it_allows() {
    check(crowd(Contract::Anthropic), anthropic);
}

#[test]
fn openai_is_asked_as_often_as_it_allows() {
    check(crowd(Contract::OpenAi), openai);
}

#[test]
fn gemini_is_asked_as_often_as_a_person_says() {
    let crowd = Crowd {
        rate: Some(gemini_rate()),
        ..crowd(Contract::Gemini)
    };
    check(crowd, gemini);
}

#[test]
fn each_limit_may_be_the_tightest() {
    let anthropic = |requests, input, output| {
        check(crowd(Contract::Anthropic), move || {
            Box::new(Anthropic::new(requests, input, output))
        });
    };
    anthropic(50, 1_000_000, 1_000_000);
    anthropic(5_000, 40_000, 1_000_000);
    anthropic(5_000, 1_000_000, 16_000);
    let openai = |requests, tokens| {
        check(crowd(Contract::OpenAi), move || {
            Box::new(OpenAi::new(requests, tokens))
        });
    };
    openai(60, 2_000_000);
    openai(3_000, 40_000);
}

#[test]
fn headers_that_come_with_the_end_of_an_answer_are_as_good() {
    let whole = |contract| Crowd {
        streams: false,
        ..crowd(contract)
    };
    check(whole(Contract::Anthropic), anthropic);
    check(whole(Contract::OpenAi), openai);
    check(
        Crowd {
            rate: Some(gemini_rate()),
            ..whole(Contract::Gemini)
        },
        gemini,
    );
}

#[test]
fn few_who_ask_and_many_who_ask_get_what_there_is() {
    for askers in [1, 4, 25, 600] {
        check(
            Crowd {
                askers,
                ..crowd(Contract::Anthropic)
            },
            anthropic,
        );
        check(
            Crowd {
                askers,
                ..crowd(Contract::OpenAi)
            },
            openai,
        );
        let rate = Some(gemini_rate());
        check(
            Crowd {
                rate,
                askers,
                ..crowd(Contract::Gemini)
            },
            gemini,
        );
    }
}

#[test]
fn a_limit_that_nobody_told_is_learnt_from_the_first_refusal() {
    let crowd = crowd(Contract::Gemini);
    let make = || Gemini::new(60, 10_000_000, 17_000);
    let ideal = ideal(&crowd, &mut make());
    let (tally, _) = World::new(crowd, &mut make()).run(&[]);
    // Those who were on their way already are refused with the first.
    assert!(tally.refused <= crowd.askers, "{tally:?}");
    assert_eq!(tally.early, 0);
    assert!(tally.let_in * 100 >= ideal * 85, "{tally:?} of {ideal}");
}

#[test]
fn a_wait_that_others_have_caused_is_kept_by_everyone() {
    let others: Vec<_> = (1..20).map(|turn| (turn * 25_000, 30, 60_000)).collect();
    for (contract, vendor) in [
        (Contract::Anthropic, anthropic as fn() -> Box<dyn Vendor>),
        (Contract::OpenAi, openai),
        (Contract::Gemini, gemini),
    ] {
        let rate = (contract == Contract::Gemini).then(gemini_rate);
        let crowd = Crowd {
            rate,
            ..crowd(contract)
        };
        let (tally, _) = World::new(crowd, &mut *vendor()).run(&others);
        assert!(tally.let_in > 100, "{contract:?} {tally:?}");
        assert_eq!(tally.early, 0, "{contract:?} {tally:?}");
    }
}

#[test]
fn whoever_came_first_is_sent_first() {
    let (_, order) = World::new(crowd(Contract::OpenAi), &mut *openai()).run(&[]);
    assert!(order.len() > 100);
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
}
