//! Folders as git stores them, read and changed entry by entry.

use std::{collections::BTreeMap, fmt::Write as _};

use super::GitError;

/// The kinds of entries.
pub(super) const FILE: u32 = 0o100_644;
pub(super) const PROGRAM: u32 = 0o100_755;
pub(super) const LINK: u32 = 0o120_000;
pub(super) const FOLDER: u32 = 0o040_000;
pub(super) const REPOSITORY: u32 = 0o160_000;

/// A folder: its entries by their names, which need not be text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Folder(pub(super) BTreeMap<Vec<u8>, Entry>);

/// What stands under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// An object of the repository.
    Stored { mode: u32, id: String },
    /// A folder in which something changes.
    Changed(Folder),
}

impl Entry {
    fn is_folder(&self) -> bool {
        match self {
            Self::Stored { mode, .. } => *mode == FOLDER,
            Self::Changed(_) => true,
        }
    }
}

impl Folder {
    /// Reads entries `mode name<NUL>digest`; ids have so many hexadecimal digits.
    pub(super) fn parse(mut content: &[u8], id_chars: usize) -> Option<Self> {
        let mut entries = BTreeMap::new();
        while !content.is_empty() {
            let end = content.iter().position(|byte| *byte == 0)?;
            let (head, rest) = (content.get(..end)?, content.get(end + 1..)?);
            let (digest, rest) = rest.split_at_checked(id_chars / 2)?;
            content = rest;
            let space = head.iter().position(|byte| *byte == b' ')?;
            let mode = std::str::from_utf8(head.get(..space)?).ok()?;
            let mode = known_mode(u32::from_str_radix(mode, 8).ok()?);
            let id = hexadecimal(digest);
            entries.insert(
                head.get(space + 1..)?.to_owned(),
                Entry::Stored { mode, id },
            );
        }
        Some(Self(entries))
    }

    /// Puts an object at a path, with the folders on the way, or removes the file that stands there.
    /// What is put takes the place of everything that cannot stand beside it.
    pub(super) fn change(
        &mut self,
        path: &str,
        file: Option<(u32, &str)>,
        read: &impl Fn(&str) -> Result<Self, GitError>,
    ) -> Result<(), GitError> {
        let Some((name, rest)) = path.split_once('/') else {
            self.change_here(path, file);
            return Ok(());
        };
        let name = name.as_bytes();
        let folder = match self.0.get(name) {
            Some(Entry::Stored { mode: FOLDER, id }) => Some(read(id)?),
            Some(Entry::Changed(_)) => None,
            Some(Entry::Stored { .. }) | None if file.is_none() => return Ok(()),
            Some(Entry::Stored { .. }) | None => Some(Self::default()),
        };
        if let Some(folder) = folder {
            self.0.insert(name.to_owned(), Entry::Changed(folder));
        }
        match self.0.get_mut(name) {
            Some(Entry::Changed(folder)) => folder.change(rest, file, read),
            Some(Entry::Stored { .. }) | None => Ok(()),
        }
    }

    fn change_here(&mut self, name: &str, file: Option<(u32, &str)>) {
        let name = name.as_bytes();
        if let Some((mode, id)) = file {
            let id = id.to_owned();
            self.0.insert(name.to_owned(), Entry::Stored { mode, id });
        } else if self.0.get(name).is_some_and(|entry| !entry.is_folder()) {
            self.0.remove(name);
        }
    }

    /// Writes the folder and every changed one below it; `None` where no file is left, as git keeps
    /// no empty folder.
    pub(super) fn write(
        &self,
        put: &impl Fn(&[u8]) -> Result<String, GitError>,
    ) -> Result<Option<String>, GitError> {
        let mut lines = Vec::new();
        for (name, entry) in &self.0 {
            let (mode, id) = match entry {
                Entry::Stored { mode, id } => (*mode, id.clone()),
                Entry::Changed(folder) => match folder.write(put)? {
                    Some(id) => (FOLDER, id),
                    None => continue,
                },
            };
            lines.extend_from_slice(format!("{mode:06o} {} {id}\t", kind(mode)).as_bytes());
            lines.extend_from_slice(name);
            lines.push(0);
        }
        if lines.is_empty() {
            return Ok(None);
        }
        put(&lines).map(Some)
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    let mut id = String::with_capacity(digest.len() * 2);
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// A mode as git writes it today: older programs kept more of a file's rights.
fn known_mode(mode: u32) -> u32 {
    match mode & 0o170_000 {
        0o100_000 if mode & 0o100 == 0 => FILE,
        0o100_000 => PROGRAM,
        LINK => LINK,
        FOLDER => FOLDER,
        _ => REPOSITORY,
    }
}

fn kind(mode: u32) -> &'static str {
    match mode {
        FOLDER => "tree",
        REPOSITORY => "commit",
        _ => "blob",
    }
}

#[cfg(test)]
mod tests;
