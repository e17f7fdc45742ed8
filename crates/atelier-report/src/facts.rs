//! What is known of a run, before anything is made of it.

use std::collections::BTreeMap;

use atelier_model::{
    AskLine, AttemptLine, DevPlan, Event, MicroUsd, Run, Task, TaskId, Timestamp, Used,
};

/// What is known of a run.
#[derive(Debug, Clone)]
pub struct Facts {
    /// When it was looked up.
    pub at: Timestamp,
    /// The run.
    pub run: Run,
    /// Its plan, once there is one.
    pub plan: Option<DevPlan>,
    /// Its tasks, in the order in which they were added.
    pub tasks: Vec<Task>,
    /// The tries at its tasks, in the order in which they began.
    pub attempts: Vec<AttemptLine>,
    /// Its asks, in the order in which they were made.
    pub asks: Vec<AskFact>,
    /// What it used up.
    pub used: Used,
    /// Its events of the kinds in [`Facts::KINDS`], and the ends of the checks of its newest verdict.
    pub events: Vec<Event>,
    /// Why tasks stand where they stand.
    pub reasons: BTreeMap<TaskId, String>,
    /// Paths of the documents that it wrote.
    pub documents: Vec<String>,
    /// How much it changed, where that can be told.
    pub size: Option<Size>,
    /// What is doubtful in the project, and what helps.
    pub advice: Advice,
}

impl Facts {
    /// Kinds of events a report is made of.
    pub const KINDS: [&'static str; 9] = [
        "run.estimated",
        "run.verified",
        "run.delivered",
        "sandbox.chosen",
        "acceptance.fixed",
        "tests.restored",
        "budget.refused",
        "budget.exhausted",
        "warning",
    ];
}

/// An ask, and what its answer would have cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskFact {
    /// The ask.
    pub line: AskLine,
    /// Money that the same answer would have cost, where it was kept and has a price.
    pub saved: MicroUsd,
}

/// How much a run changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Files.
    pub files: u64,
    /// Lines added.
    pub added: u64,
    /// Lines deleted.
    pub deleted: u64,
}

/// What is doubtful in the project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advice {
    /// What was looked at, such as a folder or a commit; empty where nothing was.
    pub of: String,
    /// Findings, the most severe first.
    pub findings: Vec<Finding>,
    /// Tools that looked.
    pub ran: Vec<String>,
    /// Tools that could not.
    pub silent: Vec<Silent>,
    /// Files that a forge executes the project's steps by.
    pub pipelines: Vec<Pipeline>,
}

/// One thing that is doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `critical`, `high`, `medium` or `low`.
    pub severity: String,
    /// What told it.
    pub tool: String,
    /// The tool's own name for what it is.
    pub rule: String,
    /// Where, such as `src/lib.rs:12`.
    pub place: String,
    /// What.
    pub message: String,
    /// What to do; empty if the message says it.
    pub remedy: String,
}

/// A tool that told nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// The tool.
    pub tool: String,
    /// What it would have found.
    pub finds: String,
    /// Why it did not.
    pub why: String,
    /// How to get it.
    pub remedy: String,
}

/// A file that a forge executes the project's steps by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Its path.
    pub path: String,
    /// How it stands to the steps: `missing`, `current`, `outdated`, or whose it is.
    pub state: String,
}
