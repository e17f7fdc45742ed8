//! Both public forms, their odd corners, and prices that make no sense.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(list: &Value) -> ImportedPrices {
    read_prices(&list.to_string()).unwrap()
}

#[test]
fn a_list_of_prices_by_the_token() {
    // Written as the list writes it: the exponents are part of the form.
    let text = r#"{
        "sample_spec": {"input_cost_per_token": "a float", "litellm_provider": "one of …"},
        "gpt-5": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.25e-06,
            "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-07,
            "input_cost_per_token_batches": 6.25e-07, "output_cost_per_token_batches": 5e-06,
            "max_input_tokens": 272000, "supports_vision": true, "a_field_of_next_year": {}},
        "gemini/gemini-2.5-pro": {"litellm_provider": "gemini", "input_cost_per_token": 1.25e-06,
            "output_cost_per_token": 1e-05, "input_cost_per_token_above_200k_tokens": 2.5e-06,
            "output_cost_per_token_above_200k_tokens": 1.5e-05},
        "gemini-2.5-pro": {"litellm_provider": "vertex_ai-language-models",
            "input_cost_per_token": 9e-06, "output_cost_per_token": 9e-06},
        "claude-sonnet-4-5": {"litellm_provider": "anthropic", "input_cost_per_token": 3e-06,
            "output_cost_per_token": 1.5e-05, "cache_creation_input_token_cost": 3.75e-06,
            "cache_creation_input_token_cost_above_1hr": 6e-06},
        "azure/gpt-5": {"litellm_provider": "azure", "input_cost_per_token": 1.375e-06,
            "output_cost_per_token": 1.1e-05},
        "text-embedding-3-small": {"litellm_provider": "openai", "mode": "embedding",
            "input_cost_per_token": 2e-08},
        "dall-e-3": {"litellm_provider": "openai", "mode": "image_generation",
            "output_cost_per_image": 0.04},
        "broken": {"litellm_provider": "openai", "input_cost_per_token": -1e-06},
        "half": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06},
        "alone": {"input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
        "worse": {"litellm_provider": "openai", "input_cost_per_token": "cheap"}
    }"#;
    let read = read_prices(text).unwrap();
    assert_eq!(read.source, PriceSource::LiteLlm);
    let price = |name: &str| read.prices.get(name).copied().unwrap();
    let gpt = price("gpt-5");
    assert_eq!((gpt.input, gpt.output), (1_250_000, 10_000_000));
    assert_eq!(gpt.cached_input, Some(125_000));
    assert_eq!(
        (gpt.batch_input, gpt.batch_output),
        (Some(625_000), Some(5_000_000))
    );
    assert_eq!(price("openai/gpt-5"), gpt);
    // The vendor's own price stands under the bare name, not a reseller's.
    let gemini = price("gemini-2.5-pro");
    assert_eq!(gemini.input, 1_250_000);
    let long = gemini.long.unwrap();
    assert_eq!(
        (long.above, long.input, long.output),
        (200_000, 2_500_000, 15_000_000)
    );
    let claude = price("claude-sonnet-4-5");
    assert_eq!(
        (claude.cache_write, claude.cache_write_hour),
        (Some(3_750_000), Some(6_000_000))
    );
    assert_eq!(price("azure/gpt-5").input, 1_375_000);
    assert_eq!(price("text-embedding-3-small").input, 20_000);
    assert_eq!(price("text-embedding-3-small").output, 0);
    assert_eq!(price("alone").output, 2_000_000);
    assert!(!read.prices.contains_key("/alone"));
    assert_eq!(read.priceless, 1);
    let left_out: Vec<_> = read
        .left_out
        .iter()
        .map(|one| (one.model.as_str(), one.value.as_str()))
        .collect();
    assert_eq!(
        left_out,
        [
            ("broken", "-1e-6"),
            ("half", "missing"),
            ("worse", "\"cheap\"")
        ]
    );
}

#[test]
fn a_list_of_prices_by_the_million() {
    let read = read(&json!({
        "anthropic": {"id": "anthropic", "name": "Anthropic", "models": {
            "claude-sonnet-4-5": {"id": "claude-sonnet-4-5", "limit": {"context": 200_000},
                "cost": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75,
                    "context_over_200k": {"input": 6, "output": 22.5, "cache_read": 0.6}}},
        }},
        "google": {"models": {"gemini-2.5-flash": {"cost": {"input": 0.3, "output": 2.5}}}},
        "openrouter": {"models": {
            "anthropic/claude-sonnet-4-5": {"cost": {"input": 3.3, "output": 16.5}},
            "a/free-one": {"cost": {"input": 0, "output": 0}},
            "a/unpriced-one": {},
        }},
    }));
    assert_eq!(read.source, PriceSource::ModelsDev);
    let price = |name: &str| read.prices.get(name).copied().unwrap();
    let sonnet = price("claude-sonnet-4-5");
    assert_eq!((sonnet.input, sonnet.output), (3_000_000, 15_000_000));
    assert_eq!(sonnet.cache_write, Some(3_750_000));
    let long = sonnet.long.unwrap();
    assert_eq!((long.input, long.output), (6_000_000, 22_500_000));
    assert_eq!((long.cached_input, long.cache_write), (Some(600_000), None));
    assert_eq!(price("gemini/gemini-2.5-flash").input, 300_000);
    assert_eq!(price("gemini-2.5-flash").input, 300_000);
    let broker = price("openrouter/anthropic/claude-sonnet-4-5");
    assert_eq!(broker.input, 3_300_000);
    assert!(!read.prices.contains_key("anthropic/claude-sonnet-4-5/x"));
    assert_eq!(price("openrouter/a/free-one"), Price::FREE);
    assert_eq!(read.priceless, 1);
}

#[test]
fn what_is_no_price_list_is_said_to_be_none() {
    for text in [
        "[]",
        "{}",
        "{\"a\": 1}",
        "null",
        "{\"a\": {\"models\": []}}",
    ] {
        assert_eq!(read_prices(text), Err(ReadPricesError::Form), "{text}");
    }
    for text in ["", "{", "<html>"] {
        let refused = read_prices(text);
        assert!(matches!(refused, Err(ReadPricesError::Json(_))), "{text}");
    }
}

proptest! {
    /// Every decimal comes out as the whole number it means.
    #[test]
    fn decimals_are_read_exactly(micros in 0u64..=1_000_000_000) {
        let dollars = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        let number: f64 = dollars.parse().unwrap();
        prop_assert_eq!(shifted(number, DOLLAR_PLACES), Some(micros));
        let token: f64 = format!("{micros}e-12").parse().unwrap();
        prop_assert_eq!(shifted(token, TOKEN_PLACES), Some(micros));
    }

    /// No number panics, and what is more than a micro-dollar is never free.
    #[test]
    fn any_number_is_read_or_refused(bits: u64, places in prop::sample::select(vec![6usize, 12])) {
        let number = f64::from_bits(bits);
        if let Some(price) = shifted(number, places) {
            prop_assert!(number >= 0.0);
            prop_assert!(price > 0 || number == 0.0);
        }
    }
}
