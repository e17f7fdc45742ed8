//! Text of models inside Markdown: tables, and that no text gets out of its place.

use proptest::prelude::*;

use super::tree;
use crate::{
    citations::resolve,
    managed::{has_markers, merge},
    markdown::{block, cell, code, fence, heading, line},
};

#[test]
fn a_line_stays_a_line_of_text() {
    for (text, expected) in [
        ("plain `<code>` *stays*", "plain `<code>` *stays*"),
        ("two\n lines", "two lines"),
        ("# no heading", "\\# no heading"),
        ("- no list", "\\- no list"),
        ("1. no list", "1\\. no list"),
        ("2024) no list", "2024\\) no list"),
        ("2.3 a number", "2.3 a number"),
        ("--json prints", "--json prints"),
        ("--- -", "\\--- -"),
        ("***", "\\***"),
        ("==", "\\=="),
        ("~~gone~~ #tag", "~~gone~~ #tag"),
        ("~~~", "\\~~~"),
        ("> no quote", "\\> no quote"),
        ("**strong** text", "**strong** text"),
        ("* item", "\\* item"),
        ("```rust", "\\`\\`\\`rust"),
        ("a ` b ``c`` d", "a \\` b \\`\\`c\\`\\` d"),
        ("```a <b>``` c", "```a <b>``` c"),
        ("``a ` b`` \\`c", "``a ` b`` \\`c"),
        ("ends in \\", "ends in \\\\"),
        ("| a | b |", "\\| a | b |"),
        ("<!-- hidden", "&lt;!-- hidden"),
        ("a < b <b> </b> <?x", "a < b &lt;b> &lt;/b> &lt;?x"),
        ("`open <b>", "\\`open &lt;b>"),
        ("see [[a.rs]] and [[gone]]", "see [[a.rs]] and \\[\\[gone]]"),
    ] {
        assert_eq!(line(text, &tree(&[("a.rs", "")])), expected, "{text}");
    }
    assert_eq!(cell("a | b `c|d`", &tree(&[])), "a \\| b `c\\|d`");
    assert_eq!(code("a `b` c"), "`` a `b` c ``");
    assert_eq!(fence("sh", "echo ```\n"), "````sh\necho ```\n````\n");
}

fn check_block(text: &str, expected: &str) {
    assert_eq!(block(text, 3, &tree(&[])), expected, "{text}");
}

#[test]
fn headings_are_moved_below_their_place_and_keep_their_order() {
    check_block("# A\ntext\n## B\n", "### A\ntext\n#### B\n");
    check_block("#### A\n##### B\n###### C", "### A\n#### B\n##### C\n");
    check_block("# A\n##### B", "### A\n###### B\n");
    check_block("#hash\n    # code\n", "#hash\n    # code\n");
    check_block("Title\n=====\ntext\n", "Title\n\\=====\ntext\n");
    check_block("Title\n---\n\n---\n", "Title\n\\---\n\n---\n");
}

#[test]
fn code_blocks_stay_as_they_are_and_are_closed() {
    check_block(
        "```sh\n# no heading <b>\n```\n",
        "```sh\n# no heading <b>\n```\n",
    );
    check_block("~~~~\n```\ntext", "~~~~\n```\ntext\n~~~~\n");
    check_block(
        "```\n<!-- atelier:end a -->\n",
        "```\n<! -- atelier:end a -->\n```\n",
    );
}

#[test]
fn a_backtick_left_open_makes_no_code_of_later_lines() {
    check_block(
        "a ` b\nc ` <!-- d `e` \n\n`<i>`",
        "a ` b\nc ` &lt;!-- d `e`\n\n`<i>`\n",
    );
}

/// Text full of what could break out of its place.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<!-- atelier:begin a -->"),
        Just("<!-- atelier:end a -->"),
        Just("<!--"),
        Just("-->"),
        Just("```"),
        Just("~~~~"),
        Just("`"),
        Just("``"),
        Just("# "),
        Just("======="),
        Just("---"),
        Just("[[a.rs]]"),
        Just("[[gone#L3]]"),
        Just("[["),
        Just("]]"),
        Just("|"),
        Just("<details>"),
        Just("\n"),
        Just("\r\n"),
        Just(" "),
        Just("word"),
        Just("\\"),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_block_keeps_its_place(text in hostile()) {
        let files = tree(&[("a.rs", "1\n")]);
        let out = block(&text, 3, &files);
        prop_assert!(!has_markers(&out), "{}", out);
        prop_assert!(resolve(&out, &files).is_ok(), "{}", out);
        let mut fences = crate::markdown::Fences::default();
        for line in out.lines() {
            if fences.next(line) == crate::markdown::Line::Text {
                prop_assert!(heading(line).is_none_or(|(level, _)| level >= 3), "{}", line);
            }
        }
        prop_assert_eq!(fences.closing(), None);
        prop_assert!(merge(None, &[("x", &out)]).is_ok());
    }

    #[test]
    fn a_line_and_a_fence_keep_their_place(text in hostile()) {
        let files = tree(&[("a.rs", "1\n")]);
        for out in [line(&text, &files), cell(&text, &files), fence("", &text), code(&text)] {
            prop_assert!(!has_markers(&out), "{}", out);
            prop_assert!(resolve(&out, &files).is_ok(), "{}", out);
        }
        prop_assert!(!line(&text, &files).contains('\n'));
        prop_assert!(heading(&line(&text, &files)).is_none());
    }
}
