//! Command lines are judged before they run: allowed, asked about, or forbidden, with the reason.
//!
//! A line is read as bash reads it, expanded as far as its own text tells, unwrapped (`env`,
//! `xargs`, `sh -c`, here-documents, interpreters), and every program that would start is held
//! against rules that are data. What cannot be known where it matters is asked about. This is
//! advice above a sandbox, never instead of one.

mod code;
mod expand;
mod field;
mod files;
mod hatch;
mod network;
mod output;
mod parse;
mod place;
mod program;
mod rule;
mod screen;
mod syntax;
mod wrapper;

#[cfg(test)]
mod tests;

use std::fmt::{self, Display};

use serde::Serialize;

/// What is to be done with a command line, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It may run.
    Allow,
    /// A person decides.
    Ask,
    /// It must not run.
    Forbid,
}

impl Judgement {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Forbid => "forbid",
        }
    }
}

impl Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The answer about one command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is to be done.
    pub verdict: Judgement,
    /// Why, for people.
    pub reason: String,
    /// Which rule said so; `none` where a line is allowed because no rule objects.
    pub rule: String,
}

/// Where a command line would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: String,
    home: String,
}

impl Workspace {
    /// A workspace at an absolute path, and the home folder of whoever runs the line.
    pub fn new(root: &str, home: &str) -> Self {
        let clean = |path: &str| place::normal(&field::literal(path));
        Self {
            root: clean(root),
            home: clean(home),
        }
    }

    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    pub(crate) fn home(&self) -> &str {
        &self.home
    }
}

/// Judges one command line that would start in the root of the workspace.
pub fn judge(line: &str, workspace: &Workspace) -> Verdict {
    screen::Screen::new(workspace).judge(line)
}
