//! The files of `.codex/`: who works on a project, what it is to become, what was done, what could
//! be done next.
//!
//! People and models read the same files. What people wrote in them stays as it is.

mod agent;
mod documents;
mod findings;
mod proposals;
mod roster;
mod task_log;

use atelier_model::FileTree;

pub use agent::{Agent, AgentError, Answers, Pattern};
pub use documents::{CodexState, render, roster_document};
pub use findings::{Finding, Findings, Weight};
pub use proposals::{Proposal, proposals};
pub use roster::{BUILTIN, CHAIN_MAX, Roster, RosterError};
pub use task_log::{LogEntry, TaskLogError, log_faults, log_with};

/// The folder of these files.
pub const FOLDER: &str = ".codex";
/// Who works on the project; where it stands, the other files are kept beside it.
pub const ROSTER_FILE: &str = ".codex/AGENTS.md";
/// The folder with a file for each agent.
pub const AGENTS_FOLDER: &str = ".codex/agents";
/// What the product is.
pub const PRD_FILE: &str = ".codex/PRD.md";
/// How it is built.
pub const ARCHITECTURE_FILE: &str = ".codex/ARCHITECTURE.md";
/// What could be done next.
pub const PROPOSALS_FILE: &str = ".codex/PROPOSED-TASKS.md";
/// What was done.
pub const TASK_LOG_FILE: &str = ".codex/TASK-LOG.json";

/// Whether a project keeps these files.
pub fn has_codex(files: &FileTree) -> bool {
    let path = ROSTER_FILE.parse();
    path.is_ok_and(|path| files.contains(&path))
}

#[cfg(test)]
mod tests;
