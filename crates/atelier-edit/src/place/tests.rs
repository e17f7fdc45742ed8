//! Where searches stand, and with which indentation.

use super::{Page, Rung, alike, arranged, key, places, shift};

/// The first lines at which a search stands, and the rung that finds it.
fn check(file: &[&str], search: &[&str], expected: &[usize], rung: Rung) {
    let keys: Vec<u64> = file.iter().map(|line| key(line)).collect();
    let page = Page {
        lines: file,
        keys: &keys,
    };
    let found = places(page, search);
    assert!(!found.beyond);
    let starts: Vec<usize> = found.hits.iter().map(|hit| hit.range.start).collect();
    assert_eq!(starts, expected);
    assert!(found.hits.iter().all(|hit| hit.way.rung == rung));
}

#[test]
fn a_search_stands_by_the_strictest_way_only() {
    check(&["a", "a ", " a"], &["a"], &[0], Rung::Exact);
    check(&["b", "a ", " a"], &["a"], &[1], Rung::Trailing);
    check(&["b", " a", "  a"], &["a"], &[1, 2], Rung::Indent);
    check(&["“a”"], &["\"a\""], &[0], Rung::Unicode);
    check(&["a", "", "b"], &["a", "b"], &[0], Rung::Blank);
    check(&["a", "b"], &["a", "", "b"], &[0], Rung::Blank);
    check(&["a", "c"], &["a", "b"], &[], Rung::Exact);
    check(&["a"], &["", " "], &[], Rung::Exact);
}

#[test]
fn places_that_overlap_are_all_found() {
    check(&["a", "a", "a", "b"], &["a", "a"], &[0, 1], Rung::Exact);
    check(
        &["a", "b", "a", "b", "a"],
        &["a", "b", "a"],
        &[0, 2],
        Rung::Exact,
    );
}

#[test]
fn lines_that_any_way_takes_for_the_same_have_one_key() {
    for (one, other) in [
        ("  a", "a\t"),
        ("\u{a0}a\u{2013}b", "a-b"),
        ("e\u{301}", "\u{e9}"),
        ("\u{200b} a", "a"),
    ] {
        assert!(alike(one, other));
        assert_eq!(key(one), key(other));
    }
    assert_eq!(key(" \t"), 0);
    assert_ne!(key("a"), key("b"));
}

#[test]
fn indentations_are_shifted_alike_or_not_at_all() {
    let shifted = |pairs: &[(&str, &str)], line: &str| -> Vec<Option<String>> {
        shift::between(pairs)
            .iter()
            .map(|shift| shift.line(line))
            .collect()
    };
    let one = |text: &str| vec![Some(text.to_owned())];
    assert_eq!(shifted(&[("", "  ")], "  x"), one("    x"));
    assert_eq!(
        shifted(&[("    ", "\t"), ("        ", "\t\t")], "            x"),
        one("\t\t\tx")
    );
    assert_eq!(
        shifted(&[("  ", "  "), ("\t", "    "), ("\t  ", "      ")], "\t\tx"),
        one("        x")
    );
    assert_eq!(shifted(&[("", "  "), ("  ", "   ")], "x"), Vec::new());
}

#[test]
fn the_order_of_pieces_leaves_them_few_places() {
    let at = |starts: &[usize]| {
        starts
            .iter()
            .map(|start| *start..start + 2)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        arranged(&[at(&[1, 9]), at(&[5])], true),
        [at(&[1]), at(&[5])]
    );
    assert_eq!(
        arranged(&[at(&[5]), at(&[1, 9])], true),
        [at(&[5]), at(&[9])]
    );
    assert_eq!(
        arranged(&[at(&[1]), at(&[2, 9])], true),
        [at(&[1]), at(&[9])]
    );
    assert_eq!(
        arranged(&[at(&[1]), at(&[2, 9])], false),
        [at(&[1]), at(&[2, 9])]
    );
    assert!(arranged(&[at(&[5]), at(&[1])], true).is_empty());
}
