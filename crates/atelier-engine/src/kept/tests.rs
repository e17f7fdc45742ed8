//! Names of tests that went.

use std::collections::BTreeSet;

use super::names_lost;

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|&name| name.to_owned()).collect()
}

#[track_caller]
fn check(before: &[&str], now: &[&str], expected: Option<&str>) {
    let lost = names_lost(&names(before), &names(now));
    assert_eq!(lost.map(|one| one.reason).as_deref(), expected);
}

#[test]
fn tests_are_missed_by_their_names() {
    check(&["a", "b"], &["a", "b", "c"], None);
    check(
        &["a", "b"],
        &["a", "c"],
        Some("tests that passed before are gone: b"),
    );
    let before = ["a", "b", "c", "d", "e", "f", "g"];
    let said = "tests that passed before are gone: a, b, c, d, e and 1 more";
    check(&before, &["g"], Some(said));
}

#[test]
fn silence_says_nothing() {
    check(&["a", "b"], &[], None);
    check(&[], &["a"], None);
}
