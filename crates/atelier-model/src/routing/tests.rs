//! Choices as they are stored and as people read them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;

fn over(why: PassedOverReason) -> PassedOver {
    let route = "p/m".to_owned();
    PassedOver { route, why }
}

#[test]
fn a_choice_is_told_in_words_and_kept_as_json() {
    let error = "get an answer".to_owned();
    let (needed, limit) = (3_000, 2_000);
    let choice = RouteChoice {
        strategy: Strategy::Static,
        reason: ChoiceReason::Fallback,
        passed_over: vec![
            over(PassedOverReason::Context { needed, limit }),
            over(PassedOverReason::Failed { error }),
        ],
    };
    assert_eq!(
        choice.to_string(),
        "standby; not p/m: it takes 2000 tokens and 3000 are needed; \
         not p/m: it failed to get an answer"
    );
    let stored = serde_json::to_value(&choice).unwrap();
    assert_eq!(
        stored,
        json!({
            "strategy": "static",
            "reason": {"type": "fallback"},
            "passed_over": [
                {"route": "p/m", "why": {"type": "context", "needed": 3000, "limit": 2000}},
                {"route": "p/m", "why": {"type": "failed", "error": "get an answer"}},
            ],
        })
    );
    assert_eq!(
        serde_json::from_value::<RouteChoice>(stored).unwrap(),
        choice
    );
}

#[test]
fn every_reason_has_words_of_its_own() {
    let expected = MicroUsd(1_500);
    let mut words = vec![
        ChoiceReason::First.to_string(),
        ChoiceReason::Cheapest { expected }.to_string(),
        ChoiceReason::Fastest { expected_ms: 0 }.to_string(),
        ChoiceReason::Fastest { expected_ms: 9 }.to_string(),
        ChoiceReason::Hedge { after_ms: 7 }.to_string(),
        ChoiceReason::LastResort.to_string(),
        PassedOverReason::Tools.to_string(),
        PassedOverReason::Schema.to_string(),
        PassedOverReason::Images.to_string(),
        PassedOverReason::PriceUnknown.to_string(),
        PassedOverReason::Resting { wait_ms: 1_001 }.to_string(),
    ];
    assert!(words.contains(&"it is left alone for 2 s more".to_owned()));
    let all = words.len();
    words.sort();
    words.dedup();
    assert_eq!(words.len(), all);
}

#[test]
fn every_strategy_is_known_by_its_word() {
    for strategy in Strategy::ALL {
        assert_eq!(Strategy::from_name(strategy.name()), Some(strategy));
        assert_eq!(serde_json::to_value(strategy).unwrap(), strategy.name());
    }
    assert_eq!(Strategy::from_name("random"), None);
}
