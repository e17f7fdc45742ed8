//! `HANDOFF.md`: what the next person needs to take over.

use std::fmt::Write as _;

use super::{Document, Draft, ProjectState, Rendered, Section, link, tasks_standing};
use crate::{
    markdown::{block, fence, line, list, titled},
    state::Standing,
};

pub(super) struct HandoffDocument;

impl Document for HandoffDocument {
    fn kind(&self) -> &'static str {
        "handoff"
    }

    fn drafts(&self, state: &ProjectState<'_>, _: &[Rendered]) -> Vec<Draft> {
        let files = state.files;
        let summary = state
            .handoff
            .map_or(&state.plan.design.summary, |handoff| &handoff.summary);
        let usage = state.prose.map_or("", |prose| prose.usage.as_str());
        let lines = |all: &[String]| list(all.iter().map(|one| line(one, files)));
        let next = state
            .handoff
            .map_or_else(String::new, |handoff| lines(&handoff.next_steps));
        let risks = state
            .handoff
            .map_or_else(String::new, |handoff| lines(&handoff.risks));
        let sections = vec![
            Section::new("summary", titled(2, "Summary", &block(summary, 3, files))),
            Section::new("progress", titled(2, "Progress", &progress(state))),
            Section::new("run", titled(2, "How to run", &commands(state))),
            Section::new("usage", titled(2, "How to use", &block(usage, 3, files))),
            Section::new("next", titled(2, "Next steps", &next)),
            Section::new("risks", titled(2, "Watch out for", &risks)),
        ];
        vec![Draft {
            path: "HANDOFF.md".to_owned(),
            title: "Handoff".to_owned(),
            about: "State of things, how to run the project, and what comes next.".to_owned(),
            sections,
        }]
    }
}

fn progress(state: &ProjectState<'_>) -> String {
    let mut text = format!(
        "{} of {} tasks done; {} has the proofs.\n",
        state.done_count(),
        state.tasks.len(),
        link("PROGRESS.md", state.files)
    );
    let groups = [
        ("Open", &[Standing::Open][..]),
        (
            "Needs attention",
            &[
                Standing::NeedsPerson,
                Standing::Failed,
                Standing::Cancelled,
                Standing::Skipped,
                Standing::Waived,
            ][..],
        ),
    ];
    for (title, standings) in groups {
        let tasks = tasks_standing(state, standings);
        if !tasks.is_empty() {
            _ = write!(text, "\n{title}:\n\n{tasks}");
        }
    }
    text
}

fn commands(state: &ProjectState<'_>) -> String {
    let commands: Vec<String> = state
        .handoff
        .into_iter()
        .flat_map(|handoff| &handoff.how_to_run)
        .map(|command| command.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|command| !command.is_empty())
        .collect();
    if commands.is_empty() {
        String::new()
    } else {
        fence("sh", &commands.join("\n"))
    }
}
