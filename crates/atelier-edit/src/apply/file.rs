//! One file while the edits of a reply are applied to it.

use atelier_model::{FileEntry, FileTree, TreePath};

use super::{
    Trouble,
    choose::{Asked, Memory},
    closest,
    quick::{self, Patch, Quick},
    splice::{self, Reading, Work},
    whole,
};
use crate::{
    change::{Change, Edit, Hints, Split},
    text::{Ending, Piece, Text, lines},
};

/// A file between its state in the tree and its state after all edits.
#[derive(Debug, Clone)]
pub(super) struct Staged<'a> {
    before: Option<&'a FileEntry>,
    now: Now<'a>,
    /// The content that an edit wrote as a whole.
    whole: Option<&'a str>,
    executable: Option<bool>,
    to: Option<&'a TreePath>,
    deleted: bool,
    edited: bool,
    /// Whether no other edit is known to concern the file.
    lone: bool,
    memory: Memory,
}

/// What a file holds.
#[derive(Debug, Clone)]
enum Now<'a> {
    /// There is no file.
    Absent,
    /// What it held before.
    Kept(&'a [u8]),
    /// What an edit wrote.
    Written(Vec<u8>),
    /// What it held before, changed at one place.
    Patched(&'a [u8], Patch),
    /// Lines, some of them changed.
    Lines(Text),
}

/// What a successful edit has to remark.
pub(super) type Notes = Vec<String>;

const DONE: &str = "it was applied before";

impl<'a> Staged<'a> {
    /// `lone` says that no other edit is known to concern the file.
    pub(super) fn of(tree: &'a FileTree, path: &TreePath, lone: bool) -> Self {
        let before = tree.get(path);
        Self {
            before,
            now: before.map_or(Now::Absent, |file| Now::Kept(&file.bytes)),
            whole: None,
            executable: None,
            to: None,
            deleted: false,
            edited: false,
            lone,
            memory: Memory::default(),
        }
    }

    /// The file after the edits; `None` where there is none.
    pub(super) fn entry(&self) -> Option<FileEntry> {
        let bytes = match &self.now {
            Now::Absent => return None,
            Now::Kept(bytes) => bytes.to_vec(),
            Now::Written(bytes) => bytes.clone(),
            Now::Patched(before, patch) => patch.bytes(before),
            Now::Lines(text) => text.bytes(),
        };
        // A new file that names its interpreter is meant to be started.
        let line = bytes.strip_prefix(b"#!").map(<[u8]>::trim_ascii_start);
        let script = line.is_some_and(|line| line.starts_with(b"/"));
        let before = self.before.map_or(script, |before| before.executable);
        let executable = self.executable.unwrap_or(before);
        Some(FileEntry { bytes, executable })
    }

    /// Whether there is a file after the edits.
    pub(super) fn exists(&self) -> bool {
        !matches!(self.now, Now::Absent)
    }

    /// Whether nothing about the file itself has changed.
    pub(super) fn is_as_before(&self) -> bool {
        let kept = match (&self.now, self.before) {
            (Now::Absent, None) | (Now::Kept(_), _) => true,
            (Now::Patched(old, patch), Some(before)) => patch.bytes(old) == before.bytes,
            (Now::Lines(text), Some(before)) => text.bytes() == before.bytes,
            (Now::Written(bytes), Some(before)) => *bytes == before.bytes,
            (Now::Absent, Some(_)) | (Now::Patched(..) | Now::Lines(_) | Now::Written(_), None) => {
                false
            }
        };
        let mode = self.before.map(|before| before.executable);
        kept && self.executable.is_none_or(|new| mode == Some(new))
    }

    /// Where the file goes.
    pub(super) fn destination(&self) -> Option<&'a TreePath> {
        self.to
    }

    /// Applies the edit with this index.
    pub(super) fn edit(
        &mut self,
        edits: &'a [Edit],
        at: usize,
        tree: &FileTree,
    ) -> Result<Notes, Trouble> {
        let edit = &edits[at];
        let notes = match &edit.change {
            Change::Write { content } => self.write(content, &edit.path),
            Change::Create { content } => self.create(content, &edit.path),
            Change::Delete { holding } => self.delete(holding.as_deref(), tree, &edit.path),
            Change::Move { to } => self.relocate(to, tree, &edit.path),
            Change::Mode { executable } => self.mode(*executable, tree, &edit.path),
            Change::Replace {
                search,
                replace,
                otherwise,
                hints,
            } => {
                self.stay()?;
                let block = Block {
                    search,
                    replace,
                    otherwise,
                    hints,
                };
                self.replace(&block, edits, at, tree)
            }
        }?;
        self.memory.did(at);
        self.edited |= matches!(
            edit.change,
            Change::Write { .. } | Change::Create { .. } | Change::Replace { .. }
        );
        Ok(notes)
    }

    /// Refuses to change a file that the reply removes.
    fn stay(&self) -> Result<(), Trouble> {
        if self.deleted {
            return Err(Trouble::new(
                "the reply removes this file and changes it as well",
                "do one or the other",
            ));
        }
        Ok(())
    }

    fn create(&mut self, content: &'a str, path: &TreePath) -> Result<Notes, Trouble> {
        if self.deleted || !self.exists() {
            return self.write(content, path);
        }
        let same =
            self.whole == Some(content) || self.text().is_some_and(|text| same(&text, content));
        if same {
            return Ok(vec![DONE.to_owned()]);
        }
        Err(Trouble::new(
            "the file exists and holds something else",
            "change it instead of adding it, or choose another path",
        ))
    }

    fn write(&mut self, content: &'a str, path: &TreePath) -> Result<Notes, Trouble> {
        if self.whole == Some(content) {
            return Ok(vec!["the same content is written twice".to_owned()]);
        }
        if self.edited {
            return Err(Trouble::new(
                "the reply writes this file as a whole and changes it elsewhere as well",
                "send the file once, as a whole, with everything in it",
            ));
        }
        let before = self.before.map(|file| file.bytes.as_slice());
        let text = before.and_then(Text::of);
        let old = text.as_ref().map(|text| text.view().join("\n"));
        whole::refuse_part(
            content,
            old.as_deref().unwrap_or_default(),
            may_have_dots(path),
        )?;
        let bytes = match &text {
            Some(text) => text.manner(content).map_err(|c| splice::lacking(text, c))?,
            None => content.as_bytes().to_vec(),
        };
        self.now = Now::Written(bytes);
        self.whole = Some(content);
        self.deleted = false;
        Ok(Notes::new())
    }

    fn delete(
        &mut self,
        holding: Option<&str>,
        tree: &FileTree,
        path: &TreePath,
    ) -> Result<Notes, Trouble> {
        if self.deleted {
            return Ok(vec!["it is removed twice".to_owned()]);
        }
        if self.edited || self.to.is_some() {
            return Err(Trouble::new(
                "the reply changes this file and removes it as well",
                "do one or the other",
            ));
        }
        if !self.exists() {
            return match closest::path(tree, path) {
                Some(other) => Err(no_file(Some(other))),
                None => Ok(vec!["the file to remove is not there".to_owned()]),
            };
        }
        if let Some(holding) = holding {
            self.agree(holding)?;
        }
        self.now = Now::Absent;
        self.deleted = true;
        Ok(Notes::new())
    }

    /// Refuses the removal of a file that is not what its author saw.
    fn agree(&self, holding: &str) -> Result<(), Trouble> {
        let text = self.text().ok_or_else(binary)?;
        let view = text.view();
        let seen: Vec<&str> = lines(holding).map(|(line, _)| line).collect();
        let same = |at: &usize| {
            let both = view.get(*at).zip(seen.get(*at));
            both.is_some_and(|(there, seen)| there.trim_end() == seen.trim_end())
        };
        let longest = view.len().max(seen.len());
        let Some(at) = (0..longest).find(|at| !same(at)) else {
            return Ok(());
        };
        let shown = |line: Option<&&str>| match line {
            Some(line) => format!("`{}`", closest::cut(line)),
            None => "nothing".to_owned(),
        };
        Err(Trouble::new(
            format!(
                "the file to remove holds something else: its line {} is {}, not {}",
                at + 1,
                shown(view.get(at)),
                shown(seen.get(at))
            ),
            "look at the file as it is, or remove it without saying what it holds",
        ))
    }

    fn relocate(
        &mut self,
        to: &'a TreePath,
        tree: &FileTree,
        path: &'a TreePath,
    ) -> Result<Notes, Trouble> {
        self.stay()?;
        if !self.exists() {
            return Err(no_file(closest::path(tree, path)));
        }
        if to == path && self.to.is_none() {
            return Ok(vec!["it is at this path already".to_owned()]);
        }
        match self.to {
            Some(other) if other == to => Ok(vec!["it is moved there twice".to_owned()]),
            // The file is called by the name that an earlier edit gave it.
            Some(other) if other != path => Err(Trouble::new(
                format!("the reply moves this file to `{other}` as well"),
                "name one new path",
            )),
            _ => {
                self.to = Some(to);
                Ok(Notes::new())
            }
        }
    }

    fn mode(
        &mut self,
        executable: bool,
        tree: &FileTree,
        path: &TreePath,
    ) -> Result<Notes, Trouble> {
        self.stay()?;
        if !self.exists() {
            return Err(no_file(closest::path(tree, path)));
        }
        let done = self.executable.is_none()
            && self
                .before
                .is_some_and(|before| before.executable == executable);
        self.executable = Some(executable);
        Ok(if done {
            vec![DONE.to_owned()]
        } else {
            Notes::new()
        })
    }

    /// Its lines, where it has any.
    fn text(&self) -> Option<Text> {
        match &self.now {
            Now::Absent => None,
            Now::Kept(bytes) => Text::of(bytes),
            Now::Written(bytes) => Text::of(bytes),
            Now::Patched(before, patch) => Text::of(before).map(|text| patch.applied(text)),
            Now::Lines(text) => Some(text.clone()),
        }
    }

    fn replace(
        &mut self,
        block: &Block<'a>,
        edits: &'a [Edit],
        at: usize,
        tree: &FileTree,
    ) -> Result<Notes, Trouble> {
        let path = &edits[at].path;
        let new = block.creation();
        if !self.exists() {
            let Some(new) = new else {
                let holding = || closest::other_file(tree, path, block.search);
                return Err(no_file(closest::path(tree, path).or_else(holding)));
            };
            whole::refuse_part(new, "", true)?;
            self.now = Now::Written(new.as_bytes().to_vec());
            return Ok(Notes::new());
        }
        if let Some(notes) = self.quickly(block, at) {
            return Ok(notes);
        }
        // The lines are taken out of the stage while they are changed.
        let mut text = match std::mem::replace(&mut self.now, Now::Absent) {
            Now::Lines(text) => text,
            other @ (Now::Absent | Now::Kept(_) | Now::Written(_) | Now::Patched(..)) => {
                self.now = other;
                self.text().ok_or_else(binary)?
            }
        };
        let done = self.splice(&mut text, block, edits, at);
        self.now = Now::Lines(text);
        done.map_err(|trouble| explained(trouble, block, tree, path))
    }

    /// Replaces lines without taking the file apart, where that comes to the same.
    fn quickly(&mut self, block: &Block<'a>, at: usize) -> Option<Notes> {
        let bytes = match self.now {
            Now::Kept(bytes) if self.lone => bytes,
            Now::Absent | Now::Kept(_) | Now::Written(_) | Now::Patched(..) | Now::Lines(_) => {
                return None;
            }
        };
        Some(match quick::work(bytes, block)? {
            Quick::Applied => vec![DONE.to_owned()],
            Quick::Put(patch) => {
                self.memory.placed(at, patch.lines());
                self.now = Now::Patched(bytes, patch);
                Notes::new()
            }
        })
    }

    #[cfg(test)]
    pub(super) fn is_quick(&self) -> bool {
        matches!(self.now, Now::Patched(..))
    }

    fn splice(
        &mut self,
        text: &mut Text,
        block: &Block<'a>,
        edits: &'a [Edit],
        at: usize,
    ) -> Result<Notes, Trouble> {
        let readings = Reading::all(block.search, block.replace, block.otherwise);
        if let Some(new) = block.creation() {
            if let Some(notes) = fill(text, new, block.hints)? {
                return Ok(notes);
            }
            if readings.is_empty() {
                return Err(nothing_to_find(block.hints));
            }
        }
        complete(text, block, &edits[at].path)?;
        let mut asked = Asked {
            edits,
            at,
            hints: block.hints,
            readings: 1 + block.otherwise.len(),
            memory: &mut self.memory,
        };
        let work = splice::work(text, readings, &mut asked, is_prose(&edits[at].path));
        let work = match work {
            Err(_) if asked.twin().is_some() => Work::Applied,
            other => other?,
        };
        Ok(match work {
            Work::Applied => vec![DONE.to_owned()],
            Work::Put(splices, notes) => {
                for splice in splices {
                    splice.put_into(text);
                }
                notes
            }
        })
    }
}

/// Refuses a block whose new lines stand for others.
fn complete(text: &Text, block: &Block<'_>, path: &TreePath) -> Result<(), Trouble> {
    let added: Vec<&str> = lines(block.replace).map(|(line, _)| line).collect();
    let known = |line: &str| {
        let same = |old: &str| old.trim() == line.trim();
        block.search.lines().any(same) || text.view().into_iter().any(same)
    };
    let Some(at) = whole::left_out(&added, known, may_have_dots(path)) else {
        return Ok(());
    };
    Err(Trouble::new(
        format!(
            "the new line `{}` stands for lines left out",
            added[at].trim()
        ),
        "write all lines that are to stand there, and leave out what stays as it is",
    ))
}

/// A trouble with what may have been meant.
fn explained(trouble: Trouble, block: &Block<'_>, tree: &FileTree, path: &TreePath) -> Trouble {
    let holding = || closest::other_file(tree, path, block.search);
    let elsewhere = || Some(format!("`{}`, where these lines stand?", holding()?));
    let closest = trouble.closest.or_else(elsewhere);
    Trouble { closest, ..trouble }
}

/// A block that replaces lines.
pub(super) struct Block<'a> {
    pub(super) search: &'a str,
    pub(super) replace: &'a str,
    pub(super) otherwise: &'a [Split],
    pub(super) hints: &'a Hints,
}

impl<'a> Block<'a> {
    /// The new content, where one way to read the block has nothing to find.
    fn creation(&self) -> Option<&'a str> {
        let others = self.otherwise.iter();
        let mut all = std::iter::once((self.search, self.replace))
            .chain(others.map(|split| (split.search.as_str(), split.replace.as_str())));
        all.find(|(search, _)| search.trim().is_empty())
            .map(|(_, replace)| replace)
    }
}

/// Puts new lines where there is nothing to find: into a file without lines, or at the end of one
/// if the author names the end. `None` where neither is the case.
fn fill(text: &mut Text, new: &str, hints: &Hints) -> Result<Option<Notes>, Trouble> {
    if text.is_blank() || same(text, new) {
        let bytes = text.manner(new).map_err(|c| splice::lacking(text, c))?;
        *text = Text::of(&bytes).ok_or_else(binary)?;
        return Ok(Some(Notes::new()));
    }
    if !hints.at_end || !hints.scopes.is_empty() {
        return Ok(None);
    }
    let view = text.view();
    let added: Vec<&str> = lines(new).map(|(line, _)| line).collect();
    if view.ends_with(&added) {
        return Ok(Some(vec![DONE.to_owned()]));
    }
    if let Some(c) = added.iter().find_map(|line| text.encoding.lacks(line)) {
        return Err(splice::lacking(text, c));
    }
    let end = view.len()..view.len();
    let pieces = added
        .iter()
        .map(|line| Piece::New((*line).to_owned()))
        .collect();
    text.put(end, pieces, Ending::Kept);
    Ok(Some(Notes::new()))
}

fn nothing_to_find(hints: &Hints) -> Trouble {
    let said = if hints.scopes.is_empty() {
        "the block has nothing to find, and the file exists"
    } else {
        "the block has nothing to find but the part of the file that it names, which does not say \
         where in it the new lines belong"
    };
    Trouble::new(
        said,
        "copy the lines beside the place where the new ones belong into the part to find, and \
         again, unchanged, into what to put there; or send the whole file",
    )
}

fn binary() -> Trouble {
    Trouble::new(
        "the file is not text that can be searched: it holds NUL bytes",
        "leave it as it is, or send the whole file",
    )
}

/// Whether a line of dots may well be part of a file.
fn may_have_dots(path: &TreePath) -> bool {
    let yaml = path
        .extension()
        .is_some_and(|extension| matches!(extension, "yml" | "yaml"));
    yaml || is_prose(path)
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
    text.manner(content)
        .is_ok_and(|bytes| bytes == text.bytes())
}

pub(super) fn no_file(closest: Option<String>) -> Trouble {
    Trouble {
        closest: closest.map(|path| format!("`{path}`?")),
        ..Trouble::new(
            "there is no such file",
            "name a file that is there, or send a new one as a whole",
        )
    }
}
