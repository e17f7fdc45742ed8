//! A plan and a change of it: the plan that results, and what has to be done anew.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{DevPlan, Phase, PlanChange, Step, StepChange, TreePath};

use crate::number;

/// What a step is called while it is looked at what depends on what: its number, or the id of a
/// task that no plan has.
pub type StepName = String;

/// What becomes of the steps of a plan that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Steps that are new, in the order of the plan.
    pub added: Vec<StepName>,
    /// Steps that read differently, or serve a requirement that does.
    pub changed: BTreeSet<StepName>,
    /// Steps that are no longer there.
    pub removed: BTreeSet<StepName>,
    /// Steps that are as they were, but depend on one that is changed or removed; each with the
    /// one on account of which it is done again.
    pub again: BTreeMap<StepName, StepName>,
}

impl Difference {
    /// Whether nothing is added, changed or removed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// Whether a step is done anew, in whatever way.
    pub fn touches(&self, number: &str) -> bool {
        self.changed.contains(number) || self.again.contains_key(number)
    }
}

/// Why a change cannot be applied to a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// It changes or removes a step that is not there.
    #[error("find step {0}, which the change names")]
    NoStep(String),
    /// It removes a requirement that is not there.
    #[error("find requirement {0}, which the change removes")]
    NoRequirement(String),
    /// It adds a step to a phase that is not there.
    #[error("find the phase of step {0}, which the change adds")]
    NoPhase(String),
    /// It changes and removes the same step.
    #[error("change step {0} and remove it at the same time")]
    Both(String),
    /// A step has the number of one that was removed earlier.
    #[error("give step {number} a number that a removed step had: {free} is free")]
    Retired {
        /// Its number.
        number: String,
        /// One that may be taken.
        free: String,
    },
}

/// Applies a change to a plan. `retired` are the numbers of steps that were removed before: no step
/// ever gets one of them again.
///
/// A new step whose number is taken gets the next free one of its phase. A removed step leaves what
/// depended on it depending on what it depended on.
pub fn apply(
    plan: &DevPlan,
    change: &PlanChange,
    retired: &BTreeSet<String>,
) -> Result<DevPlan, DeltaError> {
    let mut after = plan.clone();
    requirements(&mut after, change)?;
    components(&mut after, change);
    remove(&mut after, change)?;
    add_phases(&mut after, change);
    rewrite(&mut after, change)?;
    add(&mut after, change, plan, retired)?;
    // A phase without a step is none any more.
    after.phases.retain(|phase| !phase.steps.is_empty());
    Ok(after)
}

fn requirements(plan: &mut DevPlan, change: &PlanChange) -> Result<(), DeltaError> {
    let items = &mut plan.design.requirements;
    for dropped in &change.requirements_removed {
        let place = items.iter().position(|item| item.id == dropped.id);
        let place = place.ok_or_else(|| DeltaError::NoRequirement(dropped.id.clone()))?;
        items.remove(place);
    }
    for item in &change.requirements {
        match items.iter_mut().find(|known| known.id == item.id) {
            Some(known) => known.text.clone_from(&item.text),
            None => items.push(item.clone()),
        }
    }
    Ok(())
}

fn components(plan: &mut DevPlan, change: &PlanChange) {
    let parts = &mut plan.design.components;
    for part in &change.components {
        match parts.iter_mut().find(|known| known.name == part.name) {
            Some(known) => known.clone_from(part),
            None => parts.push(part.clone()),
        }
    }
}

fn remove(plan: &mut DevPlan, change: &PlanChange) -> Result<(), DeltaError> {
    for dropped in &change.removed {
        let number = dropped.id.trim();
        if change.changed.iter().any(|one| one.step.number == number) {
            return Err(DeltaError::Both(number.to_owned()));
        }
        let needs = plan
            .steps()
            .find(|step| step.number == number)
            .map(|step| step.depends_on.clone())
            .ok_or_else(|| DeltaError::NoStep(number.to_owned()))?;
        for phase in &mut plan.phases {
            phase.steps.retain(|step| step.number != number);
        }
        bypass(plan, number, &needs);
    }
    Ok(())
}

/// Lets what depended on a removed step depend on what that depended on.
fn bypass(plan: &mut DevPlan, number: &str, needs: &[String]) {
    for step in plan.phases.iter_mut().flat_map(|phase| &mut phase.steps) {
        let Some(place) = step.depends_on.iter().position(|need| need == number) else {
            continue;
        };
        step.depends_on.remove(place);
        let new = needs.iter().filter(|need| **need != step.number);
        let new: Vec<String> = new
            .filter(|need| !step.depends_on.contains(need))
            .cloned()
            .collect();
        step.depends_on.splice(place..place, new);
    }
}

fn add_phases(plan: &mut DevPlan, change: &PlanChange) {
    for outline in &change.phases {
        let known = plan
            .phases
            .iter_mut()
            .find(|phase| phase.outline.number == outline.number);
        match known {
            Some(known) => known.outline.clone_from(outline),
            None => plan.phases.push(Phase {
                outline: outline.clone(),
                steps: Vec::new(),
            }),
        }
    }
    plan.phases.sort_by_key(|phase| phase.outline.number);
}

fn rewrite(plan: &mut DevPlan, change: &PlanChange) -> Result<(), DeltaError> {
    for StepChange { step: new, .. } in &change.changed {
        let number = new.number.trim();
        let step = plan
            .phases
            .iter_mut()
            .flat_map(|phase| &mut phase.steps)
            .find(|step| step.number == number)
            .ok_or_else(|| DeltaError::NoStep(number.to_owned()))?;
        let mut new = tidy(new);
        if new.depends_on.is_empty() {
            new.depends_on.clone_from(&step.depends_on);
        }
        new.number.clone_from(&step.number);
        *step = new;
    }
    Ok(())
}

fn tidy(step: &Step) -> Step {
    let mut step = step.clone();
    if step.owns.is_empty() {
        step.owns.clone_from(&step.outputs);
    }
    step
}

fn add(
    plan: &mut DevPlan,
    change: &PlanChange,
    before: &DevPlan,
    retired: &BTreeSet<String>,
) -> Result<(), DeltaError> {
    let mut taken: BTreeSet<String> = retired.clone();
    taken.extend(before.steps().map(|step| step.number.clone()));
    let mut renamed = BTreeMap::new();
    for StepChange { step, .. } in &change.added {
        let given = step.number.trim().to_owned();
        let phase = phase_of(&given).ok_or_else(|| DeltaError::NoPhase(given.clone()))?;
        let number = if taken.contains(&given) || given == phase.to_string() {
            free(phase, &taken)
        } else {
            given.clone()
        };
        taken.insert(number.clone());
        // The step that exists is meant where both have the number.
        if before.steps().all(|step| step.number != given) {
            renamed.insert(given, number.clone());
        }
        let mut new = tidy(step);
        new.number = number;
        let home = plan
            .phases
            .iter_mut()
            .find(|one| one.outline.number == phase)
            .ok_or_else(|| DeltaError::NoPhase(step.number.clone()))?;
        home.steps.push(new);
    }
    follow(plan, change, before, &renamed);
    Ok(())
}

/// Follows the new numbers in the dependencies of new and changed steps, and lets a new step that
/// names nothing wait for the phases before its own, as the steps of a new plan do.
fn follow(
    plan: &mut DevPlan,
    change: &PlanChange,
    before: &DevPlan,
    renamed: &BTreeMap<String, String>,
) {
    let outlines: Vec<_> = plan.phases.iter().map(|one| one.outline.clone()).collect();
    let numbers = number::by_phase(&plan.phases);
    let old: BTreeSet<&str> = before.steps().map(|step| step.number.as_str()).collect();
    let changed: BTreeSet<&str> = change
        .changed
        .iter()
        .map(|one| one.step.number.trim())
        .collect();
    for phase in &mut plan.phases {
        let earlier = number::steps_before(&phase.outline, &outlines, &numbers);
        for step in &mut phase.steps {
            let new = !old.contains(step.number.as_str());
            if !new && !changed.contains(step.number.as_str()) {
                continue;
            }
            for need in &mut step.depends_on {
                if let Some(number) = renamed.get(need.trim()) {
                    need.clone_from(number);
                }
            }
            let earlier = if new && step.depends_on.is_empty() {
                earlier.as_slice()
            } else {
                &[]
            };
            step.depends_on = number::dependencies(&step.depends_on, earlier, &numbers);
            step.depends_on.retain(|need| *need != step.number);
        }
    }
}

/// The phase that a step's number begins with.
pub(crate) fn phase_of(number: &str) -> Option<u32> {
    number.split('.').next()?.trim().parse().ok()
}

/// The first number of a phase after all that are or were taken.
fn free(phase: u32, taken: &BTreeSet<String>) -> String {
    let prefix = format!("{phase}.");
    let places = taken.iter().filter_map(|number| {
        let rest = number.strip_prefix(&prefix)?;
        rest.split('.').next()?.parse::<u32>().ok()
    });
    let next = places.max().unwrap_or(0).saturating_add(1);
    format!("{prefix}{next}")
}

/// What became of the steps between two versions of a plan, and what therefore has to be done
/// again: what depends on a step that was changed or removed, by its dependencies or because it
/// reads what that one writes.
///
/// `others` are tasks of the run that no plan has, as steps.
pub fn difference(before: &DevPlan, after: &DevPlan, others: &[Step]) -> Difference {
    let old: BTreeMap<&str, &Step> = by_number(before);
    let new: BTreeMap<&str, &Step> = by_number(after);
    let reworded = reworded(before, after);
    let added = after.steps().map(|step| &step.number);
    let mut found = Difference {
        added: added
            .filter(|number| !old.contains_key(number.as_str()))
            .cloned()
            .collect(),
        removed: old
            .keys()
            .filter(|number| !new.contains_key(*number))
            .map(|number| (*number).to_owned())
            .collect(),
        ..Difference::default()
    };
    for (number, step) in &new {
        let Some(was) = old.get(number) else { continue };
        let serves = |item: &&String| {
            let own = step.acceptance.iter().flat_map(|one| &one.requirements);
            step.requirements.iter().chain(own).any(|id| id == *item)
        };
        if !same(was, step, &found.removed, &old) || reworded.iter().any(|item| serves(&item)) {
            found.changed.insert((*number).to_owned());
        }
    }
    found.again = again(&old, &new, others, &found);
    found
}

fn by_number(plan: &DevPlan) -> BTreeMap<&str, &Step> {
    let pair = |step| -> (&str, &Step) {
        let step: &Step = step;
        (step.number.as_str(), step)
    };
    plan.steps().map(pair).collect()
}

/// Requirements that have other words than before under their id.
fn reworded(before: &DevPlan, after: &DevPlan) -> Vec<String> {
    let items = after.design.requirements.iter();
    let other = items.filter(|item| {
        let mut old = before.design.requirements.iter();
        old.any(|was| was.id == item.id && was.text != item.text)
    });
    other.map(|item| item.id.clone()).collect()
}

/// Whether two versions of a step ask for the same. The order of dependencies means nothing, and
/// that removed steps are bypassed is no change of the step.
fn same(was: &Step, step: &Step, removed: &BTreeSet<String>, old: &BTreeMap<&str, &Step>) -> bool {
    let needs: BTreeSet<&String> = step.depends_on.iter().collect();
    let bypassed = without(&was.depends_on, removed, old);
    let plain = Step {
        depends_on: was.depends_on.clone(),
        ..step.clone()
    };
    plain == *was && needs == bypassed.iter().collect()
}

/// Dependencies with each removed one replaced by those it had.
fn without(
    needs: &[String],
    removed: &BTreeSet<String>,
    old: &BTreeMap<&str, &Step>,
) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<&String> = needs.iter().collect();
    while let Some(need) = open.pop() {
        if !seen.insert(need) {
            continue;
        }
        if removed.contains(need) {
            open.extend(
                old.get(need.as_str())
                    .into_iter()
                    .flat_map(|step| &step.depends_on),
            );
        } else {
            kept.insert(need.clone());
        }
    }
    kept
}

/// Everything that depends on a step that is changed or removed, each with the one it depends on.
fn again(
    old: &BTreeMap<&str, &Step>,
    new: &BTreeMap<&str, &Step>,
    others: &[Step],
    found: &Difference,
) -> BTreeMap<StepName, StepName> {
    let others = others.iter().map(|step| (step.number.as_str(), step));
    let all: BTreeMap<&str, &Step> = new
        .iter()
        .map(|(name, step)| (*name, *step))
        .chain(others)
        .collect();
    // A removed step waited for what it waited for.
    let gone = found.removed.iter().filter_map(|name| {
        let (name, step) = old.get_key_value(name.as_str())?;
        Some((*name, *step))
    });
    let before = Ancestors::of(
        &all.iter()
            .map(|(name, step)| (*name, *step))
            .chain(gone)
            .collect(),
    );
    let mut reached: BTreeMap<StepName, StepName> = BTreeMap::new();
    let mut open: Vec<&str> = found
        .changed
        .iter()
        .chain(&found.removed)
        .map(String::as_str)
        .collect();
    while let Some(cause) = open.pop() {
        for (name, step) in &all {
            let is_new = !old.contains_key(name) && new.contains_key(name);
            if is_new || found.touches_already(name, &reached) || *name == cause {
                continue;
            }
            let was = old.get(name).unwrap_or(step);
            let named = step
                .depends_on
                .iter()
                .chain(&was.depends_on)
                .any(|need| need == cause);
            let writes = [old.get(cause), all.get(cause)];
            let read =
                !before.has(cause, name) && writes.iter().flatten().any(|one| reads(step, one));
            if named || read {
                reached.insert((*name).to_owned(), cause.to_owned());
                open.push(name);
            }
        }
    }
    reached
}

impl Difference {
    fn touches_already(&self, name: &str, reached: &BTreeMap<StepName, StepName>) -> bool {
        self.changed.contains(name) || reached.contains_key(name)
    }
}

/// Whether a step reads something that another writes.
fn reads(step: &Step, writer: &Step) -> bool {
    let inputs = step.inputs.iter();
    inputs
        .flat_map(|input| writer.outputs.iter().map(move |output| (input, output)))
        .any(|(input, output)| touches(input, output))
}

/// Whether two paths are the same or one lies in the other.
pub(crate) fn touches(one: &str, two: &str) -> bool {
    let (Ok(one), Ok(two)) = (TreePath::parse(one), TreePath::parse(two)) else {
        return false;
    };
    one.is_within(two.as_str()) || two.is_within(one.as_str())
}

/// What each step waits for, directly or not.
struct Ancestors(BTreeMap<String, BTreeSet<String>>);

impl Ancestors {
    fn of(steps: &BTreeMap<&str, &Step>) -> Self {
        let mut all = BTreeMap::new();
        for name in steps.keys() {
            let mut seen: BTreeSet<String> = BTreeSet::new();
            let mut open = vec![*name];
            while let Some(at) = open.pop() {
                let Some(step) = steps.get(at) else { continue };
                for need in &step.depends_on {
                    if seen.insert(need.clone()) {
                        open.push(need);
                    }
                }
            }
            all.insert((*name).to_owned(), seen);
        }
        Self(all)
    }

    /// Whether `step` waits for `other`.
    fn has(&self, step: &str, other: &str) -> bool {
        self.0.get(step).is_some_and(|all| all.contains(other))
    }
}

/// Whether a plan that was edited gives a number that a removed step had.
pub fn check_numbers(
    before: &DevPlan,
    after: &DevPlan,
    retired: &BTreeSet<String>,
) -> Result<(), DeltaError> {
    let known: BTreeSet<&str> = before.steps().map(|step| step.number.as_str()).collect();
    for step in after.steps() {
        let number = &step.number;
        let phase = phase_of(number).ok_or_else(|| DeltaError::NoPhase(number.clone()))?;
        if retired.contains(number) && !known.contains(number.as_str()) {
            let mut taken = retired.clone();
            taken.extend(
                before
                    .steps()
                    .chain(after.steps())
                    .map(|step| step.number.clone()),
            );
            return Err(DeltaError::Retired {
                number: number.clone(),
                free: free(phase, &taken),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
