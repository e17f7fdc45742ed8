//! Rings: which key is used, and what is learnt of each.

use std::sync::Arc;

use atelier_seal::Secret;

use super::{OTHER, SECRET, World, at};
use crate::{KeyRing, Pick};

fn id(picked: Option<Pick>) -> Option<String> {
    picked.map(|picked| picked.key.id.to_string())
}

fn pick(ring: &KeyRing, seconds: i64) -> Option<String> {
    id(ring.pick(at(seconds), &[]))
}

#[test]
fn one_key_is_used_until_something_speaks_against_it() {
    let world = World::new();
    let (one, other) = (
        world.add("openai", "a", SECRET),
        world.add("openai", "b", OTHER),
    );
    let ring = world.vault().ring("openai");
    assert_eq!(pick(&ring, 0), Some(one.clone()));
    assert_eq!(pick(&ring, 0), Some(one.clone()));
    ring.cools(&one, at(30));
    assert_eq!(pick(&ring, 29), Some(other.clone()));
    assert_eq!(pick(&ring, 30), Some(one.clone()));
    ring.refused(&one, at(40));
    assert_eq!(pick(&ring, 41), Some(other.clone()));
    ring.cools(&other, at(60));
    assert_eq!(
        pick(&ring, 41),
        Some(other.clone()),
        "a refused key comes last"
    );
    assert!(!ring.has_fresh(at(41), &[]));
    assert_eq!(
        pick(&ring, 41 + 600),
        Some(one.clone()),
        "a person may have mended it"
    );
    ring.accepted(&one);
    assert_eq!(pick(&ring, 41), Some(one));
}

#[test]
fn what_was_tried_is_not_picked_again() {
    let world = World::new();
    let (one, other) = (
        world.add("openai", "a", SECRET),
        world.add("openai", "b", OTHER),
    );
    let ring = world.vault().ring("openai");
    let tried: [Arc<str>; 2] = [one.as_str().into(), other.as_str().into()];
    assert_eq!(id(ring.pick(at(0), &tried[..1])), Some(other));
    assert_eq!(id(ring.pick(at(0), &tried)), None);
    assert!(ring.has_fresh(at(0), &tried[..1]));
    assert!(!ring.has_fresh(at(0), &tried));
}

#[test]
fn keys_that_are_added_exchanged_and_revoked_count_from_the_next_pick_on() {
    let world = World::new();
    let vault = world.vault();
    let ring = vault.ring("openai");
    assert!(ring.is_empty());
    let old = world.add("openai", "a", SECRET);
    assert_eq!(pick(&ring, 0), Some(old.clone()));
    let secret = Secret::new(OTHER);
    let new = world
        .store
        .key_rotate(&world.master, &old, &secret, at(1))
        .unwrap()
        .id;
    assert_eq!(pick(&ring, 1), Some(new.clone()));
    ring.refused(&new, at(2));
    assert_eq!(
        pick(&ring, 2),
        Some(old.clone()),
        "a retiring key serves where the new one fails"
    );
    world.store.key_revoke(&old, at(3)).unwrap();
    assert_eq!(
        pick(&ring, 3),
        Some(new.clone()),
        "what is known of a key outlives a change"
    );
    world.add("openai", "b", SECRET);
    assert_ne!(pick(&ring, 3), Some(new.clone()));
    world.store.key_revoke(&new, at(4)).unwrap();
    world.store.key_revoke("b", at(4)).unwrap();
    assert_eq!(pick(&ring, 5), None);
}

#[test]
fn a_file_that_cannot_be_read_now_changes_nothing() {
    let world = World::new();
    let one = world.add("openai", "a", SECRET);
    let ring = world.vault().ring("openai");
    let whole = std::fs::read_to_string(world.store.path()).unwrap();
    world.edit(|_| "{".to_owned());
    assert_eq!(pick(&ring, 0), Some(one));
    world.edit(|_| whole);
    world.store.key_revoke("openai", at(1)).unwrap();
    assert_eq!(pick(&ring, 1), None);
}

#[test]
fn rings_of_two_providers_know_nothing_of_each_other_and_show_no_key() {
    let world = World::new();
    world.add("openai", "a", SECRET);
    world.add("anthropic", "a", OTHER);
    let vault = world.vault();
    let (one, other) = (vault.ring("openai"), vault.ring("anthropic"));
    assert_ne!(one, other);
    assert_eq!(one, vault.ring("openai"));
    let shown = format!("{one:?} {:?} {vault:?}", one.pick(at(0), &[]));
    assert!(!shown.contains("planted"), "{shown}");
    assert_eq!(other.pick(at(0), &[]).unwrap().key.secret.expose(), OTHER);
}
