//! The prose of the documents.

use atelier_model::{ComponentNote, Prose};

use crate::{ScaffoldError, facts::DocsFacts, layout::Layout, proposals};

/// Describes the project as it stands.
pub(crate) fn answer(facts: &DocsFacts) -> Result<Prose, ScaffoldError> {
    let layout = Layout::designed(&facts.requirement, &[], &facts.design)?;
    let design = &facts.design;
    let record = facts
        .files
        .iter()
        .rfind(|path| proposals::is_path(path))
        .map_or("PROPOSED-TASKS.md", String::as_str);
    let overview = format!(
        "{}\n\n{}\n\nThe features of the requirement are proposals in `{record}`; they need a model or a person.",
        design.summary, design.architecture_overview
    );
    let components = design
        .components
        .iter()
        .map(|component| ComponentNote {
            name: component.name.clone(),
            text: component.purpose.clone(),
        })
        .collect();
    let written = !design.components.is_empty();
    Ok(Prose {
        overview,
        usage: layout
            .pack
            .filter(|_| written)
            .map(|pack| usage(&layout, pack))
            .unwrap_or_default(),
        components,
    })
}

fn usage(layout: &Layout, pack: &crate::pack::Pack) -> String {
    let line =
        |what: &str, argv: &[&str]| format!("# {what}\n{}\n", layout.words.fill(&argv.join(" ")));
    let mut text = String::from("~~~sh\n");
    for argv in pack.build {
        text.push_str(&line("Build", argv));
    }
    text.push_str(&line("Test", pack.test));
    if !pack.run.is_empty() {
        text.push_str(&line("Run", pack.run));
    }
    text.push_str("~~~\n");
    text
}
