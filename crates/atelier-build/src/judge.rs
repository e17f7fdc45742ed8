//! What a command proves: its exit code, and the tests that it counted.

use atelier_exec::{Exit, Report};
use atelier_model::{BuildStep, StepKind, TestCounts};

/// Names of failed tests that are told.
const NAMES_MAX: usize = 5;

/// Why a command that ran has failed; `None` if it ended well.
///
/// Exit code 0 proves nothing about tests: where a step is to report them, the report must say that
/// at least one ran and none failed.
pub(crate) fn failure(
    step: &BuildStep,
    report: &Report,
    tests: Option<&TestCounts>,
) -> Option<String> {
    match report.exit {
        Exit::WallTimeout => return Some(format!("not done after {} ms", report.duration_ms)),
        Exit::IdleTimeout => return Some("silent for too long".to_owned()),
        Exit::Signal(signal) => return Some(format!("ended by signal {signal}")),
        Exit::Cancelled => return Some("stopped".to_owned()),
        Exit::Code(0) => {}
        Exit::Code(code) => {
            let named = tests.map(named).unwrap_or_default();
            return Some(format!("exit code {code}{named}"));
        }
    }
    if step.kind != StepKind::Test || step.report.is_none() {
        return None;
    }
    match tests {
        None => Some("no test report was found: how many tests ran is unknown".to_owned()),
        Some(tests) if tests.failed > 0 => {
            Some(format!("{} tests failed{}", tests.failed, named(tests)))
        }
        Some(tests) if tests.executed() == 0 => Some("no test ran".to_owned()),
        Some(_) => None,
    }
}

fn named(tests: &TestCounts) -> String {
    let names: Vec<&str> = tests
        .failures
        .iter()
        .take(NAMES_MAX)
        .map(|one| one.name.as_str())
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(": {}", names.join(", "))
    }
}
