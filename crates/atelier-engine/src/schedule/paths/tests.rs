//! Taken paths, against a comparison of each with each.

use proptest::prelude::*;

use super::*;

#[test]
fn folders_and_what_is_in_them_exclude_each_other() {
    let mut claims = Claims::default();
    claims.take(&["src/a".to_owned()]);
    for (path, free) in [
        ("src/a", false),
        ("src/a/b", false),
        ("src", false),
        ("", false),
        ("src/ab", true),
        ("src/b", true),
        ("a", true),
    ] {
        assert_eq!(claims.are_free(&[path.to_owned()]), free, "{path}");
    }
    claims.give_back(&["src/a".to_owned()]);
    assert!(claims.are_free(&[String::new()]));
}

#[test]
fn the_same_path_is_written_in_many_ways() {
    for written in ["src", "./src", "src/", "./src/", "src/*", "src/**"] {
        assert_eq!(plain(written), "src");
    }
    for written in [".", "./", "*", "**"] {
        assert_eq!(plain(written), "");
    }
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec("[ab]{1,2}", 0..4).prop_map(|parts| parts.join("/"))
}

proptest! {
    #[test]
    fn the_answer_is_that_of_a_comparison_with_each(
        held in prop::collection::vec(path(), 0..6),
        asked in path(),
    ) {
        let mut claims = Claims::default();
        claims.take(&held);
        let within = |a: &str, b: &str| {
            b.is_empty() || a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'))
        };
        let expected = held.iter().all(|one| !within(one, &asked) && !within(&asked, one));
        prop_assert_eq!(claims.are_free(&[asked]), expected);
        claims.give_back(&held);
        prop_assert!(claims.0.is_empty());
    }
}
