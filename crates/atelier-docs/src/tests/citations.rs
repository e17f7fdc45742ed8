//! Citations: the table, and that cited paths resolve whatever their names.

use proptest::prelude::*;

use super::tree;
use crate::citations::{cite, resolve};

const FILES: &[(&str, &str)] = &[
    ("src/a.rs", "1\n2\n3\n4\n5\n"),
    ("src/no_end.rs", "1\n2"),
    ("src/__init__.py", "x\n"),
    ("empty", ""),
    ("odd#L2", "1\n"),
    ("with space.md", "1\n"),
];

/// The citations as `path first-last@line`, or the errors.
fn resolved(text: &str) -> Vec<String> {
    match resolve(text, &tree(FILES)) {
        Ok(all) => all
            .iter()
            .map(|one| {
                let lines = one
                    .lines
                    .as_ref()
                    .map(|lines| format!(" {}-{}", lines.start(), lines.end()));
                format!("{}{}@{}", one.path, lines.unwrap_or_default(), one.line)
            })
            .collect(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn citations_resolve_or_are_refused() {
    for (text, expected) in [
        ("no citation [here] or [ [here] ] or [[]]", &[][..]),
        ("[[src/a.rs]]", &["src/a.rs@1"][..]),
        (
            "x\n\n[[src/a.rs#L2]] and [[src/a.rs#L1-L5]]",
            &["src/a.rs 2-2@3", "src/a.rs 1-5@3"],
        ),
        ("[[./src//a.rs#L5]]", &["src/a.rs 5-5@1"]),
        ("[[src/no_end.rs#L2]]", &["src/no_end.rs 2-2@1"]),
        (r"[[src/\_\_init\_\_.py#L1]]", &["src/__init__.py 1-1@1"]),
        ("[[with space.md]]", &["with space.md@1"]),
        ("`[[nodiscard]]` and ``a ` [[b]]``", &[]),
        ("```toml\n[[bin]]\n```\n[[empty]]", &["empty@4"]),
        ("~~~\n[[bin]]\n```\n[[bin]]\n~~~", &[]),
        ("[[[src/a.rs]]]", &["src/a.rs@1"]),
        (
            "[[gone.rs]]\n[[src/a.rs]]\n[[src]]",
            &[
                "follow the citation `gone.rs` in line 1: there is no file `gone.rs`",
                "follow the citation `src` in line 3: there is no file `src`",
            ],
        ),
        (
            "[[src/a.rs#L6]] [[src/a.rs#L4-L2]] [[src/a.rs#L0]] [[empty#L1]]",
            &[
                "follow the citation `src/a.rs#L6` in line 1: `src/a.rs` has lines 1 to 5",
                "follow the citation `src/a.rs#L4-L2` in line 1: `src/a.rs` has lines 1 to 5",
                "follow the citation `src/a.rs#L0` in line 1: `src/a.rs` has lines 1 to 5",
                "follow the citation `empty#L1` in line 1: `empty` has lines 1 to 0",
            ],
        ),
        (
            "[[src/a.rs#L99999999999999999999]]",
            &[
                "follow the citation `src/a.rs#L99999999999999999999` in line 1: `src/a.rs` has \
               lines 1 to 5",
            ],
        ),
        (
            "[[src/a.rs#head]] [[odd#L2]]",
            &[
                "follow the citation `src/a.rs#head` in line 1: there is no file `src/a.rs#head`",
                "follow the citation `odd#L2` in line 1: there is no file `odd`",
            ],
        ),
        (
            "[[../secret]]",
            &["follow the citation `../secret` in line 1"],
        ),
        (
            "[[.git/config]]",
            &["follow the citation `.git/config` in line 1"],
        ),
        (
            "a ` b [[gone.rs]]",
            &["follow the citation `gone.rs` in line 1: there is no file `gone.rs`"],
        ),
    ] {
        assert_eq!(resolved(text), expected, "{text}");
    }
}

#[test]
fn lines_of_a_file_that_is_no_text_are_refused() {
    let mut files = tree(FILES);
    let path = atelier_model::TreePath::parse("image.png").unwrap();
    let bytes = vec![0x89, 0xff];
    files.put(
        path,
        atelier_model::FileEntry {
            bytes,
            executable: false,
        },
    );
    assert!(resolve("[[image.png]]", &files).is_ok());
    let errors = resolve("[[image.png#L1]]", &files).unwrap_err();
    let said = "follow the citation `image.png#L1` in line 1: `image.png` is not UTF-8 text";
    assert_eq!(
        errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [said]
    );
}

proptest! {
    #[test]
    fn a_file_is_cited_so_that_it_resolves_or_is_shown_as_code(path in r"[a-z_~#`\[\] .LÀ1-]{1,16}") {
        if let Ok(known) = atelier_model::TreePath::parse(&path) {
            let files = tree(&[(known.as_str(), "1\n")]);
            let text = cite(known.as_str(), &files);
            let all = resolve(&text, &files).unwrap();
            if text.starts_with("[[") {
                prop_assert_eq!(&all[0].path, &known);
                prop_assert_eq!(all.len(), 1);
            } else {
                prop_assert!(all.is_empty(), "{}", text);
            }
        }
    }

    #[test]
    fn resolving_never_panics(text in r"([a-z#L0-9`\[\]/.~\n-]|\[\[|\]\]|src/a.rs){0,40}") {
        let _ = resolve(&text, &tree(FILES));
    }
}
