//! What can be wrong with a reply, worded for the model that wrote it.

use std::fmt;

use atelier_model::PathError;

/// Why a reply could not be turned into edits: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseEditsError {
    /// The problems in the order of the reply; at least one.
    pub problems: Vec<ReplyProblem>,
}

/// One thing that is wrong with a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyProblem {
    /// Which edit of the reply it concerns, from 1.
    pub block: usize,
    /// The line of the reply it begins at, from 1.
    pub line: usize,
    /// The file as the reply writes it, where it does.
    pub path: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a reply or one of its edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is nothing in the reply that changes a file.
    NoEdits {
        /// Fenced blocks that name no file.
        fences: usize,
    },
    /// The reply is too long to be read.
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// The reply has too many edits.
    TooManyEdits {
        /// The limit.
        edits_max: usize,
    },
    /// The reply has so many problems that the rest of it was not read.
    TooManyProblems,
    /// The reply ends before an edit does.
    Truncated {
        /// What would end it.
        missing: &'static str,
    },
    /// A path cannot be used.
    BadPath {
        /// Why not.
        reason: PathError,
    },
    /// An edit does not say which file it changes.
    NoPath,
    /// An edit names two files.
    TwoPaths {
        /// One path.
        first: String,
        /// The other.
        second: String,
    },
    /// It is not certain where a fenced file ends.
    DoubtfulFence,
    /// A fence holds both a file's content and an edit.
    Mixed {
        /// The edit that stands in it.
        form: &'static str,
    },
    /// An edit is not written as its form has to be.
    Malformed {
        /// The line of the reply at which it goes wrong, from 1.
        line: usize,
        /// What is wrong.
        said: &'static str,
        /// What to do about it.
        mend: &'static str,
    },
}

impl Fault {
    /// Whether the fault is one of the reply rather than of one of its edits.
    fn is_of_reply(&self) -> bool {
        matches!(
            self,
            Self::NoEdits { .. }
                | Self::TooLong { .. }
                | Self::TooManyEdits { .. }
                | Self::TooManyProblems
        )
    }

    /// What is wrong.
    pub fn said(&self) -> String {
        match self {
            Self::NoEdits { fences: 0 } => "the reply has no edit".to_owned(),
            Self::NoEdits { fences: 1 } => {
                "the reply has no edit: its one fenced block names no file".to_owned()
            }
            Self::NoEdits { fences } => {
                format!("the reply has no edit: its {fences} fenced blocks name no file")
            }
            Self::TooLong { bytes_max } => format!("the reply has more than {bytes_max} bytes"),
            Self::TooManyEdits { edits_max } => {
                format!("the reply has more than {edits_max} edits")
            }
            Self::TooManyProblems => {
                "there are so many problems that the rest of the reply was not read".to_owned()
            }
            Self::Truncated { missing } => {
                format!("the edit has no end: {missing} is missing, so the reply may be cut off")
            }
            Self::BadPath { reason } => {
                let reason = reason.to_string();
                let reason = reason.strip_prefix("use ").unwrap_or(&reason);
                format!("it cannot use {reason}")
            }
            Self::NoPath => "it does not say which file it changes".to_owned(),
            Self::TwoPaths { first, second } => {
                format!("it names two files, `{first}` and `{second}`")
            }
            Self::DoubtfulFence => "it cannot be told where the file ends: its content has fences \
                                    as long as the one around it"
                .to_owned(),
            Self::Mixed { form } => format!("it is a whole file that contains {form}"),
            Self::Malformed { line, said, .. } => format!("{said} (line {line})"),
        }
    }

    /// What to do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::NoEdits { .. } => {
                "write the path of each file in the line before its fence, such as ### File: \
                 `src/app.py`"
            }
            Self::TooLong { .. } => "answer more briefly",
            Self::TooManyEdits { .. } => "answer with fewer, larger edits",
            Self::TooManyProblems => "mend these and send all edits again",
            Self::Truncated { .. } => "send every edit complete",
            Self::BadPath { .. } => "name files relative to the project's root",
            Self::NoPath => "write the path of the file in the line before the edit",
            Self::TwoPaths { .. } => "name one",
            Self::DoubtfulFence => "use a longer fence around the file, of four backticks",
            Self::Mixed { .. } => {
                "send either, or use a fence of four backticks if the markers belong to the file"
            }
            Self::Malformed { mend, .. } => mend,
        }
    }
}

impl fmt::Display for ReplyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (said, mend) = (self.fault.said(), self.fault.mend());
        if self.fault.is_of_reply() {
            write!(f, "{said}.\nTo mend it: {mend}.")
        } else {
            let Self { block, line, .. } = self;
            write!(f, "Edit {block} (line {line} of the reply)")?;
            if let Some(path) = &self.path {
                write!(f, ", `{path}`")?;
            }
            write!(f, ": {said}.\nTo mend it: {mend}.")
        }
    }
}

impl fmt::Display for ParseEditsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [only] if only.fault.is_of_reply() => {
                let (said, mend) = (only.fault.said(), only.fault.mend());
                let said = said.strip_prefix("the reply has no edit").unwrap_or(&said);
                let colon = if said.is_empty() || said.starts_with(':') {
                    ""
                } else {
                    ": "
                };
                write!(f, "find an edit in the reply{colon}{said}; {mend}")
            }
            problems => {
                write!(f, "read the edits of the reply; none of them was applied:")?;
                problems
                    .iter()
                    .try_for_each(|problem| write!(f, "\n\n{problem}"))
            }
        }
    }
}

impl std::error::Error for ParseEditsError {}
