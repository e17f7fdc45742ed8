//! From a state to every document, merged with the files that are there.

use std::fmt;

use atelier_model::{FileTree, PathError, TreePath};
use thiserror::Error;

use crate::{
    DOCUMENTS, Draft, ProjectState, Section,
    managed::{MergeError, merge},
};

/// One document as it must stand in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Where it stands.
    pub path: TreePath,
    /// Name of its kind, such as `progress`.
    pub kind: &'static str,
    /// Its title.
    pub title: String,
    /// What a reader finds in it, in one line.
    pub about: String,
    /// The whole text, with what people wrote.
    pub text: String,
}

/// Why documents could not be rendered: every problem of every document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct RenderDocumentsError {
    /// The problems; never empty.
    pub problems: Vec<DocumentProblem>,
}

impl fmt::Display for RenderDocumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write the documents")?;
        for DocumentProblem { path, error } in &self.problems {
            write!(f, "\n  {path}: failed to {error}")?;
        }
        Ok(())
    }
}

/// What is wrong with one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentProblem {
    /// Where the document stands or was to stand.
    pub path: String,
    /// Why it cannot be written.
    pub error: DocumentError,
}

/// Why one document cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// Its path is none.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The file at its path is no text.
    #[error("read the file: it is not UTF-8 text; rename it, or convert it")]
    NotText,
    /// A file stands where a folder must be, or the other way round.
    #[error("use the path: `{by}` is in the way; rename it")]
    InTheWay {
        /// What stands there.
        by: TreePath,
    },
    /// The markers in the file at its path are damaged.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// Renders every document of [`DOCUMENTS`] for a state, merged with the files of the state.
///
/// Rendering again with these documents in the tree gives the same documents.
pub fn render(state: &ProjectState<'_>) -> Result<Vec<Rendered>, RenderDocumentsError> {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for kind in DOCUMENTS {
        for draft in kind.drafts(state, &documents) {
            let path = draft.path.clone();
            match finish(kind.kind(), draft, state.files) {
                Ok(document) => documents.push(document),
                Err(error) => problems.push(DocumentProblem { path, error }),
            }
        }
    }
    if problems.is_empty() {
        Ok(documents)
    } else {
        Err(RenderDocumentsError { problems })
    }
}

/// Merges a draft of this kind with the file that is there.
pub(crate) fn finish(
    kind: &'static str,
    draft: Draft,
    files: &FileTree,
) -> Result<Rendered, DocumentError> {
    let path = place(&draft.path, files)?;
    let existing = match files.get(&path) {
        Some(file) => file.as_text().ok_or(DocumentError::NotText)?,
        None => "",
    };
    let fresh = format!("# {}\n\n{NOTE}\n", draft.title);
    let base = if existing.is_empty() {
        &fresh
    } else {
        existing
    };
    let sections: Vec<(&str, &str)> = draft
        .sections
        .iter()
        .filter(|section| !section.text.trim().is_empty())
        .map(|Section { id, text }| (id.as_str(), text.as_str()))
        .collect();
    let text = merge(Some(base), &sections)?;
    Ok(Rendered {
        path,
        kind,
        title: draft.title,
        about: draft.about,
        text,
    })
}

/// Stands once at the top of every document that starts with us.
const NOTE: &str = "<!-- Text between two atelier markers is rewritten after every task; \
                    whatever stands outside them is kept. -->";

/// The path of a document: that of a file which differs in case only, where there is one.
pub(crate) fn place(wanted: &str, files: &FileTree) -> Result<TreePath, DocumentError> {
    let path = TreePath::parse(wanted)?;
    if files.contains(&path) {
        return Ok(path);
    }
    let same = |other: &&TreePath| other.as_str().eq_ignore_ascii_case(path.as_str());
    if let Some(other) = files.paths().find(same) {
        return Ok(other.clone());
    }
    let blocks =
        |other: &&TreePath| other.is_within(path.as_str()) || path.is_within(other.as_str());
    match files.paths().find(blocks) {
        Some(by) => Err(DocumentError::InTheWay { by: by.clone() }),
        None => Ok(path),
    }
}
