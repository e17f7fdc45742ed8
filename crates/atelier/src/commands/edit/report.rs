//! What became of a reply, for people and for programs.

use std::collections::BTreeMap;

use atelier_edit::{Applied, ApplyError, ParseEditsError, Problem, ReplyProblem};
use atelier_engine::Exit;
use atelier_model::{FileTree, TreePath};
use atelier_outline::Fault;
use serde_json::{Value, json};

use super::diff;
use crate::ui::{Tone, Ui, plain};

/// A reply that was applied, or would be.
pub(super) struct Done {
    /// The tree with all edits in it.
    pub(super) tree: FileTree,
    dry_run: bool,
    written: Vec<TreePath>,
    deleted: Vec<TreePath>,
    /// Old and new path of each file that moved.
    moved: Vec<(TreePath, TreePath)>,
    unchanged: Vec<TreePath>,
    notes: Vec<String>,
    /// Files that followed the grammar of their language before and do not any more.
    broken: Vec<(TreePath, Fault)>,
}

impl Done {
    pub(super) fn of(before: &FileTree, applied: Applied, dry_run: bool) -> Self {
        let is_from = |path: &TreePath| applied.moved.iter().any(|(from, _)| from == path);
        let is_to = |path: &TreePath| applied.moved.iter().any(|(_, to)| to == path);
        Self {
            broken: broken(before, &applied),
            written: without(applied.written, is_to),
            deleted: without(applied.deleted, is_from),
            moved: applied.moved,
            unchanged: applied.unchanged,
            notes: applied.notes,
            tree: applied.tree,
            dry_run,
        }
    }

    /// The old path of each file that moved, by its new one.
    pub(super) fn old_paths(&self) -> BTreeMap<TreePath, TreePath> {
        let moved = self.moved.iter();
        moved.map(|(from, to)| (to.clone(), from.clone())).collect()
    }

    /// Tells what was done; in a dry run, the difference it would make.
    pub(super) fn say(&self, before: &FileTree, ui: &Ui) {
        if ui.is_json() {
            ui.out(&self.json(before).to_string());
            return;
        }
        if self.dry_run {
            let text = diff::unified(before, &self.tree, &self.moved);
            if !text.is_empty() {
                ui.out_text(&text);
            }
        } else {
            self.say_files(ui);
        }
        for (path, fault) in &self.broken {
            ui.warn(&plain(&format!(
                "`{path}` does not follow its grammar any more, {fault}: {}",
                fault.text
            )));
        }
        for note in &self.notes {
            ui.status(&format!("note: {}", plain(note)));
        }
        ui.status(&self.sum());
    }

    fn say_files(&self, ui: &Ui) {
        let line = |tone, word: &str, path: &str| {
            ui.out(&format!("{} {path}", ui.ink(tone, &format!("{word:<9}"))));
        };
        for path in &self.written {
            line(Tone::Good, "written", path.as_str());
        }
        for (from, to) in &self.moved {
            line(Tone::Good, "moved", &format!("{from} -> {to}"));
        }
        for path in &self.deleted {
            line(Tone::Warning, "deleted", path.as_str());
        }
        for path in &self.unchanged {
            line(Tone::Faint, "unchanged", path.as_str());
        }
    }

    fn changes_something(&self) -> bool {
        !(self.written.is_empty() && self.deleted.is_empty() && self.moved.is_empty())
    }

    fn sum(&self) -> String {
        let (written, moved, deleted) = (self.written.len(), self.moved.len(), self.deleted.len());
        match (self.changes_something(), self.dry_run) {
            (false, _) => "nothing to change: the files are as the reply wants them".to_owned(),
            (true, true) => format!(
                "nothing was changed; it would write {written}, move {moved} and delete {deleted}"
            ),
            (true, false) => format!("wrote {written}, moved {moved}, deleted {deleted}"),
        }
    }

    fn json(&self, before: &FileTree) -> Value {
        let status = match (self.changes_something(), self.dry_run) {
            (false, _) => "unchanged",
            (true, true) => "would_apply",
            (true, false) => "applied",
        };
        let moved: Vec<_> = self
            .moved
            .iter()
            .map(|(from, to)| json!({ "from": from, "to": to }))
            .collect();
        let warnings: Vec<_> = self
            .broken
            .iter()
            .map(|(path, fault)| {
                json!({
                    "path": path, "line": fault.line, "column": fault.column, "said": fault.said,
                    "text": fault.text,
                })
            })
            .collect();
        let mut object = json!({
            "v": 1, "type": "edits", "status": status, "exit_code": Exit::Verified.code(),
            "written": self.written, "deleted": self.deleted, "moved": moved,
            "unchanged": self.unchanged, "notes": self.notes, "warnings": warnings,
        });
        if self.dry_run {
            object["diff"] = diff::unified(before, &self.tree, &self.moved).into();
        }
        object
    }
}

/// The faults of files that the edits broke.
fn broken(before: &FileTree, applied: &Applied) -> Vec<(TreePath, Fault)> {
    let mut found = Vec::new();
    for path in &applied.written {
        let moved = applied.moved.iter().find(|(_, to)| to == path);
        let old = moved.map_or(path, |(from, _)| from);
        if let Some(after) = applied.tree.text(path) {
            let faults = atelier_outline::broken(path, before.text(old), after);
            found.extend(faults.into_iter().map(|fault| (path.clone(), fault)));
        }
    }
    found
}

fn without(paths: Vec<TreePath>, left_out: impl Fn(&TreePath) -> bool) -> Vec<TreePath> {
    paths.into_iter().filter(|path| !left_out(path)).collect()
}

/// Why a reply is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("read the reply: it has more than {bytes_max} bytes")]
    TooLong { bytes_max: usize },
    #[error("read the reply: it is not UTF-8 text (byte {at})")]
    NotText { at: usize },
    #[error(transparent)]
    Parse(#[from] ParseEditsError),
    #[error("{error}")]
    Apply {
        error: ApplyError,
        /// Whether one of the edits concerns a protected file.
        protected: bool,
    },
}

impl Refusal {
    /// Tells why, and what to do; returns the exit code.
    pub(super) fn say(&self, ui: &Ui) -> u8 {
        let (text, hint) = (format!("failed to {self}"), self.hint());
        // Names and lines in it are somebody else's.
        let text: Vec<_> = text.lines().map(plain).collect();
        ui.failure(&text.join("\n"), Some(hint));
        if ui.is_json() {
            let object = json!({
                "v": 1, "type": "edits", "status": "refused", "exit_code": Exit::Failed.code(),
                "error": format!("failed to {self}"), "hint": hint, "problems": self.problems(),
            });
            ui.out(&object.to_string());
        }
        Exit::Failed as u8
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => {
                "nothing was changed; send less at once, or raise limits.reply_bytes_max with -c"
            }
            Self::NotText { .. } => "nothing was changed; save the reply as UTF-8",
            Self::Apply {
                protected: true, ..
            } => {
                "nothing was changed; give these words back to the model that wrote the reply, or \
                 allow edits of a protected file with --own GLOB"
            }
            Self::Parse(_)
            | Self::Apply {
                protected: false, ..
            } => "nothing was changed; give these words back to the model that wrote the reply",
        }
    }

    fn problems(&self) -> Vec<Value> {
        match self {
            Self::Apply { error, .. } => error.problems.iter().map(problem).collect(),
            Self::Parse(error) => error.problems.iter().map(reply_problem).collect(),
            Self::TooLong { .. } | Self::NotText { .. } => Vec::new(),
        }
    }
}

fn problem(problem: &Problem) -> Value {
    json!({
        "path": problem.path, "block": problem.block, "line": problem.line,
        "said": problem.said, "sought": problem.sought, "closest": problem.closest,
        "mend": problem.mend,
    })
}

/// A problem of the reply itself, which is known before any file is.
fn reply_problem(problem: &ReplyProblem) -> Value {
    json!({
        "path": null, "block": problem.block, "line": problem.line,
        "said": problem.fault.said(), "sought": null, "closest": null,
        "mend": problem.fault.mend(),
    })
}
