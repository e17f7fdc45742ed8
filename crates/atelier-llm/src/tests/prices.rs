//! The price table and its arithmetic.

use std::collections::BTreeMap;

use atelier_model::{MicroUsd, Timestamp, Usage};
use jiff::civil::date;
use proptest::prelude::*;

use crate::{LongPrice, Price, PriceTable, ReadTariffsError, Taken, Tariffs};

/// Some day in 2026.
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn table(overrides: &[(&str, u64)]) -> PriceTable {
    let price = |input| Price {
        input,
        ..Price::FREE
    };
    PriceTable::new(
        overrides
            .iter()
            .map(|(name, input)| ((*name).to_owned(), price(*input)))
            .collect(),
    )
}

#[test]
fn the_built_in_table_is_read_and_knows_dated_versions() {
    let table = PriceTable::new(BTreeMap::new());
    for (model, input, output) in [
        ("gpt-5-mini", 250_000, 2_000_000),
        ("gpt-5-mini-2025-08-07", 250_000, 2_000_000),
        ("gpt-5", 1_250_000, 10_000_000),
        ("claude-sonnet-4-5-20250929", 3_000_000, 15_000_000),
        ("claude-sonnet-4-20250514", 3_000_000, 15_000_000),
        ("claude-opus-4-1", 15_000_000, 75_000_000),
        ("claude-3-5-haiku-latest", 800_000, 4_000_000),
        ("gemini-2.5-pro", 1_250_000, 10_000_000),
        ("gemini-2.5-flash-lite", 100_000, 400_000),
        ("deepseek-v4-flash", 140_000, 280_000),
        ("text-embedding-3-small", 20_000, 0),
    ] {
        let price = table
            .price("openai", model, NOW)
            .unwrap_or_else(|| panic!("{model} has no price"));
        assert_eq!((price.input, price.output), (input, output), "{model}");
    }
    for model in [
        "",
        "gpt-5-mini-fast",
        "gpt-5.9",
        "gpt-oss:20b",
        "claude-opus-4-9",
        "qwen3",
    ] {
        assert_eq!(table.price("openai", model, NOW), None, "{model}");
    }
}

#[test]
fn the_users_prices_go_before_and_the_longest_name_wins() {
    let table = table(&[
        ("gpt-5", 1),
        ("local/*", 2),
        ("local/big*", 3),
        ("local/big", 4),
    ]);
    let input = |model: &str| table.price("openai", model, NOW).map(|price| price.input);
    assert_eq!(input("gpt-5"), Some(1));
    assert_eq!(input("gpt-5-mini"), Some(250_000));
    assert_eq!(input("local/small"), Some(2));
    assert_eq!(input("local/bigger"), Some(3));
    assert_eq!(input("local"), None);
}

#[test]
fn money_is_exact_and_rounds_up() {
    let price = Price {
        input: 2_000_000,
        output: 8_000_000,
        cached_input: Some(500_000),
        cache_write: Some(2_500_000),
        ..Price::FREE
    };
    let cost = |input, output, cached_input, cache_write| {
        price.cost(&Usage {
            input,
            output,
            cached_input,
            cache_write,
            ..Usage::default()
        })
    };
    assert_eq!(cost(0, 0, 0, 0), MicroUsd(0));
    assert_eq!(cost(1_200, 17, 1_024, 100), MicroUsd(152 + 136 + 512 + 250));
    assert_eq!(cost(1, 0, 1, 0), MicroUsd(1), "half a micro-dollar is one");
    assert_eq!(
        cost(10, 0, 50, 50),
        MicroUsd(5),
        "no more is cached than was sent"
    );
    assert_eq!(cost(u64::MAX, u64::MAX, 0, 0), MicroUsd(u64::MAX));
}

#[test]
fn what_is_kept_for_an_hour_costs_twice_the_input_unless_a_price_says_otherwise() {
    let price = Price {
        input: 3_000_000,
        cache_write: Some(3_750_000),
        ..Price::FREE
    };
    let usage = Usage {
        input: 1_000,
        cache_write: 900,
        cache_write_hour: 600,
        ..Usage::default()
    };
    let rest = 300 + 1_125;
    assert_eq!(price.cost(&usage), MicroUsd(rest + 3_600));
    let said = Price {
        cache_write_hour: Some(5_000_000),
        ..price
    };
    assert_eq!(said.cost(&usage), MicroUsd(rest + 3_000));
    // No more is kept for an hour than was written.
    let torn = Usage {
        cache_write_hour: 5_000,
        ..usage
    };
    assert_eq!(said.cost(&torn), MicroUsd(300 + 4_500));
    let batch = Price {
        batch_input: Some(1_500_000),
        ..price
    };
    let halved = 150 + 1_125;
    assert_eq!(batch.in_batch().cost(&usage), MicroUsd(halved + 3_600));
    assert_eq!(price.most(1_000, 0), MicroUsd(3_750));
    assert_eq!(price.for_an_hour().most(1_000, 0), MicroUsd(6_000));
}

#[test]
fn long_prompts_have_a_price_of_their_own() {
    let long = LongPrice {
        above: 1_000,
        input: 4_000_000,
        output: 12_000_000,
        cached_input: None,
        cache_write: None,
    };
    let price = Price {
        input: 2_000_000,
        output: 8_000_000,
        cached_input: Some(500_000),
        long: Some(long),
        ..Price::FREE
    };
    let cost = |input, output, cached_input| {
        price.cost(&Usage {
            input,
            output,
            cached_input,
            ..Usage::default()
        })
    };
    assert_eq!(cost(1_000, 10, 0), MicroUsd(2_000 + 80));
    assert_eq!(
        cost(1_001, 10, 0),
        MicroUsd(4_004 + 120),
        "all of it costs more"
    );
    assert_eq!(cost(2_000, 0, 2_000), MicroUsd(8_000));
    assert_eq!(price.most(1_000, 10), MicroUsd(2_000 + 80));
    assert_eq!(price.most(1_001, 10), MicroUsd(4_004 + 120));
}

#[test]
fn a_batch_has_its_own_price_where_there_is_one() {
    let price = Price {
        input: 2_000_000,
        output: 8_000_000,
        batch_input: Some(1_000_000),
        ..Price::FREE
    };
    assert_eq!(price.in_batch().input, 1_000_000);
    assert_eq!(price.in_batch().output, 8_000_000);
}

/// A price that differs from others in this.
fn costing(input: u64) -> Price {
    Price {
        input,
        ..Price::FREE
    }
}

fn priced(prices: &[(&str, u64)]) -> BTreeMap<String, Price> {
    let one = |(name, input): &(&str, u64)| ((*name).to_owned(), costing(*input));
    prices.iter().map(one).collect()
}

#[test]
fn imported_prices_go_before_those_that_come_along_and_behind_the_users() {
    let mut imported = Tariffs::default();
    let day = date(2026, 1, 1);
    imported.take(priced(&[("gpt-5", 7), ("azure/gpt-5", 8), ("own", 9)]), day);
    let table = table(&[("own", 1)]).with_imported(imported);
    let input = |provider: &str, model: &str| {
        let price = table.price(provider, model, NOW);
        price.map(|price| price.input)
    };
    assert_eq!(input("openai", "gpt-5"), Some(7));
    assert_eq!(input("openai", "gpt-5-2025-08-07"), Some(7));
    assert_eq!(input("azure", "gpt-5"), Some(8));
    assert_eq!(input("openai", "own"), Some(1));
    assert_eq!(input("openai", "gpt-5-mini"), Some(250_000));
}

#[test]
fn a_price_holds_from_its_day_to_the_next() {
    let mut tariffs = Tariffs::default();
    let days = [date(2026, 1, 1), date(2026, 3, 1), date(2026, 3, 1)];
    let taken: Vec<Taken> = days
        .iter()
        .zip([5, 6, 7])
        .map(|(day, input)| tariffs.take(priced(&[("m", input)]), *day))
        .collect();
    assert_eq!(
        (taken[0].added, taken[1].changed, taken[2].changed),
        (1, 1, 1)
    );
    let again = tariffs.take(priced(&[("m", 7)]), date(2026, 5, 1));
    assert_eq!((again.same, again.added, again.changed), (1, 0, 0));
    let read = Tariffs::parse(&tariffs.text()).unwrap();
    assert_eq!(read, tariffs);
    let table = PriceTable::default().with_imported(read);
    let at = |text: &str| {
        let price = table.price("p", "m", text.parse().unwrap());
        price.map(|price| price.input)
    };
    // Before the first import nobody knew better.
    assert_eq!(at("2025-06-01T00:00:00Z"), Some(5));
    assert_eq!(at("2026-02-28T23:59:59.999Z"), Some(5));
    assert_eq!(at("2026-03-01T00:00:00Z"), Some(7), "6 held on no day");
    assert_eq!(at("2030-01-01T00:00:00Z"), Some(7));
}

#[test]
fn a_table_that_cannot_be_read_is_refused_with_its_place() {
    let day = Tariffs::parse("m = { input = 1, output = 2, from = \"yesterday\" }");
    let words = day.unwrap_err().to_string();
    assert!(
        words.contains("`m`") && words.contains("`yesterday`"),
        "{words}"
    );
    let form = Tariffs::parse("m = { input = \"much\", output = 2 }");
    assert!(matches!(form, Err(ReadTariffsError::Form(_))));
}

#[test]
fn a_history_of_prices_has_an_end() {
    let mut tariffs = Tariffs::default();
    let mut day = date(2026, 1, 1);
    for input in 0..100 {
        tariffs.take(priced(&[("m", input)]), day);
        day = day.tomorrow().unwrap();
    }
    let (_, kept) = tariffs.iter().next().unwrap();
    assert_eq!(kept.len(), 32);
    assert_eq!(kept.last().unwrap().price, costing(99));
}

proptest! {
    #[test]
    fn the_worst_case_is_never_below_the_cost(
        prices in prop::array::uniform4(0u64..100_000_000),
        input in 0u64..1_000_000,
        output in 0u64..1_000_000,
        cached in 0u64..1_000_000,
        written in 0u64..1_000_000,
        of_an_hour in 0u64..1_000_000,
        hour in prop::option::of(0u64..100_000_000),
        above in 0u64..1_000_000,
        more in prop::array::uniform4(0u64..100_000_000),
    ) {
        let [plain, answer, read, write] = prices;
        let price = Price {
            input: plain,
            output: answer,
            cached_input: Some(read),
            cache_write: Some(write),
            cache_write_hour: hour,
            long: Some(LongPrice {
                above,
                input: more[0],
                output: more[1],
                cached_input: Some(more[2]),
                cache_write: Some(more[3]),
            }),
            ..Price::FREE
        };
        let usage = Usage {
            input,
            output,
            cached_input: cached,
            cache_write: written,
            cache_write_hour: 0,
        };
        prop_assert!(price.cost(&usage) <= price.most(input, output));
        let kept = Usage { cache_write_hour: of_an_hour, ..usage };
        prop_assert!(price.cost(&kept) <= price.for_an_hour().most(input, output));
    }
}
