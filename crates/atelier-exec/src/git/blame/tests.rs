//! What git prints of a file, read line by line.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{BlamedLine, read};

fn line(commit: Option<&str>, path: &str, number: u32, text: &str) -> BlamedLine {
    BlamedLine {
        commit: commit.map(str::to_owned),
        path: path.to_owned(),
        number,
        text: text.to_owned(),
    }
}

#[test]
fn lines_of_several_commits_are_told_apart_and_keep_the_path_they_had() {
    let text = "aaa1 1 1 2\nauthor Ann\nfilename old name.rs\n\tfn a() {\naaa1 2 2\n\t}\n\
                0000 3 3 1\nauthor Not Committed Yet\nfilename new.rs\n\t\n\
                aaa1 9 4 1\n\t\tindented\n";
    let expected = [
        line(Some("aaa1"), "old name.rs", 1, "fn a() {"),
        line(Some("aaa1"), "old name.rs", 2, "}"),
        line(None, "new.rs", 3, ""),
        line(Some("aaa1"), "old name.rs", 4, "\tindented"),
    ];
    assert_eq!(read(text).unwrap(), expected);
    assert_eq!(read("").unwrap(), []);
    assert_eq!(read("aaa1 1\n"), None);
}
