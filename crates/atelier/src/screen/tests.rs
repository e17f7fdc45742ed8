//! What the terminal shows while lines, frames and questions take turns.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU16;

use vt100::Parser;

use super::*;

/// Collects what is written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// The lines on the terminal, and whether its cursor shows.
    fn shown(&self) -> (Vec<String>, bool) {
        let mut parser = Parser::new(
            NonZeroU16::new(10).unwrap(),
            NonZeroU16::new(40).unwrap(),
            100,
        );
        // A terminal turns a line feed into a new line; the parser takes it as it is.
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        parser.process(text.replace("\r\n", "\n").replace('\n', "\r\n").as_bytes());
        let screen = parser.screen();
        let lines = screen
            .contents()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        (lines, !screen.hide_cursor())
    }
}

fn screen() -> (Screen, Written) {
    let written = Written::default();
    let state = State::new(Box::new(written.clone()), false);
    (Screen(Arc::new(Mutex::new(state))), written)
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn lines_go_above_the_region_and_stay_when_it_closes() {
    let (screen, written) = screen();
    screen.say("before");
    screen.open();
    screen.draw(lines(&["bar", "footer"]));
    screen.say("one\ntwo");
    assert_eq!(
        written.shown(),
        (lines(&["before", "one", "two", "bar", "footer"]), false)
    );
    screen.close();
    screen.close();
    screen.say("after");
    assert_eq!(
        written.shown(),
        (lines(&["before", "one", "two", "after"]), true)
    );
}

#[test]
fn a_question_has_the_terminal_for_itself() {
    let (screen, written) = screen();
    screen.open();
    screen.draw(lines(&["bar"]));
    assert!(screen.hold());
    assert!(!screen.hold(), "held already");
    assert_eq!(written.shown(), (lines(&[]), true));
    screen.draw(lines(&["bar 2"]));
    screen.say("meanwhile");
    assert_eq!(written.shown(), (lines(&[]), true));
    screen.go_on();
    screen.draw(lines(&["bar 3"]));
    assert_eq!(written.shown(), (lines(&["meanwhile", "bar 3"]), false));
}

#[test]
fn an_end_during_a_question_loses_no_line() {
    let (screen, written) = screen();
    screen.open();
    screen.hold();
    screen.say("meanwhile");
    screen.close();
    assert_eq!(written.shown(), (lines(&["meanwhile"]), true));
}

#[test]
fn a_panic_shows_the_cursor_again() {
    let (screen, written) = screen();
    screen.open();
    screen.draw(lines(&["bar"]));
    screen.close_if_free();
    assert_eq!(written.shown(), (lines(&[]), true));
}

#[test]
fn without_a_region_nothing_is_held_and_nothing_hidden() {
    let (screen, written) = screen();
    assert!(!screen.hold());
    screen.go_on();
    screen.draw(lines(&["frame"]));
    screen.say("line");
    screen.close();
    assert_eq!(written.0.lock().unwrap().as_slice(), b"line\n");
}
