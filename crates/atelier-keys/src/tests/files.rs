//! Files: who may read them.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::World;
use crate::{KeyStoreError, key_file_create, key_file_read};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_and_folders_are_for_their_owner_alone() {
    let world = World::new();
    let key_file = world.folder.path().join("config/key");
    key_file_create(&key_file).unwrap();
    assert_eq!(mode(&key_file), 0o600);
    assert_eq!(mode(key_file.parent().unwrap()), 0o700);
    assert_eq!(mode(world.store.path()), 0o600);
    assert_eq!(mode(world.store.path().parent().unwrap()), 0o700);
}

#[test]
fn a_key_file_is_made_once_and_read_ever_after() {
    let world = World::new();
    let path = world.folder.path().join("config/key");
    assert_eq!(key_file_read(&path).unwrap(), None);
    let made: Vec<_> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| key_file_create(&path).unwrap()))
            .collect();
        makers
            .into_iter()
            .map(|maker| maker.join().unwrap())
            .collect()
    });
    let kept = key_file_read(&path).unwrap().unwrap();
    assert!(made.iter().all(|key| *key == kept));
    let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "drafts are left");
}

#[test]
fn a_key_file_that_others_read_is_not_trusted() {
    let world = World::new();
    let path = world.folder.path().join("config/key");
    key_file_create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = key_file_read(&path).unwrap_err();
    assert!(
        matches!(error, KeyStoreError::OpenToOthers { mode: 0o640, .. }),
        "{error}"
    );
    assert!(error.hint().contains("chmod 600"), "{}", error.hint());
}

#[test]
fn a_key_file_without_a_key_is_refused() {
    let world = World::new();
    for text in ["", "zz", "0123", &"g".repeat(64), &"0".repeat(66)] {
        let path = world.folder.path().join("key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = key_file_read(&path).unwrap_err();
        assert!(
            matches!(error, KeyStoreError::KeyFileDamaged { .. }),
            "{text}: {error}"
        );
    }
}
