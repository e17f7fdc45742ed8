//! Numbers and dependencies of steps, as models give them and as they come out.

use atelier_model::{BasicPlan, ContextHints, DetailedPhase, Phase, PhaseOutline, Step};

use super::join;

fn step(number: &str, depends_on: &[&str]) -> Step {
    Step {
        number: number.to_owned(),
        title: format!("Do {number}"),
        description: String::new(),
        why: String::new(),
        requirements: Vec::new(),
        depends_on: depends_on.iter().map(|&need| need.to_owned()).collect(),
        inputs: Vec::new(),
        outputs: vec![format!("{number}.txt")],
        owns: Vec::new(),
        protected: Vec::new(),
        acceptance: Vec::new(),
        context: ContextHints::default(),
    }
}

fn outline(number: u32, depends_on: &[u32]) -> PhaseOutline {
    PhaseOutline {
        number,
        title: format!("Phase {number}"),
        description: String::new(),
        requirements: Vec::new(),
        depends_on: depends_on.to_vec(),
    }
}

/// Number and dependencies of a step, as a model gives them.
type Given<'a> = (&'a str, &'a [&'a str]);

/// Joins phases given as (depends on, steps) and shows each step as `number<needs`.
fn check(phases: &[(&[u32], &[Given<'_>])], expected: &[&str]) {
    let plan = BasicPlan {
        summary: String::new(),
        phases: (1..)
            .zip(phases)
            .map(|(number, (needs, _))| outline(number, needs))
            .collect(),
    };
    let detailed: Vec<_> = (1..)
        .zip(phases)
        .map(|(number, (_, steps))| DetailedPhase {
            number,
            steps: steps
                .iter()
                .map(|(number, needs)| step(number, needs))
                .collect(),
        })
        .collect();
    let joined: Vec<Phase> = join(&plan, &detailed);
    let shown: Vec<String> = joined
        .iter()
        .flat_map(|phase| &phase.steps)
        .map(|step| format!("{}<{}", step.number, step.depends_on.join(",")))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn a_step_waits_for_the_phase_before_its_own() {
    check(
        &[
            (&[], &[("1.1", &[]), ("1.2", &["1.1"])]),
            (&[], &[("2.1", &[])]),
        ],
        &["1.1<", "1.2<1.1", "2.1<1.1,1.2"],
    );
}

#[test]
fn a_phase_that_names_what_it_waits_for_waits_for_nothing_else() {
    check(
        &[
            (&[], &[("1.1", &[])]),
            (&[], &[("2.1", &[])]),
            (&[1], &[("3.1", &[])]),
        ],
        &["1.1<", "2.1<1.1", "3.1<1.1"],
    );
}

#[test]
fn steps_without_the_number_of_their_phase_get_it() {
    check(&[(&[], &[("1", &[]), ("2", &["1"])])], &["1.1<", "1.2<1.1"]);
    check(
        &[
            (&[], &[("1.1", &[])]),
            (&[], &[("1", &[]), ("two", &["1"])]),
        ],
        &["1.1<", "2.1<1.1", "2.2<2.1,1.1"],
    );
}

#[test]
fn two_steps_of_one_number_are_counted_anew() {
    check(&[(&[], &[("1.1", &[]), ("1.1", &[])])], &["1.1<", "1.2<"]);
}

#[test]
fn a_phase_named_as_a_dependency_means_all_its_steps() {
    check(
        &[
            (&[], &[("1.1", &[]), ("1.2", &[])]),
            (&[1], &[("2.1", &["Phase 1"])]),
        ],
        &["1.1<", "1.2<", "2.1<1.1,1.2"],
    );
}

#[test]
fn what_a_step_writes_is_its_own_where_it_says_nothing_else() {
    let plan = BasicPlan {
        summary: String::new(),
        phases: vec![outline(1, &[])],
    };
    let phases = join(
        &plan,
        &[DetailedPhase {
            number: 1,
            steps: vec![step("1.1", &[])],
        }],
    );
    assert_eq!(phases[0].steps[0].owns, ["1.1.txt"]);
}
