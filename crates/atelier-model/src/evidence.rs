//! Evidence: what a check printed and concluded.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Counts and names out of a test report. Executed tests are `passed + failed`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TestCounts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that did not run.
    pub skipped: u64,
    /// The failures, as far as the report names them.
    pub failures: Vec<TestFailure>,
}

impl TestCounts {
    /// Tests that ran. Saturates: the numbers come from what a program printed.
    pub fn executed(&self) -> u64 {
        self.passed.saturating_add(self.failed)
    }

    /// Adds another report's counts to these.
    pub fn add(&mut self, other: &Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
        self.failures.extend(other.failures.iter().cloned());
    }
}

/// One failed test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFailure {
    /// Its name.
    pub name: String,
    /// Where, as `path:line`, if the report says so.
    pub place: Option<String>,
    /// What it said, first lines.
    pub message: String,
}

/// What a check concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It showed what was expected.
    Passed,
    /// It ran and showed something else.
    Failed,
    /// It did not end in time.
    TimedOut,
    /// It could not be started: the tool is missing or the command is wrong.
    NotStarted,
    /// It asked for tests and none ran, or the report could not be read.
    NoTests,
    /// A person must look.
    NeedsPerson,
}

impl CheckOutcome {
    /// Whether the check counts as proof.
    pub fn passed(self) -> bool {
        self == Self::Passed
    }
}

/// One check or build step with its conclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// `build`, `test`, … for a build step, `2.3/A1` for a criterion.
    pub name: String,
    /// The command line or the question, for people.
    pub command: String,
    /// What it concluded.
    pub outcome: CheckOutcome,
    /// One line that says why it failed; empty when it passed.
    pub reason: String,
    /// Exit code, where a process ended by itself.
    pub exit: Option<i32>,
    /// Counts, where a test report was read.
    pub tests: Option<TestCounts>,
    /// Digest of the output, which is kept as a blob.
    pub output: Digest,
    /// Milliseconds it took.
    pub duration_ms: u64,
}

/// All checks of one verification, of one tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The checks in the order they ran.
    pub checks: Vec<CheckResult>,
}

impl Evidence {
    /// Whether every check passed. Nothing checked proves nothing.
    pub fn passed(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.outcome.passed())
    }

    /// Tests that ran, over all checks.
    pub fn tests_executed(&self) -> u64 {
        self.checks
            .iter()
            .filter_map(|check| check.tests.as_ref())
            .map(TestCounts::executed)
            .fold(0, u64::saturating_add)
    }

    /// The digest that a commit's trailer names. Durations are not part of it.
    pub fn digest(&self) -> Digest {
        let facts: Vec<_> = self
            .checks
            .iter()
            .map(|check| {
                (
                    &check.name,
                    &check.command,
                    check.outcome,
                    check.exit,
                    check.output,
                )
            })
            .collect();
        Digest::of_json(&facts)
    }
}

#[cfg(test)]
mod tests;
