//! Changes that are told while somebody watches.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use super::Place;
use crate::Watch;

const SOON: Duration = Duration::from_secs(20);
const AT_ONCE: Duration = Duration::ZERO;

/// What has changed until nothing more comes.
fn told(watch: &Watch) -> String {
    let mut changes = watch.wait(SOON).unwrap();
    loop {
        let more = watch.wait(AT_ONCE).unwrap();
        if more.is_empty() {
            return changes.paths.join(" ");
        }
        changes.extend(more);
    }
}

#[test]
fn every_kind_of_change_is_told() {
    let place = Place::new();
    place.write("src/a", "a");
    place.write("deep/er/b", "b");
    let watch = place.workspace.watch().unwrap();
    assert!(watch.wait(AT_ONCE).unwrap().is_empty());
    place.write("src/a", "changed");
    assert_eq!(told(&watch), "src/a");
    fs::rename(place.at("deep/er/b"), place.at("c")).unwrap();
    assert_eq!(told(&watch), "deep/er/b c");
    fs::remove_file(place.at("src/a")).unwrap();
    assert_eq!(told(&watch), "src/a");
    fs::set_permissions(place.at("c"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(told(&watch), "c");
    fs::create_dir(place.at("new")).unwrap();
    assert_eq!(told(&watch), "new");
    assert!(watch.wait(AT_ONCE).unwrap().is_empty());
}

#[test]
fn what_git_leaves_out_and_its_own_folder_are_not_told() {
    let place = Place::new();
    place.write(".gitignore", "target\n");
    place.write("target/a", "a");
    place.write(".git/index", "");
    let watch = place.workspace.watch().unwrap();
    place.write("target/b", "b");
    place.write(".git/index", "x");
    fs::create_dir(place.at(".atelier")).unwrap();
    place.write(".atelier/state", "x");
    place.write("src", "x");
    assert_eq!(told(&watch), "src");
}

#[test]
fn a_file_without_a_name_is_not_told_and_one_that_looks_like_it_is() {
    let place = Place::new();
    place.write("#12", "a");
    let watch = place.workspace.watch().unwrap();
    place.workspace.clock().unwrap();
    drop(place.workspace.root.unnamed_file().unwrap());
    place.write("#12", "b");
    assert_eq!(told(&watch), "#12");
}

#[test]
fn many_changes_are_told_as_many() {
    let place = Place::new();
    let watch = place.workspace.watch().unwrap();
    for at in 0..100 {
        place.write(&at.to_string(), "x");
    }
    let mut changes = watch.wait(SOON).unwrap();
    changes.extend(watch.wait(AT_ONCE).unwrap());
    assert_eq!((changes.paths.len(), changes.more), (20, true));
}
