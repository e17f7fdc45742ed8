//! Readings: what they leave out, what they never do, and how they do on pairs of questions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{Difference, Likeness, Reading, TEXT_BYTES_MAX, Unreadable};

const TUNED_SAME: &str = include_str!("../../../../fixtures/semantic/tuned/same.tsv");
const TUNED_DIFFERENT: &str = include_str!("../../../../fixtures/semantic/tuned/different.tsv");
const HELD_SAME: &str = include_str!("../../../../fixtures/semantic/held/same.tsv");
const HELD_DIFFERENT: &str = include_str!("../../../../fixtures/semantic/held/different.tsv");

/// How two texts compare; `None` where one of them is always asked.
fn likeness(left: &str, right: &str) -> Option<Likeness> {
    Some(Reading::of(left).ok()?.likeness(&Reading::of(right).ok()?))
}

/// Pairs of a file, and how many of them are called the same.
fn hits(file: &str) -> (usize, usize) {
    let mut counts = (0, 0);
    for line in file.lines() {
        let mut parts = line
            .split('\t')
            .skip(1)
            .map(|part| part.replace("\\n", "\n"));
        let (left, right) = (parts.next().unwrap(), parts.next().unwrap());
        let there = likeness(&left, &right);
        let back = likeness(&right, &left);
        assert_eq!(there, back, "{line}");
        counts.0 += 1;
        counts.1 += usize::from(there == Some(Likeness::Same));
    }
    counts
}

#[track_caller]
fn same(left: &str, right: &str) {
    assert_eq!(
        likeness(left, right),
        Some(Likeness::Same),
        "{left} | {right}"
    );
}

#[track_caller]
fn differ(left: &str, right: &str, difference: Difference) {
    let expected = Some(Likeness::Different(difference));
    assert_eq!(likeness(left, right), expected, "{left} | {right}");
}

#[test]
fn of_pairs_never_looked_at_one_in_two_hundred_at_most_is_wrongly_the_same() {
    let (pairs, wrong) = hits(HELD_DIFFERENT);
    assert!(pairs >= 2_000, "{pairs}");
    assert!(wrong * 200 <= pairs, "{wrong} of {pairs}");
}

#[test]
fn of_questions_in_other_words_never_looked_at_three_in_ten_at_least_are_the_same() {
    let (pairs, found) = hits(HELD_SAME);
    assert!(pairs >= 200, "{pairs}");
    assert!(found * 10 >= pairs * 3, "{found} of {pairs}");
}

#[test]
fn the_pairs_that_were_looked_at_do_at_least_as_well() {
    let (pairs, wrong) = hits(TUNED_DIFFERENT);
    assert!(pairs >= 2_000, "{pairs}");
    assert_eq!(wrong, 0);
    let (pairs, found) = hits(TUNED_SAME);
    assert!(found * 2 >= pairs, "{found} of {pairs}");
}

#[test]
fn what_only_says_how_it_is_asked_is_left_out() {
    same(
        "How do I exit vim?",
        "hi there, could you please tell me how to exit vim? thanks",
    );
    same(
        "What's recursion?",
        "Can you explain to me what recursion is?",
    );
    same(
        "What is France's capital?",
        "Tell me the capital of France.",
    );
    same(
        "In Python, how do I copy a list?",
        "how can I copy a list in python",
    );
    same("Flights from Oslo to Rome?", "flights to Rome from Oslo?");
    same(
        "The difference between Bob and Ann is what?",
        "The difference between Ann and Bob is what?",
    );
}

#[test]
fn what_decides_is_told() {
    differ("Is 5 prime?", "Is 7 prime?", Difference::Number);
    differ("Is `a` set?", "Is `b` set?", Difference::Literal);
    differ(
        "Is the tall Ann here?",
        "Is the tall Bob here?",
        Difference::Name,
    );
    differ(
        "How do I cook rice?",
        "Why do I cook rice?",
        Difference::Intent,
    );
    differ(
        "Which cats can swim?",
        "Which cats cannot swim?",
        Difference::Function,
    );
    differ("What do cats eat?", "What do dogs hunt?", Difference::Words);
    differ(
        "Does a dog hear a cat?",
        "Does a cat hear a dog?",
        Difference::Order,
    );
}

#[test]
fn a_few_plain_words_that_nothing_explains_are_alike() {
    let there = likeness(
        "How do I resolve a merge conflict?",
        "How do I fix a merge conflict?",
    );
    assert_eq!(there, Some(Likeness::Alike));
}

#[test]
fn given_text_counts_letter_for_letter() {
    differ("Translate: please go", "Translate: go", Difference::Literal);
    differ(
        "Say hello to the kids",
        "Say hello to the children",
        Difference::Literal,
    );
    differ(
        "Fix this: a list",
        "Fix this: the list",
        Difference::Literal,
    );
    differ(
        "Run:\n```\na  b\n```",
        "Run:\n```\na b\n```\n",
        Difference::Literal,
    );
    same("Summarize this: a b ", "Could you summarize this:\na b");
    differ("Fix this: a\n b", "Fix this: a\n  b", Difference::Literal);
}

#[test]
fn other_languages_are_compared_word_for_word() {
    same("Wie spät ist es?", "Wie  spät ist es");
    differ("Voy a Madrid.", "Voy Madrid.", Difference::Literal);
}

#[test]
fn some_questions_are_always_asked() {
    assert_eq!(Reading::of("Thanks a lot!"), Err(Unreadable::Empty));
    assert_eq!(Reading::of("  \n"), Err(Unreadable::Empty));
    let bytes = TEXT_BYTES_MAX + 1;
    assert_eq!(
        Reading::of(&"a".repeat(bytes)),
        Err(Unreadable::TooLong { bytes })
    );
    let word = "latest".to_owned();
    let fleeting = Reading::of("What is the latest release?");
    assert_eq!(fleeting, Err(Unreadable::Fleeting { word }));
}

#[test]
fn time_grows_with_the_length_of_the_text() {
    let shapes = [
        "(", "\"", "'", "`", "a'", "1,", "how to ", "please ", ", ", "x: ", "and ", "X's ",
    ];
    for shape in shapes {
        let text = shape.repeat(TEXT_BYTES_MAX / shape.len());
        let read = Reading::of(&text);
        assert_eq!(read, Reading::of(&text));
    }
}

/// Texts of words that the rules know, and of what is between them.
fn texts() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "how",
        "do",
        "I",
        "what",
        "is",
        "the",
        "of",
        "in",
        "Python",
        "please",
        ",",
        "?",
        "'s",
        "to",
        "from",
        "and",
        "between",
        "difference",
        "which",
        "that",
        "function",
        "and",
        "1,000",
        "\"",
        "`",
        ":",
        "\n",
        "Ann",
        "mean",
        "does",
        "there",
        "many",
        "best",
        "largest",
        "May",
        "5",
        "é",
    ]);
    prop::collection::vec(
        prop_oneof![4 => known.prop_map(str::to_owned), 1 => ".{0,6}"],
        0..24,
    )
    .prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn any_text_is_read_and_is_the_same_as_itself(text in texts()) {
        if let Ok(reading) = Reading::of(&text) {
            prop_assert_eq!(reading.likeness(&Reading::of(&text).unwrap()), Likeness::Same);
        }
    }

    #[test]
    fn it_does_not_matter_which_is_asked_first(left in texts(), right in texts()) {
        prop_assert_eq!(likeness(&left, &right), likeness(&right, &left));
    }
}
