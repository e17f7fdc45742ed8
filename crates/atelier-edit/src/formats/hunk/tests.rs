//! Heads and lines of hunks.

use super::{Hunk, HunkLine, Mark, Ranges, ranges};
use crate::change::{Change, Hints, Split};

#[test]
fn line_numbers_of_a_head_are_read() {
    let some = |old, new, tail| {
        let ranges = Ranges {
            old: Some(old),
            new: Some(new),
        };
        Some((ranges, tail))
    };
    assert_eq!(ranges(" -1,2 +3,4 @@"), some((1, 2), (3, 4), ""));
    assert_eq!(ranges(" -1 +1 @@ fn a()"), some((1, 1), (1, 1), "fn a()"));
    assert_eq!(ranges(" -0,0 +1,5"), some((0, 0), (1, 5), ""));
    for head in [
        "",
        " fn a()",
        " ...",
        " -a,b +c,d @@",
        " -1,2",
        " -1 +",
        " +1 -1 @@",
    ] {
        assert_eq!(ranges(head), None, "{head}");
    }
}

fn hunk<'a>(lines: &[&'a str]) -> Hunk<'a> {
    Hunk {
        at: 0,
        hints: Hints::default(),
        lines: lines.iter().map(|line| HunkLine::read(line)).collect(),
    }
}

fn change(lines: &[&str]) -> Change {
    hunk(lines).change()
}

fn replace(search: &str, replace: &str, otherwise: &[(&str, &str)]) -> Change {
    let split = |(search, replace): &(&str, &str)| Split {
        search: (*search).to_owned(),
        replace: (*replace).to_owned(),
    };
    Change::Replace {
        search: search.to_owned(),
        replace: replace.to_owned(),
        otherwise: otherwise.iter().map(split).collect(),
        hints: Hints::default(),
    }
}

#[test]
fn marks_divide_a_hunk() {
    assert_eq!(
        change(&[" a", "-b", "+c", "", "d"]),
        replace(
            "a\nb\n\nd\n",
            "a\nc\n\nd\n",
            &[(" a\nb\n\nd\n", " a\nc\n\nd\n")]
        )
    );
    assert_eq!(change(&["-b", "+c"]), replace("b\n", "c\n", &[]));
}

#[test]
fn blanks_that_may_be_missing_give_two_readings() {
    assert_eq!(
        change(&["    a", "-    b", "+    c"]),
        replace(
            "   a\n    b\n",
            "   a\n    c\n",
            &[("    a\n    b\n", "    a\n    c\n")]
        )
    );
    assert_eq!(change(&["a", "-b"]), replace("a\nb\n", "a\n", &[]));
}

#[test]
fn a_last_line_without_a_break_says_so() {
    let mut old = hunk(&["-a"]);
    old.end_without_break();
    old.lines.push(HunkLine::read("+b"));
    assert_eq!(old.change(), replace("a", "b\n", &[]));
}

#[test]
fn blank_lines_at_the_end_are_for_the_eye() {
    let mut padded = hunk(&["-a", "", ""]);
    padded.trim_end();
    assert!(padded.is_all(Mark::Removed));
    assert_eq!(padded.removed(), "a\n");
    assert_eq!(padded.added(), "");
}
