//! Citations: `[[path]]`, `[[path#L10]]` and `[[path#L10-L24]]`, resolved or refused.
//!
//! Behind the lines may stand the digest of their text, `[[path#L10-L24@0123abcd]]`, by which they
//! are found again where they moved.
//!
//! What stands in code spans and code blocks is no citation: `[[` is a word of many languages.
//! A backslash before `_` or `~` belongs to Markdown, not to the path.

use std::ops::{Range, RangeInclusive};

use atelier_model::{FileTree, PathError, TreePath};
use thiserror::Error;

use crate::{
    claims,
    markdown::{Fences, Line, code, code_spans},
};

/// A reference to a file, or to lines of it, that is known to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The file.
    pub path: TreePath,
    /// The lines, counted from 1; `None` for the whole file.
    pub lines: Option<RangeInclusive<usize>>,
    /// The line of the document it stands in, counted from 1.
    pub line: usize,
}

/// Why a citation does not hold. `line` is the line of the document, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CitationError {
    /// What it names is no path inside the project.
    #[error("follow the citation `{cited}` in line {line}")]
    Path {
        /// Where.
        line: usize,
        /// What stands between the brackets.
        cited: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// The file is not there.
    #[error("follow the citation `{cited}` in line {line}: there is no file `{path}`")]
    NoFile {
        /// Where.
        line: usize,
        /// What stands between the brackets.
        cited: String,
        /// The file it names.
        path: TreePath,
    },
    /// Lines are cited of a file that is no text.
    #[error("follow the citation `{cited}` in line {line}: `{path}` is not UTF-8 text")]
    NoText {
        /// Where.
        line: usize,
        /// What stands between the brackets.
        cited: String,
        /// The file it names.
        path: TreePath,
    },
    /// The file does not have those lines, or they are named backwards.
    #[error("follow the citation `{cited}` in line {line}: `{path}` has lines 1 to {has}")]
    NoLines {
        /// Where.
        line: usize,
        /// What stands between the brackets.
        cited: String,
        /// The file it names.
        path: TreePath,
        /// How many lines that file has.
        has: usize,
    },
}

/// Resolves every citation of a document, or names each one that does not hold.
pub fn resolve(text: &str, files: &FileTree) -> Result<Vec<Citation>, Vec<CitationError>> {
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    let mut fences = Fences::default();
    for (index, line) in text.lines().enumerate() {
        if fences.next(line) != Line::Text {
            continue;
        }
        let (code, _) = code_spans(line);
        for (place, cited) in brackets(line) {
            if code
                .iter()
                .any(|span| span.start < place.end && place.start < span.end)
            {
                continue;
            }
            match follow(cited, index + 1, files) {
                Ok(citation) => right.push(citation),
                Err(error) => wrong.push(error),
            }
        }
    }
    if wrong.is_empty() {
        Ok(right)
    } else {
        Err(wrong)
    }
}

/// A citation of a file, or its name as code where it cannot be cited.
pub(crate) fn cite(path: &str, files: &FileTree) -> String {
    let citation = format!("[[{}]]", unemphasised(path));
    let alone =
        matches!(brackets(&citation).as_slice(), [(place, _)] if place.len() == citation.len());
    let same = follow(path, 1, files).is_ok_and(|cited| cited.path.as_str() == path);
    if alone && same && !path.contains('`') {
        citation
    } else {
        code(path)
    }
}

/// A path whose underscores and tildes Markdown does not take for emphasis.
fn unemphasised(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    let mut before = None;
    let mut rest = path.chars().peekable();
    while let Some(c) = rest.next() {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let within = word(before) && word(rest.peek().copied());
        if (c == '_' && !within) || c == '~' {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
    out
}

/// A line of prose in which whatever does not hold as a citation is shown as it is written.
pub(crate) fn demoted(line: &str, files: &FileTree) -> String {
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    for (place, cited) in brackets(line) {
        if let Ok(citation) = follow(cited, 1, files) {
            escape_brackets(&line[at..place.start], &mut out);
            match pin(cited, &citation, files) {
                Some(pinned) => out.push_str(&pinned),
                None => out.push_str(&line[place.clone()]),
            }
            at = place.end;
        }
    }
    escape_brackets(&line[at..], &mut out);
    out
}

/// A citation of lines together with the digest of what they say now.
fn pin(cited: &str, citation: &Citation, files: &FileTree) -> Option<String> {
    let lines = citation.lines.as_ref().filter(|_| !cited.contains('@'))?;
    let text = files.text(&citation.path)?;
    let count = lines.end() - lines.start() + 1;
    let found: Vec<&str> = text.lines().skip(lines.start() - 1).take(count).collect();
    Some(format!("[[{cited}@{}]]", claims::digest_of(&found)))
}

/// Adds a text in which no two brackets open side by side: these could begin a citation, if not
/// with what follows here then with what is written beside it.
fn escape_brackets(text: &str, out: &mut String) {
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '[' && (before == Some('[') || rest.peek() == Some(&'[')) {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
}

/// What stands between double brackets on one line, with its place, brackets included.
pub(crate) fn brackets(line: &str) -> Vec<(Range<usize>, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = line[at..].find("[[").map(|offset| at + offset) {
        let inside = start + 2;
        let length = line[inside..]
            .find(['[', ']'])
            .unwrap_or(line.len() - inside);
        let end = inside + length;
        if length > 0 && line[end..].starts_with("]]") {
            found.push((start..end + 2, &line[inside..end]));
            at = end + 2;
        } else {
            at = start + 1;
        }
    }
    found
}

fn follow(cited: &str, line: usize, files: &FileTree) -> Result<Citation, CitationError> {
    let cited = cited.replace("\\_", "_").replace("\\~", "~");
    let (name, span) = match cited.rsplit_once('#') {
        Some((name, fragment)) => match lines_of(undigested(fragment)) {
            Some(span) => (name, Some(span)),
            None => (cited.as_str(), None),
        },
        None => (cited.as_str(), None),
    };
    let path = match TreePath::parse(name) {
        Ok(path) => path,
        Err(source) => {
            return Err(CitationError::Path {
                line,
                cited,
                source,
            });
        }
    };
    let Some(file) = files.get(&path) else {
        return Err(CitationError::NoFile { line, cited, path });
    };
    let Some(span) = span else {
        return Ok(Citation {
            path,
            lines: None,
            line,
        });
    };
    let Some(text) = file.as_text() else {
        return Err(CitationError::NoText { line, cited, path });
    };
    let has = text.lines().count();
    if *span.start() == 0 || span.is_empty() || *span.end() > has {
        return Err(CitationError::NoLines {
            line,
            cited,
            path,
            has,
        });
    }
    Ok(Citation {
        path,
        lines: Some(span),
        line,
    })
}

/// A fragment without the digest of its lines.
fn undigested(fragment: &str) -> &str {
    fragment
        .split_once('@')
        .map_or(fragment, |(lines, _)| lines)
}

/// The lines of a fragment such as `L10` or `L10-L24`.
pub(crate) fn lines_of(fragment: &str) -> Option<RangeInclusive<usize>> {
    let number = |text: &str| {
        let digits = text.strip_prefix('L')?;
        let plain = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        // A number too large for any file is a line no file has, not another kind of fragment.
        plain.then(|| digits.parse().unwrap_or(usize::MAX))
    };
    match fragment.split_once('-') {
        Some((first, last)) => Some(number(first)?..=number(last)?),
        None => number(fragment).map(|line| line..=line),
    }
}
