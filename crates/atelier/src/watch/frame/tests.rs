//! Frames of a run, as a terminal would show them.

use atelier_model::{AskId, EventKind, MicroUsd};

use super::*;
use crate::watch::tests::Tale;

/// A terminal of 100 columns and 36 rows.
const SIZE: (usize, usize) = (100, 36);

fn shown(tale: &Tale, size: (usize, usize)) -> String {
    let frame = frame(&tale.board, tale.now(), size);
    frame.iter().map(Row::text).collect::<Vec<_>>().join("\n")
}

fn planning() -> Tale {
    let mut tale = Tale::default();
    tale.board.budget = Some(MicroUsd(2_000_000));
    tale.stage(Stage::Design, None)
        .ask("", Stage::Design, "a")
        .wait(4_100);
    tale.answer("", Stage::Design, "a", (3_200, 21_000)).staged(
        Stage::Design,
        None,
        "6 components",
    );
    tale.stage(Stage::Detail, Some(3))
        .ask("", Stage::Detail, "b")
        .wait(800);
    tale.stage(Stage::Detail, Some(4))
        .ask("", Stage::Detail, "c");
    let (ask, reason) = (AskId::from_text("c"), "rate limit".to_owned());
    tale.tell(
        "",
        EventKind::AskRetried {
            ask,
            reason,
            wait_ms: 2_400,
            partial: None,
        },
    );
    tale.wait(1_200);
    tale
}

fn building() -> Tale {
    let mut tale = planning();
    tale.answer("", Stage::Detail, "b", (1_200, 0))
        .staged(Stage::Detail, Some(3), "3 steps");
    tale.answer("", Stage::Detail, "c", (1_200, 4_000))
        .staged(Stage::Detail, Some(4), "2 steps");
    tale.add("t1", "lay out the crate", &[])
        .add("t2", "store links", &["t1"]);
    tale.add("t3", "redirect by short name", &["t2"])
        .add("t4", "limit the rate", &["t3"]);
    tale.done("t1", 4).done("t2", 9);
    tale.moves("t3", TaskState::Ready, TaskState::Running);
    tale.tell("t3", EventKind::AttemptStarted { ordinal: 1 });
    tale.ask("t3", Stage::Code, "d").wait(2_000);
    tale
}

#[test]
fn planning_shows_stages_and_who_is_asked() {
    insta::assert_snapshot!(shown(&planning(), SIZE), @r"
      ⠙ detail 3      2.0s  dividing the phase into steps
      ⠙ detail 4      1.2s  dividing the phase into steps
                 asking claude-x, 2.0s
                 claude-x: rate limit; again in 1.2s
      ── $0.021 of $2.000 · 3.2k tokens · 0:06 · Ctrl-C stops · 2 asks ──
    ");
}

#[test]
fn building_shows_the_bar_and_what_every_task_does() {
    let mut tale = building();
    insta::assert_snapshot!(shown(&tale, SIZE), @r"
      Building [==============>             ] 2/4 tasks · 9 tests pass
         ⠧ t3    redirect by short name               2.0s  asking claude-x, 2.0s
         ◦ t4    limit the rate                             waits for t3
      ── $0.037 of $2.000 · 9.8k tokens (12% cached) · 0:24, ~0:18 left · Ctrl-C stops ──
    ");
    tale.answer("t3", Stage::Code, "d", (2_000, 5_000));
    tale.moves("t3", TaskState::Running, TaskState::Verifying);
    tale.tell("t3", EventKind::AttemptStarted { ordinal: 2 });
    tale.check("t3", "test", "cargo test --locked").wait(6_100);
    insta::assert_snapshot!(shown(&tale, SIZE), @r"
      Building [==============>             ] 2/4 tasks · 9 tests pass
         ⠇ t3    redirect by short name               8.1s  attempt 2: cargo test --locked, 6.1s
         ◦ t4    limit the rate                             waits for t3
      ── $0.042 of $2.000 · 11.8k tokens (10% cached) · 0:30, ~0:24 left · Ctrl-C stops ──
    ");
}

#[test]
fn the_verdict_is_under_way_like_anything_else() {
    let mut tale = building();
    tale.check("", "test", "cargo test --locked").wait(800);
    let last: Vec<String> = shown(&tale, SIZE).lines().map(str::to_owned).collect();
    assert_eq!(
        last[last.len() - 2],
        " Verifying ⠴ in a fresh checkout: cargo test --locked, 0.8s"
    );
}

#[test]
fn a_frame_never_takes_more_than_its_share_of_the_terminal() {
    let mut tale = building();
    for number in 10..40 {
        let id = format!("t{number}");
        tale.add(
            &id,
            "日本語の長い題名、とても長い題名、とても長い題名、とても長い題名",
            &[],
        );
        tale.moves(&id, TaskState::Ready, TaskState::Running);
    }
    for columns in [1, 10, 20, 40, 79, 80, 100, 200] {
        for rows in [1, 2, 3, 6, 9, 24, 36, 50, 200] {
            let frame = frame(&tale.board, tale.now(), (columns, rows));
            assert!(frame.len() <= (rows / 3).clamp(1, 12), "{columns}x{rows}");
            assert!(
                frame.iter().all(|row| row.width() < columns),
                "{columns}x{rows}"
            );
            assert!(
                frame
                    .last()
                    .is_some_and(|row| columns < 20 || row.text().contains('$'))
            );
        }
    }
}

#[test]
fn who_sees_no_region_is_told_in_one_line() {
    assert_eq!(
        under_way(&Board::default(), Timestamp::from_millis(0)),
        None
    );
    let tale = planning();
    assert_eq!(
        under_way(&tale.board, tale.now()).as_deref(),
        Some("detail 2.0s")
    );
    let mut tale = building();
    assert_eq!(
        under_way(&tale.board, tale.now()).as_deref(),
        Some("t3 asking claude-x, 2.0s, 2.0s")
    );
    tale.answer("t3", Stage::Code, "d", (2_000, 5_000));
    tale.check("t3", "test", "cargo test --locked").wait(31_000);
    assert_eq!(
        under_way(&tale.board, tale.now()).as_deref(),
        Some("t3 cargo test --locked, 31.0s, 33.0s")
    );
}
