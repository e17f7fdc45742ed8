//! `docs/DEVPLAN.md`: phases, numbered steps, and how each step proves that it is done.

use std::fmt::Write as _;

use atelier_model::{Phase, Step};

use super::{Document, Draft, ProjectState, Rendered, Section, acceptance, fact, paths, task_name};
use crate::{
    diagram::{Flowchart, NODES_MAX},
    markdown::{block, titled, words},
    state::Standing,
};

pub(super) struct DevPlanDocument;

impl Document for DevPlanDocument {
    fn kind(&self) -> &'static str {
        "devplan"
    }

    fn drafts(&self, state: &ProjectState<'_>, _: &[Rendered]) -> Vec<Draft> {
        let summary = block(&state.plan.summary, 3, state.files);
        let mut sections = vec![
            Section::new("summary", titled(2, "Summary", &summary)),
            Section::new("order", order(state)),
        ];
        for (index, phase) in state.plan.phases.iter().enumerate() {
            sections.push(Section::new(
                format!("phase-{}", index + 1),
                phase_text(state, phase),
            ));
        }
        sections.push(Section::new(
            "added",
            titled(2, "Tasks added by people", &added(state)),
        ));
        vec![Draft {
            path: "docs/DEVPLAN.md".to_owned(),
            title: "Development plan".to_owned(),
            about: "The order of the work: phases, steps, and what proves each step.".to_owned(),
            sections,
        }]
    }
}

fn order(state: &ProjectState<'_>) -> String {
    let steps = state.plan.steps().count();
    let (chart, what) = if steps + state.added().count() <= NODES_MAX {
        (
            tasks_chart(state),
            "An arrow leads from a step to the steps that wait for it.",
        )
    } else {
        (
            phases_chart(state),
            "An arrow leads from a phase to the phases that wait for it.",
        )
    };
    let drawn = chart.render();
    if drawn.is_empty() {
        return String::new();
    }
    titled(2, "Order", &format!("{what}\n\n{drawn}"))
}

fn tasks_chart(state: &ProjectState<'_>) -> Flowchart {
    let mut chart = Flowchart::new("LR");
    for step in state.plan.steps() {
        chart.node(&step.number, &format!("{} {}", step.number, step.title));
    }
    for task in state.added() {
        chart.node(task.id.as_str(), &format!("{} {}", task.id, task.title));
    }
    for step in state.plan.steps() {
        for needed in &step.depends_on {
            chart.edge(needed, &step.number);
        }
    }
    for task in state.added() {
        for needed in &task.depends_on {
            let of_step = state.tasks.iter().find(|other| other.id == *needed);
            let name = of_step.and_then(|other| other.step.as_deref());
            chart.edge(name.unwrap_or(needed.as_str()), task.id.as_str());
        }
    }
    chart
}

fn phases_chart(state: &ProjectState<'_>) -> Flowchart {
    let mut chart = Flowchart::new("LR");
    for Phase { outline, .. } in &state.plan.phases {
        chart.node(
            &outline.number.to_string(),
            &format!("{} {}", outline.number, outline.title),
        );
    }
    for Phase { outline, .. } in &state.plan.phases {
        for needed in needed_phases(state, outline.number) {
            chart.edge(&needed.to_string(), &outline.number.to_string());
        }
    }
    chart
}

/// The phases a phase waits for: those it names, else the one before it.
fn needed_phases(state: &ProjectState<'_>, number: u32) -> Vec<u32> {
    let phases = &state.plan.phases;
    let Some(at) = phases
        .iter()
        .position(|phase| phase.outline.number == number)
    else {
        return Vec::new();
    };
    let named = &phases[at].outline.depends_on;
    match at.checked_sub(1) {
        Some(before) if named.is_empty() => vec![phases[before].outline.number],
        _ => named.clone(),
    }
}

fn phase_text(state: &ProjectState<'_>, phase: &Phase) -> String {
    let (outline, files) = (&phase.outline, state.files);
    let needed: Vec<String> = needed_phases(state, outline.number)
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut text = format!(
        "## Phase {}: {}\n\n",
        outline.number,
        words(&outline.title, files)
    );
    if !outline.description.trim().is_empty() {
        text.push_str(&block(&outline.description, 3, files));
        text.push('\n');
    }
    text.push_str(&fact(
        "Serves",
        &words(&outline.requirements.join(", "), files),
    ));
    text.push_str(&fact("Waits for phase", &needed.join(", ")));
    for step in &phase.steps {
        text.push('\n');
        text.push_str(&step_text(state, step));
    }
    text
}

fn step_text(state: &ProjectState<'_>, step: &Step) -> String {
    let files = state.files;
    let (number, title) = (words(&step.number, files), words(&step.title, files));
    let mut text = format!("### {number} {title}\n\n");
    _ = writeln!(text, "- State: {}", state.standing(step).word());
    text.push_str(&fact("Why", &words(&step.why, files)));
    text.push_str(&fact(
        "Serves",
        &words(&step.requirements.join(", "), files),
    ));
    text.push_str(&fact(
        "Waits for",
        &words(&step.depends_on.join(", "), files),
    ));
    text.push_str(&fact("Reads", &paths(&step.inputs, files)));
    text.push_str(&fact("Creates or changes", &paths(&step.outputs, files)));
    text.push_str(&fact("Must not change", &paths(&step.protected, files)));
    text.push('\n');
    text.push_str(&block(&step.description, 4, files));
    text.push_str("\nAcceptance:\n\n");
    text.push_str(&acceptance(&step.acceptance, files));
    text
}

fn added(state: &ProjectState<'_>) -> String {
    state.added().fold(String::new(), |mut text, task| {
        _ = writeln!(text, "### {}\n", task_name(task, state.files));
        _ = writeln!(text, "- State: {}\n", Standing::of(task.state).word());
        text.push_str(&block(&task.description, 4, state.files));
        if !task.acceptance.is_empty() {
            text.push_str("\nAcceptance:\n\n");
            text.push_str(&acceptance(&task.acceptance, state.files));
        }
        text.push('\n');
        text
    })
}
