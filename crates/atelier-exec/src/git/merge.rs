//! Two commits merged without a checkout, and the refs that keep what was tried.

use std::fmt::Write as _;

use super::{Commit, Git, GitError, LIMITS, accept, command, run, unexpected};

/// Where the trees of attempts are kept: nobody's branch, and nothing that a clone takes along.
const ATTEMPTS: &str = "refs/atelier/attempts/";
/// Files of a conflict that are shown.
const CONFLICT_FILES_MAX: usize = 20;
/// Lines of conflict that are shown, over all files.
const CONFLICT_LINES_MAX: usize = 200;
/// Refs that are removed by one call.
const REFS_AT_ONCE: usize = 1_000;

/// What came of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// The id of the merged tree.
    Clean(String),
    /// The two sides do not fit together.
    Conflict(MergeConflict),
}

/// Where two sides do not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeConflict {
    /// The files, in order.
    pub files: Vec<String>,
    /// The places in them as git writes them, with both sides; only the first ones of many.
    pub places: String,
}

/// A ref that keeps an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRef {
    /// Its whole name.
    pub name: String,
    /// The run, as the name says it.
    pub run: String,
    /// The task.
    pub task: String,
    /// The attempt's ordinal.
    pub ordinal: u32,
    /// The commit.
    pub commit: String,
}

impl Git {
    /// Merges two commits from where they part, in memory: no file, index or branch is touched, and
    /// no attribute of a tree chooses a program that merges.
    pub fn merge_trees(&self, ours: &str, theirs: &str) -> Result<Merged, GitError> {
        const MERGE: &str = "merge-tree";
        let mut asked = command();
        asked
            .arg("--git-dir")
            .arg(&self.repository)
            // A folder without attribute files, whatever the user's checkout has.
            .current_dir(self.own_folder()?)
            .env("GIT_ATTR_SOURCE", self.empty_tree()?)
            .args(["-c", "core.attributesFile=/dev/null"])
            .args(["-c", "merge.conflictStyle=merge"])
            .args([MERGE, "--write-tree", "-z", "--name-only"])
            .args(["--no-messages", "--allow-unrelated-histories", ours, theirs]);
        let output = run(&mut asked, &[], LIMITS)?;
        let conflicted = match output.status.code() {
            Some(0) => false,
            Some(1) => true,
            _ => return accept(MERGE, output).and(Err(unexpected(MERGE))),
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut parts = text.split('\0').filter(|part| !part.is_empty());
        let tree = parts.next().ok_or_else(|| unexpected(MERGE))?.trim();
        if !conflicted {
            return Ok(Merged::Clean(tree.to_owned()));
        }
        let files: Vec<String> = parts.map(str::to_owned).collect();
        Ok(Merged::Conflict(MergeConflict {
            places: self.conflict_places(tree, &files),
            files,
        }))
    }

    /// The parts of conflicted files that stand between git's marks.
    fn conflict_places(&self, tree: &str, files: &[String]) -> String {
        let mut places = String::new();
        let mut lines_left = CONFLICT_LINES_MAX;
        for file in files.iter().take(CONFLICT_FILES_MAX) {
            let name = format!("{tree}:{file}");
            // A file that one side deleted, or that is no text, has no place to show.
            let Ok(text) = self.text(&["cat-file", "blob", &name]) else {
                continue;
            };
            let found = marked(&text, &mut lines_left);
            if !found.is_empty() {
                let _ = writeln!(places, "{file}:\n{found}");
            }
        }
        places
    }

    /// Commits a tree that is in the repository already. Moves no branch.
    pub fn commit_of_tree(&self, tree: &str, commit: &Commit<'_>) -> Result<String, GitError> {
        self.commit_tree(tree, commit)
    }

    /// Keeps the commit of an attempt from being collected as garbage.
    pub fn attempt_keep(
        &self,
        run: &str,
        task: &str,
        ordinal: u32,
        commit: &str,
    ) -> Result<(), GitError> {
        let name = format!("{ATTEMPTS}{run}/{task}/{ordinal}");
        self.text(&["update-ref", "--no-deref", &name, commit])
            .map(drop)
    }

    /// The attempts that are kept.
    pub fn attempts(&self) -> Result<Vec<AttemptRef>, GitError> {
        let text = self.text(&[
            "for-each-ref",
            "--format=%(objectname) %(refname)",
            ATTEMPTS,
        ])?;
        Ok(text.lines().filter_map(attempt_ref).collect())
    }

    /// Lets go of attempts. A ref that is gone already is no error.
    pub fn attempts_forget(&self, attempts: &[AttemptRef]) -> Result<(), GitError> {
        for some in attempts.chunks(REFS_AT_ONCE) {
            let mut orders = String::new();
            for attempt in some {
                let _ = writeln!(orders, "delete {}", attempt.name);
            }
            let args = ["update-ref", "--no-deref", "--stdin"];
            accept(args[0], self.output(&args, orders.as_bytes())?)?;
        }
        Ok(())
    }
}

fn attempt_ref(line: &str) -> Option<AttemptRef> {
    let (commit, name) = line.split_once(' ')?;
    let mut parts = name.strip_prefix(ATTEMPTS)?.split('/');
    let (run, task, ordinal) = (parts.next()?, parts.next()?, parts.next()?);
    Some(AttemptRef {
        name: name.to_owned(),
        run: run.to_owned(),
        task: task.to_owned(),
        ordinal: ordinal.parse().ok()?,
        commit: commit.to_owned(),
    })
}

/// The lines from each opening mark to its closing one, as long as there are lines left to show.
/// What follows a mark names commits, which say nothing to a reader: it is left out.
fn marked(text: &str, lines_left: &mut usize) -> String {
    let mut shown = String::new();
    let mut inside = false;
    for line in text.lines() {
        let opens = line.starts_with("<<<<<<< ");
        let closes = line.starts_with(">>>>>>> ");
        inside = inside || opens;
        if inside && *lines_left > 0 {
            *lines_left -= 1;
            let said = match (opens, closes) {
                (true, _) => "<<<<<<< the trunk",
                (_, true) => ">>>>>>> this task",
                _ => line,
            };
            shown.push_str(said);
            shown.push('\n');
        }
        inside = inside && !closes;
    }
    shown
}
