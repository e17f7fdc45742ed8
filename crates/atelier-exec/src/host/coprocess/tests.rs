//! Programs that are kept: fed, asked again, lost and ended.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use rustix::process::{Signal, kill_process};

use super::*;

const LIMITS: HostLimits = HostLimits {
    wall: Duration::from_mins(1),
    output_bytes_max: 4_000_000,
};

fn shell(script: &str, limits: HostLimits) -> Coprocess {
    Coprocess::start(Command::new("sh").args(["-c", script]), limits).unwrap()
}

#[test]
fn requests_are_answered_one_after_another_by_one_program() {
    let mut kept = shell("exec cat", LIMITS);
    kept.send(b"one\ntwo\nrest").unwrap();
    assert_eq!(kept.line().unwrap(), b"one");
    assert_eq!(kept.line().unwrap(), b"two");
    assert_eq!(kept.bytes(4).unwrap(), b"rest");
    assert!(kept.settle());
    kept.send(b"\n").unwrap();
    assert_eq!(kept.line().unwrap(), b"");
    assert!(kept.settle());
}

#[test]
fn what_is_larger_than_all_pipes_goes_through_both_ways() {
    let mut kept = shell("exec cat", LIMITS);
    let request = b"0123456789".repeat(300_000);
    kept.send(&request).unwrap();
    assert_eq!(kept.bytes(request.len()).unwrap(), request);
    assert!(kept.settle());
}

#[test]
fn an_answer_that_nobody_took_is_told() {
    let mut kept = shell("exec cat", LIMITS);
    kept.send(b"one\ntwo\n").unwrap();
    assert_eq!(kept.line().unwrap(), b"one");
    assert!(!kept.settle());
}

#[test]
fn one_that_ends_says_what_it_said() {
    let mut kept = shell("read line; echo part; echo no such thing >&2", LIMITS);
    kept.send(b"?\n").unwrap();
    let error = kept.bytes(6).unwrap_err();
    assert_eq!(error.to_string(), "get an answer of `sh`: no such thing");
    assert!(matches!(kept.send(b"?\n"), Err(HostError::Ended { .. })));
}

#[test]
fn one_that_is_killed_within_an_answer_is_no_answer() {
    let mut kept = shell("exec cat", LIMITS);
    kept.send(b"half").unwrap();
    kill_process(kept.pid(), Signal::KILL).unwrap();
    let error = kept.bytes(100).unwrap_err();
    assert!(matches!(error, HostError::Ended { .. }), "{error}");
}

#[test]
fn one_that_does_not_answer_or_floods_is_given_up() {
    let short = HostLimits {
        wall: Duration::from_millis(200),
        ..LIMITS
    };
    let mut silent = shell("exec sleep 1000", short);
    silent.send(b"?\n").unwrap();
    assert!(matches!(silent.line(), Err(HostError::TimedOut { .. })));
    let mut deaf = shell("exec sleep 1000", short);
    let error = deaf.send(&vec![b'x'; 1_000_000]).unwrap_err();
    assert!(matches!(error, HostError::TimedOut { .. }), "{error}");
    let mut flood = shell("yes x | tr -d '\\n'", LIMITS);
    flood.send(b"?\n").unwrap();
    let error = flood.line().unwrap_err();
    assert!(matches!(error, HostError::TooMuchOutput { .. }), "{error}");
    let huge = shell("exec cat", LIMITS).bytes(4_000_001).unwrap_err();
    assert!(matches!(huge, HostError::TooMuchOutput { .. }), "{huge}");
}

#[test]
fn one_that_is_let_go_of_is_gone() {
    let kept = shell("exec cat", LIMITS);
    let place = PathBuf::from(format!("/proc/{}", kept.pid().as_raw_nonzero()));
    assert!(place.exists());
    drop(kept);
    assert!(!place.exists());
}

#[test]
fn one_that_complains_without_end_is_not_asked_again() {
    let mut kept = shell(
        "while read line; do head -c 70000 /dev/zero >&2; echo ok; done",
        LIMITS,
    );
    kept.send(b"?\n").unwrap();
    assert_eq!(kept.line().unwrap(), b"ok");
    assert!(!kept.settle());
}
