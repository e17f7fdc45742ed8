//! Paths: what is taken, how it is written, and everything that must be refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Component, Path};

use proptest::prelude::*;

use super::{PathError, TreePath};

fn check(text: &str, expected: &str) {
    let parsed = TreePath::parse(text).map(|path| path.to_string());
    assert_eq!(parsed, Ok(expected.to_owned()), "{text:?}");
}

fn refused(texts: &[&str], kind: fn(&PathError) -> bool) {
    for text in texts {
        let error = TreePath::parse(text).unwrap_err();
        assert!(kind(&error), "{text:?}: {error:?}");
    }
}

#[test]
fn paths_are_normalised() {
    check("a", "a");
    check("src/main.rs", "src/main.rs");
    check("./src/main.rs", "src/main.rs");
    check("src//main.rs", "src/main.rs");
    check("src/./main.rs", "src/main.rs");
    check("src/", "src");
    check("src\\lib.rs", "src/lib.rs");
    check(".\\src\\.\\lib.rs", "src/lib.rs");
    check("././a/.//b/.", "a/b");
}

#[test]
fn ordinary_names_are_taken() {
    for text in [
        ".gitignore",
        ".github/workflows/ci.yml",
        ".gitattributes",
        ".gitmodules",
        ".gitkeep",
        "git",
        "docs/.git-guide.md",
        ".atelierrc",
        "atelier.toml",
        ".env.example",
        "a b/c d.txt",
        "..a",
        "a..b",
        "...a",
        "con_",
        "console.rs",
        "auxiliary",
        "com",
        "com0",
        "com10",
        "lpt",
        "nullable.ts",
        "src/[slug]/page.tsx",
        "src/(group)/@slot/$id.tsx",
        "größe/übung.md",
        "文档/设计.md",
        "café.txt",
        "a~b",
        "it's.md",
        "{a},b;c=d&e!f%g#h+i^j`k.txt",
        "👍.md",
    ] {
        check(text, text);
    }
}

#[test]
fn nothing_is_no_path() {
    refused(&["", ".", "./", "././.", "./.\\"], |error| {
        *error == PathError::Empty
    });
}

#[test]
fn absolute_paths_are_refused() {
    let absolute = |error: &PathError| matches!(error, PathError::Absolute(_));
    refused(
        &[
            "/",
            "/etc/passwd",
            "//host/share",
            "\\",
            "\\windows",
            "\\\\server\\share\\x",
            "\\\\?\\C:\\x",
            "\\\\.\\pipe\\x",
            "C:",
            "C:\\x",
            "c:/x",
            "C:x",
            "z:..\\x",
            "~",
            "~/x",
            "~root/x",
            "~\\x",
            "./~",
            ".//~root/x",
        ],
        absolute,
    );
}

#[test]
fn paths_that_leave_the_tree_are_refused() {
    let outside = |error: &PathError| matches!(error, PathError::Outside(_));
    refused(
        &[
            "..",
            "../x",
            "a/..",
            "a/../b",
            "a/../../b",
            "./../x",
            "a/b/../../..",
            "..\\x",
            "a\\..\\..\\x",
            "a/..\\b",
            ".//..//x",
        ],
        outside,
    );
}

#[test]
fn gits_and_ateliers_folders_are_refused_under_every_name() {
    let reserved = |error: &PathError| matches!(error, PathError::Reserved(_));
    refused(
        &[
            ".git",
            ".git/config",
            ".git/hooks/pre-commit",
            "sub/.git/config",
            ".GIT/config",
            ".Git",
            ".git.",
            ".git ",
            ".git . .",
            ".git../config",
            ".git /config",
            "git~1",
            "GIT~1/config",
            "a/GIT~1",
            ".git::$INDEX_ALLOCATION/config",
            ".GIT::$index_allocation",
            ".git:stream",
            ".git...:stream",
            "git~1::$INDEX_ALLOCATION",
            ".g\u{200c}it/config",
            ".git\u{200d}",
            "\u{feff}.git",
            ".\u{200e}g\u{202e}i\u{206a}t\u{200f}",
            ".g\u{ad}it",
            "a\\.git\\config",
            ".atelier",
            ".atelier/state.db",
            ".Atelier/worktrees/x",
            ".atelier. ",
            ".atelier:state",
            "ATELIE~1",
            ".ate\u{200b}lier",
        ],
        reserved,
    );
}

#[test]
fn names_that_some_system_cannot_hold_are_refused() {
    let strange = |error: &PathError| matches!(error, PathError::NotPortable(_));
    refused(
        &[
            "con",
            "CON",
            "con.txt",
            "src/aux.rs",
            "nul",
            "NUL.tar.gz",
            "prn.md",
            "com1",
            "COM9.log",
            "lpt1",
            "LPT9",
            "com¹",
            "LPT³.txt",
            "conin$",
            "CONOUT$",
            "aux .txt",
            "a ",
            "a.",
            "a./b",
            "a /b",
            "...",
            ".. ",
            "a<b",
            "a>b",
            "ab:c",
            "a\"b",
            "a|b",
            "a?b",
            "a*b",
            "src/**/x",
            "a\0b",
            "a\nb",
            "a\tb",
            "a\x1bb",
            "a\x7fb",
            "a\u{85}b",
            "a\u{202e}txt.exe",
            "a\u{200b}b",
            "\u{feff}a",
            "tag\u{e0041}",
            "README.md::$DATA",
            "file:stream",
        ],
        strange,
    );
    refused(
        &[&"n".repeat(256), &format!("a/{}", "é".repeat(128))],
        strange,
    );
}

#[test]
fn long_paths_are_refused() {
    check(
        &format!("{}ab", "a/".repeat(255)),
        &format!("{}ab", "a/".repeat(255)),
    );
    let error = TreePath::parse(&format!("{}abc", "a/".repeat(255))).unwrap_err();
    assert!(matches!(error, PathError::TooLong(_)));
}

#[test]
fn a_refusal_can_be_printed() {
    let error = TreePath::parse("../\x1b[2J\u{202e}x").unwrap_err();
    let said = "use the path `../\u{fffd}[2J\u{fffd}x`: it leaves the project's root";
    assert_eq!(error.to_string(), said);
    let error = TreePath::parse(&format!("../{}", "x".repeat(500))).unwrap_err();
    assert_eq!(error, PathError::Outside(format!("../{}", "x".repeat(77))));
}

#[test]
fn a_path_has_a_name_a_parent_and_an_extension() {
    let path = TreePath::parse("src/deep/main.test.rs").unwrap();
    assert_eq!(path.name(), "main.test.rs");
    assert_eq!(path.extension(), Some("rs"));
    assert_eq!(path.parent().unwrap().as_str(), "src/deep");
    let path = TreePath::parse("Makefile").unwrap();
    assert_eq!(
        (path.name(), path.extension(), path.parent()),
        ("Makefile", None, None)
    );
}

#[test]
fn within_means_at_or_below() {
    let path = TreePath::parse("src/api/routes.rs").unwrap();
    for folder in [
        "",
        "src",
        "src/",
        "src/api",
        "src/api/routes.rs",
        "src/api/routes.rs/",
    ] {
        assert!(path.is_within(folder), "{folder:?}");
    }
    for folder in [
        "sr",
        "src/ap",
        "api",
        "src/api/routes",
        "src/api/routes.rs/x",
        "SRC",
        "/src",
    ] {
        assert!(!path.is_within(folder), "{folder:?}");
    }
}

#[test]
fn json_is_refused_like_any_text() {
    assert_eq!(
        serde_json::from_str::<TreePath>("\"./a/b\"").unwrap(),
        TreePath::parse("a/b").unwrap()
    );
    assert!(serde_json::from_str::<TreePath>("\"../a\"").is_err());
    assert!(serde_json::from_str::<TreePath>("\".git/hooks\"").is_err());
}

/// Pieces from which attacks are made.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just("/".to_owned()),
        Just("\\".to_owned()),
        Just("~".to_owned()),
        Just("C:".to_owned()),
        Just(".git".to_owned()),
        Just("\u{200d}".to_owned()),
        Just(" ".to_owned()),
        Just("src".to_owned()),
        "[a-zA-Z.]{1,4}",
        ".{0,3}",
    ]
}

proptest! {
    #[test]
    fn no_path_leaves_its_root(pieces in prop::collection::vec(piece(), 0..12)) {
        let Ok(path) = TreePath::parse(&pieces.concat()) else { return Ok(()) };
        let path = path.as_str();
        prop_assert!(!path.is_empty() && path.len() <= 512);
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        prop_assert!(Path::new(path).components().all(plain), "{:?}", path);
        for part in path.split('/') {
            let folded = part.to_lowercase();
            prop_assert!(!part.is_empty() && part != "." && part != "..");
            prop_assert!(folded != ".git" && folded != ".atelier" && folded != "git~1");
            prop_assert!(!part.contains(['\\', ':', '\0']));
        }
    }

    #[test]
    fn a_path_is_its_own_normal_form(pieces in prop::collection::vec(piece(), 0..12)) {
        let Ok(path) = TreePath::parse(&pieces.concat()) else { return Ok(()) };
        prop_assert_eq!(TreePath::parse(path.as_str()).unwrap(), path.clone());
        let json = serde_json::to_string(&path).unwrap();
        prop_assert_eq!(serde_json::from_str::<TreePath>(&json).unwrap(), path);
    }

    // The letters spell no name of a device.
    #[test]
    fn below_a_folder_is_within_it(folder in "[a-m]{1,8}(/[a-m]{1,8}){0,3}", file in "[a-m]{1,8}") {
        let (folder, file) = (TreePath::parse(&folder).unwrap(), TreePath::parse(&file).unwrap());
        let path = file.below(&folder);
        prop_assert!(path.is_within(folder.as_str()));
        prop_assert_eq!(path.parent(), Some(folder));
        prop_assert_eq!(path.name(), file.as_str());
    }
}
