//! Enough values, of every rule that can have more than one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use super::{FILES, File, planted};

#[test]
fn values_of_nearly_every_rule_can_be_had() {
    let rules = FILES.map(|file| toml::from_str::<File>(file).unwrap().rule);
    let rules = rules.iter().flatten().count();
    let all = planted(1_000, 7);
    assert_eq!(all.len(), 1_000);
    assert_eq!(planted(1_000, 7), all);
    let found: BTreeSet<&str> = all.iter().map(|one| &*one.rule).collect();
    assert!(found.len() * 10 >= rules * 9, "{} of {rules}", found.len());
    assert!(all.iter().all(|one| one.text.contains(&one.value)));
    assert!(all.iter().all(|one| one.value.contains(&one.trace)));
}
