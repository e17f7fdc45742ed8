//! What is restored lands below the root, whole, and nowhere else.
#![expect(clippy::disallowed_methods, reason = "a restored program is executed")]

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use atelier_model::Digest;

use super::{Place, patterns};
use crate::{FileOutput, Output, Outputs, ReadBlobError, RestoreError};

fn made(place: &Place, path: &str, text: &str) -> Outputs {
    place.write(path, text);
    place.workspace.collect(&patterns(&[path])).unwrap()
}

#[test]
fn no_link_leads_a_restored_file_away() {
    let place = Place::new();
    let outputs = made(&place, "out/deep/file", "made");
    let away = place.folder().join("away");
    fs::create_dir(&away).unwrap();
    for (link, target) in [("out", &away), ("out/deep", &away)] {
        fs::remove_dir_all(place.at("out")).unwrap();
        if link != "out" {
            fs::create_dir(place.at("out")).unwrap();
        }
        symlink(target, place.at(link)).unwrap();
        fs::create_dir_all(away.join("deep")).unwrap();
        let error = place.workspace.restore(&outputs).unwrap_err();
        assert!(matches!(error, RestoreError::NotAFolder(_)), "{error:?}");
        assert!(!error.is_miss());
        fs::remove_file(place.at(link)).unwrap();
        fs::create_dir_all(place.at("out")).unwrap();
    }
    let files =
        fs::read_dir(&away).unwrap().count() + fs::read_dir(away.join("deep")).unwrap().count();
    assert_eq!(files, 1, "only the folder that the test made");
}

#[test]
fn a_link_in_the_place_of_an_output_is_replaced_and_not_followed() {
    let place = Place::new();
    let file = made(&place, "file", "made");
    place.write("folder/inside", "x");
    let folder = place.workspace.collect(&patterns(&["folder/"])).unwrap();
    let away = place.folder().join("away");
    fs::create_dir(&away).unwrap();
    fs::write(away.join("file"), "mine").unwrap();
    fs::remove_file(place.at("file")).unwrap();
    symlink(away.join("file"), place.at("file")).unwrap();
    fs::remove_dir_all(place.at("folder")).unwrap();
    symlink(&away, place.at("folder")).unwrap();
    place.workspace.restore(&file).unwrap();
    place.workspace.restore(&folder).unwrap();
    assert_eq!(
        (place.read("file"), place.read("folder/inside")),
        ("made".into(), "x".into())
    );
    assert_eq!(fs::read_to_string(away.join("file")).unwrap(), "mine");
    assert!(!place.at("folder").is_symlink());
}

#[test]
fn what_does_not_belong_in_a_made_folder_goes_and_nothing_else() {
    let place = Place::new();
    place.write("out/a", "a");
    place.write("out/b", "b");
    let outputs = place.workspace.collect(&patterns(&["out/"])).unwrap();
    let kept = fs::metadata(place.at("out/a")).unwrap();
    let away = place.folder().join("away");
    fs::create_dir(&away).unwrap();
    fs::write(away.join("mine"), "mine").unwrap();
    place.write("out/stale/deep/file", "stale");
    symlink(&away, place.at("out/stale/link")).unwrap();
    fs::remove_file(place.at("out/b")).unwrap();
    place.write("out/b/now", "a folder");
    place.write("beside", "mine");
    let restored = place.workspace.restore(&outputs).unwrap();
    assert_eq!(
        (restored.written, restored.kept, restored.removed),
        (1, 1, 2)
    );
    let mut names: Vec<_> = fs::read_dir(place.at("out"))
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(fs::read_to_string(away.join("mine")).unwrap(), "mine");
    assert_eq!(place.read("beside"), "mine");
    // What stood was not touched.
    let now = fs::metadata(place.at("out/a")).unwrap();
    assert_eq!(
        (now.ino(), now.ctime_nsec()),
        (kept.ino(), kept.ctime_nsec())
    );
}

#[test]
fn a_folder_with_content_in_the_place_of_a_file_stays() {
    let place = Place::new();
    let outputs = made(&place, "file", "made");
    fs::remove_file(place.at("file")).unwrap();
    fs::create_dir(place.at("file")).unwrap();
    place.workspace.restore(&outputs).unwrap();
    fs::remove_file(place.at("file")).unwrap();
    place.write("file/mine", "mine");
    let error = place.workspace.restore(&outputs).unwrap_err();
    assert!(matches!(error, RestoreError::FolderInTheWay(path) if path == "file"));
    assert_eq!(place.read("file/mine"), "mine");
}

#[test]
fn a_missing_content_is_a_miss_before_anything_is_touched() {
    let place = Place::new();
    place.write("out/a", "a");
    place.write("out/b", "b");
    let outputs = place.workspace.collect(&patterns(&["out/"])).unwrap();
    place.blob_remove(&Digest::of("b"));
    fs::remove_dir_all(place.at("out")).unwrap();
    let error = place.workspace.restore(&outputs).unwrap_err();
    assert!(error.is_miss(), "{error:?}");
    assert!(!place.at("out").exists());
}

#[test]
fn a_damaged_content_is_told_removed_and_never_in_place() {
    let place = Place::new();
    let outputs = made(&place, "file", "made");
    fs::write(place.cas.blobs.path(&Digest::of("made")), "mAde").unwrap();
    fs::remove_file(place.at("file")).unwrap();
    let error = place.workspace.restore(&outputs).unwrap_err();
    assert!(error.is_miss(), "{error:?}");
    let damaged = Digest::of("made");
    assert!(
        matches!(error, RestoreError::Content { source: ReadBlobError::Damaged(it), .. } if it == damaged)
    );
    assert!(!place.at("file").exists());
    assert_eq!(place.cas.size(&damaged), None);
    assert!(matches!(
        place.cas.read(&damaged),
        Err(ReadBlobError::Missing(_))
    ));
    assert_eq!(made(&place, "file", "made"), outputs);
    assert_eq!(place.cas.read(&damaged).unwrap(), b"made");
}

#[test]
fn large_contents_come_back_and_limits_hold() {
    let place = Place::new();
    let large = "0123456789abcdef".repeat(100_000);
    let outputs = made(&place, "large", &large);
    fs::remove_file(place.at("large")).unwrap();
    place.workspace.restore(&outputs).unwrap();
    assert_eq!(place.read("large"), large);
    assert_eq!(place.cas.size(&Digest::of(&large)), Some(1_600_000));
}

#[test]
fn only_outputs_that_nobody_changed_are_cleared_away() {
    let place = Place::new();
    let texts = ["a", "b", "c"];
    for text in texts {
        place.write(text, text);
    }
    place.write("d/e", "e");
    let before = place
        .workspace
        .collect(&patterns(&["a", "b", "c", "d/"]))
        .unwrap();
    let after = place.workspace.collect(&patterns(&["a"])).unwrap();
    place.write("b", "somebody's");
    assert_eq!(place.workspace.remove_stale(&before, &after).unwrap(), 2);
    let left = |path: &str| place.at(path).exists();
    assert_eq!(
        (left("a"), left("b"), left("c"), left("d")),
        (true, true, false, false)
    );
}

#[test]
fn a_store_on_another_file_system_restores_all_the_same() {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        // Then there is but one file system here.
        assert!(!Path::new("/dev/shm").exists());
        return;
    };
    let place = Place::apart(memory.path());
    place.write("out/file", "made");
    fs::set_permissions(place.at("out/file"), fs::Permissions::from_mode(0o755)).unwrap();
    let outputs = place.workspace.collect(&patterns(&["out/"])).unwrap();
    fs::remove_dir_all(place.at("out")).unwrap();
    place.workspace.restore(&outputs).unwrap();
    place.write("out/file", "changed");
    place.workspace.restore(&outputs).unwrap();
    assert_eq!(place.read("out/file"), "made");
    assert_eq!(
        fs::read_dir(place.at("out")).unwrap().count(),
        1,
        "nothing is left over"
    );
}

#[test]
fn a_restored_program_can_be_executed_at_once() {
    let place = Place::new();
    let program = fs::read("/bin/true").unwrap();
    let digest = place.cas.put_bytes(&program).unwrap();
    let output = |at: u32| {
        let mut outputs = Outputs::default();
        let file = FileOutput {
            digest,
            size: program.len() as u64,
            executable: true,
        };
        outputs
            .put(format!("bin/{at}"), Output::File(file))
            .unwrap();
        outputs
    };
    let done = AtomicBool::new(false);
    // Other threads start processes meanwhile, which hold every open file for a moment.
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert!(Command::new("/bin/true").status().unwrap().success());
                }
            });
        }
        for at in 0..200 {
            place.workspace.restore(&output(at)).unwrap();
            let ended = Command::new(place.at(&format!("bin/{at}"))).status();
            if !ended.is_ok_and(|status| status.success()) {
                done.store(true, Ordering::Relaxed);
                panic!("program {at} cannot be executed");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
