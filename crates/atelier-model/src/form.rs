//! Forms of edits: in which a model is asked to write them, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A form in which a model can be asked to write its edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditForm {
    /// Every file whole.
    Whole,
    /// Blocks of lines to find and lines to put in their place, under the path.
    SearchReplace,
    /// The same with the path inside the fence.
    DiffFenced,
    /// An `apply_patch` envelope.
    ApplyPatch,
}

impl EditForm {
    /// Every form.
    pub const ALL: [Self; 4] = [
        Self::Whole,
        Self::SearchReplace,
        Self::DiffFenced,
        Self::ApplyPatch,
    ];

    /// The form's name, in kebab-case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::SearchReplace => "search-replace",
            Self::DiffFenced => "diff-fenced",
            Self::ApplyPatch => "apply-patch",
        }
    }
}

impl fmt::Display for EditForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What came of the edits of a whole reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditsOutcome {
    /// They were well formed, and all of them fitted.
    Applied,
    /// They could not be read.
    Malformed,
    /// They were well formed, and not all of them fitted the files.
    Misplaced,
}

/// How the edits of one reply were asked for, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormUse {
    /// The model.
    pub model: String,
    /// The form it was asked for.
    pub asked: EditForm,
    /// The names of the forms it wrote.
    pub found: Vec<String>,
    /// What came of it.
    pub outcome: EditsOutcome,
}

/// How often a model was asked for a form, and how well it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FormTally {
    /// Replies to it.
    pub asked: u64,
    /// Of these, those whose edits could be read.
    pub well_formed: u64,
    /// Of these, those whose edits fitted the files.
    pub applied: u64,
}
