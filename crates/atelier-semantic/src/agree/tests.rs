//! Answers that say the same, and answers that do not.

use super::{ANSWER_BYTES_MAX, agrees};

#[test]
fn the_same_answer_in_nearly_the_same_words_agrees() {
    assert!(agrees("The capital is Paris.", "Paris is the capital."));
    assert!(agrees("It is 42.", "42"));
    assert!(agrees("", " \n"));
    let long = "A list keeps its elements in order and may grow; a tuple keeps them in order too \
                but may never change once it was made, which makes it a key of a dictionary.";
    let other = "Both keep their elements in order. A list may grow, but a tuple may never change \
                 once it was made, so a tuple can be a key of a dictionary and a list cannot.";
    assert!(agrees(long, other));
}

#[test]
fn another_number_name_or_denial_does_not() {
    assert!(!agrees("It is 42.", "It is 43."));
    assert!(!agrees("The capital is Paris.", "The capital is Rome."));
    assert!(!agrees("Yes, it is safe.", "No, it is not safe."));
    assert!(!agrees("It is safe.", "It isn't safe."));
    let long = "To undo the commit run git reset with the parent of the head and keep the changes.";
    let other = "Bread needs flour, water, salt and time; knead it well and leave it in the warm.";
    assert!(!agrees(long, other));
}

#[test]
fn it_does_not_matter_which_comes_first_and_long_answers_are_cut() {
    let pairs = [("a b c 1", "a b c"), ("no", "yes"), ("x", "x y z")];
    for (left, right) in pairs {
        assert_eq!(agrees(left, right), agrees(right, left));
    }
    let long = "é ".repeat(ANSWER_BYTES_MAX);
    assert!(agrees(&long, &format!("{long}and more")));
}
