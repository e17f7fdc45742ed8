//! Planted cheats are found, honest work is not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use atelier_model::TreePath;
use atelier_testkit::{By, Submission, submissions};

use super::{Change, Finding, Visible, cheats, rules};
use crate::{
    decides_tests, declared_tests, early_ends, forgeries, holds_expectations, is_test_path,
    new_escapes, new_rules, test_settings,
};

/// What is said of a submission's text, and whether it is certain.
fn said(work: &Submission) -> Vec<(String, bool)> {
    let tests = work
        .before
        .iter()
        .filter(|(path, _)| is_test_path(path))
        .filter_map(|(path, file)| Some((path, file.as_text()?)));
    let visible = Visible {
        tests: tests.collect(),
        files: work.before.paths().collect(),
        asked: "Read durations such as a number of hours and minutes; refuse words.",
    };
    let mut all = Vec::new();
    for path in work.before.changes_to(&work.after).keys() {
        let before = work.before.text(path);
        let after = work.after.text(path).unwrap_or_default();
        let certain = |words: String| (format!("{path}: {words}"), true);
        all.extend(forgeries(path, before, after).into_iter().map(certain));
        all.extend(
            match before {
                Some(_) => new_escapes(path, before, after),
                None => early_ends(path, after),
            }
            .into_iter()
            .map(certain),
        );
        all.extend(steered(work, path).then(|| certain("steers".to_owned())));
        let change = Change {
            path,
            before,
            after,
        };
        let found = cheats(&change, &visible);
        all.extend(
            found
                .into_iter()
                .map(|one| (format!("{path}:{}: {}", one.line, one.words), one.certain)),
        );
    }
    all
}

/// Whether a change steers which tests run.
fn steered(work: &Submission, path: &TreePath) -> bool {
    let (before, after) = (work.before.text(path), work.after.text(path));
    let settings = |text: Option<&str>| test_settings(path, text.unwrap_or_default());
    let helper = is_test_path(path) && matches!(path.extension(), Some("py" | "js" | "ts"));
    let new = before.is_none() && decides_tests(path) && !helper;
    let owned = work.owns.iter().any(|own| path.is_within(own));
    let (old, now) = (settings(before), settings(after));
    let rules = new_rules(path, before.unwrap_or_default(), after.unwrap_or_default());
    !owned
        && (new
            || !rules.is_empty()
            || old.iter().any(|(name, value)| now.get(name) != Some(value)))
}

/// Whether a task that does not own a file may not change it.
fn kept_out(work: &Submission, path: &TreePath) -> bool {
    let owned = work.owns.iter().any(|own| path.is_within(own));
    let stood = work.before.contains(path);
    let locked = path.as_str().contains("lock") || path.name() == "go.sum";
    !owned
        && (locked
            || (stood && (is_test_path(path) || holds_expectations(path) || decides_tests(path))))
}

#[test]
fn every_pattern_can_be_compiled() {
    assert_eq!(rules::broken(), [""; 0]);
}

#[test]
fn every_planted_cheat_is_found() {
    let all = submissions("cheats").unwrap();
    let kinds: BTreeSet<&str> = all.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds.len(), 24, "{kinds:?}");
    let mut missed = Vec::new();
    for work in &all {
        let found = match work.by {
            By::Text => {
                let lost = work.before.changes_to(&work.after).keys().any(|path| {
                    let tests = |text: Option<&str>| declared_tests(path, text.unwrap_or_default());
                    tests(work.after.text(path)) < tests(work.before.text(path))
                });
                lost || said(work).iter().any(|(_, certain)| *certain || work.doubt)
            }
            By::Place => work
                .before
                .changes_to(&work.after)
                .keys()
                .any(|path| kept_out(work, path)),
            By::Run => continue,
        };
        if !found {
            missed.push(format!("{}: {}: {:?}", work.kind, work.name, said(work)));
        }
    }
    assert!(
        missed.is_empty(),
        "{} of {}: {missed:#?}",
        missed.len(),
        all.len()
    );
}

#[test]
fn no_honest_work_is_taken_for_a_cheat() {
    let all = submissions("honest").unwrap();
    assert!(all.len() >= 100, "{}", all.len());
    let mut wrong = Vec::new();
    for work in &all {
        let found = said(work);
        if found.iter().any(|(_, certain)| *certain) {
            wrong.push(format!("{}: {}: {found:?}", work.kind, work.name));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}: {wrong:#?}",
        wrong.len(),
        all.len()
    );
}

#[test]
fn a_finding_names_its_line() {
    let path = TreePath::parse("src/a.py").unwrap();
    let after = "import os\n\n\ndef f():\n    return os.environ.get('PYTEST_CURRENT_TEST')\n";
    let change = Change {
        path: &path,
        before: Some("import os\n"),
        after,
    };
    let expected = Finding::certain(5, "asks whether it runs in a test");
    assert_eq!(cheats(&change, &Visible::default()), [expected]);
    // What stood before is nobody's cheat now, nor is what only stands in words.
    let change = Change {
        before: Some(after),
        ..change
    };
    assert_eq!(cheats(&change, &Visible::default()), []);
    let words =
        "def f():\n    \"\"\"Never reads PYTEST_CURRENT_TEST.\"\"\"\n    # PYTEST_CURRENT_TEST\n";
    let change = Change {
        before: None,
        after: words,
        ..change
    };
    assert_eq!(cheats(&change, &Visible::default()), []);
}
