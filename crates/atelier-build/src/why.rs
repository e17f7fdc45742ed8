//! How a step stands, without doing anything about it: what would become of it now, and why it was
//! executed the last time.

use std::sync::Arc;

use atelier_cas::Outcome;
use atelier_model::Timestamp;
use atelier_step::{Explanation, Kept, StepIndex};
use serde::{Deserialize, Serialize};

use crate::{
    CheckError, Project, Workshop, check::blocking, examine::MadeFrom, look::survey, settle::reason,
};

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyReport {
    /// Its name.
    pub step: String,
    /// What would become of it now.
    pub now: Now,
    /// Its last execution.
    pub last: Option<LastRun>,
}

/// What would become of a step now, as far as the steps before it make what they made before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Now {
    /// Its result stands.
    UpToDate {
        /// When it was made.
        since: Timestamp,
    },
    /// Its result would be brought back.
    Restored {
        /// When it was made.
        made: Timestamp,
        /// What of it does not stand.
        missing: Vec<String>,
    },
    /// It would be executed.
    Due {
        /// Why.
        why: Explanation,
    },
}

/// An execution of before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it ended.
    pub when: Timestamp,
    /// How: `passed`, `flaky` or `failed`.
    pub outcome: String,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// Why it was executed.
    pub why: Option<Explanation>,
}

/// Looks how a step stands.
pub async fn why(
    shop: &Workshop,
    project: &Arc<Project>,
    step: StepIndex,
) -> Result<WhyReport, CheckError> {
    let wanted = project.graph.closure([step]);
    let (shop, project) = (shop.clone(), Arc::clone(project));
    blocking(move || {
        let (inspector, seen) = survey(&shop, &project, &wanted, false)?;
        let name = project.graph.name(step).to_owned();
        let last = shop.workspace.cas().last(&name)?;
        let last = last.map(|last| LastRun {
            when: last.record.when,
            outcome: word(last.record.outcome).to_owned(),
            took_ms: last.record.duration_us / 1_000,
            why: last
                .descriptor
                .and_then(|bytes| serde_json::from_slice::<MadeFrom<'_>>(&bytes).ok())
                .map(|made_from| made_from.why.into_owned()),
        });
        let Some(examined) = seen.get(&step) else {
            return Err(CheckError::Lost);
        };
        let now = match &examined.record {
            Some(record) if examined.stands() => Now::UpToDate { since: record.when },
            Some(record) => Now::Restored {
                made: record.when,
                missing: examined.findings.outputs.keys().cloned().collect(),
            },
            None => {
                let mut now = examined.as_ref().clone();
                let why = reason(&inspector, &project, step, &mut now, Kept::Good)?;
                Now::Due { why }
            }
        };
        Ok(WhyReport {
            step: name,
            now,
            last,
        })
    })
    .await
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Flaky => "flaky",
        Outcome::Failed => "failed",
    }
}
