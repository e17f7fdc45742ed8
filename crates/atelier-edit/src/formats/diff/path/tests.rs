//! Names in the heads of diffs, as programs and people write them.

use super::{Name, named, pair, stripped, unquoted};

fn file(name: &str) -> Name {
    Name::File(name.to_owned())
}

#[test]
fn a_name_ends_before_its_date() {
    for line in [
        "a/src/x.rs",
        " a/src/x.rs ",
        "a/src/x.rs\t2024-01-02 03:04:05.000000000 +0100",
        "a/src/x.rs 2024-01-02 03:04:05",
    ] {
        assert_eq!(named(line), file("a/src/x.rs"), "{line}");
    }
    assert_eq!(named("a/two words.txt"), file("a/two words.txt"));
    assert_eq!(named("/dev/null"), Name::Nothing);
    assert_eq!(named("/dev/null\t1970-01-01 00:00:00"), Name::Nothing);
}

#[test]
fn quotes_and_escapes_are_undone() {
    assert_eq!(unquoted(r#""a/caf\303\251.txt""#), "a/café.txt");
    assert_eq!(unquoted(r#""a\"b\\c\td""#), "a\"b\\c\td");
    assert_eq!(unquoted("plain"), "plain");
    assert_eq!(unquoted("\""), "\"");
    assert_eq!(unquoted(r#""\377""#), "\u{fffd}");
}

#[test]
fn both_names_of_a_git_head_are_found() {
    let check = |text: &str, old: &str, new: &str| {
        assert_eq!(pair(text), Some((old.to_owned(), new.to_owned())), "{text}");
    };
    check("a/x.rs b/x.rs", "a/x.rs", "b/x.rs");
    check("a/two words b/two words", "a/two words", "b/two words");
    check("a/b c b/b c", "a/b c", "b/b c");
    check("x.rs y.rs", "x.rs", "y.rs");
    check(r#""a/\303\251" "b/\303\251""#, "a/é", "b/é");
    check(r#"a/x "b/\303\251""#, "a/x", "b/é");
    assert_eq!(pair("a/one two b/three four"), None);
    assert_eq!(pair("alone"), None);
    assert_eq!(pair("\"open"), None);
}

#[test]
fn letters_before_names_are_dropped_in_pairs_only() {
    assert_eq!(stripped("a/x", "b/x"), ("x", "x"));
    assert_eq!(stripped("i/x", "w/x"), ("x", "x"));
    assert_eq!(stripped("a/x", "a/x"), ("a/x", "a/x"));
    assert_eq!(stripped("src/x", "src/x"), ("src/x", "src/x"));
}
