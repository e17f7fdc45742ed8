//! Changes of plans: what results, and exactly what is done anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod reach;

use std::collections::BTreeSet;

use atelier_model::{
    Acceptance, Check, ContextHints, Design, DevPlan, Dropped, Expect, Phase, PhaseOutline,
    PlanChange, RequirementItem, Step, StepChange, TechnologyStack,
};

use super::{DeltaError, Difference, apply, check_numbers, difference};

pub(super) fn step(number: &str, needs: &[&str]) -> Step {
    let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let check = Check::Command {
        argv: words(&["cargo", "test"]),
        cwd: None,
    };
    Step {
        number: number.to_owned(),
        title: format!("Do {number}"),
        description: String::new(),
        why: String::new(),
        requirements: words(&["R1"]),
        depends_on: words(needs),
        inputs: Vec::new(),
        outputs: vec![format!("src/{number}.rs")],
        owns: vec![format!("src/{number}.rs")],
        protected: Vec::new(),
        acceptance: vec![Acceptance {
            id: "A1".to_owned(),
            text: "it works".to_owned(),
            requirements: Vec::new(),
            check,
            expect: Expect::default(),
            timeout_seconds: None,
            must_fail_before: false,
        }],
        context: ContextHints::default(),
    }
}

/// A plan of phases, each a list of steps.
pub(super) fn plan(phases: &[&[Step]]) -> DevPlan {
    let phase = |(number, steps): (u32, &&[Step])| Phase {
        outline: PhaseOutline {
            number,
            title: format!("Phase {number}"),
            description: String::new(),
            requirements: Vec::new(),
            depends_on: Vec::new(),
        },
        steps: steps.to_vec(),
    };
    DevPlan {
        design: Design {
            name: "demo".to_owned(),
            summary: String::new(),
            objectives: Vec::new(),
            requirements: vec![RequirementItem {
                id: "R1".to_owned(),
                text: "it works".to_owned(),
            }],
            technology_stack: TechnologyStack {
                language: String::new(),
                kind: String::new(),
                frameworks: Vec::new(),
                testing: String::new(),
            },
            architecture_overview: String::new(),
            components: Vec::new(),
            dependencies: Vec::new(),
            challenges: Vec::new(),
        },
        summary: String::new(),
        phases: (1..).zip(phases).map(phase).collect(),
    }
}

/// Two phases: 1.1, 1.2 after it, 1.3 beside; 2.1 after 1.2, 2.2 after 1.3 and reading what 1.1 writes.
fn house() -> DevPlan {
    let mut reader = step("2.2", &["1.3"]);
    reader.inputs = vec!["src/1.1.rs".to_owned()];
    plan(&[
        &[step("1.1", &[]), step("1.2", &["1.1"]), step("1.3", &[])],
        &[step("2.1", &["1.2"]), reader],
    ])
}

fn change(step: Step) -> StepChange {
    StepChange {
        reason: "wished".to_owned(),
        step,
    }
}

fn dropped(id: &str) -> Dropped {
    Dropped {
        id: id.to_owned(),
        reason: "unwished".to_owned(),
    }
}

fn names(list: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let list: Vec<String> = list
        .into_iter()
        .map(|one| one.as_ref().to_owned())
        .collect();
    list.join(" ")
}

/// Applies a change to the house and shows the difference: added | changed | removed | again.
fn check(change: &PlanChange, expected: &str) -> DevPlan {
    let before = house();
    let after = apply(&before, change, &BTreeSet::new()).unwrap();
    let found = difference(&before, &after, &[]);
    let shown = format!(
        "{} | {} | {} | {}",
        names(&found.added),
        names(&found.changed),
        names(&found.removed),
        names(found.again.keys())
    );
    assert_eq!(shown, expected);
    after
}

fn needs(plan: &DevPlan, number: &str) -> String {
    let mut steps = plan.steps();
    names(&steps.find(|step| step.number == number).unwrap().depends_on)
}

#[test]
fn nothing_asked_for_changes_nothing() {
    let after = check(&PlanChange::default(), " |  |  | ");
    assert_eq!(after, house());
    assert!(difference(&house(), &after, &[]).is_empty());
}

#[test]
fn a_new_step_does_nothing_to_the_others() {
    let asked = PlanChange {
        added: vec![change(step("2.3", &["2.1"]))],
        ..PlanChange::default()
    };
    let after = check(&asked, "2.3 |  |  | ");
    assert_eq!(needs(&after, "2.3"), "2.1");
}

#[test]
fn a_new_step_that_names_nothing_waits_for_the_phases_before() {
    let asked = PlanChange {
        added: vec![change(step("2.3", &[]))],
        ..PlanChange::default()
    };
    let after = check(&asked, "2.3 |  |  | ");
    assert_eq!(needs(&after, "2.3"), "1.1 1.2 1.3");
}

#[test]
fn a_changed_step_takes_what_depends_on_it_with_it() {
    let mut first = step("1.1", &[]);
    first.description = "in another way".to_owned();
    let asked = PlanChange {
        changed: vec![change(first)],
        ..PlanChange::default()
    };
    // 1.2 and 2.1 wait for it, 2.2 reads what it writes; 1.3 has nothing to do with it.
    check(&asked, " | 1.1 |  | 1.2 2.1 2.2");
}

#[test]
fn a_removed_step_is_bypassed_and_what_needed_it_is_done_again() {
    let asked = PlanChange {
        removed: vec![dropped("1.2")],
        ..PlanChange::default()
    };
    let after = check(&asked, " |  | 1.2 | 2.1");
    assert_eq!(needs(&after, "2.1"), "1.1");
}

#[test]
fn an_input_that_is_written_later_is_the_old_one() {
    let mut early = step("1.1", &[]);
    early.inputs = vec!["src/1.2.rs".to_owned()];
    let before = plan(&[&[early, step("1.2", &["1.1"])]]);
    let mut late = step("1.2", &["1.1"]);
    late.title = "Do it well".to_owned();
    let asked = PlanChange {
        changed: vec![change(late)],
        removed: Vec::new(),
        ..PlanChange::default()
    };
    let after = apply(&before, &asked, &BTreeSet::new()).unwrap();
    assert!(difference(&before, &after, &[]).again.is_empty());
    let gone = PlanChange {
        removed: vec![dropped("1.2")],
        ..PlanChange::default()
    };
    let after = apply(&before, &gone, &BTreeSet::new()).unwrap();
    assert!(difference(&before, &after, &[]).again.is_empty());
}

#[test]
fn a_requirement_with_other_words_changes_the_steps_that_serve_it() {
    let mut asked = PlanChange::default();
    asked.requirements.push(RequirementItem {
        id: "R2".to_owned(),
        text: "new".to_owned(),
    });
    check(&asked, " |  |  | ");
    asked.requirements[0].id = "R1".to_owned();
    check(&asked, " | 1.1 1.2 1.3 2.1 2.2 |  | ");
}

#[test]
fn tasks_beyond_the_plan_are_done_again_with_what_they_depend_on() {
    let before = house();
    let mut own = step("u1", &["1.3"]);
    own.outputs = vec!["NOTES.md".to_owned()];
    let reads = Step {
        inputs: vec!["NOTES.md".to_owned()],
        ..step("u2", &[])
    };
    let mut third = step("1.3", &[]);
    third.why = "better".to_owned();
    let asked = PlanChange {
        changed: vec![change(third)],
        ..PlanChange::default()
    };
    let after = apply(&before, &asked, &BTreeSet::new()).unwrap();
    let found = difference(&before, &after, &[own, reads]);
    assert_eq!(names(found.again.keys()), "2.2 u1 u2");
    assert_eq!(found.again["u2"], "u1");
}

#[test]
fn numbers_that_are_or_were_taken_are_not_given_again() {
    let before = house();
    let retired = BTreeSet::from(["2.3".to_owned(), "2.7".to_owned()]);
    let asked = PlanChange {
        added: vec![
            change(step("2.1", &[])),
            change(step("2.3", &["2.1"])),
            change(step("2", &["2.3"])),
        ],
        ..PlanChange::default()
    };
    let after = apply(&before, &asked, &retired).unwrap();
    let found = difference(&before, &after, &[]);
    assert_eq!(names(&found.added), "2.8 2.9 2.10");
    // The step that exists is meant where a new one took its number; the new one where none has it.
    assert_eq!(needs(&after, "2.9"), "2.1");
    assert_eq!(needs(&after, "2.10"), "2.9");
}

#[test]
fn a_phase_of_its_own_is_added_and_an_empty_one_goes() {
    let outline = PhaseOutline {
        number: 3,
        ..house().phases[0].outline.clone()
    };
    let asked = PlanChange {
        phases: vec![outline],
        added: vec![change(step("3.1", &[]))],
        removed: vec![dropped("2.1"), dropped("2.2")],
        ..PlanChange::default()
    };
    let after = check(&asked, "3.1 |  | 2.1 2.2 | ");
    let numbers: Vec<u32> = after
        .phases
        .iter()
        .map(|phase| phase.outline.number)
        .collect();
    assert_eq!(numbers, [1, 3]);
}

#[test]
fn what_does_not_fit_the_plan_is_refused() {
    let refused = |asked: PlanChange, said: &str| {
        let error = apply(&house(), &asked, &BTreeSet::new()).unwrap_err();
        assert!(
            error.to_string().contains(said),
            "{said:?} is not in {error}"
        );
    };
    let removed = |id: &str| PlanChange {
        removed: vec![dropped(id)],
        ..PlanChange::default()
    };
    refused(removed("9.9"), "find step 9.9");
    let changed = PlanChange {
        changed: vec![change(step("9.9", &[]))],
        ..PlanChange::default()
    };
    refused(changed, "find step 9.9");
    let both = PlanChange {
        changed: vec![change(step("1.1", &[]))],
        ..removed("1.1")
    };
    refused(both, "at the same time");
    let nowhere = PlanChange {
        added: vec![change(step("7.1", &[]))],
        ..PlanChange::default()
    };
    refused(nowhere, "find the phase of step 7.1");
    let requirement = PlanChange {
        requirements_removed: vec![dropped("R9")],
        ..PlanChange::default()
    };
    refused(requirement, "find requirement R9");
}

#[test]
fn a_plan_edited_by_hand_gives_no_retired_number() {
    let before = house();
    let mut after = before.clone();
    after.phases[1].steps.push(step("2.4", &[]));
    let retired = BTreeSet::from(["2.4".to_owned()]);
    let error = check_numbers(&before, &after, &retired).unwrap_err();
    let free = "2.5".to_owned();
    assert_eq!(
        error,
        DeltaError::Retired {
            number: "2.4".to_owned(),
            free
        }
    );
    assert_eq!(check_numbers(&before, &after, &BTreeSet::new()), Ok(()));
}

/// Every single step changed, or removed, by hand: the expected set is written out.
#[test]
fn every_single_edit_of_the_house() {
    let table = [
        ("1.1", "1.2 2.1 2.2"),
        ("1.2", "2.1"),
        ("1.3", "2.2"),
        ("2.1", ""),
        ("2.2", ""),
    ];
    for (number, expected) in table {
        let before = house();
        let mut after = before.clone();
        for step in after.phases.iter_mut().flat_map(|phase| &mut phase.steps) {
            if step.number == number {
                step.description.push('!');
            }
        }
        let found = difference(&before, &after, &[]);
        assert_eq!(names(&found.changed), number);
        assert_eq!(names(found.again.keys()), expected, "{number} changed");

        let asked = PlanChange {
            removed: vec![dropped(number)],
            ..PlanChange::default()
        };
        let after = apply(&before, &asked, &BTreeSet::new()).unwrap();
        let found: Difference = difference(&before, &after, &[]);
        assert_eq!(names(&found.removed), number);
        // What bypasses a removed step waits for what that waited for, and 1.1 has no more readers
        // through it than by itself.
        assert_eq!(names(found.again.keys()), expected, "{number} removed");
    }
}
