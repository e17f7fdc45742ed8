//! The report as Markdown.

use crate::{RunReport, markdown, sample::facts};

#[test]
fn every_row_of_a_table_has_the_cells_of_its_head() {
    let told = markdown(&RunReport::of(&facts()));
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut head = None;
    for line in told.lines() {
        if line.starts_with('|') {
            let wanted = *head.get_or_insert_with(|| cells(line));
            assert_eq!(cells(line), wanted, "{line}");
        } else {
            head = None;
        }
    }
    assert!(
        told.contains("| **not met** | R2 | It deletes entries | 2.1/A1 |"),
        "{told}"
    );
}

#[test]
fn signs_of_others_stay_signs() {
    let told = markdown(&RunReport::of(&facts()));
    assert!(
        told.starts_with("# todo &lt;list>: not finished\n"),
        "{told}"
    );
    assert!(told.contains("> that lasts \\[31m&lt;b>\n"), "{told}");
    assert!(
        told.contains("It adds entries \\| and keeps them"),
        "{told}"
    );
    assert!(!told.contains("<script>"), "{told}");
}
