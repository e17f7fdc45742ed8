//! The edits of a step: whole files of the pack, and the proposals.

use crate::{ScaffoldError, facts::CodeFacts, layout::Layout, pack::PackFile, proposals, reply};

/// Writes every output of a step, or none: a step that is more than skeleton needs a model.
pub(crate) fn answer(facts: &CodeFacts) -> Result<String, ScaffoldError> {
    let step = &facts.step;
    let layout = Layout::designed(&facts.requirement, &[], &facts.design)?;
    let files = layout.pack_files();
    let blocks: Option<Vec<String>> = step
        .outputs
        .iter()
        .map(|path| Some(reply::file(path, &content(path, &files, facts, &layout)?)))
        .collect();
    let blocks = blocks.filter(|blocks| !blocks.is_empty());
    let Some(blocks) = blocks else {
        return Err(ScaffoldError::NeedsModel {
            number: step.number.clone(),
            title: step.title.clone(),
        });
    };
    Ok(format!(
        "# EXECUTE TASK {}: {}\n\nLaid out from the template pack for a {} in {}.\n\n{}",
        step.number,
        step.title,
        layout.request.kind.noun(),
        layout.request.language.name(),
        blocks.join("\n")
    ))
}

fn content(path: &str, files: &[PackFile], facts: &CodeFacts, layout: &Layout) -> Option<String> {
    if proposals::is_path(path) {
        return Some(proposals::render(path, &layout.request, &facts.requirement));
    }
    files
        .iter()
        .find(|file| file.path == path)
        .map(|file| file.content.clone())
}
