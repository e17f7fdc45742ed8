//! Moves, modes, deletions, hints, encodings and protection, edit by edit.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{FileEntry, FileTree, Limits, Obstacle, TreePath};

use super::{Applied, Protection, apply, apply_protected};
use crate::change::{Change, ChangeSet, Edit, Hints, Split};

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn tree(files: &[(&str, &[u8])]) -> FileTree {
    let entry = |bytes: &[u8]| FileEntry {
        bytes: bytes.to_vec(),
        executable: false,
    };
    files
        .iter()
        .map(|(name, bytes)| (path(name), entry(bytes)))
        .collect()
}

fn set(changes: Vec<(&str, Change)>) -> ChangeSet {
    let edit = |(at, (name, change)): (usize, (&str, Change))| Edit {
        path: path(name),
        block: at + 1,
        line: 10 * at + 1,
        format: "test",
        change,
    };
    ChangeSet {
        edits: changes.into_iter().enumerate().map(edit).collect(),
    }
}

fn replace(search: &str, replace: &str, hints: Hints) -> Change {
    Change::Replace {
        search: search.to_owned(),
        replace: replace.to_owned(),
        otherwise: Vec::new(),
        hints,
    }
}

fn plain(search: &str, new: &str) -> Change {
    replace(search, new, Hints::default())
}

fn to(name: &str) -> Change {
    Change::Move { to: path(name) }
}

fn outcome(files: &[(&str, &[u8])], changes: Vec<(&str, Change)>) -> Result<Applied, String> {
    apply(&set(changes), &tree(files), &Limits::default()).map_err(|error| error.to_string())
}

/// The files after some changes.
fn check(files: &[(&str, &[u8])], changes: Vec<(&str, Change)>, expected: &[(&str, &[u8])]) {
    let applied = outcome(files, changes).unwrap();
    assert_eq!(applied.tree, tree(expected));
}

/// Some changes are refused with these words.
fn refused(files: &[(&str, &[u8])], changes: Vec<(&str, Change)>, words: &str) {
    let said = outcome(files, changes).unwrap_err();
    assert!(said.contains(words), "{said}");
}

fn scoped(scopes: &[&str]) -> Hints {
    Hints {
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Hints::default()
    }
}

fn at_line(line: usize) -> Hints {
    Hints {
        line: Some(line),
        ..Hints::default()
    }
}

fn at_end() -> Hints {
    Hints {
        at_end: true,
        ..Hints::default()
    }
}

fn sequence() -> Hints {
    Hints {
        sequence: Some(1),
        ..Hints::default()
    }
}

#[test]
fn a_moved_file_takes_its_edits_along() {
    let expected: &[(&str, &[u8])] = &[("b.txt", b"2\n")];
    check(
        &[("a.txt", b"1\n")],
        vec![("a.txt", plain("1\n", "2\n")), ("a.txt", to("b.txt"))],
        expected,
    );
    check(
        &[("a.txt", b"1\n")],
        vec![("a.txt", to("b.txt")), ("a.txt", plain("1\n", "2\n"))],
        expected,
    );
    check(
        &[("a.txt", b"1\n")],
        vec![("a.txt", to("b.txt")), ("b.txt", plain("1\n", "2\n"))],
        expected,
    );
}

#[test]
fn what_a_move_did_is_told() {
    let applied = outcome(&[("a.txt", b"1\n")], vec![("a.txt", to("b.txt"))]).unwrap();
    assert_eq!(applied.moved, [(path("a.txt"), path("b.txt"))]);
    assert_eq!(applied.written, [path("b.txt")]);
    assert_eq!(applied.deleted, [path("a.txt")]);
}

#[test]
fn moves_may_follow_each_other() {
    check(
        &[("a", b"1\n"), ("b", b"2\n")],
        vec![("b", to("c")), ("a", to("b"))],
        &[("b", b"1\n"), ("c", b"2\n")],
    );
    check(
        &[("a", b"1\n"), ("b", b"2\n")],
        vec![("a", to("b")), ("b", to("c"))],
        &[("b", b"1\n"), ("c", b"2\n")],
    );
    check(
        &[("a", b"1\n")],
        vec![("a", to("b")), ("b", to("c"))],
        &[("c", b"1\n")],
    );
    check(
        &[("a", b"1\n"), ("b", b"2\n")],
        vec![("b", Change::Delete { holding: None }), ("a", to("b"))],
        &[("b", b"1\n")],
    );
}

#[test]
fn moves_that_meet_are_refused() {
    let two: &[(&str, &[u8])] = &[("a", b"1\n"), ("b", b"2\n")];
    refused(two, vec![("a", to("b"))], "another file at `b`");
    refused(two, vec![("a", to("b")), ("b", to("a"))], "in a circle");
    refused(
        two,
        vec![("a", to("c")), ("b", to("c"))],
        "moved to `c` as well",
    );
    refused(
        two,
        vec![("a", to("c")), ("a", to("d"))],
        "moves this file to `c` as well",
    );
    refused(two, vec![("x", to("y"))], "no such file");
}

#[test]
fn a_move_that_was_made_before_is_no_change() {
    let files: &[(&str, &[u8])] = &[("b", b"long_enough = 2\n")];
    let applied = outcome(files, vec![("a", to("b"))]).unwrap();
    assert_eq!((applied.tree, applied.written.len()), (tree(files), 0));
    assert_eq!(applied.notes, ["edit 1, `a`: it was moved to `b` before"]);
    let again = vec![
        ("a", plain("x = 1\n", "x = 1\nlong_enough = 2\n")),
        ("a", to("b")),
    ];
    refused(files, again, "no such file");
    check(
        files,
        vec![("a", to("a")), ("b", to("b"))].split_off(1),
        files,
    );
}

#[test]
fn a_mode_is_kept_or_changed() {
    let mode = |executable| ("a", Change::Mode { executable });
    let applied = outcome(&[("a", b"1\n")], vec![mode(true)]).unwrap();
    assert!(applied.tree.get(&path("a")).unwrap().executable);
    let applied = outcome(&[("a", b"1\n")], vec![mode(false)]).unwrap();
    assert_eq!(applied.unchanged, [path("a")]);
    refused(&[], vec![mode(true)], "no such file");
    let create = Change::Create {
        content: "x\n".to_owned(),
    };
    let applied = outcome(&[], vec![("a", create), mode(true)]).unwrap();
    assert!(applied.tree.get(&path("a")).unwrap().executable);
}

#[test]
fn a_deletion_may_say_what_it_deletes() {
    let holding = |text: &str| Change::Delete {
        holding: Some(text.to_owned()),
    };
    let file: &[(&str, &[u8])] = &[("a", b"1\r\n2\r\n")];
    check(file, vec![("a", holding("1\n2\n"))], &[]);
    refused(
        file,
        vec![("a", holding("1\n3\n"))],
        "its line 2 is `2`, not `3`",
    );
    refused(
        file,
        vec![("a", holding("1\n"))],
        "its line 2 is `2`, not nothing",
    );
}

#[test]
fn a_removed_file_may_be_written_anew() {
    let removed = || ("a", Change::Delete { holding: None });
    let create = (
        "a",
        Change::Create {
            content: "2\n".to_owned(),
        },
    );
    check(&[("a", b"1\n")], vec![removed(), create], &[("a", b"2\n")]);
    refused(
        &[("a", b"1\n")],
        vec![removed(), ("a", plain("1\n", "2\n"))],
        "as well",
    );
}

const TWO: &[u8] =
    b"class A:\n    def m(self):\n        return 1\nclass B:\n    def m(self):\n        return 1\n";
const SECOND: &[u8] =
    b"class A:\n    def m(self):\n        return 1\nclass B:\n    def m(self):\n        return 2\n";

#[test]
fn scopes_choose_among_places() {
    let one = |hints| {
        vec![(
            "f.py",
            replace("        return 1\n", "        return 2\n", hints),
        )]
    };
    let check = |hints| check(&[("f.py", TWO)], one(hints), &[("f.py", SECOND)]);
    check(scoped(&["class B:"]));
    check(scoped(&["class B:", "    def m(self):"]));
    check(scoped(&["class B:", "def m(self)"]));
    check(at_line(6));
    check(at_end());
    let refuse = |hints| refused(&[("f.py", TWO)], one(hints), "2 times, at lines 3, 6");
    refuse(Hints::default());
    refuse(scoped(&["def m(self):"]));
    refuse(scoped(&["class C:"]));
    refuse(at_line(5));
    refuse(Hints {
        line: Some(3),
        ..scoped(&["class B:"])
    });
}

#[test]
fn an_edit_that_a_scope_placed_is_not_placed_elsewhere_later() {
    let change = || {
        replace(
            "        return 1\n",
            "        return 2\n",
            scoped(&["class B:"]),
        )
    };
    let applied = outcome(&[("f.py", SECOND)], vec![("f.py", change())]).unwrap();
    assert_eq!(applied.unchanged, [path("f.py")]);
    let other: &[u8] = b"class A:\n    return 1\nclass B:\n    return 3\n";
    let change = replace("    return 1\n", "    return 2\n", scoped(&["class B:"]));
    refused(
        &[("f.py", other)],
        vec![("f.py", change)],
        "not below `class B:`",
    );
}

#[test]
fn headings_open_sections() {
    let toml: &[u8] = b"[a]\nx = 1\n[b]\nx = 1\n[c]\nx = 1\n";
    let change = || replace("x = 1\n", "x = 2\n", scoped(&["[b]"]));
    check(
        &[("f.toml", toml)],
        vec![("f.toml", change())],
        &[("f.toml", b"[a]\nx = 1\n[b]\nx = 2\n[c]\nx = 1\n")],
    );
}

#[test]
fn a_hint_against_the_only_place_is_a_note() {
    let notes = |hints| {
        let change = replace("b\n", "c\n", hints);
        outcome(&[("f", b"a\nb\nd\n")], vec![("f", change)])
            .unwrap()
            .notes
    };
    assert_eq!(
        notes(at_line(9)),
        ["edit 1, `f`: found at line 2, not at line 9"]
    );
    assert_eq!(
        notes(at_end()),
        ["edit 1, `f`: found, but not at the end of the file"]
    );
    assert_eq!(
        notes(scoped(&["fn x()"])),
        ["edit 1, `f`: the file has no `fn x()`"]
    );
    assert_eq!(notes(at_line(2)), [""; 0]);
}

#[test]
fn line_hints_count_the_lines_before_the_reply() {
    let file: &[u8] = b"x\nsame\ny\nsame\nz\nsame\n";
    let insert = || plain("x\n", "x1\nx2\nx3\n");
    let changes = |line| {
        vec![
            ("f", insert()),
            ("f", replace("same\n", "other\n", at_line(line))),
        ]
    };
    check(
        &[("f", file)],
        changes(4),
        &[("f", b"x1\nx2\nx3\nsame\ny\nother\nz\nsame\n")],
    );
    check(
        &[("f", file)],
        changes(8),
        &[("f", b"x1\nx2\nx3\nsame\ny\nsame\nz\nother\n")],
    );
}

#[test]
fn the_order_of_hunks_chooses_among_places() {
    let file: &[u8] = b"x = 1\na = 1\nx = 1\nb = 1\nx = 1\n";
    let hunk = |search: &str, new: &str| ("f", replace(search, new, sequence()));
    check(
        &[("f", file)],
        vec![hunk("b = 1\n", "b = 2\n"), hunk("x = 1\n", "x = 2\n")],
        &[("f", b"x = 1\na = 1\nx = 1\nb = 2\nx = 2\n")],
    );
    check(
        &[("f", file)],
        vec![hunk("x = 1\n", "x = 2\n"), hunk("a = 1\n", "a = 2\n")],
        &[("f", b"x = 2\na = 2\nx = 1\nb = 1\nx = 1\n")],
    );
    check(
        &[("f", file)],
        vec![
            hunk("x = 1\n", "x = 2\n"),
            hunk("x = 1\n", "x = 3\n"),
            hunk("x = 1\n", "x = 4\n"),
        ],
        &[("f", b"x = 2\na = 1\nx = 3\nb = 1\nx = 4\n")],
    );
    refused(
        &[("f", file)],
        vec![hunk("a = 1\n", "a = 2\n"), hunk("x = 1\n", "x = 2\n")],
        "3 times",
    );
    let backwards = vec![
        hunk("b = 1\n", "b = 2\n"),
        hunk("a = 1\n", "a = 2\n"),
        hunk("x = 1\n", "x = 2\n"),
    ];
    refused(&[("f", file)], backwards, "3 times");
}

#[test]
fn nothing_to_find_places_nothing_but_the_end_of_a_file() {
    let file: &[(&str, &[u8])] = &[("f", b"a\nb")];
    check(
        file,
        vec![("f", replace("", "c\n", at_end()))],
        &[("f", b"a\nb\nc")],
    );
    refused(file, vec![("f", plain("", "c\n"))], "nothing to find");
    refused(
        file,
        vec![("f", replace("", "c\n", scoped(&["a"])))],
        "the part of the file that it names",
    );
    refused(
        file,
        vec![("f", replace("", "c\n", at_line(1)))],
        "nothing to find",
    );
}

#[test]
fn only_the_last_lines_of_a_block_change_how_a_file_ends() {
    let one = |search, new| vec![("f", plain(search, new))];
    check(&[("f", b"a\nb")], one("b", "b\n"), &[("f", b"a\nb\n")]);
    check(&[("f", b"a\nb\n")], one("b\n", "c"), &[("f", b"a\nc")]);
    check(&[("f", b"a\nb")], one("b", "c"), &[("f", b"a\nc")]);
    check(&[("f", b"a\nb")], one("b\n", "c\n"), &[("f", b"a\nc")]);
    check(&[("f", b"a\nb")], one("a\nb", "a\n"), &[("f", b"a\n")]);
    check(
        &[("f", b"a\nb\na\n")],
        one("a\n", "c"),
        &[("f", b"a\nb\nc")],
    );
    refused(&[("f", b"a\nb\n")], one("a\n", "c"), "not its last");
}

#[test]
fn readings_of_a_hunk_have_to_agree() {
    let block = |search: &str, other: &str| Change::Replace {
        search: format!("{search}b\n"),
        replace: format!("{search}c\n"),
        otherwise: vec![Split {
            search: format!("{other}b\n"),
            replace: format!("{other}c\n"),
        }],
        hints: Hints::default(),
    };
    check(
        &[("f", b" a\nb\n")],
        vec![("f", block("a\n", " a\n"))],
        &[("f", b" a\nc\n")],
    );
    refused(
        &[("f", b"a\nb\n a\nb\n")],
        vec![("f", block("a\n", " a\n"))],
        "read in several ways",
    );
    check(
        &[("f", b"a\nb\n")],
        vec![("f", block("a\n", "a\n"))],
        &[("f", b"a\nc\n")],
    );
}

#[test]
fn encodings_are_kept() {
    let one = |search, new| vec![("f", plain(search, new))];
    check(
        &[("f", b"caf\xe9\nb\n")],
        one("café\n", "thé\n"),
        &[("f", b"th\xe9\nb\n")],
    );
    refused(&[("f", b"caf\xe9\nb\n")], one("b\n", "€\n"), "`€` (U+20AC)");
    check(
        &[("f", b"\x93caf\xe9\x94\nb\n")],
        one("b\n", "€\n"),
        &[("f", b"\x93caf\xe9\x94\n\x80\n")],
    );
    check(
        &[("f", b"\xfe\xff\0a\0\r\0\n\0b\0\r\0\n")],
        one("b\n", "é\n"),
        &[("f", b"\xfe\xff\0a\0\r\0\n\0\xe9\0\r\0\n")],
    );
    check(
        &[("f", b"a\0\n\0b\0")],
        one("b\n", "c\n"),
        &[("f", b"a\0\n\0c\0")],
    );
    check(
        &[("f", b"a\rb\rc")],
        one("b\n", "d\n"),
        &[("f", b"a\rd\rc")],
    );
    refused(&[("f", b"a\0b\n")], one("a\n", "c\n"), "NUL bytes");
    // Russian in KOI8-R: lines of ASCII can be changed, others not.
    let koi: &[u8] = b"\xf0\xd2\xc9\xd7\xc5\xd4\na = 1\n";
    check(
        &[("f", koi)],
        one("a = 1\n", "a = 2\n"),
        &[("f", b"\xf0\xd2\xc9\xd7\xc5\xd4\na = 2\n")],
    );
    refused(&[("f", koi)], one("a = 1\n", "é\n"), "`é`");
    // One byte that is not UTF-8 among text that is.
    let damaged = "é1 ü2 ö3\nx = 1\n".as_bytes();
    let damaged = [damaged, b"\xff\n"].concat();
    let after = ["é1 ü2 ö3\nx = é\n".as_bytes(), b"\xff\n"].concat();
    check(
        &[("f", &damaged)],
        one("x = 1\n", "x = é\n"),
        &[("f", &after)],
    );
}

#[test]
fn typographic_characters_stay_where_the_edit_keeps_them() {
    let file = "Pay within 30\u{2013}45 days \u{2014} \u{201c}net\u{201d}.\nNo\u{a0}refunds.\n";
    let after = "Pay within 30\u{2013}45 days \u{2014} \u{201c}net\u{201d}.\nRefunds on request.\n";
    let change = plain(
        "Pay within 30-45 days - \"net\".\nNo refunds.\n",
        "Pay within 30-45 days - \"net\".\nRefunds on request.\n",
    );
    check(
        &[("f.md", file.as_bytes())],
        vec![("f.md", change)],
        &[("f.md", after.as_bytes())],
    );
}

#[test]
fn new_lines_never_stand_for_others() {
    let file: &[(&str, &[u8])] = &[("f.py", b"def a():\n    x = 1\n    return x\n")];
    let change = || plain("    x = 1\n", "    x = 2\n    # ... rest unchanged ...\n");
    refused(file, vec![("f.py", change())], "stands for lines left out");
}

#[test]
fn the_same_edit_twice_is_one() {
    let twice =
        |search: &str, new: &str| vec![("f", plain(search, new)), ("f", plain(search, new))];
    check(
        &[("f", b"a\nb\n")],
        twice("a\n", "c\n"),
        &[("f", b"c\nb\n")],
    );
    check(
        &[("f", b"a\nb\n")],
        twice("a\n", "a\nc\n"),
        &[("f", b"a\nc\nb\n")],
    );
    check(&[("f", b"a\nb\n")], twice("a\n", ""), &[("f", b"b\n")]);
}

#[test]
fn an_edit_that_brings_its_search_again_is_made_once() {
    let change = || ("f", plain("s\nt\n", "s\nu\ns\nt\n"));
    check(
        &[("f", b"s\nt\n")],
        vec![change(), change()],
        &[("f", b"s\nu\ns\nt\n")],
    );
}

#[test]
fn a_whole_file_is_whole() {
    let write = |content: &str| {
        vec![(
            "f.js",
            Change::Write {
                content: content.to_owned(),
            },
        )]
    };
    let file: &[(&str, &[u8])] = &[("f.js", b"a();\nb();\nc();\nd();\n")];
    for content in [
        "x();\n// (rest of file remains the same)\n",
        "x();\n// rest of the code is unchanged\n",
        "x();\n/* remaining methods stay as before, unchanged */\n",
        "x();\n// same as before\n",
        "x();\n...\n",
        "b();\nc();\n",
        "\n",
    ] {
        assert!(outcome(file, write(content)).is_err(), "{content}");
    }
    for content in [
        "x();\n// the rest is history\n",
        "b();\nc();\nd();\n",
        "// remaining items stay in the queue\n",
    ] {
        check(file, write(content), &[("f.js", content.as_bytes())]);
    }
    let python = Change::Write {
        content: "def a():\n    ...\n".to_owned(),
    };
    check(
        &[("f.py", b"x\n")],
        vec![("f.py", python)],
        &[("f.py", b"def a():\n    ...\n")],
    );
}

#[test]
fn obstacles_are_no_files() {
    let mut before = tree(&[("a", b"1\n")]);
    before.block(path("link"), Obstacle::Link);
    let create = || Change::Create {
        content: "x\n".to_owned(),
    };
    for (changes, words) in [
        (vec![("link", create())], "`link` is a symbolic link"),
        (
            vec![("link/x", create())],
            "`link/x` would lie in `link`, which is a symbolic link",
        ),
        (vec![("a", to("link"))], "`link` is a symbolic link"),
        (
            vec![("LINK", create())],
            "cannot tell this path from `link`",
        ),
    ] {
        let error = apply(&set(changes), &before, &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn protected_files_are_left_alone() {
    let protection = Protection::usual()
        .protect(["tests/"])
        .unwrap()
        .own(["tests/new/*.py"])
        .unwrap();
    let forbids = |name: &str| protection.forbids(&path(name)).map(str::to_owned);
    assert_eq!(
        forbids(".github/workflows/ci.yml").as_deref(),
        Some(".github/workflows")
    );
    assert_eq!(
        forbids("web/package-lock.json").as_deref(),
        Some("**/package-lock.json")
    );
    assert_eq!(forbids("cargo.LOCK").as_deref(), Some("**/Cargo.lock"));
    assert_eq!(forbids("tests/a/b.py").as_deref(), Some("tests"));
    assert_eq!(forbids("tests/new/b.py"), None);
    assert_eq!(forbids("src/tests.rs"), None);
    assert!(Protection::default().protect(["["]).is_err());
    let changes = set(vec![("a", to("tests/x")), ("b", plain("x\n", "y\n"))]);
    let error = apply_protected(
        &changes,
        &tree(&[("a", b"1\n")]),
        &Limits::default(),
        &protection,
    );
    let said: Vec<_> = error
        .unwrap_err()
        .problems
        .into_iter()
        .map(|problem| problem.said)
        .collect();
    assert_eq!(
        said,
        ["`tests/x` is protected by `tests`", "there is no such file"]
    );
}

fn inline(search: &str, new: &str, line: Option<usize>) -> Change {
    let hints = Hints {
        inline: true,
        line,
        ..Hints::default()
    };
    replace(&format!("{search}\n"), &format!("{new}\n"), hints)
}

#[test]
fn a_text_within_lines_is_found_once_or_not_at_all() {
    let one = |search, new| vec![("f", inline(search, new, None))];
    check(
        &[("f", b"alpha=1 # x\r\nb\r\n")],
        one("alpha=1", "beta=1"),
        &[("f", b"beta=1 # x\r\nb\r\n")],
    );
    check(
        &[("f", b"f(a,\n  b) + 1\n")],
        one("(a,\n  b)", "(c)"),
        &[("f", b"f(c) + 1\n")],
    );
    check(
        &[("f", b"a = 1\nbaa = 1\n")],
        one("a = 1", "a = 2"),
        &[("f", b"a = 2\nbaa = 1\n")],
    );
    refused(&[("f", b"aaa x\n")], one("aa", "b"), "2 times");
    refused(
        &[("f", b"f(1)\nf(1, 2)\ng(1\n")],
        one("(1", "(3"),
        "3 times, at lines 1, 2, 3",
    );
    check(
        &[("f", b"f(1)\nf(1, 2)\n")],
        vec![("f", inline("f(1", "f(3", Some(2)))],
        &[("f", b"f(1)\nf(3, 2)\n")],
    );
    let files: &[(&str, &[u8])] = &[("f", b"call(first, second) # x\n")];
    check(files, one("call(first", "call(first, second"), files);
}

#[test]
fn what_was_applied_before_is_known_by_its_place() {
    let same = |file: &[u8], search, new| {
        check(
            &[("f", file)],
            vec![("f", plain(search, new))],
            &[("f", file)],
        );
    };
    same(
        b"a=9\nlonger_name_here = 3\n",
        "a=1\nlonger_name_here = 3\n",
        "a=9\nlonger_name_here = 3\n",
    );
    same(b"a=9\n", "a=1\n", "a=9\n");
    same(
        b"name_0\nadded_line()\n",
        "    name_0\n",
        "    name_0\n    added_line()\n",
    );
    same(b"name_0\n\nadded()\n", "name_0\n\n", "name_0\n\nadded()\n");
    let two = vec![("f", plain("retries = 3\n", "retries = 5\n"))];
    refused(
        &[("f", b"retries = 5\nretries = 4\n")],
        two,
        "not in the file",
    );
    check(
        &[("f", b"a {\n  b {\n  }\n}\n")],
        vec![("f", plain("  b {\n  }\n", "  b {\n  }\n}\n"))],
        &[("f", b"a {\n  b {\n  }\n}\n}\n")],
    );
}

#[test]
fn a_hunk_indented_by_whole_levels_is_read_by_its_marks() {
    let change = Change::Replace {
        search: "      }\n  spare_6\n".to_owned(),
        replace: "      }\n  spare_6\n     added\n".to_owned(),
        otherwise: vec![Split {
            search: "       }\n   spare_6\n".to_owned(),
            replace: "       }\n   spare_6\n     added\n".to_owned(),
        }],
        hints: Hints::default(),
    };
    check(
        &[("f", b"    }\nspare_6\n")],
        vec![("f", change)],
        &[("f", b"    }\nspare_6\n   added\n")],
    );
}

#[test]
fn blank_lines_of_the_file_stay_beside_lines_that_stay() {
    let one = |file: &[u8], search, new, after: &[u8]| {
        check(
            &[("f", file)],
            vec![("f", plain(search, new))],
            &[("f", after)],
        );
    };
    one(
        b"a\n\nb\nc\n",
        "a\n\nb\n\nc\n",
        "x\n\nb\n\nc\n",
        b"x\n\nb\nc\n",
    );
    one(b"a\n\nb\nc\n", "a\nb\nc\n", "x\nb\nc\n", b"x\n\nb\nc\n");
    one(b"a\n\nb\n", "a\nb\n", "x\n\nb\n", b"x\n\nb\n");
    one(b"a\n\nb\nc\n", "a\nb\nc\n", "c\n", b"c\n");
    one(b"a\n\nb\n", "a\nb\n", "a\nnew\n\nb\n", b"a\n\nnew\n\nb\n");
    one(b"a\n\nb\n", "a\nb\n", "x\ny\n", b"x\n\ny\n");
    // Lines that only change their order keep the blanks that the file has at their ends.
    one(b"a\nb\nc\n", "a  \nb  \nc\n", "b  \na  \nd\n", b"b\na\nd\n");
}

#[test]
fn whole_lines_come_before_texts_within_lines() {
    let one = |search, new| vec![("f", inline(search, new, None))];
    check(
        &[("f", b"    word 4\n")],
        one("word 4", "word 4\nadded()"),
        &[("f", b"    word 4\n    added()\n")],
    );
    check(
        &[("f", b"spare = {};  \n")],
        one("spare = {};", "spare = {};\nmore"),
        &[("f", b"spare = {};  \nmore\n")],
    );
    refused(
        &[("f", b"call(4)\n  name_5\nx text\n")],
        one("\n  name_5\nx", "added"),
        "not in the file",
    );
    refused(
        &[("f", b"\t\tx = 1 # y\n")],
        one("x = 1", "x = 1\nz"),
        "not in the file",
    );
}

#[test]
fn only_a_path_makes_a_script() {
    let create = |content: &str| {
        vec![(
            "f",
            Change::Create {
                content: content.to_owned(),
            },
        )]
    };
    for (content, executable) in [
        ("#!/bin/sh\n", true),
        ("#! /bin/sh\n", true),
        ("#![allow(x)]\n", false),
    ] {
        let applied = outcome(&[], create(content)).unwrap();
        assert_eq!(applied.tree.get(&path("f")).unwrap().executable, executable);
    }
}

#[test]
fn the_heading_of_a_numbered_hunk_never_refuses_it() {
    let hints = Hints {
        line: Some(1),
        ..scoped(&["fn b()"])
    };
    let notes = outcome(
        &[("f", b"x\nfn b()\n")],
        vec![("f", replace("x\n", "y\n", hints))],
    )
    .unwrap()
    .notes;
    assert_eq!(notes, ["edit 1, `f`: found, but not below `fn b()`"]);
}

#[test]
fn a_quoted_mark_is_no_part_of_a_line() {
    let change = || vec![("f", plain("\u{feff}a\n", "\u{feff}b\n"))];
    check(
        &[("f", b"\xef\xbb\xbfa\nx\n")],
        change(),
        &[("f", b"\xef\xbb\xbfb\nx\n")],
    );
    check(&[("f", b"a\nx\n")], change(), &[("f", b"b\nx\n")]);
}

#[test]
fn a_shifted_hunk_is_read_by_its_marks() {
    let change = Change::Replace {
        search: "  text a - b 1\n    else:\n".to_owned(),
        replace: "  text a - b 1\n    else:\n  added\n".to_owned(),
        otherwise: vec![Split {
            search: "   text a - b 1\n     else:\n".to_owned(),
            replace: "   text a - b 1\n     else:\n  added\n".to_owned(),
        }],
        hints: Hints::default(),
    };
    for (file, after) in [
        (
            &b"text a - b 1\n  else:\n"[..],
            &b"text a - b 1\n  else:\nadded\n"[..],
        ),
        (
            b"    text a - b 1\n      else:\n",
            b"    text a - b 1\n      else:\n    added\n",
        ),
    ] {
        check(&[("f", file)], vec![("f", change.clone())], &[("f", after)]);
    }
}

#[test]
fn a_misquoted_deletion_is_not_taken_for_done() {
    let change = plain("github: [z]\nelseom: [\"x\"]\n", "github: [z]\n");
    refused(
        &[("f", b"github: [z]\ncustom: [\"x\"]\n")],
        vec![("f", change)],
        "not in the file",
    );
}

#[test]
fn new_lines_never_outweigh_lines_that_were_there() {
    let insert = || ("f", plain("a\n", "a\n}\n"));
    let change = ("f", plain("}\n", "}\nb\n"));
    refused(
        &[("f", b"a\n    }\n")],
        vec![insert(), change],
        "2 times, at lines 2, 3",
    );
}

#[test]
fn a_file_whose_lines_all_go_keeps_how_they_ended() {
    let changes = vec![
        ("f", plain("one\n", "")),
        ("f", plain("two\n", "two\nthree\n")),
    ];
    check(&[("f", b"one\r\ntwo")], changes, &[("f", b"two\r\nthree")]);
}
