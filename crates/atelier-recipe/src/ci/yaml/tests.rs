//! What is written can be read.
use super::{Node, list, map};

#[test]
fn texts_are_quoted_where_they_need_it() {
    let values = [
        "plain text",
        "yes",
        "1.20",
        "a: b",
        "it's",
        "{ 'a' }",
        "#x",
        "- x",
        "",
        "a\tb",
        "two\nlines",
        ".5",
        "é",
        "30 minutes",
        "~/x",
        "${{ a == 'b' }}",
        "a #b",
        "k:",
    ];
    let node = map([
        ("texts", list(values)),
        ("noted", Node::Noted("a@b".to_owned(), "v1".to_owned())),
        ("empty", Node::Empty),
        ("number", Node::from(7)),
        (
            "maps",
            Node::List(vec![map([
                ("a", map([("b", Node::from(true))])),
                ("c", list(["d"])),
            ])]),
        ),
    ]);
    assert_eq!(
        node.to_text(),
        "texts:\n  - plain text\n  - 'yes'\n  - '1.20'\n  - 'a: b'\n  - it's\n  - |-\n    { 'a' }\n  - '#x'\n  - '- x'\n  - ''\n  - \"a\\tb\"\n  - |-\n    two\n    lines\n  - '.5'\n  - 'é'\n  - 30 minutes\n  - ~/x\n  - ${{ a == 'b' }}\n  - 'a #b'\n  - 'k:'\nnoted: a@b # v1\nempty:\nnumber: 7\nmaps:\n  - a:\n      b: true\n    c:\n      - d\n"
    );
}
