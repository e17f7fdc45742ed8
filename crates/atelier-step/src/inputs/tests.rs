//! Trees of inputs: one root for one set of files, and all differences between two.

use std::collections::BTreeMap;

use atelier_model::Digest;
use proptest::prelude::*;

use super::{InputChange, InputTree, Leaf, LeafMode};

fn tree(files: &BTreeMap<String, u8>) -> InputTree {
    let leaf = |(path, content): (&String, &u8)| Leaf {
        path: path.clone(),
        mode: LeafMode::File,
        digest: Digest::of([*content]),
    };
    InputTree::new(files.iter().map(leaf).collect())
}

#[test]
fn the_order_of_leaves_does_not_matter_and_the_last_of_a_path_stays() {
    let files = BTreeMap::from(["a-b/x", "a/y", "a0", "b"].map(|path| (path.to_owned(), 1)));
    let one = tree(&files);
    let mut leaves = one.leaves().to_vec();
    leaves.reverse();
    assert_eq!(InputTree::new(leaves.clone()), one);
    let mut older = leaves[0].clone();
    older.digest = Digest::of("older");
    leaves.insert(0, older);
    assert_eq!(InputTree::new(leaves), one);
}

#[test]
fn what_stands_in_a_folder_is_not_what_stands_beside_it() {
    let roots = [
        &["a/b", "c"][..],
        &["a", "b/c"],
        &["a/b/c"],
        &["ab", "c"],
        &[],
    ]
    .map(|paths| tree(&paths.iter().map(|path| ((*path).to_owned(), 1)).collect()).root());
    let mut distinct = roots.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), roots.len());
}

proptest! {
    #[test]
    fn differences_are_those_of_the_files(
        before in prop::collection::btree_map("[ab](/[ab-]){0,3}", 0_u8..3, 0..12),
        after in prop::collection::btree_map("[ab](/[ab-]){0,3}", 0_u8..3, 0..12),
    ) {
        let mut expected: Vec<(String, InputChange)> = Vec::new();
        for (path, content) in &before {
            match after.get(path) {
                None => expected.push((path.clone(), InputChange::Removed)),
                Some(now) if now != content => expected.push((path.clone(), InputChange::Changed)),
                Some(_) => {}
            }
        }
        let new = after.keys().filter(|path| !before.contains_key(*path));
        expected.extend(new.map(|path| (path.clone(), InputChange::Added)));
        expected.sort();
        let (before, after) = (tree(&before), tree(&after));
        let found: Vec<_> = before
            .changes_to(&after)
            .map(|(path, change)| (path.to_owned(), change))
            .collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(before.root() == after.root(), expected.is_empty());
    }
}
