//! What is seen of files, and of outputs that changed.

use std::{
    ffi::OsStr,
    fs::{self, File, FileTimes},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{FileExt as _, MetadataExt as _, symlink},
        net::UnixListener,
    },
};

use atelier_model::Digest;

use super::{Place, patterns};
use crate::{CollectError, Drift, DriftKind, Found, LookError, Outputs, Survey};

fn look(place: &Place, path: &str) -> Found {
    place.workspace.look(&[path]).unwrap()[0]
}

fn digest(place: &Place, path: &str) -> Digest {
    match look(place, path) {
        Found::File { digest, .. } => digest,
        found @ (Found::Link { .. }
        | Found::Folder
        | Found::Special
        | Found::Absent
        | Found::Outside) => {
            panic!("{found:?}")
        }
    }
}

fn drift(place: &Place, outputs: &Outputs) -> Vec<Drift> {
    place.workspace.drift(&[outputs]).unwrap().remove(0)
}

fn one(path: &str, kind: DriftKind) -> Vec<Drift> {
    vec![Drift {
        path: path.to_owned(),
        kind,
    }]
}

#[test]
fn everything_that_stands_has_its_kind() {
    let place = Place::new();
    place.write("folder/file", "text");
    symlink("nowhere", place.at("link")).unwrap();
    let _socket = UnixListener::bind(place.at("socket")).unwrap();
    let paths = [
        "folder/file",
        "folder",
        "link",
        "socket",
        "absent",
        "absent/deep",
        "folder/file/x",
    ];
    let file = Found::File {
        digest: Digest::of("text"),
        size: 4,
        executable: false,
    };
    let link = Found::Link {
        target: Digest::of("nowhere"),
    };
    let absent = Found::Absent;
    let expected = [
        file,
        Found::Folder,
        link,
        Found::Special,
        absent,
        absent,
        absent,
    ];
    assert_eq!(place.workspace.look(&paths).unwrap(), expected);
}

#[test]
fn nothing_is_seen_outside_the_root() {
    let place = Place::new();
    fs::write(place.folder().join("secret"), "x").unwrap();
    symlink("..", place.at("up")).unwrap();
    symlink(place.folder(), place.at("away")).unwrap();
    symlink("folder", place.at("inside")).unwrap();
    place.write("folder/file", "text");
    for path in ["up/secret", "away/secret"] {
        assert_eq!(look(&place, path), Found::Outside);
    }
    for path in ["../secret", "/etc/passwd", "folder/../../secret", ""] {
        let error = place.workspace.look(&[path]).unwrap_err();
        assert!(matches!(error, LookError::NotBelow(_)), "{error:?}");
    }
    assert_eq!(digest(&place, "inside/file"), Digest::of("text"));
}

#[test]
fn a_file_with_its_old_size_and_time_is_seen_to_have_changed() {
    let place = Place::new();
    place.write("file", "one");
    assert_eq!(digest(&place, "file"), Digest::of("one"));
    let modified = fs::metadata(place.at("file")).unwrap().modified().unwrap();
    let file = File::options().write(true).open(place.at("file")).unwrap();
    file.write_all_at(b"two", 0).unwrap();
    file.set_times(FileTimes::new().set_modified(modified))
        .unwrap();
    assert_eq!(digest(&place, "file"), Digest::of("two"));
}

#[test]
fn a_file_that_changes_in_the_same_tick_is_seen_to_have_changed() {
    let place = Place::new();
    let mut sames = 0;
    for at in 0..500_u32 {
        let text = format!("{at:04}");
        place.write("file", &text);
        let before = fs::metadata(place.at("file")).unwrap();
        assert_eq!(digest(&place, "file"), Digest::of(&text));
        fs::write(place.at("file"), text.replace('0', "x")).unwrap();
        let after = fs::metadata(place.at("file")).unwrap();
        sames += u32::from(before.ctime_nsec() == after.ctime_nsec());
        assert_eq!(
            digest(&place, "file"),
            Digest::of(text.replace('0', "x")),
            "{sames}"
        );
    }
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let place = Place::new();
    place.write("file", "one");
    // Its time is long past, so nothing about it is in doubt once it was read.
    wait_until_settled(&place, "file");
    // Somebody writes another digest into the store: it is what is believed.
    let known = place
        .cas
        .digests
        .look(|known| known(place.workspace.keys.key("file")));
    let mut known = known.unwrap();
    known.digest = Digest::of("believed");
    place
        .cas
        .digests
        .learn(&[(place.workspace.keys.key("file"), known)]);
    place.cas.save().unwrap();
    let place = place.again();
    assert_eq!(digest(&place, "file"), Digest::of("believed"));
    File::options().append(true).open(place.at("file")).unwrap();
    assert_eq!(digest(&place, "file"), Digest::of("believed"));
    place.write("file", "two");
    assert_eq!(digest(&place, "file"), Digest::of("two"));
}

/// Reads a file until its file system's clock has moved on since it changed.
fn wait_until_settled(place: &Place, path: &str) {
    let settled = || {
        place.workspace.look(&[path]).unwrap();
        let key = place.workspace.keys.key(path);
        place.cas.digests.look(|known| known(key)).unwrap().settled
    };
    while !settled() {
        std::thread::yield_now();
    }
}

#[test]
fn many_files_are_looked_at_in_their_order() {
    let place = Place::new();
    let paths: Vec<String> = (0..3000).map(|at| format!("f{}/{at}", at % 20)).collect();
    for path in &paths {
        place.write(path, path);
    }
    let slices: Vec<&str> = paths.iter().map(String::as_str).collect();
    for _ in 0..2 {
        let found = place.workspace.look(&slices).unwrap();
        for (path, found) in paths.iter().zip(found) {
            let expected = Found::File {
                digest: Digest::of(path),
                size: path.len() as u64,
                executable: false,
            };
            assert_eq!(found, expected);
        }
        place.workspace.settle().unwrap();
    }
}

#[test]
fn outputs_that_changed_are_named() {
    let place = Place::new();
    place.write("file", "one");
    place.write("out/a/b", "x");
    place.write("out/c", "y");
    symlink("c", place.at("out/link")).unwrap();
    let file = place.workspace.collect(&patterns(&["file"])).unwrap();
    let out = place.workspace.collect(&patterns(&["out/"])).unwrap();
    assert_eq!(
        (drift(&place, &file), drift(&place, &out)),
        (vec![], vec![])
    );

    place.write("file", "two");
    assert_eq!(drift(&place, &file), one("file", DriftKind::Changed));
    fs::remove_file(place.at("file")).unwrap();
    assert_eq!(drift(&place, &file), one("file", DriftKind::Missing));
    place.write("out/a/new", "z");
    assert_eq!(drift(&place, &out), one("out/a/new", DriftKind::Added));
    fs::remove_file(place.at("out/a/new")).unwrap();
    fs::rename(place.at("out/a/b"), place.at("out/a/B")).unwrap();
    let mut both = one("out/a/B", DriftKind::Added);
    both.extend(one("out/a/b", DriftKind::Missing));
    assert_eq!(drift(&place, &out), both);
    fs::rename(place.at("out/a/B"), place.at("out/a/b")).unwrap();
    fs::remove_file(place.at("out/link")).unwrap();
    symlink("a", place.at("out/link")).unwrap();
    assert_eq!(drift(&place, &out), one("out/link", DriftKind::Changed));
    fs::remove_dir_all(place.at("out")).unwrap();
    assert_eq!(drift(&place, &out), one("out", DriftKind::Missing));
    place.write("out", "a file");
    assert_eq!(drift(&place, &out), one("out", DriftKind::Changed));
}

#[test]
fn outputs_are_what_patterns_name() {
    let place = Place::new();
    for path in [
        "dist/a.js",
        "dist/b.css",
        "dist/deep/c.js",
        "dist/deep/c.map",
        "x",
    ] {
        place.write(path, path);
    }
    place.write(".gitignore", "dist\n");
    let names = |texts: &[&str]| {
        let outputs = place.workspace.collect(&patterns(texts)).unwrap();
        let named = outputs.iter().map(|(path, _)| path.to_owned());
        named.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&["dist/*.js", "x"]), "dist/a.js x");
    assert_eq!(names(&["dist/**/*.js"]), "dist/a.js dist/deep/c.js");
    assert_eq!(names(&["**/*.{css,map}", "!dist/deep/"]), "dist/b.css");
    assert_eq!(names(&["dist"]), "dist");
    assert_eq!(names(&["nothing/*", "dist/*.none"]), "");
    let error = |text: &str| place.workspace.collect(&patterns(&[text])).unwrap_err();
    assert!(matches!(error("absent"), CollectError::Absent(path) if path == "absent"));
    assert!(matches!(error("x/y"), CollectError::Absent(_)));
    assert!(matches!(error("x/"), CollectError::NotAFolder(path) if path == "x"));
    assert!(matches!(error("/"), CollectError::NotBelow(_)));
    let described = place.workspace.describe(&patterns(&["dist", "x"])).unwrap();
    assert_eq!(
        described,
        place.workspace.collect(&patterns(&["dist", "x"])).unwrap()
    );
}

#[test]
fn names_that_are_no_text_are_names_all_the_same() {
    let place = Place::new();
    let name = |raw: &[u8]| place.at("out").join(OsStr::from_bytes(raw));
    fs::create_dir_all(name(b"folder \xff")).unwrap();
    fs::write(name(b"folder \xff/caf\xe9"), "one").unwrap();
    symlink(OsStr::from_bytes(b"folder \xff"), name(b"\xfe")).unwrap();
    let outputs = place.workspace.collect(&patterns(&["out/"])).unwrap();
    let files = place.workspace.collect(&patterns(&["out/**"])).unwrap();
    assert_eq!(files.len(), 2);
    let inputs = place
        .workspace
        .inputs(&Survey::default(), &[patterns(&["/"])])
        .unwrap();
    let found = Found::File {
        digest: Digest::of("one"),
        size: 3,
        executable: false,
    };
    assert_eq!(
        inputs[0]
            .iter()
            .filter(|input| input.found == found)
            .count(),
        1
    );
    for outputs in [outputs, files] {
        fs::remove_dir_all(place.at("out")).unwrap();
        place.workspace.restore(&outputs).unwrap();
        assert_eq!(fs::read_to_string(name(b"\xfe/caf\xe9")).unwrap(), "one");
        assert_eq!(drift(&place, &outputs), vec![]);
    }
}
