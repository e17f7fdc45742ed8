//! Random plans with random edits against another way to tell what is done anew.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{DevPlan, Step};

use super::{difference, plan, step};

/// Plans that are tried.
const PLANS: u64 = 600;

/// A generator that needs nothing but a number: the same seed, the same plan.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides.max(1)
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

fn number(index: u64) -> String {
    format!("{}.{}", index / 4 + 1, index % 4 + 1)
}

fn random(dice: &mut Dice) -> Vec<Step> {
    let count = 3 + dice.roll(14);
    let mut steps: Vec<Step> = Vec::new();
    for index in 0..count {
        let mut one = step(&number(index), &[]);
        for before in 0..index {
            if dice.one_in(4) {
                one.depends_on.push(number(before));
            }
        }
        for other in 0..count {
            if other != index && dice.one_in(7) {
                one.inputs.push(format!("src/{}.rs", number(other)));
            }
        }
        if dice.one_in(5) {
            let other = dice.roll(count);
            one.outputs.push(format!("src/{}.rs", number(other)));
        }
        steps.push(one);
    }
    steps
}

/// The steps after some are changed, removed and added, as a person would edit them.
fn edited(dice: &mut Dice, steps: &[Step]) -> Vec<Step> {
    let mut gone: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for step in steps {
        if dice.one_in(6) {
            gone.insert(step.number.clone(), step.depends_on.clone());
        }
    }
    let kept = steps.iter().filter(|step| !gone.contains_key(&step.number));
    let mut after: Vec<Step> = kept.cloned().collect();
    for step in &mut after {
        // Bypassed until nothing that is gone is named.
        let named = |need: &String| gone.contains_key(need);
        while let Some(place) = step.depends_on.iter().position(named) {
            let need = step.depends_on.remove(place);
            for other in &gone[&need] {
                if !step.depends_on.contains(other) {
                    step.depends_on.push(other.clone());
                }
            }
        }
        if dice.one_in(6) {
            step.description.push_str("in another way");
        }
    }
    if dice.one_in(2) {
        after.push(step("9.1", &[]));
    }
    after
}

fn whole(steps: &[Step]) -> DevPlan {
    plan(&[steps])
}

type Matrix = Vec<Vec<bool>>;

/// What can be reached in any number of steps.
fn close(matrix: &mut Matrix) {
    let size = matrix.len();
    for middle in 0..size {
        for from in 0..size {
            for to in 0..size {
                if matrix[from][middle] && matrix[middle][to] {
                    matrix[from][to] = true;
                }
            }
        }
    }
}

/// Reachability by closing a matrix of edges, with nothing in common with the code under test.
fn oracle(before: &[Step], after: &[Step]) -> BTreeSet<String> {
    let old: BTreeMap<&String, &Step> = before.iter().map(|step| (&step.number, step)).collect();
    let new: BTreeMap<&String, &Step> = after.iter().map(|step| (&step.number, step)).collect();
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).copied().collect();
    let all: Vec<&String> = names.into_iter().collect();
    let newest = |name: &String| -> &Step { new.get(name).copied().unwrap_or_else(|| old[name]) };
    let mut waits: Matrix = vec![vec![false; all.len()]; all.len()];
    for (from, name) in all.iter().enumerate() {
        for (to, need) in all.iter().enumerate() {
            waits[from][to] = newest(name).depends_on.contains(need);
        }
    }
    close(&mut waits);
    // An edge from a cause to what it makes necessary.
    let mut edges: Matrix = vec![vec![false; all.len()]; all.len()];
    for (cause, origin) in all.iter().enumerate() {
        for (effect, name) in all.iter().enumerate() {
            let both = old.contains_key(name) && new.contains_key(name);
            if cause == effect || !both {
                continue;
            }
            let versions = [old[name], new[name]];
            let waiting = versions.iter().any(|step| step.depends_on.contains(origin));
            let writers = [old.get(origin), new.get(origin)];
            let read = writers
                .iter()
                .flatten()
                .flat_map(|step| &step.outputs)
                .any(|path| new[name].inputs.contains(path));
            edges[cause][effect] = waiting || read && !waits[cause][effect];
        }
    }
    close(&mut edges);
    let source = |name: &String| match (old.get(name), new.get(name)) {
        (Some(was), Some(is)) => was.description != is.description,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let mut found = BTreeSet::new();
    for (effect, name) in all.iter().enumerate() {
        let reached = (0..all.len()).any(|cause| source(all[cause]) && edges[cause][effect]);
        if reached && !source(name) && new.contains_key(name) && old.contains_key(name) {
            found.insert((*name).clone());
        }
    }
    found
}

#[test]
fn what_is_done_anew_is_what_can_be_reached() {
    let mut reached = 0;
    for seed in 0..PLANS {
        let mut dice = Dice(seed);
        let before = random(&mut dice);
        let after = edited(&mut dice, &before);
        let found = difference(&whole(&before), &whole(&after), &[]);
        let again: BTreeSet<String> = found.again.keys().cloned().collect();
        assert_eq!(again, oracle(&before, &after), "seed {seed}: {found:#?}");
        for (name, cause) in &found.again {
            let is_cause = found.changed.contains(cause) || found.removed.contains(cause);
            assert!(
                cause != name && (is_cause || again.contains(cause)),
                "seed {seed}"
            );
        }
        reached += again.len();
    }
    assert!(reached > 1_000, "the plans have edges: {reached}");
}
