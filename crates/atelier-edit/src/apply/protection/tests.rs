//! Which pattern counts where several mean a file.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::TreePath;

use super::Protection;

fn check(protect: &[&str], own: &[&str], path: &str, pattern: Option<&str>) {
    let protection = Protection::usual()
        .protect(protect)
        .unwrap()
        .own(own)
        .unwrap();
    let path = TreePath::parse(path).unwrap();
    assert_eq!(protection.forbids(&path), pattern, "{path}");
}

#[test]
fn an_own_file_is_free_of_what_is_usually_protected_however_it_is_named() {
    check(&[], &[], "Cargo.lock", Some("**/Cargo.lock"));
    check(&[], &["Cargo.lock"], "Cargo.lock", None);
    check(&[], &["*"], "web/yarn.lock", None);
    check(&[], &["Cargo.lock"], "web/yarn.lock", Some("**/yarn.lock"));
    check(&[], &[".github"], ".github/workflows/a.yml", None);
}

#[test]
fn among_patterns_that_were_named_the_longer_one_counts() {
    check(&["tests"], &["tests/new"], "tests/new/a.py", None);
    check(
        &["tests/new"],
        &["tests"],
        "tests/new/a.py",
        Some("tests/new"),
    );
    check(&["tests"], &["tests"], "tests/a.py", Some("tests"));
    check(
        &["Cargo.lock"],
        &["*.lock"],
        "Cargo.lock",
        Some("Cargo.lock"),
    );
    check(&["tests", "tests/a*"], &[], "tests/a.py", Some("tests/a*"));
}
