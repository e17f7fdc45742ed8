//! Which files a task may not change, and what happens to edits that try.

use std::sync::LazyLock;

use atelier_edit::{Change, ChangeSet, Edit, Protection};
use atelier_model::{FileTree, Task, TreePath};
use atelier_recipe::Visible;

use crate::change::taken_back;

/// What no task changes that does not own it.
static USUAL: LazyLock<Protection> = LazyLock::new(Protection::usual);

/// Why a task may not change a path; `None` where it may.
pub(crate) fn protected(task: &Task, base: &FileTree, path: &TreePath) -> Option<String> {
    let forbidden = closest(&task.protected, path);
    let own = owned(task, path);
    // The path that says it more precisely counts: a task may own a file of a protected folder.
    if forbidden.is_some() && forbidden >= own {
        return Some("the task must not change it".to_owned());
    }
    if own.is_some() {
        return None;
    }
    if USUAL.forbids(path).is_some() {
        return Some("package managers and continuous integration rely on it".to_owned());
    }
    if !base.contains(path) {
        return None;
    }
    if atelier_recipe::is_test_path(path) {
        return Some("it is a test that stood before the task".to_owned());
    }
    if atelier_recipe::holds_expectations(path) {
        return Some("it holds what tests expect".to_owned());
    }
    atelier_recipe::decides_tests(path).then(|| "it decides which tests run".to_owned())
}

/// How precisely the task names a path as its own; `None` where it does not.
fn owned(task: &Task, path: &TreePath) -> Option<usize> {
    closest(&task.owns, path).max(closest(&task.outputs, path))
}

/// Length of the longest of the named files and folders that a path lies at or in.
fn closest(named: &[String], path: &TreePath) -> Option<usize> {
    let trimmed = named
        .iter()
        .map(|name| name.trim_start_matches("./").trim_end_matches('/'));
    trimmed
        .filter(|name| path.is_within(name))
        .map(str::len)
        .max()
}

/// Takes the edits to protected files out of a change set; the second value says what was tried.
pub(crate) fn take_out(set: ChangeSet, task: &Task, base: &FileTree) -> (ChangeSet, Vec<String>) {
    let (kept, out) = set.split(|path| protected(task, base, path).is_none());
    let said = |edit: &Edit| {
        let why = edit.paths().find_map(|path| protected(task, base, path));
        let why = why.unwrap_or_default();
        format!("{}: {} dropped: {why}", edit.path, tried(edit))
    };
    (kept, out.iter().map(said).collect())
}

fn tried(edit: &Edit) -> &'static str {
    match edit.change {
        Change::Delete { .. } => "deletion",
        Change::Move { .. } => "move",
        Change::Write { .. }
        | Change::Create { .. }
        | Change::Replace { .. }
        | Change::Mode { .. } => "change",
    }
}

/// What the changes of a task are found guilty of, or suspected of, as `path:line: what`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    /// What honest work has no use for: the changes are refused.
    pub(crate) refused: Vec<String>,
    /// What only might pass checks without doing the work: a person is told.
    pub(crate) doubtful: Vec<String>,
}

/// Newly added ways to make tests not count: a forged runner anywhere, silenced tests in files that
/// were there before, changes to what decides which tests run where the task does not own it, and
/// code that passes checks without doing the work. What a new test file skips shows in the number
/// of tests, unless it forges that number. `asked` is what the task was asked for, in words.
pub(crate) fn judge(
    task: &Task,
    asked: &str,
    before: &FileTree,
    after: &FileTree,
    touched: &[TreePath],
) -> Judged {
    let visible = visible(before, asked);
    let mut judged = Judged::default();
    for path in touched {
        let (old, new) = (before.text(path), after.text(path).unwrap_or_default());
        let mut said = Vec::new();
        if after.contains(path) {
            said.extend(atelier_recipe::forgeries(path, old, new));
            said.extend(match old {
                Some(_) => atelier_recipe::new_escapes(path, old, new),
                None => atelier_recipe::early_ends(path, new),
            });
        }
        if owned(task, path).is_none() {
            said.extend(steered(before, path, new));
        }
        let told = said.into_iter().map(|said| format!("{path}: {said}"));
        judged.refused.extend(told);
        if after.contains(path) {
            judged.take_cheats(path, old, new, &visible);
        }
    }
    judged.refused.extend(gone(task, before, after));
    judged
}

impl Judged {
    fn take_cheats(
        &mut self,
        path: &TreePath,
        old: Option<&str>,
        new: &str,
        visible: &Visible<'_>,
    ) {
        let change = atelier_recipe::Change {
            path,
            before: old,
            after: new,
        };
        for finding in atelier_recipe::cheats(&change, visible) {
            let said = format!("{path}:{}: it {}", finding.line, finding.words);
            if finding.certain {
                self.refused.push(format!("{said}: do without it"));
            } else {
                self.doubtful.push(said);
            }
        }
    }
}

/// What whoever does a task sees of the tests that stood before it.
fn visible<'a>(before: &'a FileTree, asked: &'a str) -> Visible<'a> {
    let tests = before
        .iter()
        .filter(|(path, _)| atelier_recipe::is_test_path(path))
        .filter_map(|(path, file)| Some((path, file.as_text()?)));
    Visible {
        tests: tests.collect(),
        files: before.paths().collect(),
        asked,
    }
}

/// Tests that went with files that were deleted; a file that only moved loses none.
fn gone(task: &Task, before: &FileTree, after: &FileTree) -> Option<String> {
    // What a task is there to take away goes with its tests.
    let wanted = |path: &TreePath| !taken_back(task).any(|gone| path.is_within(gone));
    let deleted = before
        .paths()
        .filter(|path| !after.contains(path) && wanted(path));
    let tests = |path: &TreePath| {
        let text = before.text(path).unwrap_or_default();
        atelier_recipe::declared_tests(path, text)
    };
    if deleted.map(tests).sum::<usize>() == 0 {
        return None;
    }
    let all = |tree: &FileTree| -> usize {
        let files = tree
            .iter()
            .filter(|(path, _)| wanted(path))
            .filter_map(|(path, file)| Some((path, file.as_text()?)));
        files
            .map(|(path, text)| atelier_recipe::declared_tests(path, text))
            .sum()
    };
    let (had, has) = (all(before), all(after));
    (has < had).then(|| {
        format!("the project has {has} tests where it had {had}: keep those of the deleted files")
    })
}

/// Changes to what decides which of the tests run that stood before the task.
fn steered(before: &FileTree, path: &TreePath, new: &str) -> Vec<String> {
    let tests = before.paths().any(atelier_recipe::is_test_path);
    let old = before.text(path);
    if old.is_none() && tests && atelier_recipe::decides_tests(path) && !helps_tests(path) {
        let said = "it decides which tests run, and the task does not own it: do without it";
        return vec![said.to_owned()];
    }
    let old = old.unwrap_or_default();
    let now = atelier_recipe::test_settings(path, new);
    let added = atelier_recipe::new_rules(path, old, new).into_iter();
    atelier_recipe::test_settings(path, old)
        .into_iter()
        .filter(|(setting, value)| now.get(setting) != Some(value))
        .map(|(setting, _)| setting)
        .chain(added.filter(|_| tests))
        .map(|setting| {
            format!(
                "`{setting}` decides which tests run, and the task does not own it: leave it as \
                 it stood"
            )
        })
        .collect()
}

/// Whether a file is code beside tests: new tests may need helpers of their own.
fn helps_tests(path: &TreePath) -> bool {
    let code = matches!(path.extension(), Some("py" | "js" | "ts" | "mjs" | "cjs"));
    code && atelier_recipe::is_test_path(path)
}

/// The tests and other protected files of a tree as they must stand while it is checked.
pub(crate) fn guarded<'a>(tree: &'a FileTree, task: Option<&Task>) -> Vec<&'a TreePath> {
    tree.paths()
        .filter(|path| {
            atelier_recipe::is_test_path(path)
                || atelier_recipe::holds_expectations(path)
                || atelier_recipe::decides_tests(path)
                || task.is_some_and(|task| closest(&task.protected, path).is_some())
        })
        .collect()
}

#[cfg(test)]
mod tests;
