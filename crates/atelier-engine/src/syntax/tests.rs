//! Which broken files are told, and how.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{FileEntry, FileTree, TreePath};

use super::broken;

fn tree(files: &[(&str, &str)]) -> FileTree {
    let entry =
        |(path, text): &(&str, &str)| (TreePath::parse(path).unwrap(), FileEntry::text(*text));
    files.iter().map(entry).collect()
}

#[test]
fn files_that_a_change_broke_are_told_with_place_and_line() {
    let before = tree(&[
        ("a.py", "x = (1)\n"),
        ("was.py", "x = (\n"),
        ("gone.py", "x = 1\n"),
        ("same.py", "y = (\n"),
        ("b.txt", "(\n"),
    ]);
    let after = tree(&[
        ("a.py", "y = 2\nx = (1\n"),
        ("was.py", "x = ((\n"),
        ("new.js", "f({\n"),
        ("same.py", "y = (\n"),
        ("b.txt", "((\n"),
    ]);
    let broken = broken(&before, &after);
    let places: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert_eq!(
        places,
        [
            "a.py:2:5: `(` is never closed",
            "new.js:1:2: `(` is never closed",
            "new.js:1:3: `{` is never closed",
        ]
    );
    assert_eq!(
        broken[0].to_model(),
        "`a.py` no longer follows its grammar: line 2, column 5: `(` is never closed, in `x = (1`. \
         Look there first."
    );
}
