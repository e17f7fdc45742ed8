//! The user's words are told from everything around them, and everything around them counts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{Ask, Digest, Message, Role, RunId, Stage};
use serde_json::{Value, json};

use super::{last_text, of_ask};
use crate::relay::Dialect;

fn ask(text: &str) -> Ask {
    let message = |role, text: &str| Message {
        role,
        text: text.to_owned(),
    };
    Ask {
        stage: Stage::Design,
        run: RunId::from_text("run"),
        task: None,
        messages: vec![
            message(Role::System, "Be brief."),
            message(Role::User, text),
        ],
        schema: None,
        template: "design".to_owned(),
        template_version: Digest::of("design"),
        attempt: 1,
        facts: Value::Null,
    }
}

/// All that decides the answer to an ask, in these tests.
fn key_of(ask: &Ask) -> Digest {
    Digest::of_json(&(&ask.messages, ask.attempt))
}

fn scope(ask: &Ask) -> Digest {
    of_ask(ask, &key_of).unwrap().scope
}

#[test]
fn the_last_message_is_the_question_and_the_rest_its_scope() {
    let asked = of_ask(&ask("What is a stack?"), &key_of).unwrap();
    assert_eq!(asked.question, "What is a stack?");
    assert_eq!(asked.scope, scope(&ask("What is a heap?")));
    let mut brief = ask("What is a stack?");
    brief.messages[0].text = "Be verbose.".to_owned();
    assert_ne!(asked.scope, scope(&brief));
    let mut other = ask("What is a stack?");
    other.stage = Stage::Docs;
    assert_ne!(asked.scope, scope(&other));
    other = ask("What is a stack?");
    other.template = "plan".to_owned();
    assert_ne!(asked.scope, scope(&other));
}

#[test]
fn the_words_that_a_template_was_filled_with_are_the_question() {
    let filled = |requirement: &str, files: &str| Ask {
        facts: json!({"requirement": format!("{requirement}\n")}),
        ..ask(&format!("# DESIGN\n{requirement}\n## Files\n{files}"))
    };
    let first = of_ask(&filled("Build a clock.", "none"), &key_of).unwrap();
    assert_eq!(first.question, "Build a clock.");
    assert_eq!(first.scope, scope(&filled("Build a watch.", "none")));
    assert_ne!(first.scope, scope(&filled("Build a clock.", "main.rs")));
    let mut early = filled("Build a clock.", "none");
    early.messages[0].text = "For this:\nBuild a clock.".to_owned();
    early.messages[1].text = "Phase 1".to_owned();
    assert_eq!(of_ask(&early, &key_of).unwrap().question, "Build a clock.");
    let twice = filled("Build a clock.", "Build a clock.");
    let whole = of_ask(&twice, &key_of).unwrap().question;
    assert_eq!(whole, twice.messages[1].text);
}

#[test]
fn what_is_asked_again_or_depends_on_something_else_has_no_slot() {
    let mut again = ask("What is a stack?");
    again.attempt = 2;
    assert_eq!(of_ask(&again, &key_of), None);
    let mut answered = ask("What is a stack?");
    answered.messages[1].role = Role::Assistant;
    assert_eq!(of_ask(&answered, &key_of), None);
    let mut vectors = ask("What is a stack?");
    vectors.template = "embedding".to_owned();
    assert_eq!(of_ask(&vectors, &key_of), None);
    let by_facts = |ask: &Ask| Digest::of_json(&ask.facts);
    assert_eq!(of_ask(&ask("What is a stack?"), &by_facts), None);
}

#[test]
fn a_persons_last_text_is_found_in_every_dialect() {
    let cases = [
        (
            Dialect::Chat,
            json!({"messages": [{"role": "user", "content": "Q"}]}),
        ),
        (
            Dialect::Messages,
            json!({"messages": [
            {"role": "user", "content": [{"type": "text", "text": "Q"}]}]}),
        ),
        (Dialect::Responses, json!({"input": "Q"})),
        (
            Dialect::Responses,
            json!({"input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Q"}]}]}),
        ),
        (
            Dialect::Gemini,
            json!({"contents": [{"parts": [{"text": "Q"}]}]}),
        ),
    ];
    for (dialect, mut body) in cases {
        let place = last_text(dialect, &mut body).unwrap();
        assert_eq!(place, "Q");
        *place = json!("R");
        assert!(body.to_string().contains("\"R\""), "{body}");
    }
}

#[test]
fn anything_else_in_the_last_turn_is_no_question() {
    let cases = [
        (
            Dialect::Chat,
            json!({"messages": [{"role": "tool", "content": "Q"}]}),
        ),
        (Dialect::Chat, json!({"messages": []})),
        (Dialect::Chat, json!({})),
        (
            Dialect::Messages,
            json!({"messages": [{"role": "user", "content": [
            {"type": "tool_result", "content": "Q"}]}]}),
        ),
        (
            Dialect::Messages,
            json!({"messages": [{"role": "user", "content": [
            {"type": "image"}, {"type": "text", "text": "Q"}]}]}),
        ),
        (
            Dialect::Responses,
            json!({"input": [{"type": "function_call_output", "output": "Q"}]}),
        ),
        (
            Dialect::Gemini,
            json!({"contents": [{"role": "model", "parts": [{"text": "Q"}]}]}),
        ),
        (Dialect::Completions, json!({"prompt": "Q"})),
    ];
    for (dialect, mut body) in cases {
        assert_eq!(last_text(dialect, &mut body), None);
    }
}
