//! Changes that are made, refused, cut off and settled, on real disks.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    sync::Mutex,
    thread,
};

use atelier_model::{FileEntry, FileTree, Limits, TreePath};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::{super::read::tree_read, *};

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn tree(files: &[(&str, &str)]) -> FileTree {
    let file = |(at, text): &(&str, &str)| (path(at), FileEntry::text(*text));
    files.iter().map(file).collect()
}

/// A folder with these files.
fn folder(files: &FileTree) -> TempDir {
    let root = tempdir().unwrap();
    for (at, file) in files.iter() {
        let at = root.path().join(at.as_str());
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(&at, &file.bytes).unwrap();
        let mode = if file.executable { 0o755 } else { 0o644 };
        fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
    }
    root
}

/// The files of a folder; nothing else may be left in it.
fn on_disk(root: &Path) -> FileTree {
    assert!(!root.join(".atelier-edit").exists(), "the stage is left");
    tree_read(root, &Limits::default()).unwrap()
}

fn change(root: &Path, before: &FileTree, after: &FileTree) -> Result<(), ChangeFilesError> {
    let (held, settled) = HeldFolder::take(root)?;
    assert_eq!(settled, None);
    held.change(before, after, &BTreeMap::new())
}

/// A change with every kind of entry, and the tree before it.
fn everything() -> (FileTree, FileTree) {
    let before = tree(&[
        ("changed", "old\n"),
        ("deep/er/gone", "g\n"),
        ("stays", "same\n"),
        ("was-file", "a file\n"),
        ("mode", "#!/bin/sh\n"),
    ]);
    let mut after = tree(&[
        ("changed", "new\n"),
        ("new/folder/file", "n\n"),
        ("stays", "same\n"),
        ("was-file/now", "below\n"),
    ]);
    let mut script = FileEntry::text("#!/bin/sh\n");
    script.executable = true;
    after.put(path("mode"), script);
    (before, after)
}

#[test]
fn everything_is_changed_and_nothing_else_is_left() {
    let (before, after) = everything();
    let root = folder(&before);
    let untouched = fs::metadata(root.path().join("stays")).unwrap();
    change(root.path(), &before, &after).unwrap();
    assert_eq!(on_disk(root.path()), after);
    assert!(!root.path().join("deep").exists());
    let stays = fs::metadata(root.path().join("stays")).unwrap();
    assert_eq!(
        (stays.ino(), stays.mtime()),
        (untouched.ino(), untouched.mtime())
    );
}

#[test]
fn a_change_that_changes_nothing_touches_nothing() {
    let (before, _) = everything();
    let root = folder(&before);
    let stat = || fs::metadata(root.path()).unwrap();
    let untouched = (stat().mtime(), stat().mtime_nsec());
    change(root.path(), &before, &before).unwrap();
    assert_eq!((stat().mtime(), stat().mtime_nsec()), untouched);
}

#[test]
fn permissions_stay_and_move_along() {
    let before = tree(&[("private", "a\n"), ("old-name", "b\n")]);
    let root = folder(&before);
    let mode = |name: &str| fs::metadata(root.path().join(name)).unwrap().mode() & 0o7777;
    for name in ["private", "old-name"] {
        fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let after = tree(&[("private", "A\n"), ("new-name", "b\n")]);
    let moved = BTreeMap::from([(path("new-name"), path("old-name"))]);
    let (held, _) = HeldFolder::take(root.path()).unwrap();
    held.change(&before, &after, &moved).unwrap();
    assert_eq!(on_disk(root.path()), after);
    assert_eq!((mode("private"), mode("new-name")), (0o600, 0o600));
}

#[test]
fn a_file_that_somebody_else_changed_stays_and_so_do_all_others() {
    let (before, after) = everything();
    for (name, content) in [
        ("changed", Some("mine\n")),
        ("new/folder/file", Some("mine\n")),
        ("deep/er/gone", None),
    ] {
        let mut mine = before.clone();
        match content {
            Some(text) => mine.put(path(name), FileEntry::text(text)),
            None => drop(mine.remove(&path(name))),
        }
        let root = folder(&mine);
        let error = change(root.path(), &before, &after).unwrap_err();
        let is_it = matches!(&error, ChangeFilesError::Changed { path } if path == name);
        assert!(is_it, "{name}: {error}");
        assert_eq!(on_disk(root.path()), mine, "{name}");
    }
}

#[test]
fn a_read_only_file_is_told_and_stays() {
    let (before, after) = everything();
    let root = folder(&before);
    let file = root.path().join("changed");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let error = change(root.path(), &before, &after).unwrap_err();
    assert_eq!(error.to_string(), "change `changed`: the file is read-only");
    assert_eq!(on_disk(root.path()), before);
}

#[test]
fn links_are_neither_followed_nor_replaced() {
    let before = tree(&[("a", "old\n")]);
    for (link, target) in [("in", "in/file"), ("file", "file"), ("in", "in/new/file")] {
        let (root, outside) = (folder(&before), folder(&tree(&[("file", "theirs\n")])));
        let to = if link == "in" {
            outside.path().to_owned()
        } else {
            outside.path().join("file")
        };
        symlink(to, root.path().join(link)).unwrap();
        let after = tree(&[("a", "new\n"), (target, "ours\n")]);
        let error = change(root.path(), &before, &after).unwrap_err();
        assert!(error.to_string().contains(target), "{target}: {error}");
        assert_eq!(
            fs::read_to_string(root.path().join("a")).unwrap(),
            "old\n",
            "{target}"
        );
        assert_eq!(
            on_disk(outside.path()),
            tree(&[("file", "theirs\n")]),
            "{target}"
        );
        assert!(root.path().join(link).is_symlink(), "{target}");
        assert!(!root.path().join(".atelier-edit").exists(), "{target}");
    }
}

/// How far a change comes before its process dies.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Entries that were put in place; `None` if not even the journal was.
    forward: Option<usize>,
    /// Entries that were taken back after that; `None` if it was not turned back.
    back: Option<usize>,
}

/// Does as much of a change as is done before its process dies.
fn cut_off(root: &Path, before: &FileTree, after: &FileTree, cut: Cut) {
    let (held, _) = HeldFolder::take(root).unwrap();
    let journal = Journal::plan(&held.root, before, after).unwrap();
    let stage = Stage::create(&held.root).unwrap();
    stage
        .fill(&held.root, &journal, after, &BTreeMap::new())
        .unwrap();
    let Some(done) = cut.forward else { return };
    journal.write(&stage).unwrap();
    let entries = || journal.entries.iter().enumerate().take(done);
    for (index, entry) in entries() {
        step::forward(&held.root, &stage, index, entry).unwrap();
    }
    let Some(undone) = cut.back else { return };
    Journal::turn_back(&stage).unwrap();
    for (index, entry) in entries().rev().take(undone) {
        if entry.after.is_none() {
            step::folders_unmake(&held.root, &journal);
        }
        step::back(&held.root, &stage, index, entry).unwrap();
    }
}

/// Takes a folder in which a change was cut off, and says whether it is as after the change.
fn settled(root: &Path, before: &FileTree, after: &FileTree, cut: Cut) -> bool {
    let (held, settled) = HeldFolder::take(root).unwrap();
    drop(held);
    let finished = cut.forward.is_some() && cut.back.is_none();
    assert_eq!(
        &on_disk(root),
        if finished { after } else { before },
        "{cut:?}"
    );
    match settled {
        None => assert!(cut.forward.is_none(), "{cut:?}"),
        Some(Settled::Finished(_)) => assert!(finished, "{cut:?}"),
        Some(Settled::Undone(_)) => assert!(cut.back.is_some(), "{cut:?}"),
    }
    finished
}

#[test]
fn a_change_that_was_cut_off_anywhere_is_finished_or_undone() {
    let (before, after) = everything();
    let entries = before.changes_to(&after).len();
    let mut cuts = vec![Cut {
        forward: None,
        back: None,
    }];
    for done in 0..=entries {
        let backs = (0..=done).map(Some);
        let of = |back| Cut {
            forward: Some(done),
            back,
        };
        cuts.extend(std::iter::once(None).chain(backs).map(of));
    }
    assert_eq!((entries, cuts.len()), (6, 36));
    for cut in cuts {
        let root = folder(&before);
        cut_off(root.path(), &before, &after, cut);
        settled(root.path(), &before, &after, cut);
        // Whoever comes next finds nothing to settle.
        assert_eq!(HeldFolder::take(root.path()).unwrap().1, None);
    }
}

#[test]
fn a_file_changed_after_the_cut_is_kept_and_the_rest_is_undone() {
    let (before, after) = everything();
    let entries = before.changes_to(&after).len();
    for done in 0..=entries {
        let root = folder(&before);
        let cut = Cut {
            forward: Some(done),
            back: None,
        };
        cut_off(root.path(), &before, &after, cut);
        fs::write(root.path().join("changed"), "mine\n").unwrap();
        let (_, settled) = HeldFolder::take(root.path()).unwrap();
        assert!(
            matches!(settled, Some(Settled::Undone(_))),
            "{done}: {settled:?}"
        );
        let mut mine = before.clone();
        mine.put(path("changed"), FileEntry::text("mine\n"));
        assert_eq!(on_disk(root.path()), mine, "{done}");
    }
}

#[test]
fn a_folder_is_not_looked_at_while_a_change_of_it_is_half_done() {
    let (before, after) = everything();
    let root = folder(&before);
    cut_off(
        root.path(),
        &before,
        &after,
        Cut {
            forward: Some(2),
            back: None,
        },
    );
    assert!(matches!(
        HeldFolder::look(root.path()),
        Err(ChangeFilesError::HalfDone)
    ));
    drop(HeldFolder::take(root.path()).unwrap());
    assert!(HeldFolder::look(root.path()).is_ok());
}

#[test]
fn one_change_waits_for_the_other() {
    let (before, after) = everything();
    let root = folder(&before);
    let (held, _) = HeldFolder::take(root.path()).unwrap();
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let taken = HeldFolder::take(root.path());
            order.lock().unwrap().push("second");
            taken.is_ok()
        });
        held.change(&before, &after, &BTreeMap::new()).unwrap();
        order.lock().unwrap().push("first");
        drop(held);
        assert!(waiting.join().unwrap());
    });
    assert_eq!(order.into_inner().unwrap(), ["first", "second"]);
    assert_eq!(on_disk(root.path()), after);
}

#[test]
fn what_lies_in_place_of_a_stage_is_not_trusted() {
    let (before, _) = everything();
    let (root, outside) = (folder(&before), tempdir().unwrap());
    symlink(outside.path(), root.path().join(".atelier-edit")).unwrap();
    let error = HeldFolder::take(root.path()).unwrap_err();
    assert!(
        matches!(error, ChangeFilesError::ForeignStage { .. }),
        "{error}"
    );

    let left = |journal: &str| {
        let root = folder(&before);
        fs::create_dir(root.path().join(".atelier-edit")).unwrap();
        fs::write(root.path().join(".atelier-edit/journal.json"), journal).unwrap();
        HeldFolder::take(root.path()).unwrap_err()
    };
    let outside =
        r#"{"format":1,"entries":[{"path":"../x","before":null,"after":null}],"folders_made":[]}"#;
    for journal in ["", "{}", outside] {
        let error = left(journal);
        assert!(matches!(error, ChangeFilesError::Journal { .. }), "{error}");
    }
    let error = left(r#"{"format":2,"moves":[]}"#);
    assert!(
        matches!(error, ChangeFilesError::OtherVersion { .. }),
        "{error}"
    );
}

/// Files of a small tree by the numbers of their names and contents.
fn files() -> impl Strategy<Value = FileTree> {
    let names = ["a", "b", "d/a", "d/b", "d/e/a", "f/a"];
    prop::collection::btree_map(0..names.len(), (0..3_u8, any::<bool>()), 0..names.len()).prop_map(
        move |files| {
            let file = |(name, (content, executable)): (usize, (u8, bool))| {
                let bytes = vec![b'0' + content];
                (path(names[name]), FileEntry { bytes, executable })
            };
            files.into_iter().map(file).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_change_is_whole_however_it_ends(
        before in files(),
        after in files(),
        forward in prop::option::of(0..7_usize),
        back in prop::option::of(0..7_usize),
    ) {
        let root = folder(&before);
        let cut = Cut { forward, back: forward.and(back) };
        cut_off(root.path(), &before, &after, cut);
        if !settled(root.path(), &before, &after, cut) {
            change(root.path(), &before, &after).unwrap();
            prop_assert_eq!(on_disk(root.path()), after);
        }
    }
}
