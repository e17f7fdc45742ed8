//! Reasons: five hundred changes drawn by lot, each told by kind and by name; and their words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use atelier_model::{Digest, Network, SandboxLevel, Timestamp, TreePath};

use super::{Change, Findings, Kept, OutputFault, Reason, RecipeField, Spared, explain};
use crate::{
    Descriptor, InputChange, InputTree, LeafMode,
    descriptor::tests::{leaf, sample},
};

const MUTATIONS: u64 = 500;

/// Numbers that look random and are the same each time.
fn roll(seed: u64, salt: u64, sides: usize) -> usize {
    let digest = Digest::of(format!("{seed}/{salt}"));
    let number = u64::from_le_bytes(digest.as_bytes()[..8].try_into().unwrap());
    usize::try_from(number % sides as u64).unwrap()
}

/// A descriptor with many of everything.
fn large() -> Descriptor {
    let mut one = sample();
    for at in 0..20 {
        one.env.insert(format!("V{at}"), at.to_string());
        one.env_pass.insert(format!("P{at}"), Some(Digest::of("x")));
        one.tools.insert(format!("tool{at}"), format!("1.{at}"));
        one.dependencies.insert(format!("dep{at}"), Digest::of("x"));
        one.outputs.insert(format!("out/{at}"));
    }
    let files = (0..200).map(|at| leaf(&format!("src/{}/{at}.rs", at % 7), "x"));
    let made = (0..20).map(|at| leaf(&format!("gen/{at}.h"), "x"));
    one.inputs = InputTree::new(files.chain(made).collect());
    one
}

fn producer(path: &str) -> Option<String> {
    path.strip_prefix("gen/").map(|file| format!("make-{file}"))
}

/// The name at a place of a map.
fn nth<V>(map: &BTreeMap<String, V>, at: usize) -> String {
    map.keys().nth(at % map.len()).unwrap().clone()
}

/// Changes the tree of inputs in one place.
fn mutate_input(seed: u64, now: &mut Descriptor) -> Reason {
    let mut leaves = now.inputs.leaves().to_vec();
    let at = roll(seed, 2, leaves.len());
    let mut path = leaves[at].path.clone();
    let change = match roll(seed, 3, 4) {
        0 => {
            path.push_str(".new");
            leaves.push(leaf(&path, "new"));
            InputChange::Added
        }
        1 => {
            leaves.remove(at);
            InputChange::Removed
        }
        2 => {
            leaves[at].mode = LeafMode::Executable;
            InputChange::Changed
        }
        _ => {
            leaves[at].digest = Digest::of("y");
            InputChange::Changed
        }
    };
    now.inputs = InputTree::new(leaves);
    match producer(&path) {
        Some(step) => Reason::Dependency {
            step,
            path: Some(path),
        },
        None => Reason::Input { path, change },
    }
}

/// Changes one named thing of the surroundings.
fn mutate_names(seed: u64, now: &mut Descriptor) -> Reason {
    let at = roll(seed, 2, 1_000);
    let to = "other".to_owned();
    match roll(seed, 3, 6) {
        0 => {
            let name = nth(&now.env, at);
            let from = now.env.insert(name.clone(), to.clone()).unwrap();
            let change = Change::Changed { from, to };
            Reason::Environment { name, change }
        }
        1 => {
            let name = nth(&now.env, at);
            let from = now.env.remove(&name).unwrap();
            let change = Change::Removed { from };
            Reason::Environment { name, change }
        }
        2 => {
            let name = nth(&now.env_pass, at);
            let digest = Some(Digest::of("other"));
            let known = now.env_pass.insert(name.clone(), digest).unwrap();
            let (from, to) = ("hidden".to_owned(), "hidden".to_owned());
            let change = match known {
                Some(_) => Change::Changed { from, to },
                None => Change::Added { to },
            };
            Reason::Environment { name, change }
        }
        3 => {
            let name = nth(&now.tools, at);
            let from = now.tools.insert(name.clone(), to.clone()).unwrap();
            let change = Change::Changed { from, to };
            Reason::Tool { name, change }
        }
        4 => {
            let name = format!("new{at}");
            now.tools.insert(name.clone(), to.clone());
            let change = Change::Added { to };
            Reason::Tool { name, change }
        }
        _ => {
            let step = nth(&now.dependencies, at);
            now.dependencies.insert(step.clone(), Digest::of("other"));
            Reason::Dependency { step, path: None }
        }
    }
}

/// Changes the command or what the recipe says.
fn mutate_recipe(seed: u64, now: &mut Descriptor) -> Reason {
    let changed = |field, from: &str, to: &str| {
        let (from, to) = (from.to_owned(), to.to_owned());
        let change = Change::Changed { from, to };
        Reason::Recipe { field, change }
    };
    match roll(seed, 3, 6) {
        0 => {
            let from = now.argv.join(" ");
            now.argv.push("--release".to_owned());
            let to = now.argv.join(" ");
            Reason::Command { from, to }
        }
        1 => {
            now.cwd = TreePath::parse("other").ok();
            changed(RecipeField::Folder, "app", "other")
        }
        2 => {
            now.sandbox = SandboxLevel::Light;
            changed(RecipeField::Sandbox, "strong", "light")
        }
        3 => {
            now.network = Network::Loopback;
            changed(RecipeField::Network, "none", "loopback")
        }
        4 => {
            let from = now.outputs.iter().nth(roll(seed, 2, 20)).unwrap().clone();
            now.outputs.remove(&from);
            let change = Change::Removed { from };
            Reason::Recipe {
                field: RecipeField::Outputs,
                change,
            }
        }
        _ => {
            let from = std::mem::replace(&mut now.platform, "darwin-arm64".to_owned());
            let to = now.platform.clone();
            Reason::Platform { from, to }
        }
    }
}

/// Changes something beside the descriptor.
fn mutate_findings(seed: u64, findings: &mut Findings) -> Reason {
    let path = format!("out/{}", roll(seed, 2, 20));
    let fault = [OutputFault::Missing, OutputFault::Tampered][roll(seed, 4, 2)];
    let (kept, reason) = match roll(seed, 3, 7) {
        0 | 1 => {
            findings.outputs.insert(path.clone(), fault);
            (Kept::Good, Reason::Output { path, fault })
        }
        2 => (Kept::Evicted, Reason::CacheEvicted),
        3 => (Kept::Corrupt, Reason::CacheCorrupt),
        4 => (Kept::Failed, Reason::FailedBefore),
        5 => (Kept::Flaky, Reason::FlakyBefore),
        _ => {
            findings.forced = true;
            (Kept::Good, Reason::Forced)
        }
    };
    findings.kept = kept;
    reason
}

#[test]
fn five_hundred_changes_are_each_told_by_kind_and_name() {
    let before = large();
    for seed in 0..MUTATIONS {
        let mut now = before.clone();
        let mut findings = Findings::default();
        let expected = match roll(seed, 1, 4) {
            0 => mutate_input(seed, &mut now),
            1 => mutate_names(seed, &mut now),
            2 => mutate_recipe(seed, &mut now),
            _ => mutate_findings(seed, &mut findings),
        };
        let told = explain(Some(&before), &now, &findings, producer);
        assert_eq!(told.reason, expected, "change {seed}");
        assert_eq!((told.further.len(), told.untold), (0, 0), "change {seed}");
    }
}

#[test]
fn the_first_run_and_a_run_without_a_difference_are_told_as_such() {
    let now = sample();
    let nothing = Findings::default();
    let told = explain(None, &now, &nothing, producer);
    assert_eq!(told.reason, Reason::NeverRun);
    let told = explain(Some(&now), &now, &nothing, producer);
    assert_eq!(told.reason, Reason::Unknown);
    let findings = Findings {
        uncached: true,
        ..Findings::default()
    };
    let told = explain(Some(&now), &now, &findings, producer);
    assert_eq!(told.reason, Reason::Uncached);
}

#[test]
fn of_many_differences_the_command_comes_first_and_what_is_left_is_counted() {
    let before = large();
    let mut now = before.clone();
    now.argv[1] = "test".to_owned();
    now.env.clear();
    now.inputs = InputTree::new(Vec::new());
    let told = explain(Some(&before), &now, &Findings::default(), producer);
    assert!(matches!(told.reason, Reason::Command { .. }));
    assert_eq!(told.further.len(), 20);
    assert_eq!(told.untold, 22 + 220 - 20);
    assert!(told.to_string().ends_with("; and 222 more"), "{told}");
}

#[test]
fn a_value_from_outside_is_never_told() {
    let mut before = sample();
    before
        .env_pass
        .insert("TOKEN".to_owned(), Some(Digest::of("s3cret")));
    let mut now = before.clone();
    now.env_pass
        .insert("TOKEN".to_owned(), Some(Digest::of("n3w")));
    let told = explain(Some(&before), &now, &Findings::default(), producer).to_string();
    assert_eq!(told, "environment `TOKEN` was `hidden`, is `hidden`");
}

#[test]
fn what_differs_around_all_steps_is_told_by_name() {
    let before = sample();
    let mut now = before.clone();
    now.surroundings = Digest::of("other");
    let told = explain(Some(&before), &now, &Findings::default(), producer);
    assert_eq!(told.reason, Reason::Surroundings);
    let variables = |digest| BTreeMap::from([("LANG".to_owned(), Digest::of(digest))]);
    let findings = Findings {
        surroundings: [variables("C"), variables("de")],
        ..Findings::default()
    };
    let told = explain(Some(&before), &now, &findings, producer).to_string();
    assert_eq!(told, "environment `LANG` was `hidden`, is `hidden`");
}

#[test]
fn a_long_command_is_shown_where_it_differs() {
    let mut before = sample();
    before.argv = vec!["cc".to_owned(), "-Iinclude ".repeat(50), "-O1".to_owned()];
    let mut now = before.clone();
    now.argv[2] = "-O2".to_owned();
    let told = explain(Some(&before), &now, &Findings::default(), producer).to_string();
    let expected = "its command was `…e -Iinclude  -O1`, is `…e -Iinclude  -O2`";
    assert!(
        told.starts_with("its command was `…") && told.ends_with("-O2`"),
        "{told}"
    );
    assert!(told.len() < expected.len() + 20, "{told}");
}

#[test]
fn reasons_come_back_from_json() {
    let before = large();
    for seed in 0..50 {
        let mut now = before.clone();
        mutate_names(seed, &mut now);
        let told = explain(Some(&before), &now, &Findings::default(), producer);
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(
            serde_json::from_str::<super::Explanation>(&text).unwrap(),
            told
        );
    }
}

#[test]
fn whoever_was_spared_says_why() {
    let at = Timestamp::from_millis(0);
    let words = |spared: Spared| spared.to_string();
    assert_eq!(
        words(Spared::UpToDate { since: at }),
        "nothing has changed since 1970-01-01T00:00:00.000Z"
    );
    let executed = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(
        words(Spared::CutOff { executed }),
        "`a`, `b` made the same as before"
    );
    let executed = Vec::new();
    assert_eq!(
        words(Spared::CutOff { executed }),
        "nothing before it has changed"
    );
    assert_eq!(
        words(Spared::Restored { made: at }),
        "it was made from the same at 1970-01-01T00:00:00.000Z"
    );
}
