//! Keys: every field matters, nothing else does, and they stay what they are.

use std::collections::BTreeMap;

use atelier_model::{Digest, Network, SandboxLevel, TreePath};

use super::{DESCRIPTOR_VERSION, Descriptor};
use crate::{InputTree, Leaf, LeafMode};

pub(crate) fn leaf(path: &str, text: &str) -> Leaf {
    Leaf {
        path: path.to_owned(),
        mode: LeafMode::File,
        digest: Digest::of(text),
    }
}

/// A descriptor in which every field says something.
pub(crate) fn sample() -> Descriptor {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Descriptor {
        version: DESCRIPTOR_VERSION,
        argv: ["cargo", "build", "--locked"].map(str::to_owned).to_vec(),
        cwd: TreePath::parse("app").ok(),
        env: [pair("CI", "1"), pair("LEVEL", "2")].into(),
        surroundings: Digest::of("surroundings"),
        env_pass: [
            ("LANG".to_owned(), Some(Digest::of("C"))),
            ("ZONE".to_owned(), None),
        ]
        .into(),
        tools: [pair("cargo", "1.95.0"), pair("cc", "13.2")].into(),
        platform: "linux-x86_64".to_owned(),
        sandbox: SandboxLevel::Strong,
        network: Network::None,
        outputs: ["app/target/out".to_owned()].into(),
        inputs: InputTree::new(vec![leaf("app/a.rs", "a"), leaf("app/b.rs", "b")]),
        dependencies: [("gen".to_owned(), Digest::of("gen"))].into(),
    }
}

fn put<V>(map: &mut BTreeMap<String, V>, name: &str, value: V) {
    map.insert(name.to_owned(), value);
}

#[test]
fn every_field_makes_another_key() {
    let changes: [fn(&mut Descriptor); 25] = [
        |one| one.version += 1,
        |one| one.argv.push(String::new()),
        |one| one.argv[0].push('x'),
        |one| one.argv = vec!["cargo".to_owned(), "build--locked".to_owned()],
        |one| one.argv.swap(1, 2),
        |one| one.cwd = None,
        |one| one.env.clear(),
        |one| put(&mut one.env, "CI", String::new()),
        |one| put(&mut one.env, "NEW", String::new()),
        |one| one.surroundings = Digest::of(""),
        |one| put(&mut one.env_pass, "LANG", None),
        |one| put(&mut one.env_pass, "ZONE", Some(Digest::of(""))),
        |one| one.env_pass.retain(|name, _| name != "ZONE"),
        |one| put(&mut one.tools, "cc", "14.0".to_owned()),
        |one| one.tools.retain(|name, _| name != "cc"),
        |one| one.platform = "linux-aarch64".to_owned(),
        |one| one.sandbox = SandboxLevel::Light,
        |one| one.network = Network::Install,
        |one| one.outputs.clear(),
        |one| one.inputs = InputTree::new(vec![leaf("app/a.rs", "a")]),
        |one| one.inputs = InputTree::new(vec![leaf("app/a.rs", "b"), leaf("app/b.rs", "a")]),
        |one| put(&mut one.dependencies, "gen", Digest::of("other")),
        |one| one.dependencies.clear(),
        |one| {
            one.tools = one.env.clone();
            one.env = sample().tools;
        },
        |one| {
            let mut leaves = one.inputs.leaves().to_vec();
            leaves[0].mode = LeafMode::Executable;
            one.inputs = InputTree::new(leaves);
        },
    ];
    let mut keys = vec![sample().key()];
    for change in changes {
        let mut other = sample();
        change(&mut other);
        keys.push(other.key());
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), changes.len() + 1);
}

#[test]
fn a_key_stays_what_it_is() {
    // Whoever changes how keys are made raises the version, or results are mistaken for others.
    let expected = "02a63aefabb8638b2f2d3e3f2f7b17b38017b2b40fae36254688521a725a7903";
    assert_eq!(sample().key().0.to_string(), expected);
}

#[test]
fn a_descriptor_comes_back_from_json_with_its_key() {
    let text = serde_json::to_string(&sample()).unwrap_or_default();
    let back: Option<Descriptor> = serde_json::from_str(&text).ok();
    assert_eq!(back.as_ref(), Some(&sample()));
    assert_eq!(back.map(|one| one.key()), Some(sample().key()));
}
