//! One file while the edits of a reply are applied to it.

use std::collections::BTreeSet;

use atelier_model::{FileTree, Limits, TreePath};

use super::{Trouble, closest, splice};
use crate::{
    change::{Change, Edit},
    text::Text,
};

/// A file between its state in the tree and its state after all edits.
#[derive(Debug)]
pub(super) struct Staged {
    /// Its content; `None` where there is no file.
    text: Option<Text>,
    /// The content that an edit wrote as a whole.
    written: Option<String>,
    deleted: bool,
    edited: bool,
}

/// What a successful edit has to remark.
type Note = Option<String>;

impl Staged {
    pub(super) fn of(tree: &FileTree, path: &TreePath) -> Self {
        Self {
            text: tree.get(path).map(|file| Text::of(&file.bytes)),
            written: None,
            deleted: false,
            edited: false,
        }
    }

    /// The content after the edits; `None` where there is no file.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        self.text.as_ref().map(Text::bytes)
    }

    /// Whether there is a file after the edits.
    pub(super) fn exists(&self) -> bool {
        self.text.is_some()
    }

    pub(super) fn edit(
        &mut self,
        edit: &Edit,
        tree: &FileTree,
        limits: &Limits,
    ) -> Result<Note, Trouble> {
        if self.deleted {
            return Err(Trouble::new(
                "the reply removes this file and changes it as well",
                "do one or the other",
            ));
        }
        let note = match &edit.change {
            Change::Write { content } => self.write(content, tree, &edit.path),
            Change::Create { content } => match &self.text {
                Some(text) if !same(text, content) => Err(Trouble::new(
                    "the file exists and holds something else",
                    "change it instead of adding it, or choose another path",
                )),
                Some(_) => Ok(Some("it was applied before".to_owned())),
                None => self.write(content, tree, &edit.path),
            },
            Change::Delete { .. } => self.delete(tree, &edit.path),
            Change::Move { .. } | Change::Mode { .. } => Err(Trouble::new(
                "files cannot be moved",
                "write the file at its new path and remove the old one",
            )),
            Change::Replace {
                search, replace, ..
            } if search.trim().is_empty() && self.text.is_none() => {
                self.text = Some(Text::of(replace.as_bytes()));
                Ok(None)
            }
            Change::Replace {
                search,
                replace,
                otherwise,
                ..
            } => {
                let mut splits = vec![(search.as_str(), replace.as_str())];
                splits.extend(
                    otherwise
                        .iter()
                        .map(|s| (s.search.as_str(), s.replace.as_str())),
                );
                self.replace(&splits, tree, &edit.path)
            }
        }?;
        let bytes_max = limits.file_bytes_max;
        if self.bytes().is_some_and(|bytes| bytes.len() > bytes_max) {
            return Err(Trouble::new(
                format!("the file would have more than {bytes_max} bytes"),
                "divide it into smaller files",
            ));
        }
        self.edited = true;
        Ok(note)
    }

    fn write(&mut self, content: &str, tree: &FileTree, path: &TreePath) -> Result<Note, Trouble> {
        if self.written.as_deref() == Some(content) {
            return Ok(Some("the same content is written twice".to_owned()));
        }
        if self.edited {
            return Err(Trouble::new(
                "the reply writes this file as a whole and changes it elsewhere as well",
                "send the file once, as a whole, with everything in it",
            ));
        }
        let before = tree.text(path).unwrap_or_default();
        if let Some((number, line)) = left_out(content, before) {
            return Err(Trouble::new(
                format!("line {number} of the content, `{line}`, stands for lines left out"),
                "send the file complete, or change it with SEARCH/REPLACE blocks",
            ));
        }
        if is_excerpt(content, before) {
            return Err(Trouble::new(
                "the content looks like an excerpt of the file rather than all of it",
                "send the file complete, or change it with SEARCH/REPLACE blocks",
            ));
        }
        let bytes = match &self.text {
            Some(text) => text.manner(content),
            None => content.as_bytes().to_vec(),
        };
        self.text = Some(Text::of(&bytes));
        self.written = Some(content.to_owned());
        Ok(None)
    }

    fn delete(&mut self, tree: &FileTree, path: &TreePath) -> Result<Note, Trouble> {
        if self.edited {
            return Err(Trouble::new(
                "the reply changes this file and removes it as well",
                "do one or the other",
            ));
        }
        let note = match &self.text {
            Some(_) => None,
            None => match closest::path(tree, path) {
                Some(other) => return Err(no_file(Some(other))),
                None => Some("the file to remove is not there".to_owned()),
            },
        };
        self.text = None;
        self.deleted = true;
        Ok(note)
    }

    fn replace(
        &mut self,
        splits: &[(&str, &str)],
        tree: &FileTree,
        path: &TreePath,
    ) -> Result<Note, Trouble> {
        let Some(text) = &mut self.text else {
            let holding = || closest::other_file(tree, path, splits.first()?.0);
            return Err(no_file(closest::path(tree, path).or_else(holding)));
        };
        let blank = text
            .lines
            .iter()
            .all(|line| line.bytes.trim_ascii().is_empty());
        match splits.iter().find(|(search, _)| search.trim().is_empty()) {
            Some((_, replace)) if blank || same(text, replace) => {
                *text = Text::of(&text.manner(replace));
                return Ok(None);
            }
            Some(_) if splits.len() == 1 => {
                return Err(Trouble::new(
                    "the block has nothing to find, and the file exists",
                    "copy the lines beside the place where the new ones belong into the SEARCH \
                     part, or send the whole file",
                ));
            }
            _ => {}
        }
        splice::replace(text, splits, is_prose(path)).map_err(|trouble| {
            let holding = || closest::other_file(tree, path, splits.first()?.0);
            let elsewhere = || Some(format!("`{}`, where these lines stand?", holding()?));
            Trouble {
                closest: trouble.closest.or_else(elsewhere),
                ..trouble
            }
        })
    }
}

/// Whether a file's headings may be underlined with `=`.
fn is_prose(path: &TreePath) -> bool {
    let extension = path.extension().map(str::to_ascii_lowercase);
    let known = [
        "md", "markdown", "rst", "txt", "adoc", "asciidoc", "org", "tex",
    ];
    extension.is_none_or(|extension| known.contains(&extension.as_str()))
}

fn same(text: &Text, content: &str) -> bool {
    text.bytes() == text.manner(content)
}

fn no_file(closest: Option<String>) -> Trouble {
    Trouble {
        said: "there is no such file".to_owned(),
        closest: closest.map(|path| format!("`{path}`?")),
        mend: "name a file that is there, or send a new one as a whole",
    }
}

/// Lines that a file has at least before a part of it can be told from a new version.
const EXCERPT_OF_LINES_MIN: usize = 20;

/// Whether a content is some lines of a file, perhaps changed a little, that begin in its middle.
fn is_excerpt(content: &str, before: &str) -> bool {
    let old: BTreeSet<&str> = full_lines(before).collect();
    let (new, size) = (full_lines(content).count(), full_lines(before).count());
    let known = full_lines(content)
        .filter(|line| old.contains(line))
        .count();
    size >= EXCERPT_OF_LINES_MIN
        && new * 2 < size
        && known * 5 >= new * 4
        && full_lines(content).next() != full_lines(before).next()
}

fn full_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Words that, beside an ellipsis in a comment, say that lines were left out.
const LEFT_OUT: [&str; 12] = [
    "existing",
    "rest of",
    "remaining",
    "unchanged",
    "same as",
    "as before",
    "previous code",
    "other code",
    "omitted",
    "code here",
    "stays the same",
    "remains the same",
];
const COMMENTS: [&str; 8] = ["//", "#", "--", "/*", "<!--", "{/*", ";", "%"];
const LEFT_OUT_BYTES_MAX: usize = 120;

/// The first line of a content that stands for lines left out, unless the file had it before.
fn left_out<'a>(content: &'a str, before: &str) -> Option<(usize, &'a str)> {
    let stands = |line: &str| {
        let line = line.trim();
        let dots = line.contains("...") || line.contains('…');
        let comment = COMMENTS.iter().any(|mark| line.starts_with(mark));
        let lower = line.to_ascii_lowercase();
        let bare = matches!(
            line,
            "// ..." | "# ..." | "/* ... */" | "<!-- ... -->" | "-- ..."
        );
        dots && comment
            && line.len() <= LEFT_OUT_BYTES_MAX
            && (bare || LEFT_OUT.iter().any(|words| lower.contains(words)))
    };
    content
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .find(|(_, line)| stands(line) && !before.lines().any(|other| other.trim() == *line))
}
