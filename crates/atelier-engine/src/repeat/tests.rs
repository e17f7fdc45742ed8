//! What counts as a repetition, as a table.

use atelier_model::Digest;

use super::{Trial, repetition};

/// A trial as `reply tree check:output,…`; `-` is nothing.
fn trial(ordinal: u32, text: &str) -> Trial {
    let words: Vec<&str> = text.split_whitespace().collect();
    let digest = |word: &str| (word != "-").then(|| Digest::of(word));
    let failed = words[2].split(',').filter(|word| *word != "-");
    Trial {
        ordinal,
        reply: digest(words[0]),
        tree: digest(words[1]),
        failed: failed
            .map(|word| {
                let (check, output) = word.split_once(':').unwrap_or((word, ""));
                (check.to_owned(), Digest::of(output))
            })
            .collect(),
    }
}

fn check(trials: &[&str], expected: Option<&str>) {
    let trials: Vec<Trial> = (1..).zip(trials).map(|(n, text)| trial(n, text)).collect();
    assert_eq!(repetition(&trials).as_deref(), expected, "{trials:?}");
}

#[test]
fn nothing_and_one_attempt_repeat_nothing() {
    check(&[], None);
    check(&["a x test:1"], None);
}

#[test]
fn what_is_new_each_time_goes_on() {
    check(&["a x test:1", "b y test:2", "c z test:3"], None);
    check(&["a - -", "b - -", "c - -"], None);
    check(&["a x test:1", "b y test:1"], None);
    check(&["a x test:1", "b y other:1", "c z test:1"], None);
}

#[test]
fn the_same_answer_is_a_repetition() {
    let said = Some("attempt 2 gave the same answer as attempt 1");
    check(&["a x test:1", "a x test:1"], said);
    check(&["a - -", "a - -"], said);
    let later = Some("attempt 3 gave the same answer as attempt 1");
    check(&["a x test:1", "b y test:2", "a z test:3"], later);
}

#[test]
fn the_same_files_are_a_repetition_also_with_others_between() {
    let said = Some("attempt 2 made the same files as attempt 1");
    check(&["a x test:1", "b x test:2"], said);
    let swing = Some("attempt 3 made the same files as attempt 1");
    check(&["a x test:1", "b y test:2", "c x test:1"], swing);
}

#[test]
fn the_same_words_of_a_check_three_times_in_a_row_are_a_repetition() {
    let said = Some("`test` failed with the same words in 3 attempts one after another");
    check(&["a x test:1", "b y test:1", "c z test:1"], said);
    check(
        &[
            "a x test:1,lint:1",
            "b y lint:2,test:1",
            "c z lint:3,test:1",
        ],
        said,
    );
    check(&["a x test:2", "b y test:1", "c z test:1"], None);
    check(
        &["o o test:9", "a x test:1", "b y test:1", "c z test:1"],
        said,
    );
}
