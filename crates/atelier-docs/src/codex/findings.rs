//! What an agent found wrong with the work of another one.

use std::fmt::Write as _;

use atelier_model::FileTree;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::markdown::line;

/// Findings that one review may have.
const FINDINGS_MAX: usize = 50;
/// The heading under which stands what is proposed.
const PROPOSED: &str = "## Proposed";

/// What a review came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Findings {
    /// What was looked at and what it is worth, in at most three sentences.
    pub summary: String,
    /// What is wrong, the worst first; empty where nothing is.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Whether the work may stay as it is.
    pub weight: Weight,
    /// The file, where it is about one.
    #[serde(default)]
    pub file: String,
    /// What is wrong, and how it shows.
    pub problem: String,
    /// What would mend it.
    #[serde(default)]
    pub remedy: String,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The work does not do what was asked for, or is unsafe: it must be mended.
    Must,
    /// It would be better otherwise: a task of its own, if anybody wants it.
    Should,
}

impl Findings {
    /// What must be mended, one line each.
    pub fn must(&self) -> Vec<String> {
        self.of(Weight::Must).map(Finding::words).collect()
    }

    fn of(&self, weight: Weight) -> impl Iterator<Item = &Finding> {
        let all = self.findings.iter().take(FINDINGS_MAX);
        all.filter(move |one| one.weight == weight)
    }

    /// The findings as a document. What must be mended is proposed as well where it is not
    /// `sent_back` to whoever did the work.
    pub fn document(&self, title: &str, sent_back: bool, files: &FileTree) -> String {
        let mut text = format!(
            "# {}\n\n{}\n",
            line(title, files),
            line(&self.summary, files)
        );
        let mut part = |heading: &str, some: &[&Finding]| {
            if some.is_empty() {
                return;
            }
            _ = write!(text, "\n{heading}\n\n");
            for one in some {
                _ = writeln!(text, "- {}", line(&one.words(), files));
            }
        };
        let must: Vec<&Finding> = self.of(Weight::Must).collect();
        let should = self.of(Weight::Should);
        if sent_back {
            part("## To be mended", &must);
            part(PROPOSED, &should.collect::<Vec<_>>());
        } else {
            part(
                PROPOSED,
                &must.into_iter().chain(should).collect::<Vec<_>>(),
            );
        }
        if self.findings.is_empty() {
            text.push_str("\nNothing was found.\n");
        }
        text
    }

    /// What the document of a review proposes.
    pub fn proposed(document: &str) -> Vec<String> {
        let lines = document.lines().skip_while(|line| *line != PROPOSED);
        lines
            .skip(1)
            .take_while(|line| !line.starts_with('#'))
            .filter_map(|line| line.strip_prefix("- "))
            .map(str::to_owned)
            .collect()
    }
}

impl Finding {
    fn words(&self) -> String {
        let mut words = String::new();
        if !self.file.trim().is_empty() {
            _ = write!(words, "{}: ", self.file.trim());
        }
        words.push_str(self.problem.trim());
        if !self.remedy.trim().is_empty() {
            _ = write!(words, " Remedy: {}", self.remedy.trim());
        }
        words
    }
}
