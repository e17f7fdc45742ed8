//! `PROPOSED-TASKS.md`: what could be done next, and what of it a person ticked.

use crate::markdown::{Fences, Line};

/// Proposals that are read.
const PROPOSALS_MAX: usize = 500;
/// How the name of a task stands behind its proposal.
const TASK: &str = " (task ";

/// One line `- [ ] what could be done`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What could be done.
    pub text: String,
    /// Whether a person ticked it.
    pub ticked: bool,
    /// The task that came of it.
    pub task: Option<String>,
}

impl Proposal {
    /// Whether a person wants it, and no task has come of it as far as the file says.
    pub fn is_wanted(&self) -> bool {
        self.ticked && self.task.is_none() && !self.text.is_empty()
    }
}

/// The proposals of a text, in its order; those in code are none.
pub fn proposals(text: &str) -> Vec<Proposal> {
    let mut fences = Fences::default();
    let own = text.lines().filter(|line| fences.next(line) == Line::Text);
    own.filter_map(proposal).take(PROPOSALS_MAX).collect()
}

fn proposal(line: &str) -> Option<Proposal> {
    let item = line.trim_start();
    let item = item.strip_prefix(['-', '*', '+'])?.trim_start();
    let (box_, rest) = item.split_at_checked(3)?;
    let ticked = match box_ {
        "[ ]" => false,
        "[x]" | "[X]" => true,
        _ => return None,
    };
    let rest = rest.trim();
    let named = rest
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once(TASK));
    let (text, task) = match named {
        Some((text, task)) => (text.trim(), Some(task.to_owned())),
        None => (rest, None),
    };
    Some(Proposal {
        text: text.to_owned(),
        ticked,
        task,
    })
}

/// The text with the name of its task behind each proposal of which one came; every other byte
/// stays.
pub(super) fn marked(text: &str, tasks: &[(String, String)]) -> String {
    let mut fences = Fences::default();
    let mut out = String::with_capacity(text.len());
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end_matches(['\r', '\n']);
        let found = match fences.next(line) {
            Line::Text => proposal(line).filter(Proposal::is_wanted),
            Line::Fence | Line::Code => None,
        };
        let of_line = |proposal: Proposal| tasks.iter().find(|(text, _)| *text == proposal.text);
        match found.and_then(of_line) {
            Some((_, task)) => {
                out.push_str(line.trim_end());
                out.push_str(TASK);
                out.push_str(task);
                out.push(')');
                out.push_str(&raw[line.len()..]);
            }
            None => out.push_str(raw),
        }
    }
    out
}
