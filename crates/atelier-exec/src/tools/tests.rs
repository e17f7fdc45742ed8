//! What programs on a search path need.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::symlink;

use super::*;

/// A folder with programs of many kinds, and what is needed of it.
#[test]
fn a_link_needs_the_package_of_its_program() {
    let bench = tempfile::tempdir().unwrap();
    let root = bench.path().canonicalize().unwrap();
    for folder in [
        "bin",
        "go/bin",
        "go/src",
        "tools/node_modules/bun/bin",
        "tools/node_modules/.bin",
        "plain",
        "venv/bin",
        "venv/lib",
        ".local/bin",
        ".local/lib",
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in [
        "go/bin/go",
        "tools/node_modules/bun/bin/bun.exe",
        "plain/tool",
        "bin/own",
    ] {
        fs::write(root.join(file), "").unwrap();
    }
    for (target, link) in [
        ("../go/bin/go", "bin/go"),
        ("../bun/bin/bun.exe", "tools/node_modules/.bin/bun"),
        ("../plain/tool", "bin/tool"),
        ("../nowhere", "bin/broken"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    let folders = [
        "bin",
        "tools/node_modules/.bin",
        "venv/bin",
        ".local/bin",
        "missing",
    ];
    let folders: Vec<PathBuf> = folders.map(|folder| root.join(folder)).into();
    let found = behind(folders.iter().map(PathBuf::as_path));
    let wanted = ["go", "plain", "tools/node_modules", "venv"];
    assert_eq!(found, wanted.map(|name| root.join(name)).into());
}

#[test]
fn a_program_is_where_the_system_finds_it() {
    let bench = tempfile::tempdir().unwrap();
    let root = bench.path();
    for folder in ["bin", "far/away/bin", "far/other"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in ["far/away/bin/tool", "far/other/tool", "bin/own"] {
        fs::write(root.join(file), "").unwrap();
    }
    for (target, link) in [
        // The folder above a folder behind a link is not the one that its name says.
        ("far/away/bin", "short"),
        ("../short/../../other/tool", "bin/above"),
        ("../short/tool", "bin/short"),
        ("short", "bin/twice"),
        ("own", "bin/beside"),
        ("./own", "bin/./dotted"),
        ("..", "bin/parent"),
        ("../short", "bin/folder"),
        ("../far/", "bin/slash"),
        ("/", "bin/root"),
        ("round", "bin/round"),
        ("own/", "bin/no_folder"),
        ("own/below", "bin/below_file"),
        ("missing", "bin/missing"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    symlink(root.join("short/tool"), root.join("bin/whole")).unwrap();
    let mut folders = RealFolders::default();
    let bin = folders.of(&root.join("bin")).unwrap();
    for entry in fs::read_dir(&bin).unwrap() {
        let path = entry.unwrap().path();
        let system = path.canonicalize().ok();
        assert_eq!(folders.program(path.clone()), system, "{}", path.display());
    }
}
