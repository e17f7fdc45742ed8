//! What holds for every text: spans are in order, apart, within the text, and of the policy.

use proptest::prelude::*;

use crate::{Guard, Kind, Policy, preview};

/// Beginnings of what rules look for; repeated, they make many places and no end.
const LURES: &[&str] = &[
    "@",
    "a@",
    "[[",
    "-----BEGIN PRIVATE KEY-----\n",
    "1 ",
    "12-",
    "+1",
    "1:",
    "password=",
    "token: abc1 ",
    "eyJ",
    "eyJaaaaaaaaa.",
    "://",
    "a://b:c",
    "Anna ",
    "Dr. ",
    "a at ",
    "sk-",
    "DE12 ",
    "one ",
    "name: Ab ",
    "\u{301}",
    "é@é.",
    "数",
    "[at] ",
    "%40",
    "key=\"a\"+",
    "bearer ",
];

/// Bytes of a text made of one lure.
const LURED_BYTES: usize = 8_000;

fn check(text: &str, policy: Policy) {
    let spans = Guard::builtin().scan(text, policy);
    let mut behind = 0;
    for span in &spans {
        assert!(
            behind <= span.start && span.start < span.end,
            "{spans:?} in {text:?}"
        );
        let value = text.get(span.range()).unwrap();
        assert!(policy.covers(span.kind), "{spans:?}");
        assert!(!Guard::builtin().rule_name(span).is_empty());
        let shown = preview(span.kind, value);
        assert!(
            value.chars().count() < 4 || !shown.contains(value),
            "{shown}"
        );
        behind = span.end;
    }
}

fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(&[Policy::Off, Policy::Secrets, Policy::All][..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_can_be_scanned(text in "\\PC{0,120}", policy in policy()) {
        check(&text, policy);
    }

    #[test]
    fn every_text_of_signs_can_be_scanned(
        text in "[-0-9a-fA-F@:./+ ()\\[\\]\"'=\\\\\n\u{e9}\u{6570}]{0,200}",
        policy in policy(),
    ) {
        check(&text, policy);
    }

    #[test]
    fn lures_can_be_mixed(pieces in prop::collection::vec(prop::sample::select(LURES), 0..40), policy in policy()) {
        check(&pieces.concat(), policy);
    }
}

#[test]
fn a_text_of_nothing_but_lures_comes_to_its_end() {
    for lure in LURES {
        check(&lure.repeat(LURED_BYTES / lure.len()), Policy::All);
    }
}

#[test]
fn the_strongest_of_overlapping_spans_stays() {
    let text = "DATABASE_URL=postgres://app:Improve573qable@db.internal:5432/app";
    let spans = Guard::builtin().scan(text, Policy::All);
    let found: Vec<_> = spans
        .iter()
        .map(|span| (span.kind, &text[span.range()]))
        .collect();
    assert_eq!(found, [(Kind::UrlCredential, "Improve573qable")]);
}

#[test]
fn every_kind_is_found_by_a_rule_and_has_a_name_of_its_own() {
    let mut names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Kind::ALL.len());
    let rules = crate::rules::FILES.concat();
    for name in names {
        assert!(rules.contains(&format!("kind = \"{name}\"")), "{name}");
    }
}

#[test]
fn policies_are_words() {
    for policy in [Policy::Off, Policy::Secrets, Policy::All] {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    let refused = "most".parse::<Policy>().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "understand the policy `most`: it is off, secrets or all"
    );
}

#[test]
fn rules_that_are_none_are_refused_with_their_name() {
    let rule = |body: &str| {
        format!("[[rule]]\nname = \"mine\"\nkind = \"EMAIL\"\nstrength = 1\nmatch = []\n{body}")
    };
    let refused = |text: String| Guard::parse(&[&text]).unwrap_err().to_string();
    assert_eq!(
        refused(rule("pattern = 'a'")),
        "use rule `mine`: it names neither anchors nor a start"
    );
    assert_eq!(
        refused(rule("pattern = '('\nanchors = ['a']")),
        "read the pattern of rule `mine`"
    );
    assert_eq!(
        refused(rule("pattern = 'a'\nanchors = ['a']\nshape = 1")),
        "read the rules"
    );
}
