//! Where a step reads and writes: patterns of paths, and what they mean from the root of a tree.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{PathError, TreePath};

/// A pattern is longer than any path by at most this factor.
const PATTERN_BYTES_MAX: usize = 1_024;
/// What makes a text a pattern instead of a path.
const MARKS: [char; 4] = ['*', '?', '[', '{'];

/// Paths as a step names them: `src/**/*.rs`, `dist/` for all of a folder, `/shared/*.json` from the
/// root of the tree instead of the step's folder, `!src/generated/**` for what is left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern(String);

/// Why a text is no pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing is left of it.
    #[error("use an empty pattern")]
    Empty,
    /// It is longer than 1,024 bytes.
    #[error("use the pattern `{0}…`: it is longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong(String),
    /// A part of it is no name in a tree.
    #[error(transparent)]
    Part(#[from] PathError),
}

/// What a pattern names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatternForm {
    /// One path: a file, or in inputs perhaps a folder.
    Path,
    /// All of a folder.
    Folder,
    /// Whatever matches: `*` stays within one part, `**` does not.
    Glob,
}

/// A pattern from the root of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RootPattern {
    /// The path or glob, without a slash before or behind it; empty for the root as a folder.
    pub text: String,
    /// What it names.
    pub form: PatternForm,
    /// Whether what it names is left out.
    pub excluded: bool,
}

impl PathPattern {
    /// Reads a pattern. Its parts must be names in a tree, except for what a glob puts there.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLong(text.chars().take(80).collect()));
        }
        let body = text.strip_prefix('!').unwrap_or(text);
        let body = body.strip_prefix('/').unwrap_or(body);
        if body.starts_with('/') {
            return Err(PathError::Absolute(text.to_owned()).into());
        }
        // It would be a separator to one reader and an escape to another.
        if body.contains('\\') {
            return Err(PathError::NotPortable(text.to_owned()).into());
        }
        let mut parts = body.split('/').filter(|part| !is_nothing(part)).peekable();
        if parts.peek().is_none() && !matches!(body, "." | "./") && text != "/" {
            return Err(PatternError::Empty);
        }
        for part in parts {
            TreePath::parse(&part.replace(MARKS, "x"))?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what it names is left out.
    pub fn is_excluded(&self) -> bool {
        self.0.starts_with('!')
    }

    /// What it means from the root of the tree, for a step that runs in `folder`.
    pub fn from_root(&self, folder: Option<&TreePath>) -> RootPattern {
        let body = self.0.strip_prefix('!').unwrap_or(&self.0);
        let (folder, body) = match body.strip_prefix('/') {
            Some(rooted) => (None, rooted),
            None => (folder, body),
        };
        let last = body.rsplit('/').next().unwrap_or_default();
        let form = if body.contains(MARKS) {
            PatternForm::Glob
        } else if is_nothing(last) {
            PatternForm::Folder
        } else {
            PatternForm::Path
        };
        let above = folder.map_or("", TreePath::as_str);
        let above = match form {
            PatternForm::Glob => literally(above),
            PatternForm::Path | PatternForm::Folder => above.to_owned(),
        };
        let parts = above
            .split('/')
            .chain(body.split('/'))
            .filter(|part| !is_nothing(part));
        let text = parts.collect::<Vec<_>>().join("/");
        RootPattern {
            text,
            form,
            excluded: self.is_excluded(),
        }
    }
}

/// A glob that names just this path, whatever its characters mean in one.
fn literally(path: &str) -> String {
    let mut glob = String::with_capacity(path.len());
    for c in path.chars() {
        if MARKS.contains(&c) || c == '}' {
            glob.extend(['[', c, ']']);
        } else {
            glob.push(c);
        }
    }
    glob
}

/// A part that says nothing: the place before, behind and between slashes, and the folder itself.
fn is_nothing(part: &str) -> bool {
    part.is_empty() || part == "."
}

impl RootPattern {
    /// All of a folder; of the whole tree if `None`.
    pub fn folder(folder: Option<&TreePath>) -> Self {
        Self {
            text: folder.map_or_else(String::new, ToString::to_string),
            form: PatternForm::Folder,
            excluded: false,
        }
    }

    /// The folder below which everything lies that the pattern names: its parts before the first
    /// that is no plain name, without the last of a path.
    pub fn base(&self) -> &str {
        let fixed = match self.form {
            PatternForm::Folder => return &self.text,
            PatternForm::Path => self.text.as_str(),
            PatternForm::Glob => {
                let mark = self.text.find(MARKS).unwrap_or(self.text.len());
                &self.text[..mark]
            }
        };
        fixed.rfind('/').map_or("", |slash| &fixed[..slash])
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RootPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = if self.form == PatternForm::Folder {
            "/"
        } else {
            ""
        };
        write!(f, "{}{behind}", self.text)
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests;
