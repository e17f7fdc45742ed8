//! What the region leaves on a terminal, seen through a terminal in memory.

use std::num::NonZeroU16;

use proptest::prelude::*;
use vt100::Parser;

use super::*;

/// Rows of scrollback that are kept.
const SCROLLBACK: usize = 10_000;

/// A terminal in memory.
struct Terminal(Parser);

impl Terminal {
    fn new(rows: u16, columns: u16) -> Self {
        Self(Parser::new(cells(rows), cells(columns), SCROLLBACK))
    }

    fn write(&mut self, text: &str) {
        self.0.process(text.as_bytes());
    }

    fn resize(&mut self, rows: u16, columns: u16) {
        self.0.screen_mut().set_size(cells(rows), cells(columns));
    }

    /// Everything, from the oldest row of the scrollback to the newest of the screen.
    fn everything(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut back = self.0.screen().scrollback_len();
        let columns = self.0.screen().size().1.get();
        while back > 0 {
            self.0.screen_mut().set_scrollback(back);
            lines.extend(self.0.screen().rows(0, columns).next());
            back -= 1;
        }
        self.0.screen_mut().set_scrollback(0);
        lines.extend(self.0.screen().rows(0, columns));
        let used = lines.iter().rposition(|line| !line.trim().is_empty());
        lines.truncate(used.map_or(0, |last| last + 1));
        lines
            .iter()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn finished_lines_stand_above_the_frame() {
    let (mut terminal, mut region) = (Terminal::new(10, 40), Region::default());
    terminal.write(&region.draw(&lines(&["first"]), lines(&["bar 0/2", "footer"])));
    terminal.write(&region.draw(&[], lines(&["bar 1/2", "task", "footer"])));
    terminal.write(&region.draw(&lines(&["second", "third"]), lines(&["bar 2/2", "footer"])));
    assert_eq!(
        terminal.everything(),
        ["first", "second", "third", "bar 2/2", "footer"]
    );
    terminal.write(&region.clear());
    assert_eq!(terminal.everything(), ["first", "second", "third"]);
}

#[test]
fn only_lines_that_changed_are_written_again() {
    let mut region = Region::default();
    region.draw(&[], lines(&["bar", "task 1s", "footer"]));
    assert_eq!(region.draw(&[], lines(&["bar", "task 1s", "footer"])), "");
    let text = region.draw(&[], lines(&["bar", "task 2s", "footer"]));
    assert_eq!(
        text,
        "\u{1b}[?2026h\r\u{1b}[2A\r\ntask 2s\u{1b}[K\r\n\r\u{1b}[?2026l"
    );
}

#[test]
fn a_frame_that_shrinks_leaves_nothing_behind() {
    let (mut terminal, mut region) = (Terminal::new(10, 40), Region::default());
    terminal.write(&region.draw(&lines(&["kept"]), lines(&["a", "b", "c", "d"])));
    terminal.write(&region.draw(&[], lines(&["a"])));
    assert_eq!(terminal.everything(), ["kept", "a"]);
    terminal.write(&region.draw(&[], Vec::new()));
    assert_eq!(terminal.everything(), ["kept"]);
}

#[test]
fn lines_longer_than_the_terminal_stay_whole() {
    let (mut terminal, mut region) = (Terminal::new(6, 10), Region::default());
    terminal.write(&region.draw(&lines(&["0123456789abcdef"]), lines(&["frame"])));
    terminal.write(&region.draw(&lines(&["next"]), lines(&["frame"])));
    assert_eq!(
        terminal.everything(),
        ["0123456789", "abcdef", "next", "frame"]
    );
}

#[test]
fn the_alternate_screen_is_never_used() {
    let mut region = Region::default();
    let drawn = region.draw(&lines(&["line"]), lines(&["frame"])) + &region.clear();
    assert!(
        !drawn.contains("1049") && !drawn.contains("?47"),
        "{drawn:?}"
    );
}

/// What may happen while a run goes on.
#[derive(Debug, Clone)]
enum Step {
    Say(usize),
    Frame(usize),
    Resize(u16, u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_usize..6).prop_map(Step::Say),
        (0_usize..5).prop_map(Step::Frame),
        (4_u16..40, 20_u16..120).prop_map(|(rows, columns)| Step::Resize(rows, columns)),
    ]
}

proptest! {
    #[test]
    fn no_finished_line_is_lost_or_said_twice(steps in prop::collection::vec(step(), 1..60)) {
        let (mut terminal, mut region) = (Terminal::new(12, 80), Region::default());
        let (mut said, mut frame, mut height) = (Vec::new(), Vec::new(), 12_usize);
        for (turn, step) in steps.iter().enumerate() {
            match step {
                Step::Say(count) => {
                    let first = said.len();
                    said.extend((first..first + count).map(|index| format!("line {index:05}")));
                    terminal.write(&region.draw(&said[first..], frame.clone()));
                }
                Step::Frame(rows) => {
                    let rows = (*rows).min(height / 3).max(1);
                    frame = (0..rows).map(|row| format!("frame {row} turn {turn}")).collect();
                    terminal.write(&region.draw(&[], frame.clone()));
                }
                Step::Resize(rows, columns) => {
                    terminal.resize(*rows, *columns);
                    height = usize::from(*rows);
                    region.resized();
                    frame.truncate((height / 3).max(1));
                    terminal.write(&region.draw(&[], frame.clone()));
                }
            }
        }
        terminal.write(&region.clear());
        let everything = terminal.everything();
        let found: Vec<&String> =
            everything.iter().filter(|line| line.starts_with("line ")).collect();
        prop_assert_eq!(found, said.iter().collect::<Vec<_>>());
    }
}
