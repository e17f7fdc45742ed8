//! Programs are read line by line and killed at the line that was meant.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use super::{EventWatch, WatchError};

fn script(text: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", text]);
    command
}

const ENDLESS: &str = r#"i=0; while :; do i=$((i+1)); echo "{\"type\":\"e$i\"}"; done"#;

#[test]
fn a_program_is_killed_after_the_event_that_was_named() {
    for nth in [1, 2, 7] {
        let watched = EventWatch::kill_after(script(ENDLESS), nth).unwrap();
        assert_eq!(watched.events.len(), nth);
        assert_eq!(watched.exit, None);
        assert_eq!(*watched.kinds().last().unwrap(), format!("e{nth}"));
    }
}

#[test]
fn a_program_with_fewer_events_ends_by_itself() {
    let program = script(r#"echo '{"kind":{"type":"run.finished"}}'; echo oh >&2; exit 13"#);
    let watched = EventWatch::kill_after(program, 5).unwrap();
    assert_eq!(watched.kinds(), ["run.finished"]);
    assert_eq!((watched.exit, watched.stderr.as_str()), (Some(13), "oh\n"));
}

#[test]
fn a_line_that_is_no_event_is_an_error() {
    let refused = EventWatch::start(script("echo hello")).unwrap().finish();
    assert!(matches!(refused, Err(WatchError::NotJson { line, .. }) if line == "hello\n"));
}
