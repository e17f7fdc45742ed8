//! Patterns as sets: they hold what a glob library says, and meet wherever they share a path.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{PathPattern, RootPattern, TreePath};
use globset::GlobBuilder;
use proptest::prelude::*;

use super::PathSet;

fn rooted(text: &str) -> RootPattern {
    PathPattern::parse(text).unwrap().from_root(None)
}

fn meet(input: &str, output: &str) -> bool {
    let (input, output) = (rooted(input), rooted(output));
    PathSet::of_input(&input).meets(&PathSet::of_output(&output))
}

#[test]
fn inputs_meet_the_outputs_that_they_could_read() {
    for (input, output) in [
        ("a.o", "a.o"),
        ("src", "src/gen.rs"),
        ("src/", "src/deep/gen.rs"),
        ("dist/app.js", "dist/"),
        ("**", "x/y"),
        ("src/**/*.rs", "src/gen/"),
        ("src/**/*.rs", "src/a/b/c.rs"),
        ("*.{o,a}", "lib.a"),
        ("out/*.o", "out/a*"),
        ("[a-c].txt", "b.txt"),
        ("[!a-c].txt", "d.txt"),
        ("**/x/**", "a/x/b"),
        ("/", "anything"),
    ] {
        assert!(meet(input, output), "{input} reads {output}");
    }
}

#[test]
fn brackets_and_braces_of_a_folder_are_its_own() {
    for folder in ["app/[id]", "app/{a,b}", "a]b", "a}b{", "[{]"] {
        let folder = TreePath::parse(folder).unwrap();
        let pattern = PathPattern::parse("{x,y}.[ch]")
            .unwrap()
            .from_root(Some(&folder));
        let set = PathSet::of_input(&pattern);
        for (name, within) in [("x.c", true), ("y.h", true), ("z.c", false), ("x.o", false)] {
            let path = format!("{folder}/{name}");
            assert_eq!(set.contains(&path), within, "{path} in {}", pattern.text);
            let matcher = GlobBuilder::new(&pattern.text)
                .literal_separator(true)
                .build()
                .unwrap();
            assert_eq!(matcher.compile_matcher().is_match(&path), within, "{path}");
        }
        assert!(!set.contains("app/i/x.c") && !set.contains("app/a/x.c"));
    }
}

#[test]
fn inputs_do_not_meet_what_they_cannot_read() {
    for (input, output) in [
        ("a.o", "b.o"),
        ("src", "src2/gen.rs"),
        ("src/*.rs", "src/gen/a.rs"),
        ("src/*.c", "src/*.o"),
        ("src/**/*.ts", "src/**/*.js"),
        ("*.{c,h}", "*.o"),
        ("[a-c].txt", "[d-f].txt"),
        ("[!a-c].txt", "b.txt"),
        ("a?", "a"),
        ("lib/", "library/"),
    ] {
        assert!(!meet(input, output), "{input} does not read {output}");
    }
}

#[test]
fn more_alternatives_than_are_told_apart_stand_for_the_folder() {
    let many = "src/{a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d}.rs";
    assert!(meet(many, "src/zzzz.rs"));
    assert!(!meet(many, "lib/aaaa.rs"));
}

/// Patterns of a few letters, so that they meet often.
fn pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[ab]{1,2}",
        2 => "[ab]?\\*[ab]?",
        1 => Just("**".to_owned()),
        1 => "[ab]?\\?",
        1 => Just("[ab]".to_owned()),
        1 => Just("[!a]b".to_owned()),
        1 => Just("{a,bb}".to_owned()),
    ];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_glob_holds_what_the_library_says(text in pattern(), path in "[ab]{1,2}(/[ab]{1,2}){0,3}") {
        let pattern = rooted(&text);
        prop_assume!(pattern.form == atelier_model::PatternForm::Glob);
        let glob = GlobBuilder::new(&text).literal_separator(true).build().unwrap();
        let expected = glob.compile_matcher().is_match(&path);
        let found = PathSet::of_input(&pattern).contains(&path);
        // `a/**` is also `a` here: whoever reads all of a folder reads the folder.
        let folder = expected || !text.ends_with("**");
        prop_assert!(found == expected || (found && !folder), "{text} {path}");
    }

    #[test]
    fn two_sets_that_share_a_path_meet(
        one in pattern(),
        other in pattern(),
        path in "[ab]{1,2}(/[ab]{1,2}){0,3}",
    ) {
        let one = PathSet::of_input(&rooted(&one));
        let other = PathSet::of_output(&rooted(&other));
        if one.contains(&path) && other.contains(&path) {
            prop_assert!(one.meets(&other));
            prop_assert!(other.meets(&one));
        }
    }

    #[test]
    fn any_pattern_is_read(text in "[a*?\\[\\]{},!/^-]{1,30}", other in "[a*?\\[\\]{},!/^-]{1,30}") {
        if let (Ok(one), Ok(other)) = (PathPattern::parse(&text), PathPattern::parse(&other)) {
            let (one, other) = (one.from_root(None), other.from_root(None));
            let (one, other) = (PathSet::of_input(&one), PathSet::of_output(&other));
            prop_assert_eq!(one.meets(&other), other.meets(&one));
        }
    }
}
