//! Blocks lead from the old text to the new one, or there are none.

use super::between;

fn check(old: &str, new: &str, blocks: Option<usize>) {
    let found = between(old, new);
    assert_eq!(found.as_ref().map(Vec::len), blocks, "{found:#?}");
    let Some(found) = found else { return };
    let mut text = old.to_owned();
    for block in found {
        assert_eq!(text.matches(&block.search).count(), 1, "{block:?}");
        text = text.replacen(&block.search, &block.replace, 1);
    }
    assert_eq!(text, new);
}

#[test]
fn a_single_change_is_one_block() {
    check("a\nb\nc\nd\n", "a\nB\nc\nd\n", Some(1));
}

#[test]
fn distant_changes_are_blocks_of_their_own() {
    let lines: Vec<_> = (0..60).map(|line| format!("line {line}\n")).collect();
    let old = lines.concat();
    let new = old
        .replace("line 3\n", "line three\n")
        .replace("line 50\n", "");
    check(&old, &new, Some(2));
}

#[test]
fn context_grows_until_a_block_is_unambiguous() {
    let part = "begin\n  same\nend\n";
    let old = format!("first\n{part}second\n{part}third\n");
    let new = format!("first\n{part}second\nbegin\n  other\nend\nthird\n");
    check(&old, &new, Some(1));
}

#[test]
fn repetition_without_end_has_no_blocks() {
    let old = "x\n".repeat(200);
    let new = format!("{}y\n{}", "x\n".repeat(100), "x\n".repeat(99));
    check(&old, &new, None);
}

#[test]
fn texts_with_markers_or_without_a_final_line_end_have_no_blocks() {
    check("=======\na\n", "=======\nb\n", None);
    check("a\nb", "a\nc", None);
    check("", "a\n", None);
}
