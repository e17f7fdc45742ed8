//! Paths inside a file tree: relative, normalised, and unable to leave it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A path below the root of a tree: `/` between parts, no `.`, no `..`, not empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

/// Why a text is no path inside a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing is left after normalising.
    #[error("use an empty path")]
    Empty,
    /// It starts at the root of the machine or of a drive.
    #[error("use the absolute path `{0}`: paths are relative to the project's root")]
    Absolute(String),
    /// It climbs out of the tree.
    #[error("use the path `{0}`: it leaves the project's root")]
    Outside(String),
    /// It names git's or Atelier's own folder.
    #[error("use the path `{0}`: git's and Atelier's own folders are not a project's files")]
    Reserved(String),
    /// It has a character or a name that some system cannot hold.
    #[error("use the path `{0}`: it has a name that is not portable")]
    NotPortable(String),
    /// It is longer than 512 bytes.
    #[error("use the path `{0}…`: it is longer than 512 bytes")]
    TooLong(String),
}

const PATH_BYTES_MAX: usize = 512;
const PART_BYTES_MAX: usize = 255;
const SHOWN_CHARS_MAX: usize = 80;
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
/// Devices that carry a number after their name.
const PORTS: [&str; 2] = ["com", "lpt"];

impl TreePath {
    /// Normalises a text into a path below the root.
    ///
    /// Backslashes count as separators, `./` and doubled separators are dropped; whatever could
    /// leave the tree, or name git's or Atelier's own folder, is refused.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let shown = || shown(text);
        if text.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong(shown()));
        }
        let unified = text.replace('\\', "/");
        let drive = unified.as_bytes().get(1) == Some(&b':');
        if unified.starts_with('/') || drive {
            return Err(PathError::Absolute(shown()));
        }
        let mut parts = Vec::new();
        for part in unified
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
        {
            // A shell would take it for somebody's home.
            if parts.is_empty() && part.starts_with('~') {
                return Err(PathError::Absolute(shown()));
            }
            if part == ".." {
                return Err(PathError::Outside(shown()));
            }
            if reserved(part) {
                return Err(PathError::Reserved(shown()));
            }
            if !portable(part) {
                return Err(PathError::NotPortable(shown()));
            }
            parts.push(part);
        }
        if parts.is_empty() {
            Err(PathError::Empty)
        } else {
            Ok(Self(parts.join("/")))
        }
    }

    /// The text of the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Everything before the last part; `None` for a file at the root.
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The part of the name after its last dot, where there is one.
    pub fn extension(&self) -> Option<&str> {
        self.name().rsplit_once('.').map(|(_, extension)| extension)
    }

    /// Whether this path is `folder` or lies below it.
    pub fn is_within(&self, folder: &str) -> bool {
        let folder = folder.trim_end_matches('/');
        folder.is_empty()
            || self.0 == folder
            || self
                .0
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
    }

    /// This path below another one.
    #[must_use]
    pub fn below(&self, folder: &Self) -> Self {
        Self(format!("{}/{}", folder.0, self.0))
    }
}

/// The beginning of a text, safe to print: it may hold characters that steer a terminal.
fn shown(text: &str) -> String {
    text.chars()
        .take(SHOWN_CHARS_MAX)
        .map(|c| {
            if c.is_control() || invisible(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Git's and Atelier's folders, also under the names that some file system takes for them: in
/// other letters, with blanks or dots behind, as a short name, as a stream, or with characters
/// between that it ignores.
fn reserved(part: &str) -> bool {
    let seen: String = part.chars().filter(|c| !invisible(*c)).collect();
    let stream = seen.split(':').next().unwrap_or_default();
    let folded = stream.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    matches!(
        folded.as_str(),
        ".git" | ".atelier" | ".atelier-edit" | "git~1" | "atelie~1"
    )
}

fn portable(part: &str) -> bool {
    let strange = |c: char| {
        c.is_control() || invisible(c) || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
    };
    !device(part)
        && !part.contains(strange)
        && !part.ends_with([' ', '.'])
        && part.len() <= PART_BYTES_MAX
}

/// Names that Windows keeps for devices, whatever follows their first dot.
fn device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part);
    let stem = stem.trim_end_matches(' ').to_ascii_lowercase();
    let numbered = |port: &&str| -> bool {
        let rest = stem.strip_prefix(*port).unwrap_or_default();
        let mut digits = rest.chars();
        let digit = digits.next();
        digit.is_some_and(|c| matches!(c, '1'..='9' | '¹' | '²' | '³')) && digits.next().is_none()
    };
    DEVICES.contains(&stem.as_str()) || PORTS.iter().any(numbered)
}

/// Characters that show nothing, or turn the direction of writing: some file systems ignore them,
/// and no reader sees them.
fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TreePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for TreePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TreePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
