//! The edits of a step: whole files of the pack, and the proposals.

use atelier_model::{Check, Step};

use super::change;
use crate::{ScaffoldError, facts::CodeFacts, layout::Layout, pack::PackFile, proposals, reply};

/// Writes every output of a step, or none: a step that is more than skeleton needs a model.
pub(crate) fn answer(facts: &CodeFacts) -> Result<String, ScaffoldError> {
    let step = &facts.step;
    if let Some(paths) = gone(step) {
        return Ok(deletions(step, &paths));
    }
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
        if let Some(wish) = change::wish_of(&facts.step) {
            return Some(proposals::render(path, &change::features(wish), wish));
        }
        return Some(proposals::render(
            path,
            &layout.request.features,
            &facts.requirement,
        ));
    }
    files
        .iter()
        .find(|file| file.path == path)
        .map(|file| file.content.clone())
}

/// The files that a step takes away, where that is all it does.
fn gone(step: &Step) -> Option<Vec<&str>> {
    let path = |check: &'_ Check| match check {
        Check::Command { argv, cwd: None } => match argv.as_slice() {
            [test, not, exists, path] if test == "test" && not == "!" && exists == "-e" => {
                Some(path.clone())
            }
            _ => None,
        },
        Check::Command { .. }
        | Check::File { .. }
        | Check::Regex { .. }
        | Check::Http { .. }
        | Check::Human { .. } => None,
    };
    let gone: Option<Vec<String>> = step.acceptance.iter().map(|one| path(&one.check)).collect();
    let gone = gone.filter(|gone| !gone.is_empty())?;
    let outputs: Vec<&str> = step.outputs.iter().map(String::as_str).collect();
    outputs
        .iter()
        .all(|output| gone.iter().any(|path| path == output))
        .then_some(outputs)
}

fn deletions(step: &Step, paths: &[&str]) -> String {
    let each = paths
        .iter()
        .map(|path| format!("*** Delete File: {path}\n\n"));
    format!(
        "# EXECUTE TASK {}: {}\n\nTaken away without a model: the step names whole files.\n\n{}",
        step.number,
        step.title,
        each.collect::<String>()
    )
}
