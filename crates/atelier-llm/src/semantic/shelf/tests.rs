//! What is remembered of questions, and for how long.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{Digest, Timestamp};
use atelier_semantic::{Bounds, Decision, Likeness, Reading};
use atelier_store::{SemanticCheck, SemanticQuestion};

use super::{AGE_MS_MAX, Asked, BYTES_MAX, Candidate, Shelves};

const NEVER_CHECKED: Bounds = Bounds {
    error_max: 0.005,
    checked_min: 0.0,
};

fn asked(scope: &str, question: &str) -> Asked {
    let reading = Reading::of(question).unwrap();
    Asked {
        scope: Digest::of(scope),
        question: question.to_owned(),
        vector: reading.vector(),
        reading,
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}

fn shelves(scope: &str, questions: &[&str]) -> Shelves {
    let mut shelves = Shelves::default();
    let questions = questions.iter().map(|question| {
        let Asked {
            reading, vector, ..
        } = asked(scope, question);
        let question = SemanticQuestion {
            key: Digest::of(question),
            question: (*question).to_owned(),
            at: at(0),
        };
        (question, reading, vector)
    });
    shelves.load(Digest::of(scope), questions.collect(), &[]);
    shelves
}

fn find(shelves: &mut Shelves, scope: &str, question: &str) -> Option<Candidate> {
    shelves.find(&asked(scope, question), &NEVER_CHECKED, 0.5, at(1))
}

#[test]
fn the_same_in_other_words_is_given_and_what_is_alike_is_looked_at() {
    let mut shelves = shelves("s", &["How do I fix a merge conflict?", "What is a heap?"]);
    let same = find(&mut shelves, "s", "how can I fix merge conflicts").unwrap();
    assert_eq!(same.key, Digest::of("How do I fix a merge conflict?"));
    assert_eq!(
        (same.hit.likeness, same.decision),
        (Likeness::Same, Decision::Reuse)
    );
    let alike = find(&mut shelves, "s", "How do I resolve a merge conflict?").unwrap();
    assert_eq!(
        (alike.hit.likeness, alike.decision),
        (Likeness::Alike, Decision::Check)
    );
    assert_eq!(find(&mut shelves, "s", "How do I bake bread?"), None);
}

#[test]
fn the_same_is_preferred_to_the_alike() {
    let questions = [
        "How do I resolve a merge conflict?",
        "How can I fix a merge conflict?",
    ];
    let mut shelves = shelves("s", &questions);
    let found = find(&mut shelves, "s", "How do I fix a merge conflict?").unwrap();
    assert_eq!(found.key, Digest::of(questions[1]));
}

#[test]
fn another_scope_has_no_answer() {
    let mut shelves = shelves("s", &["What is a heap?"]);
    assert!(shelves.has(&Digest::of("s")) && !shelves.has(&Digest::of("t")));
    assert_eq!(find(&mut shelves, "t", "What is a heap?"), None);
}

#[test]
fn what_is_kept_now_is_found_now_and_what_is_forgotten_is_not() {
    let mut shelves = shelves("s", &[]);
    let kept = asked("s", "What is a heap?");
    shelves.keep(&kept, Digest::of("a"), at(0));
    shelves.keep(&kept, Digest::of("a"), at(0));
    assert_eq!(
        find(&mut shelves, "s", "What's a heap?").unwrap().key,
        Digest::of("a")
    );
    shelves.forget(&kept.scope, &Digest::of("a"));
    assert_eq!(find(&mut shelves, "s", "What's a heap?"), None);
}

#[test]
fn nothing_is_given_that_is_too_old() {
    let mut shelves = shelves("s", &["What is a heap?"]);
    let question = asked("s", "What's a heap?");
    let found = |shelves: &mut Shelves, age| shelves.find(&question, &NEVER_CHECKED, 0.5, at(age));
    assert!(found(&mut shelves, AGE_MS_MAX).is_some());
    assert!(found(&mut shelves, AGE_MS_MAX + 1).is_none());
}

#[test]
fn an_answer_that_proved_wrong_is_looked_at_again() {
    let mut shelves = shelves("s", &["What is a heap?", "What is a stack?"]);
    let found = find(&mut shelves, "s", "What's a heap?").unwrap();
    let check = SemanticCheck {
        agreed: false,
        ..found.check(Digest::of("asked"), true)
    };
    assert_eq!(check, found.check(Digest::of("asked"), false));
    shelves.learn(&Digest::of("s"), &check);
    let again = find(&mut shelves, "s", "What's a heap?").unwrap();
    assert_eq!(again.decision, Decision::Check);
    let other = find(&mut shelves, "s", "What's a stack?").unwrap();
    assert_eq!(other.decision, Decision::Reuse);
}

#[test]
fn memory_is_bounded_within_a_scope_and_over_all() {
    let mut shelves = Shelves::default();
    let long = format!("What is {}?", "wide ".repeat(1_600));
    let question = asked("s", &long);
    let size = question.reading.bytes() + question.vector.dimensions();
    for scope in ["s", "t"] {
        shelves.load(Digest::of(scope), Vec::new(), &[]);
        let question = asked(scope, &long);
        for count in 0..=BYTES_MAX / size {
            shelves.keep(&question, Digest::of(format!("{scope}{count}")), at(0));
        }
    }
    let bytes: usize = shelves.shelves.values().map(|shelf| shelf.bytes).sum();
    assert!(bytes <= BYTES_MAX, "{bytes}");
    assert!(!shelves.has(&Digest::of("s")) && shelves.has(&Digest::of("t")));
}
