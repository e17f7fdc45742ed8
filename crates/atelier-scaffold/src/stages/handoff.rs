//! The handoff: how to run the skeleton, and that the features are still to be written.

use atelier_model::Handoff;

use crate::{ScaffoldError, facts::HandoffFacts, layout::Layout, pack::Pack, proposals};

/// Hands the project over.
pub(crate) fn answer(facts: &HandoffFacts) -> Result<Handoff, ScaffoldError> {
    let layout = Layout::designed(&facts.requirement, &[], &facts.design)?;
    let outputs: Vec<&str> = facts
        .plan
        .steps()
        .flat_map(|step| &step.outputs)
        .map(String::as_str)
        .collect();
    let record = outputs
        .iter()
        .find(|path| proposals::is_path(path))
        .copied()
        .unwrap_or("PROPOSED-TASKS.md");
    let pack = layout.pack.filter(|_| outputs.len() > 1);
    Ok(Handoff {
        summary: summary(&layout, pack, record),
        how_to_run: pack.map(|pack| commands(&layout, pack)).unwrap_or_default(),
        next_steps: next_steps(&layout, record),
        risks: vec![format!(
            "The features of the requirement are not written yet: {record} lists them."
        )],
    })
}

fn summary(layout: &Layout, pack: Option<&Pack>, record: &str) -> String {
    match pack {
        Some(pack) => format!(
            "{} is a skeleton in {}, laid out without a model: it builds and {} tests pass. {record} holds the requested features.",
            layout.words.title,
            pack.language.name(),
            pack.tests
        ),
        None => {
            format!("The project's sources are unchanged. {record} holds the requested features.")
        }
    }
}

fn commands(layout: &Layout, pack: &Pack) -> Vec<String> {
    let build = pack.build.iter().copied();
    build
        .chain([pack.test, pack.run])
        .filter(|argv| !argv.is_empty())
        .map(|argv| layout.words.fill(&argv.join(" ")))
        .collect()
}

fn next_steps(layout: &Layout, record: &str) -> Vec<String> {
    let connect = "Connect a model (`atelier doctor` shows what is found), then run `atelier build` on the proposals.".to_owned();
    let features = layout
        .request
        .features
        .iter()
        .map(|feature| format!("{} ({record})", proposals::title(feature)));
    std::iter::once(connect).chain(features).collect()
}
