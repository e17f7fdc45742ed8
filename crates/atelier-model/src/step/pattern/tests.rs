//! Patterns: what they mean from the root, and what must be refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{PathPattern, PatternForm};
use crate::TreePath;

fn check(text: &str, folder: &str, expected: (&str, PatternForm)) {
    let folder = TreePath::parse(folder).ok();
    let rooted = PathPattern::parse(text).unwrap().from_root(folder.as_ref());
    assert_eq!((rooted.text.as_str(), rooted.form), expected, "{text:?}");
}

fn base(text: &str, expected: &str) {
    let rooted = PathPattern::parse(text).unwrap().from_root(None);
    assert_eq!(rooted.base(), expected, "{text:?}");
}

#[test]
fn patterns_are_rooted() {
    check("a.txt", "", ("a.txt", PatternForm::Path));
    check("a.txt", "web", ("web/a.txt", PatternForm::Path));
    check("/a.txt", "web", ("a.txt", PatternForm::Path));
    check("!a.txt", "web", ("web/a.txt", PatternForm::Path));
    check("./src//x/", "web", ("web/src/x", PatternForm::Folder));
    check("src/**/*.rs", "", ("src/**/*.rs", PatternForm::Glob));
    check("src/*/", "", ("src/*", PatternForm::Glob));
    check(".", "web", ("web", PatternForm::Folder));
    check("/", "web", ("", PatternForm::Folder));
    check("{a,b}.c", "", ("{a,b}.c", PatternForm::Glob));
    check("[id].tsx", "web", ("web/[id].tsx", PatternForm::Glob));
}

#[test]
fn the_folder_of_a_step_is_no_pattern() {
    check("a.ts", "app/[id]", ("app/[id]/a.ts", PatternForm::Path));
    check("*.ts", "app/[id]", ("app/[[]id]/*.ts", PatternForm::Glob));
    check("*.ts", "{a,b}", ("[{]a,b[}]/*.ts", PatternForm::Glob));
}

#[test]
fn the_base_is_what_is_fixed() {
    base("a/b.txt", "a");
    base("a/b/", "a/b");
    base("a/b*/c", "a");
    base("a/b/*", "a/b");
    base("*", "");
    base("a", "");
}

#[test]
fn whatever_leaves_the_tree_is_refused() {
    for text in [
        "",
        "!",
        "../a",
        "a/../b",
        "//etc/passwd",
        "C:/x",
        "~/x",
        ".git/config",
        "a/.git/hooks/*",
        ".atelier/x",
        "a\u{202e}b",
        "a\nb",
        &"x/".repeat(600),
    ] {
        assert!(PathPattern::parse(text).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_pattern_or_an_error(text in ".{0,60}") {
        if let Ok(pattern) = PathPattern::parse(&text) {
            let rooted = pattern.from_root(None);
            prop_assert!(!rooted.text.starts_with('/'));
            prop_assert!(rooted.text.split('/').all(|part| part != ".."));
        }
    }
}
