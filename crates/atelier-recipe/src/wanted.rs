//! Versions: what a project's version files want of a program, and whether an installed one is that.

use atelier_model::{FileTree, TreePath};

use crate::ci::table;

/// Parts of a version that count: the major, the minor and the patch.
const PARTS: usize = 3;

/// A version that a file of the project wants of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedVersion {
    /// The program.
    pub program: String,
    /// The arguments with which it prints its own.
    pub args: Vec<String>,
    /// A version or a range, as the file has it.
    pub version: String,
    /// The file.
    pub file: TreePath,
}

/// What the version files of a folder want, or else those at the root of the tree: `.nvmrc`,
/// `.python-version`, `.tool-versions`, `go.mod` and their like, for programs whose version can be
/// asked for. Of each program the first file that says something counts.
pub fn wanted_versions(tree: &FileTree, folder: Option<&TreePath>) -> Vec<WantedVersion> {
    table().wanted(tree, folder)
}

impl WantedVersion {
    /// Whether a program that prints this is another version than the wanted one.
    ///
    /// A form that is not understood, such as a release by its name, contradicts nothing.
    pub fn contradicts(&self, printed: &str) -> bool {
        let Some(found) = first_version(printed) else {
            return false;
        };
        let mut ways = self.version.split("||").map(|way| way_holds(way, &found));
        ways.all(|holds| holds == Some(false))
    }
}

/// Up to three numbers with dots between.
type Version = Vec<u64>;

/// The version a program prints: the first number, with what follows it.
fn first_version(printed: &str) -> Option<Version> {
    let at = printed.find(|letter: char| letter.is_ascii_digit())?;
    Some(version(&printed[at..])?.0)
}

/// The version at the start of a text, and what follows it.
fn version(text: &str) -> Option<(Version, &str)> {
    let mut parts = Version::new();
    let mut rest = text;
    loop {
        let end = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(rest.len());
        parts.push(rest[..end].parse().ok()?);
        let after = &rest[end..];
        let next = after.strip_prefix('.').filter(|next| {
            parts.len() < PARTS && next.starts_with(|letter: char| letter.is_ascii_digit())
        });
        match next {
            Some(next) => rest = next,
            None => return Some((parts, after)),
        }
    }
}

/// Whether a version is in a range of conditions that must all hold; `None` where one is of a form
/// that is not known.
fn way_holds(way: &str, found: &Version) -> Option<bool> {
    let mut rest = way.trim();
    if rest.is_empty() {
        return None;
    }
    let mut holds = true;
    while !rest.is_empty() {
        let start = rest.find(|letter: char| letter.is_ascii_digit())?;
        let operator = rest[..start].trim().trim_end_matches(['v', 'V']).trim_end();
        let (wanted, after) = version(&rest[start..])?;
        let after = after.trim_start_matches(|letter: char| {
            letter.is_ascii_alphanumeric() || "+-.*".contains(letter)
        });
        holds &= condition_holds(operator, &wanted, found)?;
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    Some(holds)
}

fn condition_holds(operator: &str, wanted: &Version, found: &Version) -> Option<bool> {
    let same = |parts: usize| {
        let parts = parts.min(wanted.len());
        let of = |version: &Version, at| version.get(at).copied().unwrap_or(0);
        (0..parts).all(|at| of(found, at) == of(wanted, at))
    };
    let filled = |version: &Version| {
        let mut filled = version.clone();
        filled.resize(PARTS, 0);
        filled
    };
    let least = filled(found) >= filled(wanted);
    match operator {
        "" | "=" | "==" | "===" => Some(same(PARTS)),
        ">=" | "go" => Some(least),
        ">" => Some(least && !same(PARTS)),
        "<" => Some(!least),
        "<=" => Some(!least || same(PARTS)),
        "!=" => Some(!same(PARTS)),
        // What may still change below the first part that is not nothing.
        "^" => Some(least && same(wanted.iter().take_while(|part| **part == 0).count() + 1)),
        "~" => Some(least && same(2)),
        // The last part that is written may grow.
        "~=" | "~>" => Some(least && same(wanted.len().saturating_sub(1).max(1))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
