//! What a shell remembers from one command to the next.

use std::{collections::BTreeMap, rc::Rc};

use crate::command::syntax::Command;

/// Files whose contents are remembered.
const FILES_MAX: usize = 64;

/// The state of one shell.
#[derive(Debug, Clone)]
pub(in crate::command) struct Shell {
    /// Every variable with its values; a list has several.
    pub(in crate::command) variables: BTreeMap<String, Vec<String>>,
    pub(in crate::command) functions: BTreeMap<String, Rc<Command>>,
    pub(in crate::command) aliases: BTreeMap<String, String>,
    /// `$1` and so on; none where nobody knows.
    pub(in crate::command) positional: Option<Vec<String>>,
    /// Where it is; none where nobody knows.
    pub(in crate::command) folder: Option<String>,
    /// Whether it went there from the workspace by going up.
    pub(in crate::command) has_climbed: bool,
    /// What this line has written, by absolute path.
    pub(in crate::command) files: BTreeMap<String, String>,
}

impl Shell {
    pub(in crate::command) fn in_folder(folder: &str) -> Self {
        Self {
            variables: BTreeMap::new(),
            functions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            positional: None,
            folder: Some(folder.to_owned()),
            has_climbed: false,
            files: BTreeMap::new(),
        }
    }

    /// Remembers what was written to a file; what was there before may still be there too.
    pub(in crate::command) fn keep(&mut self, path: String, text: &str) {
        if self.files.len() < FILES_MAX {
            self.files.entry(path).or_default().push_str(text);
        }
    }
}
