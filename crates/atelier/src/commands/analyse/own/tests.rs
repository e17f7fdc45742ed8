//! What counts as slow, and as a secret.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{FileEntry, TreePath};

use super::*;

#[test]
fn secrets_are_found_with_their_lines_and_never_shown() {
    let token = format!("ghp_{}", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8");
    let text = format!("a = 1\ntoken = \"{token}\"\n");
    let mut tree = FileTree::default();
    for path in ["src/app.toml", "tests/test_app.py"] {
        tree.put(
            TreePath::parse(path).unwrap(),
            FileEntry::text(text.clone()),
        );
    }
    let found = secrets(&tree);
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.severity, one.place()))
        .collect();
    let expected = [
        (Severity::High, "src/app.toml:2".to_owned()),
        (Severity::Medium, "tests/test_app.py:2".to_owned()),
    ];
    assert_eq!(told, expected);
    assert!(found.iter().all(|one| !one.message.contains(&token)));
}

#[test]
fn a_step_is_slow_if_it_takes_long_and_much_of_all() {
    let cases = [
        (29_999, 30_000, false),
        (30_000, 30_000, true),
        (30_000, 119_999, true),
        (30_000, 120_000, false),
        (u64::MAX, u64::MAX, true),
    ];
    for (ms, all, expected) in cases {
        assert_eq!(is_slow(ms, all), expected, "{ms} of {all}");
    }
}
