//! What a model is shown of long outputs.

use super::head_and_tail;

#[test]
fn a_long_output_keeps_its_beginning_and_its_end() {
    assert_eq!(head_and_tail("short", 100), "short");
    let text = format!("first line\n{}\nlast line", "x".repeat(500));
    let shown = head_and_tail(&text, 90);
    assert!(shown.starts_with("first line\n"), "{shown}");
    assert!(shown.ends_with("\nlast line"), "{shown}");
    assert!(shown.contains("bytes left out"), "{shown}");
    // Characters of several bytes are never cut.
    assert!(head_and_tail(&"ä€😀".repeat(100), 91).contains("left out"));
}
