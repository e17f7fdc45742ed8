//! What the log takes over from events and requests: names and numbers, and no text.

use serde_json::json;

use super::AuditFact;
use crate::{AskId, AuditNote, Digest, EventKind, MicroUsd, Stage, Timestamp, audit::tests::note};

/// Words that must not be in the log.
const WORDS: &str = "the provider says: your key sk-123 is wrong";

#[test]
fn every_fact_is_written_under_its_name() {
    for number in 0..3 {
        let fact = note(number, 0).fact;
        let written = serde_json::to_value(&fact).unwrap_or_default();
        assert_eq!(written["type"], fact.name());
    }
}

#[test]
fn words_of_errors_and_reasons_become_digests() {
    let ask = AskId::from_text("ask");
    let failed = EventKind::AskFailed {
        ask: ask.clone(),
        stage: Stage::Code,
        error: WORDS.to_owned(),
        cost: MicroUsd(7),
        partial: Some(Digest::of("half")),
    };
    let expected = AuditFact::AskFailed {
        ask: ask.clone(),
        stage: Stage::Code,
        error: Digest::of(WORDS),
        cost: MicroUsd(7),
        partial: Some(Digest::of("half")),
    };
    assert_eq!(AuditFact::of_event(&failed), Some(expected));
    let retried = EventKind::AskRetried {
        ask,
        reason: WORDS.to_owned(),
        wait_ms: 5,
        partial: None,
    };
    let finished = EventKind::ApprovalGiven {
        subject: WORDS.to_owned(),
        approved: true,
        reason: String::new(),
    };
    for event in [failed, retried, finished] {
        let note = AuditFact::of_event(&event);
        let note = note.map(|fact| AuditNote::new(fact, Timestamp::from_millis(0)));
        let body = note.map(|note| note.numbered(1, None).body());
        assert!(body.is_some_and(|body| !body.contains("sk-123")));
    }
}

#[test]
fn what_concerns_no_model_and_no_decision_is_not_noted() {
    let warning = EventKind::Warning {
        message: WORDS.to_owned(),
    };
    assert_eq!(AuditFact::of_event(&warning), None);
}

#[test]
fn a_key_is_named_by_what_is_about_it() {
    let used = AuditFact::KeyUsed {
        provider: "openai".to_owned(),
        name: "team".to_owned(),
    };
    assert_eq!(used.key_name(), Some("team"));
    assert_eq!(note(0, 0).fact.key_name(), None);
}

#[test]
fn a_refusal_says_whose_budget_it_was() {
    let event = |scope: &str| {
        let mut event = json!({
            "type": "budget.refused", "stage": "code", "needed": 3, "spent": 2, "budget": 4,
        });
        if !scope.is_empty() {
            event["scope"] = json!(scope);
        }
        event
    };
    // What was written before events said so was of the run.
    for (written, scope) in [("", "run"), ("run", "run"), ("task", "task")] {
        let read = serde_json::from_value::<EventKind>(event(written)).ok();
        let fact = read.as_ref().and_then(AuditFact::of_event);
        let expected = AuditFact::BudgetRefused {
            scope: scope.to_owned(),
            needed: MicroUsd(3),
            spent: MicroUsd(2),
            budget: MicroUsd(4),
        };
        assert_eq!(fact, Some(expected), "{written}");
    }
}

#[test]
fn every_name_is_listed() {
    let nobodys = serde_json::from_value::<AuditFact>(json!({"type": "nobody's"}));
    let said = nobodys.err().map(|error| error.to_string());
    let names = AuditFact::NAMES.map(|name| format!("`{name}`")).join(", ");
    assert_eq!(
        said,
        Some(format!(
            "unknown variant `nobody's`, expected one of {names}"
        ))
    );
}
