//! The store: what is kept, what is refused, and that nothing is lost.

use atelier_seal::{SealKey, Secret};
use serde_json::Value;

use super::{OTHER, SECRET, World, at};
use crate::{
    Contents, KeyState, KeyStore, KeyStoreError, Lock, LockKind, Passphrase, Vault,
    store::NAME_CHARS_MAX,
};

fn read(world: &World) -> Contents {
    world.store.read().unwrap()
}

#[test]
fn a_kept_key_opens_with_the_master_key_and_lies_nowhere_in_plain() {
    let world = World::new();
    let id = world.add("openai", "default", SECRET);
    let contents = read(&world);
    let key = &contents.keys[0];
    assert_eq!(
        (key.id.as_str(), key.state),
        (id.as_str(), KeyState::Active)
    );
    assert_eq!(key.shown, "***cdef");
    let opened = key.open(&world.master).unwrap().unwrap();
    assert_eq!(opened.expose(), SECRET);
    assert!(key.open(&SealKey::from_bytes([9; 32])).is_err());
    assert!(!world.holds(SECRET));
    assert!(!format!("{contents:?}").contains(SECRET));
}

#[test]
fn an_exchanged_key_retires_the_old_value_and_a_revoked_one_is_erased() {
    let world = World::new();
    let old = world.add("openai", "default", SECRET);
    let secret = Secret::new(OTHER);
    let new = world
        .store
        .key_rotate(&world.master, "openai", &secret, at(5))
        .unwrap();
    let states = |contents: &Contents| -> Vec<(String, KeyState)> {
        let keys = contents.keys.iter();
        keys.map(|key| (key.id.clone(), key.state)).collect()
    };
    let expected = vec![
        (old.clone(), KeyState::Retiring),
        (new.id.clone(), KeyState::Active),
    ];
    assert_eq!(states(&read(&world)), expected);
    world.store.key_revoke(&old, at(9)).unwrap();
    let contents = read(&world);
    assert_eq!(contents.keys[0].state, KeyState::Revoked);
    assert_eq!(contents.keys[0].open(&world.master).unwrap(), None);
    assert_eq!(contents.keys[0].changed_at, at(9));
    assert_eq!(world.store.forget_revoked().unwrap(), 1);
    assert_eq!(states(&read(&world)), expected[1..]);
}

#[test]
fn names_are_found_by_id_provider_name_and_both_and_doubtful_ones_are_refused() {
    let world = World::new();
    let one = world.add("openai", "work", SECRET);
    let other = world.add("openai", "home", OTHER);
    world.add("anthropic", "spare", OTHER);
    let revoke = |name| world.store.key_revoke(name, at(1));
    let error = revoke("openai").unwrap_err();
    let KeyStoreError::Ambiguous { ids, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*ids, format!("{one}, {other}"));
    assert!(matches!(
        revoke("gemini"),
        Err(KeyStoreError::NoSuchKey { .. })
    ));
    assert_eq!(revoke("openai/work").unwrap().id, one);
    assert_eq!(revoke("openai").unwrap().id, other);
    assert_eq!(revoke("spare").unwrap().provider, "anthropic");
    assert!(matches!(revoke(&one), Err(KeyStoreError::NoSuchKey { .. })));
}

#[test]
fn a_taken_name_and_an_empty_value_are_refused_and_nothing_is_written() {
    let world = World::new();
    world.add("openai", "default", SECRET);
    let before = world.bytes();
    let add = |value| {
        let secret = Secret::new(value);
        world
            .store
            .key_add(&world.master, ("openai", "default"), &secret, at(1))
    };
    assert!(matches!(add(OTHER), Err(KeyStoreError::NameTaken { .. })));
    let empty = world
        .store
        .key_rotate(&world.master, "openai", &Secret::new(" \n"), at(1));
    assert!(matches!(empty, Err(KeyStoreError::EmptyValue)));
    let nameless = ["", " ", "a\nb", &"x".repeat(NAME_CHARS_MAX + 1)];
    for name in nameless {
        let secret = Secret::new(OTHER);
        let added = world
            .store
            .key_add(&world.master, ("openai", name), &secret, at(1));
        assert!(matches!(added, Err(KeyStoreError::NoName)), "{name:?}");
    }
    assert_eq!(world.bytes(), before);
}

#[test]
fn a_value_moved_to_another_row_does_not_open_and_the_others_do() {
    let world = World::new();
    world.add("openai", "default", SECRET);
    let moved = world.add("anthropic", "default", OTHER);
    world.edit(|text| {
        let mut document: Value = serde_json::from_str(&text).unwrap();
        document["keys"][1]["value"] = document["keys"][0]["value"].clone();
        document.to_string()
    });
    let contents = read(&world);
    assert!(contents.keys[0].open(&world.master).is_ok());
    assert!(contents.keys[1].open(&world.master).is_err());
    assert_eq!(world.vault().damaged(), [moved]);
}

#[test]
fn an_older_value_put_back_under_a_newer_version_does_not_open() {
    let world = World::new();
    world.add("openai", "default", SECRET);
    world.edit(|text| text.replace("\"version\": 1", "\"version\": 2"));
    assert!(read(&world).keys[0].open(&world.master).is_err());
}

#[test]
fn a_damaged_row_is_located_and_kept_and_the_others_are_used() {
    let world = World::new();
    world.add("openai", "default", SECRET);
    world.add("anthropic", "default", OTHER);
    world.edit(|text| text.replace("\"provider\": \"openai\"", "\"provider\": 7"));
    let contents = read(&world);
    assert_eq!(contents.keys.len(), 1);
    let row = &contents.damaged[0];
    assert_eq!((row.list, row.row), ("keys", 1));
    assert!(row.id.as_ref().unwrap().starts_with("key_"), "{row:?}");
    assert!(
        row.why.contains("provider") || row.why.contains("string"),
        "{row:?}"
    );
    world.add("gemini", "default", OTHER);
    assert_eq!(read(&world).damaged[0].id, row.id);
    assert_eq!(read(&world).keys.len(), 2);
    world.edit(|text| text.replace("\"provider\": 7", "\"provider\": \"openai\""));
    assert_eq!(read(&world).keys.len(), 3);
}

#[test]
fn a_damaged_file_is_located_and_never_written_over() {
    let world = World::new();
    world.add("openai", "default", SECRET);
    world.edit(|text| text[..text.len() / 2].to_owned());
    let before = world.bytes();
    let secret = Secret::new(OTHER);
    let added = world
        .store
        .key_add(&world.master, ("gemini", "default"), &secret, at(1));
    let error = added.unwrap_err();
    assert!(matches!(error, KeyStoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("line "), "{error}");
    assert_eq!(world.bytes(), before);
}

#[test]
fn a_file_of_a_newer_program_is_refused() {
    let world = World::new();
    world.edit(|text| text.replace("\"format\": 1", "\"format\": 2, \"more\": 0"));
    let error = world.store.read().unwrap_err();
    assert!(
        matches!(
            error,
            KeyStoreError::Newer {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn another_lock_opens_the_same_keys_and_the_old_one_nothing() {
    let world = World::new();
    world.add("openai", "default", SECRET);
    let passphrase = Passphrase::new().unwrap();
    let key = passphrase.key(&Secret::new("correct horse")).unwrap();
    let lock = Lock::Passphrase(passphrase);
    world
        .store
        .relock(&world.lock_key, lock.clone(), &key)
        .unwrap();
    let contents = read(&world);
    assert_eq!(contents.lock(), Some(&lock));
    let Some(Lock::Passphrase(kept)) = contents.lock() else {
        panic!("the lock is another one");
    };
    let again = kept.key(&Secret::new("correct horse")).unwrap();
    let master = world.store.open(&again).unwrap().unwrap();
    let vault = Vault::open(world.store.clone(), master).unwrap();
    let picked = vault.ring("openai").pick(at(0), &[]).unwrap();
    assert_eq!(picked.key.secret.expose(), SECRET);
    let wrong = kept.key(&Secret::new("correct house")).unwrap();
    for key in [wrong, world.lock_key.clone()] {
        let error = world.store.open(&key).unwrap_err();
        let kind = LockKind::Passphrase;
        assert!(
            matches!(&error, KeyStoreError::WrongKey { kind: found, .. } if *found == kind),
            "{error}"
        );
    }
}

#[test]
fn a_changed_master_key_is_told_from_a_wrong_lock() {
    let world = World::new();
    let document: Value = serde_json::from_slice(&world.bytes()).unwrap();
    let master = document["lock"]["master"].as_str().unwrap().to_owned();
    let mut changed = master.clone();
    let last = if changed.pop() == Some('0') { '1' } else { '0' };
    changed.push(last);
    world.edit(|text| text.replace(&master, &changed));
    let error = world.store.open(&world.lock_key).unwrap_err();
    assert!(matches!(error, KeyStoreError::Damaged { .. }), "{error}");
}

#[test]
fn costs_out_of_bounds_are_refused_before_they_are_paid() {
    let hostile = r#"{"salt":"00000000000000000000000000000000","memory_kib":4294967295,"passes":3,"lanes":4}"#;
    let passphrase: Passphrase = serde_json::from_str(hostile).unwrap();
    let error = passphrase.key(&Secret::new("x")).unwrap_err();
    assert!(matches!(error, KeyStoreError::PassphraseCosts), "{error}");
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let world = World::new();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let world = &world;
            scope.spawn(move || {
                for key in 0..5 {
                    world.add("openai", &format!("{writer}-{key}"), SECRET);
                }
            });
        }
    });
    assert_eq!(read(&world).keys.len(), 40);
}

#[test]
fn a_store_begins_once_with_one_master_key() {
    let world = World::new();
    let again = world.store.begin(Lock::File, &world.lock_key).unwrap();
    assert_eq!(again, world.master);
    let other = KeyStore::at(world.folder.path().join("other.json"));
    assert!(other.read().unwrap().lock().is_none());
    assert_eq!(other.open(&world.lock_key).unwrap(), None);
}
