//! `docs/INDEX.md`: every document with one line on it.

use std::fmt::Write as _;

use atelier_model::{FileTree, TreePath};

use super::{Document, Draft, ProjectState, Rendered, Section};
use crate::{
    managed::has_markers,
    markdown::{Fences, Line, cell, heading, titled},
};

pub(super) struct Index;

/// Documents of other origin that are listed.
const OTHERS_MAX: usize = 200;

impl Document for Index {
    fn kind(&self) -> &'static str {
        "index"
    }

    fn drafts(&self, state: &ProjectState<'_>, earlier: &[Rendered]) -> Vec<Draft> {
        let ours = earlier
            .iter()
            .map(|document| (&document.path, cell(&document.about, state.files)));
        let others = others(state.files, earlier);
        let listed = others.iter().take(OTHERS_MAX).cloned();
        let mut more = table(listed);
        if let Some(left) = others
            .len()
            .checked_sub(OTHERS_MAX)
            .filter(|left| *left > 0)
        {
            _ = writeln!(more, "\nAnd {left} more.");
        }
        vec![Draft {
            path: "docs/INDEX.md".to_owned(),
            title: "Index of documents".to_owned(),
            about: "Every document, in one line each.".to_owned(),
            sections: vec![
                Section::new("documents", table(ours)),
                Section::new("others", titled(2, "Other documents", &more)),
            ],
        }]
    }
}

/// The project's Markdown files that are no documents of ours, with their first heading.
fn others<'a>(files: &'a FileTree, ours: &[Rendered]) -> Vec<(&'a TreePath, String)> {
    files
        .iter()
        .filter(|(path, _)| {
            path.extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("md"))
        })
        .filter(|(path, _)| !ours.iter().any(|document| document.path == **path))
        .filter_map(|(path, file)| file.as_text().map(|text| (path, text)))
        .filter(|(_, text)| !has_markers(text))
        .map(|(path, text)| (path, cell(first_heading(text), files)))
        .collect()
}

fn first_heading(text: &str) -> &str {
    let mut fences = Fences::default();
    text.lines()
        .filter(|line| fences.next(line) == Line::Text)
        .find_map(heading)
        .map_or("", |(_, title)| title)
}

fn table<'a>(rows: impl Iterator<Item = (&'a TreePath, String)>) -> String {
    let mut text = String::new();
    for (path, about) in rows {
        if text.is_empty() {
            text.push_str("| Document | What it is |\n| --- | --- |\n");
        }
        _ = writeln!(text, "| {} | {about} |", super::link_from("../", path));
    }
    text
}
