//! A question beside a recorded one: in what they differ is said, and where.
#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method alone is of one lifetime, and any is asked for"
)]

use atelier_model::{AskDescriptor, AskKey, Digest, Message, Role, Stage, TaskId};

use super::{AskDivergence, RecordedAsk};

fn said(text: &str) -> Vec<Message> {
    vec![
        Message {
            role: Role::System,
            text: "You write code.".to_owned(),
        },
        Message {
            role: Role::User,
            text: text.to_owned(),
        },
    ]
}

fn key<T>(
    messages: &[Message],
    change: impl Fn(&mut AskKey<'_>),
    of: impl Fn(&AskKey<'_>) -> T,
) -> T {
    let mut key = AskKey {
        version: AskKey::VERSION,
        model: "large",
        messages,
        temperature: None,
        effort: None,
        tokens_max: 1000,
        schema: None,
        template_version: Digest::of("code"),
        attempt: 1,
        among: None,
    };
    change(&mut key);
    of(&key)
}

fn told(asked: &AskDescriptor, messages: &[Message]) -> String {
    let was = said("one\ntwo\nthree");
    let recorded = RecordedAsk {
        stage: Stage::Code,
        task: Some(TaskId::from_text("t1.1")),
        key: key(&was, |_| {}, |key| key.digest()),
        provider: "openai".to_owned(),
        descriptor: key(&was, |_| {}, |key| key.descriptor()),
        messages: was,
    };
    let task = TaskId::from_text("t1.1");
    let of = (Stage::Code, Some(&task));
    AskDivergence::of(of, asked, messages, &[recorded]).to_string()
}

#[track_caller]
fn check(change: impl Fn(&mut AskKey<'_>), expected: &str) {
    let messages = said("one\ntwo\nthree");
    let asked = key(&messages, change, |key| key.descriptor());
    let told = told(&asked, &messages);
    assert!(told.ends_with(expected), "{told}");
}

#[test]
fn each_field_of_a_key_is_named_with_both_of_its_values() {
    check(
        |key| key.model = "small",
        ": the model differs: it was large, now it is small",
    );
    check(
        |key| key.temperature = Some(0.5),
        ": temperature differs: it was not set, now it is 0.5",
    );
    check(
        |key| key.tokens_max = 2,
        ": tokens_max differs: it was 1000, now it is 2",
    );
    check(
        |key| key.attempt = 2,
        ": the attempt differs: it was 1, now it is 2",
    );
    check(
        |key| key.effort = Some("low"),
        "it was not set, now it is low",
    );
}

#[test]
fn of_a_message_the_first_line_that_differs_is_shown() {
    let messages = said("one\n2\nthree");
    let asked = key(&messages, |_| {}, |key| key.descriptor());
    assert_eq!(
        told(&asked, &messages),
        "ask 1 of stage code for task t1.1: message 2 differs: it was `two` (line 2), now it is \
         `2` (line 2)"
    );
}

#[test]
fn a_question_like_none_says_so() {
    let messages = said("one");
    let asked = key(&messages, |_| {}, |key| key.descriptor());
    let alone = AskDivergence::of((Stage::Docs, None), &asked, &messages, &[]);
    assert_eq!(
        alone.to_string(),
        "ask 1 of stage docs: nothing of it is recorded"
    );
}
