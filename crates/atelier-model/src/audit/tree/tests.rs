//! The tree against the published test vectors, and its proofs against every small tree.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{Frontier, TreeHash, TreeProof, TreeProofError};

/// Leaves of the reference implementation's tests of Certificate Transparency.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
/// The roots of the trees of the first 1, 2, … of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
/// Trees of up to so many leaves are tried whole.
const SIZE_MAX: u64 = 40;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().collect();
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn leaves(count: u64) -> Vec<TreeHash> {
    (0..count)
        .map(|number| TreeHash::leaf(&number.to_be_bytes()))
        .collect()
}

fn root(leaves: &[TreeHash]) -> TreeHash {
    leaves.iter().copied().collect::<Frontier>().root()
}

/// The root by its definition in the standard, which splits from the top.
fn defined(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => TreeHash::empty(),
        [leaf] => *leaf,
        leaves => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            TreeHash::node(&defined(&leaves[..split]), &defined(&leaves[split..]))
        }
    }
}

#[test]
fn the_tree_is_that_of_certificate_transparency() {
    let mut frontier = Frontier::default();
    assert_eq!(
        frontier.root().to_string(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        frontier.push(TreeHash::leaf(&bytes(leaf)));
        assert_eq!(frontier.root().to_string(), root);
    }
}

#[test]
fn a_frontier_grows_as_the_definition_says_and_can_be_kept() {
    for size in 0..=SIZE_MAX {
        let leaves = leaves(size);
        let mut frontier = Frontier::default();
        for leaf in &leaves {
            frontier.push(*leaf);
            let kept = Frontier::from_parts(frontier.size(), frontier.peaks().to_vec());
            assert_eq!(kept.as_ref(), Some(&frontier));
        }
        assert_eq!(frontier.root(), defined(&leaves), "{size}");
        assert_eq!(frontier.size(), size);
    }
    assert_eq!(Frontier::from_parts(3, leaves(1)), None);
}

#[test]
fn every_leaf_is_proved_and_nothing_else() {
    for size in 1..=SIZE_MAX {
        let leaves = leaves(size);
        let root = root(&leaves);
        for (index, leaf) in (0..).zip(&leaves) {
            let proof = TreeProof::inclusion(&leaves, index).unwrap();
            assert!(proof.holds_for_leaf(*leaf, index, size, root));
            let other = TreeHash::leaf(b"other");
            assert!(!proof.holds_for_leaf(other, index, size, root));
            assert!(!proof.holds_for_leaf(*leaf, index, size, other));
            assert!(!proof.holds_for_leaf(*leaf, size, size, root));
            for wrong in (0..size).filter(|wrong| *wrong != index) {
                assert!(!proof.holds_for_leaf(*leaf, wrong, size, root));
            }
            let mut long = proof.clone();
            long.path.push(other);
            assert!(!long.holds_for_leaf(*leaf, index, size, root));
            let mut short = proof.clone();
            if short.path.pop().is_some() {
                assert!(!short.holds_for_leaf(*leaf, index, size, root));
            }
        }
    }
    assert_eq!(
        TreeProof::inclusion(&leaves(3), 3),
        Err(TreeProofError::NoLeaf { index: 3, size: 3 })
    );
}

#[test]
fn every_growth_is_proved_and_nothing_else() {
    for size in 1..=SIZE_MAX {
        let leaves = leaves(size);
        let new = (size, root(&leaves));
        for old_size in 1..=size {
            let end = usize::try_from(old_size).unwrap();
            let old = (old_size, root(&leaves[..end]));
            let proof = TreeProof::consistency(&leaves, old_size).unwrap();
            assert!(proof.holds_for_growth(old, new), "{old_size} {size}");
            let other = TreeHash::leaf(b"other");
            assert!(!proof.holds_for_growth((old_size, other), new));
            assert!(!proof.holds_for_growth(old, (size, other)));
            let mut forged = leaves.clone();
            forged[end - 1] = other;
            assert!(!proof.holds_for_growth(old, (size, root(&forged))));
            let mut long = proof.clone();
            long.path.push(other);
            assert!(!long.holds_for_growth(old, new));
        }
    }
    let none = TreeProof { path: Vec::new() };
    let root = root(&leaves(2));
    assert!(!none.holds_for_growth((0, TreeHash::empty()), (2, root)));
    assert!(!none.holds_for_growth((3, root), (2, root)));
    for old in [0, 4] {
        assert_eq!(
            TreeProof::consistency(&leaves(3), old),
            Err(TreeProofError::NoPrefix { old, size: 3 })
        );
    }
}
