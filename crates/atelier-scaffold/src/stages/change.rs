//! The change: a wish that only a model could write is recorded, in the user's words.

use atelier_model::{PhaseOutline, PlanChange, RequirementItem, Step, StepChange};

use super::steps;
use crate::{ScaffoldError, facts::ChangeFacts, proposals, request::Request};

/// What the description of a step that records a wish begins with; the wish follows.
const RECORD: &str = "Record this wish as proposals, in the user's words:\n\n";

/// Adds a step that records the wish. Nothing that is done is touched.
#[expect(
    clippy::unnecessary_wraps,
    reason = "an answer of a stage may be an error"
)]
pub(crate) fn answer(facts: &ChangeFacts) -> Result<PlanChange, ScaffoldError> {
    let plan = &facts.plan;
    let mut files = facts.files.clone();
    files.extend(plan.steps().flat_map(|step| step.outputs.clone()));
    let path = proposals::free_path(&files);
    let requirement = RequirementItem {
        id: free_id(facts),
        text: format!("The wished change is recorded in {path} in the user's words."),
    };
    let phase = plan.phases.last().map_or(1, |phase| phase.outline.number);
    let phases = plan.phases.is_empty().then(|| PhaseOutline {
        number: phase,
        title: "Record what is wished for".to_owned(),
        description: String::new(),
        requirements: vec![requirement.id.clone()],
        depends_on: Vec::new(),
    });
    let step = record(facts, &path, phase, &requirement.id);
    Ok(PlanChange {
        summary: format!(
            "No model is connected: the wish is recorded in {path}, and nothing that is built changes."
        ),
        requirements: vec![requirement],
        phases: phases.into_iter().collect(),
        added: vec![StepChange {
            reason: "Writing it needs a model; it must not be lost until there is one.".to_owned(),
            step,
        }],
        ..PlanChange::default()
    })
}

fn record(facts: &ChangeFacts, path: &str, phase: u32, requirement: &str) -> Step {
    let wish = facts.wish.trim();
    let whole = "## The requirement, word for word".to_owned();
    let mut acceptance = vec![steps::criterion(
        1,
        "The wish is recorded word for word.",
        requirement,
        steps::file(path, Some(whole)),
    )];
    for (number, feature) in (2..).zip(features(wish)) {
        let text = format!("Recorded: {}", proposals::title(&feature));
        let check = steps::file(path, Some(feature));
        acceptance.push(steps::criterion(number, &text, requirement, check));
    }
    Step {
        title: format!("Record the wished change in {path}"),
        description: format!("{RECORD}{wish}"),
        why: "Features need a model or a person; none may be lost.".to_owned(),
        requirements: vec![requirement.to_owned()],
        ..steps::step(
            &free_number(facts, phase),
            vec![path.to_owned()],
            acceptance,
        )
    }
}

/// The wish that a step records, where it is such a step.
pub(crate) fn wish_of(step: &Step) -> Option<&str> {
    step.description.strip_prefix(RECORD)
}

/// What a wish asks for, one statement each; the wish itself where it cannot be taken apart.
pub(crate) fn features(wish: &str) -> Vec<String> {
    let found = Request::read(wish).map(|request| request.features);
    let found = found.unwrap_or_default();
    if found.is_empty() {
        let visible = wish.split_whitespace().collect::<Vec<_>>().join(" ");
        return vec![crate::request::visible(&visible)];
    }
    found
}

fn free_id(facts: &ChangeFacts) -> String {
    let items = facts.plan.design.requirements.iter();
    let numbers = items.filter_map(|item| item.id.strip_prefix('R')?.parse::<u32>().ok());
    format!("R{}", numbers.max().unwrap_or(0).saturating_add(1))
}

fn free_number(facts: &ChangeFacts, phase: u32) -> String {
    let prefix = format!("{phase}.");
    let steps = facts.plan.steps().map(|step| &step.number);
    let places = steps
        .chain(&facts.retired)
        .filter_map(|number| number.strip_prefix(&prefix)?.parse::<u32>().ok());
    format!("{prefix}{}", places.max().unwrap_or(0).saturating_add(1))
}
