//! What git prints of many objects, read one by one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::read;

#[test]
fn files_folders_and_nothing_are_told_apart() {
    let text = b"aa blob 3\na\nb\nc1:x missing\nbb tree 2\nzz\ncc blob 0\n\n";
    let found = read(text, 4).unwrap();
    let expected = [Some(b"a\nb".to_vec()), None, None, Some(Vec::new())];
    assert_eq!(found, expected);
    assert_eq!(read(text, 3), None, "more than was asked for");
    assert_eq!(read(&text[..12], 1), None, "less than was promised");
}
