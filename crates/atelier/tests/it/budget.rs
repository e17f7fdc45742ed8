//! Money: whatever prices, budgets, usages and failures come, no more is spent than was allowed.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    thread,
};

use atelier_model::MicroUsd;
use atelier_testkit::{
    Dialect, Fixture, Mode, Prices, Script, Seen, Server, Times, UsageShown, chain,
};

use crate::world::{Ended, World};

/// Runs that are only planned: many asks, three of them at once.
const PLANNED: u64 = 185;
/// Runs that are built.
const BUILT: u64 = 15;
/// Runs under way at the same time.
const AT_ONCE: usize = 2;
/// Runs of each end without which the test would say little.
const OF_EACH_MIN: usize = 20;
/// Prompt tokens around which budgets are chosen.
const PROMPT_TOKENS: u64 = 12_000;
/// A budget nothing here reaches.
const PLENTY: &str = "100000";

/// Numbers that look like chance and are the same every time.
struct Chance(u64);

impl Chance {
    /// A number from `low` to `high`, both included.
    fn within(&mut self, low: u64, high: u64) -> u64 {
        // The generator known as SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (bits ^ (bits >> 31)) % (high - low + 1)
    }

    fn mode(&mut self) -> Mode {
        let times = Times::First(u32::try_from(self.within(1, 3)).unwrap());
        match self.within(0, 4) {
            0 => Mode::Truncated(times),
            1 => Mode::ServerError { status: 500, times },
            2 => Mode::RateLimited {
                retry_after: 0,
                times,
            },
            _ => Mode::Oracle,
        }
    }

    fn usage(&mut self) -> UsageShown {
        match self.within(0, 2) {
            0 => UsageShown::Usual,
            1 => UsageShown::Expensive,
            _ => UsageShown::Missing,
        }
    }
}

/// What is the same over all invocations of one run.
struct Case {
    seed: u64,
    world: World,
    prices: Prices,
    tokens_max: u64,
    budget: MicroUsd,
}

impl Case {
    /// `asks` is how many worst cases the budget may be enough for.
    fn new(seed: u64, fixture: &Fixture, asks: u64) -> Self {
        let mut chance = Chance(seed);
        let script = Script::new(chance.mode())
            .with_fixture(fixture.clone())
            .with_usage(chance.usage());
        let prices = Prices {
            input: chance.within(0, 15_000_000),
            output: chance.within(1, 75_000_000),
        };
        let tokens_max = chance.within(4_000, 12_000);
        let worst = (PROMPT_TOKENS * prices.input + tokens_max * prices.output) / 1_000_000;
        let dialect = Dialect::ALL[usize::try_from(seed % 4).unwrap()];
        Self {
            seed,
            world: World::with(script, dialect),
            prices,
            tokens_max,
            budget: MicroUsd(chance.within(0, worst * asks)),
        }
    }

    fn server(&self) -> &Server {
        self.world.server()
    }

    fn run(&self, command: &str, budget: &str, words: &[&str]) -> Ended {
        let settings = [
            format!("prices.standin-large.input={}", dollars(self.prices.input)),
            format!(
                "prices.standin-large.output={}",
                dollars(self.prices.output)
            ),
            format!("tokens_max={}", self.tokens_max),
        ];
        let mut args = vec!["--quiet"];
        for setting in &settings {
            args.extend(["-c", setting]);
        }
        args.extend([command, "--budget", budget]);
        args.extend(words);
        self.world.run(&args)
    }

    /// The stand-in's own ledger and the program's are both within the budget.
    fn check(&self, ended: &Ended) {
        let seed = self.seed;
        let served = self.server().spent(self.prices).cost;
        let events = self.world.events();
        let counted = events.iter().rfind(|event| event["type"] == "run.finished");
        let counted = counted.and_then(|event| event["cost"].as_u64());
        let counted = MicroUsd(counted.unwrap_or_default());
        let budget = self.budget;
        assert!(
            served <= budget,
            "seed {seed}: {served:?} served, {budget:?} allowed"
        );
        assert!(
            counted <= budget,
            "seed {seed}: {counted:?} counted, {budget:?} allowed"
        );
        assert!(
            served <= counted,
            "seed {seed}: {served:?} served, {counted:?} counted"
        );
        assert_eq!(
            self.server().violations(),
            Vec::<String>::new(),
            "seed {seed}"
        );
        let code = ended.code.unwrap();
        assert!([0, 12].contains(&code), "seed {seed}: {}", ended.all());
        if code == 12 {
            assert!(
                ended.line("hint: ").contains("--budget"),
                "seed {seed}: {}",
                ended.all()
            );
        }
    }

    /// With more money the run ends well, and no answer that was given is asked for again.
    fn check_going_on(&self, command: &str, words: &[&str]) {
        let ended = self.run(command, PLENTY, words);
        assert_eq!(ended.code, Some(0), "seed {}: {}", self.seed, ended.all());
        let seen = self.server().requests();
        let mut answered: Vec<_> = seen
            .iter()
            .filter(|seen| seen.answered)
            .map(|seen: &Seen| &seen.digest)
            .collect();
        let all = answered.len();
        answered.sort_unstable();
        answered.dedup();
        assert_eq!(
            answered.len(),
            all,
            "seed {}: an answer was paid for twice",
            self.seed
        );
    }
}

/// Micro-dollars as dollars, exactly.
fn dollars(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[test]
fn no_planning_spends_more_than_its_budget() {
    let fixture = chain(21).unwrap();
    let (stopped, finished) = over_seeds(1..=PLANNED, |seed| {
        let case = Case::new(seed, &fixture, 9);
        let budget = dollars(case.budget.0);
        let ended = case.run("plan", &budget, &[&fixture.requirement]);
        case.check(&ended);
        if ended.code == Some(12) && seed % 4 == 0 {
            case.check_going_on("plan", &[&fixture.requirement]);
        }
        ended.code == Some(12)
    });
    assert!(
        stopped >= OF_EACH_MIN,
        "{stopped} runs were stopped by their budget"
    );
    assert!(finished >= OF_EACH_MIN, "{finished} runs had enough");
}

#[test]
fn no_build_spends_more_than_its_budget() {
    let fixture = chain(2).unwrap();
    let (stopped, _) = over_seeds(1_001..=1_000 + BUILT, |seed| {
        let case = Case::new(seed, &fixture, 7);
        let budget = dollars(case.budget.0);
        let ended = case.run("build", &budget, &[&fixture.requirement]);
        case.check(&ended);
        if ended.code == Some(12) {
            case.check_going_on("resume", &[]);
        }
        ended.code == Some(12)
    });
    assert!(stopped > 0, "no build was stopped by its budget");
}

/// Runs a case for every seed; returns how many were stopped and how many were not.
fn over_seeds(
    seeds: std::ops::RangeInclusive<u64>,
    stops: impl Fn(u64) -> bool + Sync,
) -> (usize, usize) {
    let next = AtomicU64::new(*seeds.start());
    let (stopped, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > *seeds.end() {
                        return;
                    }
                    let count = if stops(seed) { &stopped } else { &finished };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    (stopped.into_inner(), finished.into_inner())
}
