//! Ways to pass checks without doing the work, found in what a change adds.
//!
//! What is certain is refused; what only might be one is told to a person. A way is searched for in
//! code alone: comments and texts that document are left out.

mod caught;
mod code;
mod equal;
mod hollow;
mod leak;
mod reads;
mod rules;
mod weaker;

use atelier_model::TreePath;

use self::code::Code;
use crate::is_test_path;

/// One file as a change makes it.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Where it stands.
    pub path: &'a TreePath,
    /// Its text before the change; `None` if it is new.
    pub before: Option<&'a str>,
    /// Its text after it.
    pub after: &'a str,
}

/// What whoever wrote the change could see of how it is judged.
#[derive(Debug, Clone, Default)]
pub struct Visible<'a> {
    /// Tests, with their texts.
    pub tests: Vec<(&'a TreePath, &'a str)>,
    /// All files of the tree.
    pub files: Vec<&'a TreePath>,
    /// What was asked for, in words: what is named there is no secret of the tests.
    pub asked: &'a str,
}

/// One place that passes checks, or may pass them, without doing the work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Its line, counted from 1.
    pub line: usize,
    /// What it does, as words that follow the place.
    pub words: String,
    /// Whether honest work has no use for it.
    pub certain: bool,
}

impl Finding {
    fn certain(line: usize, words: impl Into<String>) -> Self {
        Self {
            line,
            words: words.into(),
            certain: true,
        }
    }

    fn doubtful(line: usize, words: impl Into<String>) -> Self {
        Self {
            certain: false,
            ..Self::certain(line, words)
        }
    }
}

/// What a change to one file adds of ways to pass checks without doing the work, by their lines.
pub fn cheats(change: &Change<'_>, visible: &Visible<'_>) -> Vec<Finding> {
    let mut found = reads::files(change);
    found.extend(leak::in_data(change, visible));
    if let Some(after) = Code::of(change.path, change.after) {
        let before = change.before.and_then(|text| Code::of(change.path, text));
        let in_tests = is_test_path(change.path);
        let pair = Pair {
            before: before.as_ref(),
            after: &after,
            in_tests,
        };
        found.extend(rules::found(&pair));
        found.extend(equal::found(&pair));
        if in_tests {
            found.extend(caught::found(&pair));
            found.extend(hollow::found(&pair));
            found.extend(weaker::found(&pair));
        } else {
            found.extend(reads::found(&pair, change.path, visible));
            found.extend(leak::found(&pair, visible));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The code of one file before and after a change.
struct Pair<'a> {
    before: Option<&'a Code>,
    after: &'a Code,
    in_tests: bool,
}

impl Pair<'_> {
    fn before_text(&self) -> &str {
        self.before.map_or("", |code| code.text.as_str())
    }

    /// Those of some places in the new code whose text did not stand in the old as often.
    fn new_only(
        &self,
        places: impl Fn(&str) -> Vec<(usize, String)>,
    ) -> impl Iterator<Item = (usize, String)> {
        let mut known: Vec<String> = places(self.before_text())
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        let after = places(&self.after.text);
        let new = after.into_iter().filter(move |(_, text)| {
            let at = known.iter().position(|one| one == text);
            at.map(|at| known.swap_remove(at)).is_none()
        });
        new.collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests;
