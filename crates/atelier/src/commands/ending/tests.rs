//! The telling part of an output.

use super::telling;

#[test]
fn the_first_line_that_names_a_failure_begins_the_quote() {
    let output = "   Compiling demo\n\nerror[E0308]: mismatched types\n  --> src/main.rs:4:5\n";
    assert_eq!(
        telling(output),
        ["error[E0308]: mismatched types", "  --> src/main.rs:4:5"]
    );
}

#[test]
fn without_such_a_line_the_end_is_quoted() {
    let lines: Vec<String> = (1..=20).map(|number| format!("line {number}")).collect();
    let output = lines.join("\n");
    let quoted = telling(&output);
    assert_eq!(quoted.len(), super::OUTPUT_LINES_MAX);
    assert_eq!(quoted.first().copied(), Some("line 13"));
    assert_eq!(quoted.last().copied(), Some("line 20"));
}
