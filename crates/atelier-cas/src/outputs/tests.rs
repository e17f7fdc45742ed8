//! Outputs and trees as bytes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::Digest;
use proptest::prelude::*;

use super::{FileOutput, Node, Output, Outputs, Tree};
use crate::codec::Reader;

fn file(text: &str, executable: bool) -> Output {
    Output::File(FileOutput {
        digest: Digest::of(text),
        size: text.len() as u64,
        executable,
    })
}

fn link(target: &str) -> Output {
    Output::Link {
        target: target.to_owned(),
    }
}

fn outputs(entries: &[(&str, Output)]) -> Outputs {
    let mut outputs = Outputs::default();
    for (path, output) in entries {
        outputs.put(*path, output.clone()).unwrap();
    }
    outputs
}

#[test]
fn every_difference_is_another_digest() {
    let all = [
        outputs(&[]),
        outputs(&[("a", file("x", false))]),
        outputs(&[("a", file("y", false))]),
        outputs(&[("a", file("x", true))]),
        outputs(&[("A", file("x", false))]),
        outputs(&[("a", link("x"))]),
        outputs(&[("a", link("y"))]),
        outputs(&[("a", file("x", false)), ("b", file("x", false))]),
        outputs(&[(
            "a",
            Output::Folder {
                tree: Digest::of("x"),
            },
        )]),
    ];
    for (at, one) in all.iter().enumerate() {
        for (other_at, other) in all.iter().enumerate() {
            assert_eq!(
                one.digest() == other.digest(),
                at == other_at,
                "{at} {other_at}"
            );
        }
    }
    let swapped = outputs(&[("b", file("2", false)), ("a", file("1", false))]);
    let sorted = outputs(&[("a", file("1", false)), ("b", file("2", false))]);
    assert_eq!(swapped.digest(), sorted.digest());
}

#[test]
fn a_path_that_leaves_the_root_is_no_output() {
    for path in ["", "/a", "a/", "../a", "a/../b", ".", "a//b", "a\0b"] {
        assert!(Outputs::default().put(path, link("x")).is_err(), "{path:?}");
    }
    for path in ["a", "a b/c:d", "..a", "-x", "a\nb", "\u{e9}"] {
        assert!(Outputs::default().put(path, link("x")).is_ok(), "{path:?}");
    }
}

#[test]
fn a_tree_is_its_content() {
    let build = |deep: &str| {
        let mut tree = Tree::default();
        let empty = tree.add(Node::new());
        let inner = tree.add(Node::from([("file".to_owned(), file(deep, false))]));
        tree.add(Node::from([
            ("a".to_owned(), Output::Folder { tree: inner }),
            ("b".to_owned(), Output::Folder { tree: inner }),
            ("c".to_owned(), Output::Folder { tree: empty }),
        ]));
        tree
    };
    let tree = build("x");
    let bytes = tree.to_bytes();
    assert_eq!(Tree::from_bytes(&bytes), Some(tree.clone()));
    assert_eq!(tree.root().unwrap().len(), 3);
    assert_eq!(tree.files().count(), 1, "equal folders are one");
    assert_ne!(build("y").to_bytes(), bytes);
    for end in 0..bytes.len() {
        assert_eq!(Tree::from_bytes(&bytes[..end]), None);
    }
}

#[test]
fn a_tree_with_names_that_lead_elsewhere_is_none() {
    for name in ["..", "a/b", "", "."] {
        let mut tree = Tree::default();
        tree.add(Node::from([(name.to_owned(), link("x"))]));
        assert_eq!(Tree::from_bytes(&tree.to_bytes()), None, "{name}");
    }
    let mut tree = Tree::default();
    let missing = Digest::of("missing");
    tree.add(Node::from([(
        "a".to_owned(),
        Output::Folder { tree: missing },
    )]));
    assert_eq!(Tree::from_bytes(&tree.to_bytes()), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
        let nodes = Tree::from_bytes(&bytes).map_or(0, |tree| tree.order.len());
        let outputs = Outputs::read(&mut Reader::new(&bytes)).map_or(0, |all| all.len());
        prop_assert!(nodes + outputs <= bytes.len());
    }
}
