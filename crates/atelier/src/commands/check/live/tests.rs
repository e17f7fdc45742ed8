//! Frames of a check, as a person sees them.

use std::collections::BTreeMap;

use super::{Board, Running, frame, left_ms, under_way};

fn running(began_ms: u64, attempt: u32, usual_ms: Option<u64>) -> Running {
    Running {
        began_ms,
        attempt,
        usual_ms,
    }
}

fn board() -> Board {
    Board {
        steps: 12,
        named: true,
        over: 3,
        failed: 1,
        running: BTreeMap::from([
            ("web:test".to_owned(), running(6_000, 2, None)),
            ("build".to_owned(), running(1_000, 1, Some(9_500))),
        ]),
        usual: BTreeMap::new(),
        processors: 2,
        said_ms: 0,
    }
}

fn lines(board: &Board, size: (usize, usize)) -> Vec<String> {
    let frame = frame(board, 8_250, size);
    frame.iter().map(crate::row::Row::text).collect()
}

#[test]
fn steps_come_before_their_sum_the_oldest_first() {
    let expected = [
        "  ⠹ build                                       7.2s  usually 9.5s",
        "  ⠹ web:test                                    2.2s  try 2",
        "  Checking [=======>                    ] 3/12 steps · 1 failed · 0:08",
    ];
    assert_eq!(lines(&board(), (80, 24)), expected);
}

#[test]
fn no_line_is_wider_and_no_frame_higher_than_it_may_be() {
    let mut board = board();
    for step in 0..40 {
        let name = format!("{step} a name that is far too long for the column it is given here");
        board.running.insert(name, running(7_000, 1, Some(60_000)));
    }
    for (columns, rows) in [(80, 24), (40, 9), (20, 3), (200, 100)] {
        let lines = lines(&board, (columns, rows));
        assert!(lines.len() <= (rows / 3).clamp(1, 12), "{lines:?}");
        let width = |line: &String| line.chars().count();
        assert!(lines.iter().all(|line| width(line) < columns), "{lines:?}");
    }
    let shown = lines(&board, (80, 24));
    assert_eq!(shown[6], "    and 36 more");
}

#[test]
fn of_many_steps_only_those_that_were_executed_are_counted() {
    let board = Board {
        named: false,
        failed: 0,
        steps: 5_000,
        running: BTreeMap::new(),
        ..board()
    };
    let expected = ["  Checking 5000 steps: 3 executed · 0:08"];
    assert_eq!(lines(&board, (80, 24)), expected);
}

#[test]
fn the_time_left_is_told_only_where_all_of_it_is_known() {
    let mut board = board();
    assert_eq!(left_ms(&board, 8_250), None);
    board.running.remove("web:test");
    assert_eq!(left_ms(&board, 8_250), Some(2_250));
    board.usual.insert("a".to_owned(), Some(4_000));
    board.usual.insert("b".to_owned(), Some(5_000));
    assert_eq!(left_ms(&board, 8_250), Some(5_625), "two processors");
    board.usual.insert("c".to_owned(), None);
    assert_eq!(left_ms(&board, 8_250), None);
}

#[test]
fn without_a_region_one_line_says_what_is_under_way() {
    let text = under_way(&board(), 8_250);
    assert_eq!(
        text.as_deref(),
        Some("… build for 7.2s and 1 step more; 3 steps over")
    );
    assert_eq!(under_way(&Board::default(), 8_250), None);
}
