//! Restoring is the inverse of redacting, for every text and every way to cut an answer.

use proptest::prelude::*;

use crate::{Form, Guard, Policy, Vault};

const KEY: [u8; 32] = [7; 32];

/// Pieces of which texts are made that have something to find, and something that only looks so.
const PIECES: &[&str] = &[
    "ana.lopez@correo.es",
    "+1 275-749-1542",
    "sk_live_fKtHF4vUCsMehGAkWvj7FAc9",
    "password: \"XjU2JgJngKtFI3$O\"",
    "[[EMAIL_0123456789ab]]",
    "[[email_0123456789AB]]",
    "[[TEXT_000000000000]]",
    "[[",
    "]]",
    "[",
    "]",
    "[[EMAIL_",
    "_0123456789ab]]",
    "EMAIL",
    " ",
    "\n",
    "\"",
    "é",
    "数",
    "609-28-7532",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => ".{0,8}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(&[Policy::Secrets, Policy::All][..])
}

/// The text cut at every place where it may be cut and the numbers say so.
fn cut(text: &str, cuts: &[usize]) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for (index, letter) in text.chars().enumerate() {
        if cuts.contains(&index) {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push(letter);
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restoring_gives_back_every_text(text in text(), policy in policy()) {
        let mut vault = Vault::new(KEY);
        let redacted = vault.redact(Guard::builtin(), &text, policy);
        prop_assert_eq!(vault.restore(&redacted.text), text);
    }

    #[test]
    fn restoring_gives_back_what_was_redacted_twice(text in text()) {
        let mut vault = Vault::new(KEY);
        let once = vault.redact(Guard::builtin(), &text, Policy::All).text;
        let twice = vault.redact(Guard::builtin(), &once, Policy::All).text;
        prop_assert_eq!(vault.restore(&twice), once);
    }

    #[test]
    fn no_covered_value_is_left(text in text(), policy in policy()) {
        let mut vault = Vault::new(KEY);
        let redacted = vault.redact(Guard::builtin(), &text, policy);
        let mut plain = String::new();
        let mut from = 0;
        for span in &redacted.spans {
            plain.push_str(&text[from..span.start]);
            plain.push('\0');
            from = span.end;
        }
        plain.push_str(&text[from..]);
        for span in &redacted.spans {
            let value = &text[span.range()];
            // What stands in the text a second time, uncovered, is another matter.
            prop_assert!(plain.contains(value) || !redacted.text.contains(value));
        }
    }

    #[test]
    fn every_cut_gives_the_same_answer(
        text in text(),
        cuts in prop::collection::vec(0_usize..400, 0..40),
    ) {
        let mut vault = Vault::new(KEY);
        let answer = vault.redact(Guard::builtin(), &text, Policy::All).text + &text;
        let mut restorer = vault.restorer(Form::Plain);
        let mut whole = String::new();
        for piece in cut(&answer, &cuts) {
            whole.push_str(&restorer.push(&piece));
        }
        whole.push_str(&restorer.finish());
        prop_assert_eq!(whole, vault.restore(&answer));
    }
}

#[test]
fn an_answer_may_arrive_letter_by_letter() {
    let mut vault = Vault::new(KEY);
    let text = "from [[x]] [[ ana.lopez@correo.es [[EMAIL_0123456789ab]] to bob@smith.org]] [";
    let answer = vault.redact(Guard::builtin(), text, Policy::All).text;
    let mut restorer = vault.restorer(Form::Plain);
    let pieces: String = answer
        .chars()
        .map(|letter| restorer.push(&letter.to_string()))
        .collect();
    assert_eq!(pieces + &restorer.finish(), text);
}

#[test]
fn the_same_value_has_the_same_placeholder_everywhere_under_one_key() {
    let text = "a@smith.org, b@smith.org, a@smith.org";
    let redact = |key| {
        Vault::new(key)
            .redact(Guard::builtin(), text, Policy::All)
            .text
    };
    let (one, again, other) = (redact(KEY), redact(KEY), redact([8; 32]));
    assert_eq!(one, again);
    assert_ne!(one, other);
    let parts: Vec<&str> = one.split(", ").collect();
    assert_eq!(parts[0], parts[2]);
    assert_ne!(parts[0], parts[1]);
}

#[test]
fn changed_letters_are_recognised_and_unknown_placeholders_left_alone() {
    let mut vault = Vault::new(KEY);
    let answer = vault
        .redact(Guard::builtin(), "bob@smith.org", Policy::All)
        .text;
    assert_eq!(vault.restore(&answer.to_lowercase()), "bob@smith.org");
    assert_eq!(vault.restore(&answer.to_uppercase()), "bob@smith.org");
    let unknown = "[[EMAIL_0123456789ab]] and [[package]]";
    assert_eq!(vault.restore(unknown), unknown);
}

#[test]
fn a_text_cannot_forge_the_placeholder_of_a_value() {
    let mut vault = Vault::new(KEY);
    let placeholder = vault
        .redact(Guard::builtin(), "bob@smith.org", Policy::All)
        .text;
    let forged = format!("please print {placeholder}");
    let redacted = vault.redact(Guard::builtin(), &forged, Policy::All).text;
    assert!(!redacted.contains(&placeholder));
    assert_eq!(vault.restore(&redacted), forged);
}

#[test]
fn a_value_inside_a_json_string_is_escaped() {
    let mut vault = Vault::new(KEY);
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END PRIVATE KEY-----";
    let placeholder = vault.redact(Guard::builtin(), key, Policy::Secrets).text;
    let arguments = format!("{{\"content\":\"{placeholder}\"}}");
    let mut restorer = vault.restorer(Form::JsonString);
    let whole = restorer.push(&arguments) + &restorer.finish();
    let value: serde_json::Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(value["content"], key);
}

#[test]
fn nothing_shown_of_a_vault_is_a_value() {
    let mut vault = Vault::new(KEY);
    let _ = vault.redact(Guard::builtin(), "bob@smith.org", Policy::All);
    assert_eq!(format!("{vault:?}"), "Vault(1 values)");
}
