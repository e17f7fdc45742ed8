//! A lock as it is written, and read again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use atelier_model::{Digest, RunId, Stage, TaskId};

use super::{Lock, LockedAsk, LockedAttempt, LockedCommit, LockedSettings, ReadLockError};

pub(crate) fn lock() -> Lock {
    let ask = |stage, task: Option<&str>| LockedAsk {
        stage,
        task: task.map(TaskId::from_text),
        attempt: 1,
        key: Digest::of("key"),
        prompt: Digest::of("prompt"),
        reply: Digest::of("reply"),
    };
    Lock {
        version: Lock::VERSION,
        run: RunId::from_text("01J"),
        requirement: Digest::of("a todo list"),
        base: Some("4b825dc".to_owned()),
        archive: "bafy".to_owned(),
        settings: LockedSettings::default(),
        tools: BTreeMap::from([("cargo".to_owned(), "1.95.0".to_owned())]),
        templates: BTreeMap::from([("code".to_owned(), vec![Digest::of("code")])]),
        asks: vec![ask(Stage::Design, None), ask(Stage::Code, Some("t1.1"))],
        commits: vec![
            LockedCommit {
                task: None,
                attempts: Vec::new(),
                evidence: "abc".to_owned(),
                tree: "111".to_owned(),
            },
            LockedCommit {
                task: Some(TaskId::from_text("t1.1")),
                attempts: vec![LockedAttempt {
                    ordinal: 1,
                    base: Some("111".to_owned()),
                }],
                evidence: "def".to_owned(),
                tree: "222".to_owned(),
            },
        ],
    }
}

#[test]
fn what_is_written_is_read_again_and_written_alike() {
    let text = lock().to_text();
    let read = Lock::read(&text).unwrap();
    assert_eq!(read, lock());
    assert_eq!(read.to_text(), text);
    assert!(text.contains("\n[[ask]]\nstage = \"design\"\n"), "{text}");
    assert!(
        text.contains("\n[[commit.attempts]]\nordinal = 1\n"),
        "{text}"
    );
}

#[test]
fn a_newer_lock_and_one_with_more_in_it_are_refused() {
    let newer = Lock {
        version: Lock::VERSION + 1,
        ..lock()
    };
    let found = Lock::VERSION + 1;
    let read = Lock::read(&newer.to_text());
    assert!(matches!(read, Err(ReadLockError::Newer { found: two }) if two == found));
    let more = format!("more = 1\n{}", lock().to_text());
    assert!(matches!(Lock::read(&more), Err(ReadLockError::Toml(_))));
}
