//! What is a label and what is none.

use std::collections::BTreeSet;

use {{module}}::{Label, LabelError};

fn check(text: &str, expected: Result<&str, &LabelError>) {
    let parsed = text.parse::<Label>();
    let found = parsed.as_ref().map(Label::as_str);
    assert_eq!(found, expected, "{text:?}");
}

#[test]
fn blanks_around_the_text_are_dropped() {
    check("  Shopping list\n", Ok("Shopping list"));
}

#[test]
fn any_script_is_welcome() {
    for text in ["Einkäufe", "買い物", "🛒"] {
        check(text, Ok(text));
    }
}

#[test]
fn nothing_is_no_label() {
    for text in ["", " ", "\t\n"] {
        check(text, Err(&LabelError::Empty));
    }
}

#[test]
fn the_longest_label_is_accepted_and_one_more_refused() {
    let longest = "é".repeat(Label::LENGTH_MAX);
    check(&longest, Ok(&longest));
    let length = Label::LENGTH_MAX + 1;
    let error = LabelError::TooLong { length };
    check(&format!("{longest}é"), Err(&error));
}

#[test]
fn control_characters_are_refused_and_named() {
    check("two\nlines", Err(&LabelError::Control { found: '\n' }));
    check(
        "a\u{1b}[31mb",
        Err(&LabelError::Control { found: '\u{1b}' }),
    );
}

#[test]
fn labels_are_values_in_the_order_of_their_texts() {
    let labels: BTreeSet<Label> = ["b", " a ", "a"]
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let texts: Vec<&str> = labels.iter().map(Label::as_str).collect();
    assert_eq!(texts, ["a", "b"]);
}

#[test]
fn an_error_says_what_is_wrong() {
    let error = LabelError::TooLong { length: 81 };
    assert_eq!(
        error.to_string(),
        "a label has at most 80 characters, not 81"
    );
}
