//! What a diff says about one file.

use super::{
    super::{
        Found,
        hunk::{Hunk, Mark},
        move_to,
    },
    path::{self, Name},
};
use crate::{change::Change, parse::Fault};

/// The part of a diff that is about one file.
#[derive(Debug, Default)]
pub(super) struct FileDiff {
    /// Index of the line at which it begins.
    pub(super) at: usize,
    /// The path that the lines before the diff name.
    path_before: Option<String>,
    /// Whether the reply ends before it does.
    pub(super) truncated: bool,
    /// The names in the line that git begins with.
    pair: Option<(String, String)>,
    /// The names before and after.
    names: Option<(Name, Name)>,
    renamed: (Option<String>, Option<String>),
    fate: Fate,
    /// Whether a new file is empty as far as is said.
    holds_nothing: bool,
    old_mode: Option<String>,
    new_mode: Option<String>,
}

/// What git says becomes of a file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Fate {
    /// It is changed or only renamed.
    #[default]
    Kept,
    /// It is new.
    New,
    /// It is removed.
    Deleted,
    /// It is copied to a new path.
    Copied,
    /// It is not text.
    Binary,
}

/// The name that git has for an empty content.
const EMPTY: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const REGULAR: &str = "100644";
const EXECUTABLE: &str = "100755";

/// What is wrong, and the line at which it begins.
type Refusal = (usize, Fault);

impl FileDiff {
    pub(super) fn new(at: usize) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    /// The part of a diff whose file is named before it.
    pub(super) fn named(path: Option<String>, at: usize) -> Self {
        Self {
            path_before: path,
            ..Self::new(at)
        }
    }

    pub(super) fn git(line: &str, at: usize) -> Self {
        let pair = line.strip_prefix("diff --git ").and_then(path::pair);
        Self {
            at,
            pair,

            ..Self::default()
        }
    }

    /// Takes in a line between the command and the names; `false` where it is not such a line.
    pub(super) fn header(&mut self, line: &str) -> bool {
        let value = |word: &str| line.strip_prefix(word).map(|text| text.trim().to_owned());
        if let Some(mode) = value("old mode ") {
            self.old_mode = Some(mode);
        } else if let Some(mode) = value("new mode ") {
            self.new_mode = Some(mode);
        } else if let Some(mode) = value("new file mode ") {
            self.fate = Fate::New;
            self.holds_nothing = true;
            self.new_mode = Some(mode);
        } else if let Some(mode) = value("deleted file mode ") {
            self.fate = Fate::Deleted;
            self.old_mode = Some(mode);
        } else if let Some(from) = value("rename from ") {
            self.renamed.0 = Some(path::unquoted(&from));
        } else if let Some(to) = value("rename to ") {
            self.renamed.1 = Some(path::unquoted(&to));
        } else if line.starts_with("copy from ") || line.starts_with("copy to ") {
            self.fate = Fate::Copied;
        } else if let Some(index) = value("index ") {
            let (hashes, _) = index.split_once(' ').unwrap_or((&index, ""));
            let new = hashes.split_once("..").map(|(_, new)| new);
            self.holds_nothing &= new.is_some_and(|name| EMPTY.starts_with(name));
            let mode = index.split_once(' ').map(|(_, mode)| mode.to_owned());
            self.old_mode = self.old_mode.take().or_else(|| mode.clone());
            self.new_mode = self.new_mode.take().or(mode);
        } else if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
            self.fate = Fate::Binary;
        } else {
            return ["similarity index ", "dissimilarity index "]
                .iter()
                .any(|word| line.starts_with(word));
        }
        true
    }

    /// Takes in the lines that name the file before and after.
    pub(super) fn names(&mut self, old: &str, new: &str) {
        let name = |line: &str, mark| path::named(line.strip_prefix(mark).unwrap_or(line));
        self.names = Some((name(old, "---"), name(new, "+++")));
    }

    /// Whether only the beginning of what git writes is there.
    pub(super) fn is_cut_off(&self, hunks: &[Hunk<'_>]) -> bool {
        let whole = match self.fate {
            Fate::New => self.names.is_none() && self.holds_nothing,
            Fate::Deleted | Fate::Copied | Fate::Binary => true,
            Fate::Kept => {
                let moves = self.renamed.0.is_some() && self.renamed.1.is_some();
                let told = self.old_mode.is_some() && self.new_mode.is_some();
                moves || told && self.old_mode != self.new_mode
            }
        };
        hunks.is_empty() && !whole
    }

    /// The file as it is named before the change.
    pub(super) fn path(&self) -> Result<String, Fault> {
        if let (Some(from), Some(_)) = &self.renamed {
            return Ok(from.clone());
        }
        match &self.names {
            Some((Name::File(old), Name::File(new))) => one_of(old, new),
            Some((Name::Nothing, Name::File(new))) => {
                Ok(self.alone(new, &["b/", "w/", "i/", "2/"]))
            }
            Some((Name::File(old), Name::Nothing)) => {
                Ok(self.alone(old, &["a/", "i/", "c/", "o/", "1/"]))
            }
            Some((Name::Nothing, Name::Nothing)) => Err(Fault::NoPath),
            None => match &self.pair {
                Some((old, new)) => one_of(old, new),
                None => self.path_before.clone().ok_or(Fault::NoPath),
            },
        }
    }

    /// A name where the other is that of no file.
    fn alone(&self, name: &str, letters: &[&str]) -> String {
        let pair = self
            .pair
            .as_ref()
            .map(|(old, new)| path::stripped(old, new));
        match pair {
            Some((old, new)) if old == new && name.ends_with(new) => new.to_owned(),
            _ => path::stripped_alone(name, letters).to_owned(),
        }
    }

    fn malformed<T>(&self, said: &'static str, mend: &'static str) -> Result<T, Refusal> {
        let line = self.at + 1;
        Err((self.at, Fault::Malformed { line, said, mend }))
    }

    /// What becomes of the file.
    pub(super) fn changes(&self, hunks: Vec<Hunk<'_>>) -> Result<Found, Refusal> {
        if self.fate == Fate::Binary {
            return self.malformed(
                "it is the diff of a file that is not text",
                "such files cannot be changed by a reply; leave the file out",
            );
        }
        if self.fate == Fate::Copied {
            return self.malformed(
                "it copies a file",
                "write the new file as a whole, or with a diff from /dev/null",
            );
        }
        let executable = self.executable()?;
        if self.truncated {
            let missing = "the rest of the diff";
            return Err((self.at, Fault::Truncated { missing }));
        }
        if let Some(hunk) = hunks.iter().find(|hunk| hunk.is_empty()) {
            let fault = Fault::Malformed {
                line: hunk.at + 1,
                said: "a hunk has no lines",
                mend: "write the lines to remove with `-` and the new ones with `+` below its `@@`",
            };
            return Err((self.at, fault));
        }
        let path = self.path().map_err(|fault| (self.at, fault))?;
        let names = self.names.as_ref();
        let is_new =
            self.fate == Fate::New || matches!(names, Some((Name::Nothing, Name::File(_))));
        let is_deleted =
            self.fate == Fate::Deleted || matches!(names, Some((Name::File(_), Name::Nothing)));
        let mut found = Found::default();
        if is_new {
            let change = self.creation(&hunks)?;
            found.edits.push((path.clone(), self.at, change));
        } else if is_deleted {
            let change = self.deletion(&hunks)?;
            found.edits.push((path, self.at, change));
            return Ok(found);
        } else {
            let changes = hunks.into_iter().map(|hunk| (hunk.at, hunk.change()));
            found
                .edits
                .extend(changes.map(|(at, change)| (path.clone(), at, change)));
        }
        if let Some(executable) = executable {
            let change = Change::Mode { executable };
            found.edits.push((path.clone(), self.at, change));
        }
        if let (Some(_), Some(to)) = &self.renamed {
            move_to(&mut found, &path, self.at, to);
        }
        Ok(found)
    }

    /// Whether the file may be executed from now on; `None` where nothing is said about it.
    fn executable(&self) -> Result<Option<bool>, Refusal> {
        for mode in [&self.old_mode, &self.new_mode].into_iter().flatten() {
            if mode != REGULAR && mode != EXECUTABLE {
                return self.malformed(
                    "it is about a link, another repository or a file of an unknown mode",
                    "only files with mode 100644 or 100755 can be changed",
                );
            }
        }
        let new = self.new_mode.as_deref().map(|mode| mode == EXECUTABLE);
        let told = self.fate == Fate::New || self.old_mode != self.new_mode;
        Ok(new.filter(|_| told))
    }

    fn creation(&self, hunks: &[Hunk<'_>]) -> Result<Change, Refusal> {
        if !hunks.iter().all(|hunk| hunk.is_all(Mark::Added)) {
            return self.malformed(
                "a file that is new has lines without `+`",
                "write `+` before every line of a new file",
            );
        }
        Ok(Change::Create {
            content: hunks.iter().map(Hunk::added).collect(),
        })
    }

    fn deletion(&self, hunks: &[Hunk<'_>]) -> Result<Change, Refusal> {
        if !hunks.iter().all(|hunk| hunk.is_all(Mark::Removed)) {
            return self.malformed(
                "a file that is removed has lines without `-`",
                "write *** Delete File: and its path instead",
            );
        }
        let holding = (!hunks.is_empty()).then(|| hunks.iter().map(Hunk::removed).collect());
        Ok(Change::Delete { holding })
    }
}

/// The one file that two names mean.
fn one_of(old: &str, new: &str) -> Result<String, Fault> {
    let (first, second) = path::stripped(old, new);
    let kept = [".orig", ".old", ".bak", "~"];
    if first == second
        || kept
            .iter()
            .any(|end| first.strip_suffix(end) == Some(second))
    {
        return Ok(second.to_owned());
    }
    // One of the names alone may have a letter before it.
    let letters = ["a/", "b/"];
    let (bare_old, bare_new) = (
        path::stripped_alone(old, &letters),
        path::stripped_alone(new, &letters),
    );
    if bare_old == bare_new {
        return Ok(bare_old.to_owned());
    }
    Err(Fault::TwoPaths {
        first: first.to_owned(),
        second: second.to_owned(),
    })
}
