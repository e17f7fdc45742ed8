//! A finding: what is doubtful, how much it matters, where it is, what to do.

use clap::ValueEnum;
use serde::Serialize;

/// Letters of a text of a tool's that are kept.
const TEXT_CHARS_MAX: usize = 400;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Taste, or a hint.
    Low,
    /// Probably a fault.
    Medium,
    /// A fault that can be used against the project.
    High,
    /// One that is easy to use.
    Critical,
}

impl Severity {
    /// Each of them, the least first.
    pub(super) const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity that a tool means with a word.
    pub(super) fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" => Self::High,
            "medium" | "moderate" | "error" => Self::Medium,
            _ => Self::Low,
        }
    }
}

/// One thing that is doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// What told it.
    pub(super) tool: &'static str,
    /// The tool's own name for what it is.
    pub(super) rule: String,
    /// The file, from the root of the tree.
    pub(super) path: Option<String>,
    /// The line, from 1.
    pub(super) line: Option<u64>,
    pub(super) message: String,
    /// What to do; empty if the message says it.
    pub(super) remedy: String,
}

impl Finding {
    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        match (&self.path, self.line) {
            (Some(path), Some(line)) => format!("{path}:{line}"),
            (Some(path), None) => path.clone(),
            (None, _) => "the project".to_owned(),
        }
    }

    /// The same with texts that are short, of one line, and steer no terminal.
    pub(super) fn tidied(mut self) -> Self {
        for text in [&mut self.rule, &mut self.message, &mut self.remedy] {
            *text = short(text);
        }
        self.path = self.path.as_deref().map(short);
        self
    }
}

fn short(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    crate::ui::plain(&crate::row::cut(&words.join(" "), TEXT_CHARS_MAX))
}
