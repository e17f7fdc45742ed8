//! The lists of words contradict neither each other nor themselves.

use super::{Words, attach};

#[test]
fn a_word_that_stands_for_others_stands_for_itself() {
    let words = Words::builtin();
    for (word, meaning) in words.synonym_pairs() {
        assert_eq!(words.meaning(&meaning), meaning, "{word} means {meaning}");
        assert_ne!(word, meaning);
    }
}

#[test]
fn no_word_that_decides_means_another() {
    let words = Words::builtin();
    let deciding = [
        "not", "no", "all", "some", "never", "my", "your", "from", "more", "less", "and",
    ];
    for word in deciding {
        assert_eq!(words.meaning(word), word);
        assert!(words.lists("function", word), "{word}");
    }
}

#[test]
fn words_are_inflected_by_rule() {
    let cases = [
        ("start", "ed", "started"),
        ("purchase", "ing", "purchasing"),
        ("modify", "ed", "modified"),
        ("modify", "ing", "modifying"),
        ("fix", "s", "fixes"),
        ("child", "s", "childs"),
        ("city", "s", "cities"),
        ("big", "est", "biggest"),
        ("easy", "er", "easier"),
        ("put_off", "ing", "putting_off"),
        ("show", "ed", "showed"),
    ];
    for (word, ending, expected) in cases {
        assert_eq!(attach(word, ending), expected);
    }
}
