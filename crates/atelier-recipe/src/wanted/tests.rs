//! What version files want, and what contradicts it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{FileEntry, FileTree, TreePath};
use proptest::prelude::*;

use super::{WantedVersion, wanted_versions};

fn wanted(version: &str) -> WantedVersion {
    WantedVersion {
        program: "node".to_owned(),
        args: Vec::new(),
        version: version.to_owned(),
        file: TreePath::parse(".nvmrc").unwrap(),
    }
}

#[test]
fn ranges_of_every_form_hold_or_do_not() {
    // The range, versions that are in it, versions that are not.
    let cases: [(&str, &[&str], &[&str]); 23] = [
        ("18", &["v18.0.0", "v18.20.4"], &["v20.1.0", "v1.8.0"]),
        ("v20.11.0", &["v20.11.0"], &["v20.11.1", "v20.12.0"]),
        ("20.11", &["v20.11.1"], &["v20.1.1"]),
        ("18.x", &["v18.1.0"], &["v20.0.0"]),
        (">=18", &["v18.0.0", "v22.1.0"], &["v16.20.0"]),
        (">= 18.17.0", &["v18.17.0", "v20.0.0"], &["v18.16.9"]),
        (
            ">=18 <21",
            &["v18.0.0", "v20.19.0"],
            &["v21.0.0", "v16.0.0"],
        ),
        (
            ">=3.9,<3.13",
            &["Python 3.11.2"],
            &["Python 3.13.0", "Python 3.8.1"],
        ),
        ("^18.17.0", &["v18.20.0"], &["v18.16.0", "v20.0.0"]),
        ("^0.2.3", &["0.2.9"], &["0.3.0", "0.2.2"]),
        ("~20.1", &["v20.1.5"], &["v20.2.0"]),
        (
            "16 || 18 || >=20",
            &["v18.1.0", "v22.0.0"],
            &["v17.0.0", "v19.0.0"],
        ),
        ("==3.11.*", &["Python 3.11.9"], &["Python 3.12.0"]),
        (
            "~=3.9",
            &["Python 3.9.0", "Python 3.12.1"],
            &["Python 3.8.9", "Python 4.0.0"],
        ),
        ("~=3.9.1", &["Python 3.9.7"], &["Python 3.10.0"]),
        ("!=3.11", &["Python 3.12.0"], &["Python 3.11.4"]),
        (">3.11", &["Python 3.12.0"], &["Python 3.11.4"]),
        (
            "<=3.11",
            &["Python 3.11.4", "Python 3.10.0"],
            &["Python 3.12.0"],
        ),
        (
            "go 1.22",
            &["go version go1.22.3 linux/amd64", "go version go1.23.0"],
            &["go version go1.19.8 linux/amd64"],
        ),
        (
            "3.3.0",
            &["ruby 3.3.0p0 (2023-12-25)"],
            &["ruby 3.1.2p20 (2022-04-12)"],
        ),
        (
            "17",
            &["openjdk version \"17.0.9\" 2023-10-17"],
            &["openjdk version \"21.0.1\""],
        ),
        (
            "1.8",
            &["openjdk version \"1.8.0_392\""],
            &["openjdk version \"17.0.9\""],
        ),
        ("3.13.0rc1", &["Python 3.13.0rc1"], &["Python 3.12.0"]),
    ];
    for (range, inside, outside) in cases {
        for printed in inside {
            assert!(!wanted(range).contradicts(printed), "{range}: {printed}");
        }
        for printed in outside {
            assert!(wanted(range).contradicts(printed), "{range}: {printed}");
        }
    }
}

#[test]
fn what_is_not_understood_contradicts_nothing() {
    for range in [
        "lts/*", "lts/iron", "node", "system", "stable", "", "*", "latest", "1 - 2", "pypy3.9",
    ] {
        assert!(!wanted(range).contradicts("v20.0.0"), "{range}");
    }
    assert!(!wanted("18").contradicts("no version here"));
    assert!(!wanted("18").contradicts(""));
}

#[test]
fn the_folder_comes_before_the_root_and_one_file_before_another() {
    let mut tree = FileTree::default();
    for (path, text) in [
        (".nvmrc", "v18.17.0\n"),
        (
            ".tool-versions",
            "nodejs 16.1.0\npython 3.10.4\nruby 3.2.1\n",
        ),
        ("web/.node-version", "20\n"),
        (
            "pyproject.toml",
            "[project]\nrequires-python = \">=3.12\"\n",
        ),
        (
            "api/pyproject.toml",
            "[project]\nrequires-python = \">=3.12\"\n",
        ),
        ("go.mod", "module x\n\ngo 1.22.1\n"),
    ] {
        tree.put(TreePath::parse(path).unwrap(), FileEntry::text(text));
    }
    let found = |folder: Option<&str>| {
        let folder = folder.map(|path| TreePath::parse(path).unwrap());
        let wanted = wanted_versions(&tree, folder.as_ref());
        let line = |one: WantedVersion| format!("{} {} {}", one.program, one.version, one.file);
        wanted.into_iter().map(line).collect::<Vec<_>>()
    };
    let root = [
        "go go 1.22.1 go.mod",
        "ruby 3.2.1 .tool-versions",
        "node 18.17.0 .nvmrc",
        "python3 3.10.4 .tool-versions",
    ];
    assert_eq!(found(None), root);
    let web = found(Some("web"));
    assert!(
        web.contains(&"node 20 web/.node-version".to_owned()),
        "{web:?}"
    );
}

proptest! {
    #[test]
    fn any_text_is_read(range in ".{0,40}", printed in ".{0,40}") {
        let _ = wanted(&range).contradicts(&printed);
    }
}
