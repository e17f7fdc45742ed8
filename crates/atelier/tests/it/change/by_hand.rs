//! Plans edited by hand: for each edit, the set of tasks that are done is written out.

use std::{collections::BTreeSet, fs};

use atelier_exchange::own;
use atelier_testkit::{Module, modules};

use super::{asked, built, count, house, oracle};
use crate::world::World;

/// A project whose plan is edited again and again.
struct Edited {
    world: World,
    parts: Vec<Module>,
    gone: Vec<Module>,
}

impl Edited {
    fn new() -> Self {
        Self {
            world: built(),
            parts: house(),
            gone: Vec::new(),
        }
    }

    /// Edits the plan as `edit` edits the modules, goes on, and checks which tasks models were asked for.
    #[track_caller]
    fn check(&mut self, edit: impl FnOnce(&mut Vec<Module>), expected: &[&str]) {
        let mut next = self.parts.clone();
        edit(&mut next);
        let left = |part: &&Module| next.iter().all(|one| one.number != part.number);
        self.gone.extend(self.parts.iter().filter(left).cloned());
        let fixture = modules(&next, &self.gone).unwrap();
        self.world.now_with(oracle(&fixture));

        let exported = self.world.run(&["plan", "export"]).expect(0).stdout;
        let mut plan = own::read(&exported).unwrap();
        let steps = &mut plan.plan.phases[0].steps;
        steps.retain(|step| next.iter().any(|part| part.number == step.number));
        for part in &next {
            let same = self.parts.contains(part);
            match steps.iter_mut().find(|step| step.number == part.number) {
                Some(step) if !same => *step = part.step(),
                Some(_) => {}
                None => steps.push(part.step()),
            }
        }
        let file = self.world.home.path().join("plan.toml");
        let text = own::write(plan.run.as_deref(), &plan.requirement, &plan.plan);
        fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        self.world.run(&["plan", "import", &file]).expect(0);
        self.world.run(&["resume"]).expect(0);

        let wanted: BTreeSet<String> = expected.iter().map(|&one| one.to_owned()).collect();
        assert_eq!(asked(&self.world), wanted);
        for part in &self.gone {
            assert!(
                !self.world.folder().join(part.path()).exists(),
                "{}",
                part.number
            );
        }
        for part in &next {
            let text = fs::read_to_string(self.world.folder().join(part.path())).unwrap();
            assert!(
                text.contains(&format!("return {}", part.version)),
                "{}",
                part.number
            );
        }
        self.parts = next;
    }
}

fn again(parts: &mut [Module], numbers: &[&str]) {
    for part in parts {
        if numbers.contains(&part.number.as_str()) {
            part.version += 1;
        }
    }
}

fn needs(parts: &mut [Module], number: &str, needs: &[&str]) {
    for part in parts.iter_mut().filter(|part| part.number == number) {
        part.needs = needs.iter().map(|&need| need.to_owned()).collect();
    }
}

fn remove(parts: &mut Vec<Module>, number: &str) {
    parts.retain(|part| part.number != number);
}

#[test]
fn changed_steps_take_with_them_what_depends_on_them() {
    let mut edited = Edited::new();
    edited.check(|parts| again(parts, &["1.8"]), &["1.8"]);
    edited.check(|parts| again(parts, &["1.4"]), &["1.4", "1.7"]);
    edited.check(|parts| again(parts, &["1.3"]), &["1.3", "1.5", "1.6"]);
    edited.check(
        |parts| again(parts, &["1.2"]),
        &["1.2", "1.4", "1.5", "1.7"],
    );
    edited.check(|parts| again(parts, &["1.6", "1.7"]), &["1.6", "1.7"]);
    assert_eq!(count(&edited.world.events(), "plan.changed"), 5);
}

#[test]
fn new_steps_take_nothing_with_them() {
    let mut edited = Edited::new();
    edited.check(|parts| parts.push(Module::new("1.9", &["1.5"])), &["1.9"]);
    let both = |parts: &mut Vec<Module>| {
        parts.push(Module::new("1.10", &["1.9"]));
        again(parts, &["1.5"]);
    };
    edited.check(both, &["1.5", "1.9", "1.10"]);
    edited.check(|parts| parts.push(Module::new("1.11", &[])), &["1.11"]);
    let first = [
        "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "1.10",
    ];
    edited.check(|parts| again(parts, &["1.1"]), &first);
    let chain = |parts: &mut Vec<Module>| {
        parts.push(Module::new("1.12", &["1.11"]));
        parts.push(Module::new("1.13", &["1.12"]));
    };
    edited.check(chain, &["1.12", "1.13"]);
}

#[test]
fn removed_steps_are_taken_back() {
    let mut edited = Edited::new();
    edited.check(|parts| remove(parts, "1.8"), &["t1.8"]);
    edited.check(|parts| remove(parts, "1.7"), &["t1.7"]);
    edited.check(|parts| remove(parts, "1.4"), &["t1.4"]);
    let middle = |parts: &mut Vec<Module>| {
        remove(parts, "1.3");
        needs(parts, "1.5", &["1.2", "1.1"]);
        needs(parts, "1.6", &["1.1"]);
        for part in parts.iter_mut().filter(|part| part.number == "1.6") {
            part.reads.clear();
        }
    };
    edited.check(middle, &["1.5", "1.6", "t1.3"]);
    edited.check(|parts| parts.push(Module::new("1.9", &["1.6"])), &["1.9"]);
}

#[test]
fn steps_that_are_put_in_another_order_are_changed() {
    let mut edited = Edited::new();
    edited.check(|parts| needs(parts, "1.8", &["1.1", "1.7"]), &["1.8"]);
    edited.check(|parts| again(parts, &["1.4"]), &["1.4", "1.7", "1.8"]);
    let bypassed = |parts: &mut Vec<Module>| {
        remove(parts, "1.7");
        needs(parts, "1.8", &["1.1", "1.4"]);
    };
    edited.check(bypassed, &["1.8", "t1.7"]);
    edited.check(|parts| again(parts, &["1.6"]), &["1.6"]);
    edited.check(|_| {}, &[]);
    assert_eq!(
        count(&edited.world.events(), "plan.changed"),
        4,
        "nothing is no change"
    );
}
