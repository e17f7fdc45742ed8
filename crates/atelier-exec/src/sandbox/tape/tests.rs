//! A tape keeps head and tail, whatever the pieces it gets.

use proptest::prelude::*;

use super::*;

fn check(bytes_max: usize, pieces: &[&str], expected: &str) {
    let mut tape = Tape::new(bytes_max);
    for piece in pieces {
        tape.push(piece.as_bytes());
    }
    let (text, truncated) = tape.text();
    assert_eq!(text, expected);
    assert_eq!(truncated, expected.contains("left out"));
}

#[test]
fn head_and_tail_are_kept() {
    check(10, &[], "");
    check(10, &["0123456789"], "0123456789");
    check(10, &["01234", "56789"], "0123456789");
    check(
        10,
        &["0123456789a"],
        "01234\n[... 1 bytes left out ...]\n6789a",
    );
    check(
        4,
        &["0", "1", "2", "3", "4", "5"],
        "01\n[... 2 bytes left out ...]\n45",
    );
    check(3, &["0123456789"], "0\n[... 7 bytes left out ...]\n89");
    check(0, &["0123"], "\n[... 4 bytes left out ...]\n");
    check(8, &["é", "é", "é", "é"], "éééé");
}

proptest! {
    #[test]
    fn the_pieces_do_not_matter(
        pieces in prop::collection::vec("[a-z]{0,20}", 0..20),
        bytes_max in 0..60_usize,
    ) {
        let mut tape = Tape::new(bytes_max);
        for piece in &pieces {
            tape.push(piece.as_bytes());
            prop_assert!(tape.head.len() + tape.tail.len() <= bytes_max);
        }
        let mut whole = Tape::new(bytes_max);
        whole.push(pieces.concat().as_bytes());
        prop_assert_eq!(tape.text(), whole.text());
        let kept = tape.head.len() + tape.tail.len();
        prop_assert_eq!(kept as u64 + tape.left_out, pieces.concat().len() as u64);
    }
}
