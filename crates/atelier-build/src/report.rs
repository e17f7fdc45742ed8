//! What became of a check, step by step.

use atelier_model::{Digest, SandboxLevel, StepKind, TestCounts};
use atelier_step::{Explanation, Link};
use serde::{Deserialize, Serialize};

/// How the process of a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It took too long.
    TimedOut,
    /// It printed nothing for too long.
    Silent,
    /// It was to end.
    Stopped,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its name.
    pub step: String,
    /// What it is for.
    pub kind: StepKind,
    /// What became of it: `succeeded`, `up_to_date`, `cut_off`, `restored`, `flaky`, `failed`,
    /// `not_reached`, `cancelled`.
    pub verdict: String,
    /// Why it was executed or was not, in words.
    pub why: String,
    /// The same as data, where it was executed.
    pub explanation: Option<Explanation>,
    /// Why it failed.
    pub failure: Option<String>,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// Whether it could not be executed because a program is missing.
    pub missing: bool,
    /// Exit code, where a process ended by itself.
    pub exit: Option<i32>,
    /// How its process ended, where it was executed.
    pub ended: Option<Ended>,
    /// Tests that it counted.
    pub tests: Option<TestCounts>,
    /// How tightly it was confined, where it was executed.
    pub level: Option<SandboxLevel>,
    /// What it printed, as a content of the store.
    pub log: Option<Digest>,
    /// The last lines of that, where it failed.
    pub printed: Option<String>,
    /// Milliseconds from the start of the check to its own.
    pub start_ms: u64,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// Milliseconds that were not spent, because it did not have to be executed.
    pub saved_ms: u64,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The steps in the order of their graph; only those that something had to be done for, where the
    /// others are not to be named.
    pub steps: Vec<StepReport>,
    /// Steps that nothing had to be done for and that are not named.
    pub unchanged: usize,
    /// Steps that were looked at; of all others nothing that they read or make was touched.
    pub examined: usize,
    /// Tests that the steps executed, now or when their results were made.
    pub tests: u64,
    /// Whether every step has a result that stands.
    pub passed: bool,
    /// Whether a person ended it.
    pub cancelled: bool,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// Milliseconds that were not spent.
    pub saved_ms: u64,
    /// The chain that decided how long it took.
    pub critical_path: Vec<Link>,
    /// The check in the trace event format, where it was asked for.
    #[serde(skip)]
    pub trace: serde_json::Value,
}

#[cfg(test)]
mod sample;
#[cfg(test)]
pub(crate) use sample::sample;
