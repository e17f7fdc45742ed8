//! `docs/DESIGN.md`: what is built, with what, in which parts.

use std::fmt::Write as _;

use atelier_model::{Design, FileTree};

use super::{Document, Draft, ProjectState, Rendered, Section};
use crate::markdown::{block, cell, code, fence, line, list, titled, words};

pub(super) struct DesignDocument;

impl Document for DesignDocument {
    fn kind(&self) -> &'static str {
        "design"
    }

    fn drafts(&self, state: &ProjectState<'_>, _: &[Rendered]) -> Vec<Draft> {
        let (design, files) = (&state.plan.design, state.files);
        let lines = |all: &[String]| list(all.iter().map(|one| line(one, files)));
        let requirement = fence("text", &state.run.requirement);
        let overview = block(&design.architecture_overview, 3, files);
        let sections = vec![
            Section::new("requirement", titled(2, "Requirement", &requirement)),
            Section::new(
                "summary",
                titled(2, "Summary", &block(&design.summary, 3, files)),
            ),
            Section::new(
                "objectives",
                titled(2, "Objectives", &lines(&design.objectives)),
            ),
            Section::new(
                "requirements",
                titled(2, "Requirements", &requirements(design, files)),
            ),
            Section::new(
                "technology",
                titled(2, "Technology", &technology(design, files)),
            ),
            Section::new("architecture", titled(2, "Architecture", &overview)),
            Section::new(
                "components",
                titled(2, "Components", &components(design, files)),
            ),
            Section::new(
                "dependencies",
                titled(2, "Dependencies", &lines(&design.dependencies)),
            ),
            Section::new(
                "challenges",
                titled(2, "Challenges", &lines(&design.challenges)),
            ),
        ];
        vec![Draft {
            path: "docs/DESIGN.md".to_owned(),
            title: "Design".to_owned(),
            about: "What is built and why: requirement, objectives, technology, parts.".to_owned(),
            sections,
        }]
    }
}

fn requirements(design: &Design, files: &FileTree) -> String {
    list(design.requirements.iter().map(|item| {
        format!(
            "**{}** {}",
            words(&item.id, files),
            words(&item.text, files)
        )
    }))
}

fn technology(design: &Design, files: &FileTree) -> String {
    let stack = &design.technology_stack;
    let frameworks = stack.frameworks.join(", ");
    [
        ("Language", &stack.language),
        ("Kind", &stack.kind),
        ("Frameworks", &frameworks),
        ("Tests", &stack.testing),
    ]
    .into_iter()
    .map(|(label, text)| super::fact(label, &words(text, files)))
    .collect()
}

/// The table of components, also part of the architecture.
pub(super) fn components(design: &Design, files: &FileTree) -> String {
    if design.components.is_empty() {
        return String::new();
    }
    let mut out =
        String::from("| Component | Path | Purpose | Uses |\n| --- | --- | --- | --- |\n");
    for part in &design.components {
        let (name, purpose) = (cell(&part.name, files), cell(&part.purpose, files));
        let path = code(&part.path).replace('|', "\\|");
        let uses = cell(&part.depends_on.join(", "), files);
        _ = writeln!(out, "| {name} | {path} | {purpose} | {uses} |");
    }
    out
}
