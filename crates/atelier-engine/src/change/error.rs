//! Why a plan cannot be changed as asked.

use atelier_model::RunId;
use atelier_plan::{DeltaError, Problem};

/// Why a plan cannot be changed as asked.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The run has no plan yet.
    #[error("find a plan of run {0}")]
    NoPlan(RunId),
    /// Another process conducts the run at this moment.
    #[error("change run {0} while another process conducts it")]
    Conducted(RunId),
    /// The user's newest commit does not hold the run's result.
    #[error("go on from the result of run {0}: your newest commit does not hold it")]
    Elsewhere(RunId),
    /// The edited plan cannot be executed.
    #[error("use the edited plan:\n{}", list(.0))]
    Lint(Vec<Problem>),
    /// The edited plan does not follow from the one that stands.
    #[error("use the edited plan")]
    Delta(#[source] DeltaError),
}

/// Problems as lines below each other.
pub(crate) fn list(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| format!("- {}", problem.text));
    lines.collect::<Vec<_>>().join("\n")
}

impl ChangeError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NoPlan(_) => "finish planning with `atelier resume`, then change it",
            Self::Conducted(_) => {
                "stop it with `atelier pause` or Ctrl-C, change it, then `atelier resume`"
            }
            Self::Elsewhere(_) => {
                "merge the run's branch first, or begin a new run with `atelier build \"…\"`"
            }
            Self::Lint(_) | Self::Delta(_) => {
                "mend the file and import it again; the plan that stands is unchanged"
            }
        }
    }
}
