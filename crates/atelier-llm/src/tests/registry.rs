//! The registries: each entry has what it must come with.

use std::collections::BTreeSet;

use crate::{PROVIDERS, provider_entry, tests::world::fixture_json};

#[test]
fn every_provider_has_a_name_of_its_own_a_line_and_a_fixture() {
    let names: BTreeSet<_> = PROVIDERS.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), PROVIDERS.len());
    for entry in PROVIDERS {
        assert!(!entry.about.is_empty() && !entry.about.ends_with('.'));
        assert!(fixture_json(&format!("{}/completion.json", entry.name))["usage"].is_object());
        assert_eq!(
            provider_entry(entry.name).map(|found| found.name),
            Some(entry.name)
        );
    }
}
