//! The forms in which a reply may write edits.

mod deletion;
mod fence;
mod search_replace;
mod whole_file;

use crate::{
    change::Change,
    parse::{ParseEditsError, Scan},
};

pub(crate) use fence::Fence;

/// Every form, in the order in which a line of a reply is tried with them.
pub const FORMATS: &[&dyn EditFormat] = &[
    &search_replace::SearchReplace,
    &deletion::Deletion,
    &whole_file::WholeFile,
];

/// One form in which a reply may write edits.
pub trait EditFormat: Sync {
    /// Its name, in kebab-case.
    fn name(&self) -> &'static str;

    /// Reads what begins at a line of a reply; `None` where this form does not begin there.
    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, ParseEditsError>;
}

/// What a form found.
#[derive(Debug)]
pub struct Found {
    /// The edits: path as written, index of the line they begin at, change.
    pub(crate) edits: Vec<(String, usize, Change)>,
    /// Index of the line after them.
    pub(crate) end: usize,
    /// A fence that was opened and that holds further edits.
    pub(crate) opened: Option<Fence>,
}
