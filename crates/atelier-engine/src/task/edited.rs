//! What the edits of a reply make of the tree of a task; pure.

use std::collections::BTreeSet;

use atelier_edit::ChangeSet;
use atelier_model::{EditsOutcome, FileTree, TreePath};

use super::Work;
use crate::protect;

impl Work<'_> {
    /// Parses and applies a reply's edits to the tree; pure.
    pub(super) fn edited(&self, reply: &str) -> Result<Edited, Refusal> {
        if self.finds() {
            return self.found(reply);
        }
        let limits = &self.ctx.limits;
        let set = atelier_edit::parse(reply, limits).map_err(|error| Refusal {
            problems: vec![error.to_string()],
            tried: Vec::new(),
            wrote: Some(Wrote::malformed()),
        })?;
        let found = forms_of(&set);
        let (set, mut tried) = protect::take_out(set, &self.task, &self.before);
        let (set, forbidden) = self.permitted(set);
        tried.extend(forbidden);
        let refused = |problems, outcome: Option<EditsOutcome>| {
            let found = found.clone();
            Refusal {
                problems,
                tried: tried.clone(),
                wrote: outcome.map(|outcome| Wrote { found, outcome }),
            }
        };
        if set.edits.is_empty() {
            let said = "no other edit is left: solve the task without them";
            return Err(refused(vec![said.to_owned()], None));
        }
        let applied = atelier_edit::apply(&set, &self.tree, limits).map_err(|error| {
            let problems = error.problems.iter().map(ToString::to_string).collect();
            refused(problems, Some(EditsOutcome::Misplaced))
        })?;
        let touched: Vec<_> = [&applied.written[..], &applied.deleted[..]].concat();
        let asked = self.asked();
        let judged = protect::judge(&self.task, &asked, &self.before, &applied.tree, &touched);
        if !judged.refused.is_empty() {
            return Err(refused(judged.refused, Some(EditsOutcome::Applied)));
        }
        Ok(Edited {
            tree: applied.tree,
            written: applied.written,
            deleted: applied.deleted,
            notes: applied.notes,
            restored: tried,
            doubtful: judged.doubtful,
            wrote: Some(Wrote {
                found,
                outcome: EditsOutcome::Applied,
            }),
        })
    }

    /// What the task was asked for, in words.
    fn asked(&self) -> String {
        let task = &self.task;
        let criteria = task.acceptance.iter().map(|one| one.text.as_str());
        let words = [
            self.run.requirement.as_str(),
            &task.title,
            &task.description,
            &task.why,
        ];
        words
            .into_iter()
            .chain(criteria)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Why a reply's edits were not applied.
pub(super) struct Refusal {
    pub(super) problems: Vec<String>,
    /// Edits to protected files, which were taken out before.
    pub(super) tried: Vec<String>,
    /// How the edits were written, where that says something about the model.
    pub(super) wrote: Option<Wrote>,
}

/// In which forms the edits of a reply were written, and what came of them.
pub(super) struct Wrote {
    pub(super) found: Vec<String>,
    pub(super) outcome: EditsOutcome,
}

impl Wrote {
    fn malformed() -> Self {
        Self {
            found: Vec::new(),
            outcome: EditsOutcome::Malformed,
        }
    }
}

/// The names of the forms in which edits are written, each once.
fn forms_of(set: &ChangeSet) -> Vec<String> {
    let names: BTreeSet<&str> = set.edits.iter().map(|edit| edit.format).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// What a reply's edits make of the tree.
pub(super) struct Edited {
    pub(super) tree: FileTree,
    pub(super) written: Vec<TreePath>,
    pub(super) deleted: Vec<TreePath>,
    pub(super) notes: Vec<String>,
    pub(super) restored: Vec<String>,
    /// What might pass checks without doing the work.
    pub(super) doubtful: Vec<String>,
    pub(super) wrote: Option<Wrote>,
}
