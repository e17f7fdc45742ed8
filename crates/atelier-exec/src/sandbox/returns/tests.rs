//! Whatever a layer holds, nothing outside the workspace changes, and nothing bad comes back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    path::PathBuf,
};

use proptest::prelude::*;
use rustix::fs::{CWD, makedev, mknodat};
use tempfile::TempDir;

use super::*;

/// A beginning after everything that a test has made.
const LATER: Moment = Moment(i64::MAX, 0);

/// Something a command may have left in a layer.
#[derive(Debug, Clone)]
enum Left {
    File(String, u32),
    Folder(String),
    Link(String, String),
    Deletion(String),
    Pipe(String),
}

/// Names of which a few meet each other, and those that are protected.
fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a", "b", "out", "l", ".git", ".GIT", ".atelier", "new",
    ]);
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"))
}

fn left() -> impl Strategy<Value = Left> {
    let target = prop::sample::select(vec![
        "a",
        "b",
        "../a",
        "../../a",
        "../outside",
        "../../outside/file",
        "/etc/passwd",
        "a/../../outside",
        ".",
        "..",
        "out",
        "out/file",
        ".git/config",
    ]);
    let mode = prop::sample::select(vec![0o644, 0o755, 0o4755, 0o2755, 0o600, 0o1777]);
    prop_oneof![
        3 => (name(), mode).prop_map(|(name, mode)| Left::File(name, mode)),
        2 => name().prop_map(Left::Folder),
        3 => (name(), target).prop_map(|(name, target)| Left::Link(name, target.to_owned())),
        2 => name().prop_map(Left::Deletion),
        1 => name().prop_map(Left::Pipe),
    ]
}

/// Puts into a layer what fits beside what is there already.
fn leave(layer: &Path, left: &Left) {
    let (Left::File(name, _)
    | Left::Folder(name)
    | Left::Link(name, _)
    | Left::Deletion(name)
    | Left::Pipe(name)) = left;
    let path = layer.join(name);
    let mut above = layer.to_owned();
    for part in Path::new(name).parent().unwrap().components() {
        above.push(part);
        // A layer never holds anything below a link or a file of its own.
        match fs::symlink_metadata(&above) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return,
            Err(_) => fs::create_dir(&above).unwrap(),
        }
    }
    if fs::symlink_metadata(&path).is_ok() {
        return;
    }
    let node = |kind| mknodat(CWD, &path, kind, Mode::RUSR, makedev(0, 0)).unwrap();
    match left {
        Left::File(_, mode) => {
            fs::write(&path, "left").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        Left::Folder(_) => fs::create_dir(&path).unwrap(),
        Left::Link(_, target) => symlink(target, &path).unwrap(),
        Left::Deletion(_) => node(FileType::CharacterDevice),
        Left::Pipe(_) => node(FileType::Fifo),
    }
}

/// A workspace with links of its owner's, one of which leads out, and what lies outside.
fn bench() -> TempDir {
    let bench = tempfile::tempdir().unwrap();
    let path = |name: &str| bench.path().join(name);
    for folder in ["layer", "outside", "work/a/b", "work/.git", "work/b/.git"] {
        fs::create_dir_all(path(folder)).unwrap();
    }
    for file in [
        "outside/file",
        "work/a/file",
        "work/.git/config",
        "work/b/.git/config",
    ] {
        fs::write(path(file), "kept").unwrap();
    }
    symlink(path("outside"), path("work/out")).unwrap();
    symlink("../outside", path("work/a/out")).unwrap();
    bench
}

fn layer(bench: &TempDir) -> OwnedFd {
    File::open(bench.path().join("layer")).unwrap().into()
}

/// Everything below a folder; a link is what it says.
fn snapshot(folder: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::symlink_metadata(&path).unwrap();
        if data.is_dir() {
            found.extend(snapshot(&path));
        }
        let bytes = if data.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        found.push((path, data.mode(), bytes));
    }
    found.sort();
    found
}

fn is_bad(workspace: &Path, path: &Path) -> bool {
    let data = fs::symlink_metadata(path).unwrap();
    let kind = data.file_type();
    let special =
        kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device();
    let lent = kind.is_file() && data.mode() & 0o6000 != 0;
    let below = path.strip_prefix(workspace).unwrap();
    let own = below == Path::new("out") || below == Path::new("a/out");
    let out = kind.is_symlink() && !own && leads_out(below, &fs::read_link(path).unwrap());
    special || lent || out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn nothing_outside_changes_and_nothing_bad_comes_back(all in prop::collection::vec(left(), 1..9)) {
        let bench = bench();
        let (outside, work) = (bench.path().join("outside"), bench.path().join("work"));
        let before = snapshot(&outside);
        for one in &all {
            leave(&bench.path().join("layer"), one);
        }
        take(&layer(&bench), &work, &Returns::Everything, LATER, 1 << 20).unwrap();
        prop_assert_eq!(snapshot(&outside), before);
        for kept in [".git/config", "b/.git/config"] {
            prop_assert_eq!(fs::read_to_string(work.join(kept)).unwrap(), "kept");
        }
        for (path, ..) in snapshot(&work) {
            prop_assert!(!is_bad(&work, &path), "{} came back", path.display());
            prop_assert!(!path.display().to_string().contains(PART));
        }
        // What is above the workspace is what it was.
        prop_assert_eq!(fs::read_dir(bench.path()).unwrap().count(), 3);
    }
}

#[test]
fn a_hole_takes_no_room_inside_and_is_not_filled_outside() {
    let bench = bench();
    let file = File::create(bench.path().join("layer/hole")).unwrap();
    file.set_len(1 << 40).unwrap();
    fs::write(bench.path().join("layer/small"), "x").unwrap();
    let work = bench.path().join("work");
    let returned = take(&layer(&bench), &work, &Returns::Everything, LATER, 1 << 20).unwrap();
    assert_eq!((returned.written, returned.refused.len()), (1, 1));
    assert!(!work.join("hole").exists() && work.join("small").exists());
}

#[test]
fn only_what_is_named_comes_back() {
    let bench = bench();
    for name in ["x/y/z", "x/other", "w"] {
        leave(
            &bench.path().join("layer"),
            &Left::File(name.to_owned(), 0o640),
        );
    }
    let work = bench.path().join("work");
    let only = Returns::Only {
        whole: vec![PathBuf::from("x/y")],
        within: Vec::new(),
    };
    let returned = take(&layer(&bench), &work, &only, LATER, 1 << 20).unwrap();
    assert_eq!(returned.refused, Vec::<String>::new());
    assert!(work.join("x/y/z").is_file());
    assert!(!work.join("x/other").exists() && !work.join("w").exists());
    let mode = fs::metadata(work.join("x/y/z")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o640);
}

#[test]
fn links_that_lead_out_are_known_by_what_they_say() {
    for (link, target, out) in [
        ("l", "a", false),
        ("l", "a/b", false),
        ("l", "./a", false),
        ("d/l", "../a", false),
        ("d/e/l", "../../a", false),
        ("l", "..", true),
        ("l", "../a", true),
        ("d/l", "../../a", true),
        ("d/l", "a/..", true),
        ("l", "/a", true),
        ("l", "a/../../b", true),
    ] {
        assert_eq!(
            leads_out(Path::new(link), Path::new(target)),
            out,
            "{link} -> {target}"
        );
    }
}

#[test]
fn what_comes_back_into_one_folder_at_once_does_not_mix() {
    let work = TempDir::new().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8_u8 {
            let work = work.path();
            scope.spawn(move || {
                let layer = TempDir::new().unwrap();
                let out = layer.path().join("out/deep");
                fs::create_dir_all(&out).unwrap();
                for file in 0..40 {
                    let content = vec![number; 20_000];
                    fs::write(out.join(format!("{number}-{file}")), content).unwrap();
                }
                let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                let layer = rustix::fs::open(layer.path(), flags, Mode::empty()).unwrap();
                let returned = take(&layer, work, &Returns::Everything, LATER, 1 << 30).unwrap();
                assert_eq!(returned.refused, Vec::<String>::new());
            });
        }
    });
    let out = work.path().join("out/deep");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 8 * 40);
    for number in 0..8_u8 {
        for file in 0..40 {
            let content = fs::read(out.join(format!("{number}-{file}"))).unwrap();
            assert_eq!(content, vec![number; 20_000], "{number}-{file}");
        }
    }
}

/// A folder of which a layer says that a command has made it anew.
fn made_anew(layer: &Path, name: &str) {
    let folder = layer.join(name);
    fs::create_dir(&folder).unwrap();
    let folder = File::open(folder).unwrap();
    rustix::fs::fsetxattr(&folder, OPAQUE, b"y", rustix::fs::XattrFlags::empty()).unwrap();
}

#[test]
fn what_others_made_meanwhile_is_not_deleted() {
    for deleted in ["as a folder", "one by one"] {
        let bench = bench();
        let (below, work) = (bench.path().join("layer"), bench.path().join("work"));
        let layer = layer(&bench);
        fs::create_dir_all(work.join("d/deep")).unwrap();
        fs::write(work.join("d/old"), "").unwrap();
        fs::write(work.join("d/deep/old"), "").unwrap();
        let begun = begun(&layer);
        fs::write(work.join("d/new"), "theirs").unwrap();
        fs::create_dir(work.join("d/empty")).unwrap();
        // Written before, and put in its place now.
        fs::rename(work.join("d/old"), work.join("d/placed")).unwrap();
        fs::write(work.join("d/old"), "").unwrap();
        if deleted == "as a folder" {
            made_anew(&below, "d");
        } else {
            fs::create_dir(below.join("d")).unwrap();
            for name in ["old", "new", "deep", "placed", "empty"] {
                leave(&below, &Left::Deletion(format!("d/{name}")));
            }
        }
        fs::write(below.join("d/own"), "").unwrap();
        let returned = take(&layer, &work, &Returns::Everything, begun, 1 << 20).unwrap();
        assert_eq!(returned.refused, Vec::<String>::new());
        let left = snapshot(&work.join("d")).into_iter();
        let left: Vec<PathBuf> = left
            .map(|(path, ..)| path.strip_prefix(work.join("d")).unwrap().to_owned())
            .collect();
        let kept = ["empty", "new", "old", "own", "placed"].map(PathBuf::from);
        assert_eq!(left, kept, "{deleted}");
    }
}

/// Now, and what is changed from here on has another time.
fn begun(layer: &OwnedFd) -> Moment {
    let begun = Moment::now(layer).unwrap();
    while Moment::now(layer).unwrap() == begun {}
    begun
}

#[test]
fn of_what_is_made_within_a_folder_nothing_is_deleted() {
    let bench = bench();
    let (below, work) = (bench.path().join("layer"), bench.path().join("work"));
    fs::create_dir_all(work.join("d/sub")).unwrap();
    for name in ["d/theirs", "d/sub/theirs", "d/place"] {
        fs::write(work.join(name), "theirs").unwrap();
    }
    made_anew(&below, "d");
    leave(&below, &Left::Deletion("d/sub".to_owned()));
    leave(&below, &Left::Folder("d/place".to_owned()));
    fs::write(below.join("d/own"), "own").unwrap();
    let within = Returns::Only {
        whole: Vec::new(),
        within: vec![PathBuf::from("d")],
    };
    let returned = take(&layer(&bench), &work, &within, LATER, 1 << 20).unwrap();
    assert_eq!(returned.refused, Vec::<String>::new());
    for name in ["d/theirs", "d/sub/theirs", "d/own"] {
        assert!(work.join(name).is_file(), "{name}");
    }
    assert!(work.join("d/place").is_dir());
}
