//! The price table and its arithmetic.

use std::collections::BTreeMap;

use atelier_model::{MicroUsd, Usage};
use proptest::prelude::*;

use crate::{Price, PriceTable};

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
            .price(model)
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
        assert_eq!(table.price(model), None, "{model}");
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
    let input = |model: &str| table.price(model).map(|price| price.input);
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
    };
    let cost = |input, output, cached_input, cache_write| {
        price.cost(&Usage {
            input,
            output,
            cached_input,
            cache_write,
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

proptest! {
    #[test]
    fn the_worst_case_is_never_below_the_cost(
        prices in prop::array::uniform4(0u64..100_000_000),
        input in 0u64..1_000_000,
        output in 0u64..1_000_000,
        cached in 0u64..1_000_000,
        written in 0u64..1_000_000,
    ) {
        let [plain, answer, read, write] = prices;
        let price = Price {
            input: plain,
            output: answer,
            cached_input: Some(read),
            cache_write: Some(write),
        };
        let usage = Usage { input, output, cached_input: cached, cache_write: written };
        prop_assert!(price.cost(&usage) <= price.most(input, output));
    }
}
