//! Numbers of steps, and what a step waits for.

use std::collections::BTreeMap;

use atelier_model::{BasicPlan, DetailedPhase, Phase, PhaseOutline, Step};

/// Joins the outlines with their steps: steps get the number of their phase and place where they
/// lack one, owns defaults to outputs, and a step that names nothing it waits for waits for the
/// phases its own phase depends on.
pub(crate) fn join(plan: &BasicPlan, detailed: &[DetailedPhase]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = plan
        .phases
        .iter()
        .zip(detailed)
        .map(|(outline, detail)| Phase {
            outline: outline.clone(),
            steps: numbered(outline.number, &detail.steps),
        })
        .collect();
    let numbers = by_phase(&phases);
    let outlines: Vec<PhaseOutline> = phases.iter().map(|phase| phase.outline.clone()).collect();
    for phase in &mut phases {
        let before = steps_before(&phase.outline, &outlines, &numbers);
        for step in &mut phase.steps {
            step.depends_on = dependencies(&step.depends_on, &before, &numbers);
            if step.owns.is_empty() {
                step.owns.clone_from(&step.outputs);
            }
        }
    }
    phases
}

/// The numbers of the steps of each phase.
pub(crate) fn by_phase(phases: &[Phase]) -> BTreeMap<u32, Vec<String>> {
    let numbers = |phase: &Phase| {
        let steps = phase.steps.iter().map(number_of).collect();
        (phase.outline.number, steps)
    };
    phases.iter().map(numbers).collect()
}

fn number_of(step: &Step) -> String {
    step.number.clone()
}

/// Gives each step a number of the form `phase.place`, and follows it in the dependencies.
fn numbered(phase: u32, steps: &[Step]) -> Vec<Step> {
    let prefix = format!("{phase}.");
    let renamed: BTreeMap<String, String> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let given = step.number.trim().to_owned();
            let place = given
                .strip_prefix(&prefix)
                .is_some_and(|rest| rest.parse::<u32>().is_ok());
            let number = if place {
                given.clone()
            } else {
                format!("{prefix}{}", index + 1)
            };
            (given, number)
        })
        .collect();
    // Two steps of one number would be mistaken for each other: then all are counted anew.
    let clash = renamed.len() < steps.len();
    steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let mut step = step.clone();
            step.number = if clash {
                format!("{prefix}{}", index + 1)
            } else {
                renamed.get(step.number.trim()).cloned().unwrap_or_default()
            };
            if !clash {
                let follow = |need: &String| renamed.get(need.trim()).unwrap_or(need).clone();
                step.depends_on = step.depends_on.iter().map(follow).collect();
            }
            step
        })
        .collect()
}

/// The steps of the phases that must be finished before this one begins.
pub(crate) fn steps_before(
    outline: &PhaseOutline,
    outlines: &[PhaseOutline],
    numbers: &BTreeMap<u32, Vec<String>>,
) -> Vec<String> {
    let previous = outlines
        .iter()
        .map(|other| other.number)
        .filter(|number| *number < outline.number)
        .max();
    let phases: Vec<u32> = if outline.depends_on.is_empty() {
        previous.into_iter().collect()
    } else {
        outline.depends_on.clone()
    };
    phases
        .iter()
        .filter_map(|phase| numbers.get(phase))
        .flatten()
        .cloned()
        .collect()
}

/// Resolves `phase 2` and plain phase numbers to their steps and adds the phases before.
pub(crate) fn dependencies(
    named: &[String],
    before: &[String],
    numbers: &BTreeMap<u32, Vec<String>>,
) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for need in named {
        let text = need.trim().to_lowercase();
        let text = text
            .trim_start_matches("phase")
            .trim_start_matches("step")
            .trim();
        match text
            .parse::<u32>()
            .ok()
            .and_then(|phase| numbers.get(&phase))
        {
            Some(steps) => all.extend(steps.iter().cloned()),
            None => all.push(text.to_owned()),
        }
    }
    all.extend(before.iter().cloned());
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|need| seen.insert(need.clone()));
    all
}

#[cfg(test)]
mod tests;
