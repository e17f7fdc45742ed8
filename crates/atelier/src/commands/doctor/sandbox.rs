//! The part of `atelier doctor` that looks at the sandbox alone.

use atelier_exec::{Grade, Sandbox, helper_program, sandbox_findings};

use super::{Finding, State};
use crate::cli_error::CliError;

/// Which level of confinement works here, why another does not, and what would help.
pub(super) async fn findings() -> Result<Vec<Finding>, CliError> {
    let sandbox = Sandbox::new(helper_program().map_err(CliError::Runtime)?);
    let found = sandbox_findings(&sandbox).await;
    let told = found.into_iter().map(|one| {
        let state = match one.grade {
            Grade::Good => State::Good,
            Grade::Weak => State::Note,
            Grade::Bad => State::Problem,
        };
        Finding::new("sandbox", state, one.text, &one.remedy)
    });
    Ok(told.collect())
}
