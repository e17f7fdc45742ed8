//! What each stage is told of the work.

use atelier_model::{Ask, BasicPlan, Design, DevPlan, Step, Summary};
use serde::{Deserialize, de::DeserializeOwned};

use crate::ScaffoldError;

/// Facts of the design stage.
#[derive(Debug, Deserialize)]
pub(crate) struct DesignFacts {
    pub requirement: String,
    #[serde(default)]
    pub files: Vec<String>,
}

/// Facts of the plan stage.
#[derive(Debug, Deserialize)]
pub(crate) struct PlanFacts {
    pub requirement: String,
    #[serde(default)]
    pub files: Vec<String>,
    pub design: Design,
}

/// Facts of the detail stage.
#[derive(Debug, Deserialize)]
pub(crate) struct DetailFacts {
    pub requirement: String,
    #[serde(default)]
    pub files: Vec<String>,
    pub design: Design,
    pub plan: BasicPlan,
    pub phase: u32,
}

/// Facts of the handoff stage.
#[derive(Debug, Deserialize)]
pub(crate) struct HandoffFacts {
    pub requirement: String,
    pub design: Design,
    pub plan: DevPlan,
}

/// Facts of the change stage.
#[derive(Debug, Deserialize)]
pub(crate) struct ChangeFacts {
    pub wish: String,
    #[serde(default)]
    pub files: Vec<String>,
    /// Numbers that no step may have again.
    #[serde(default)]
    pub retired: Vec<String>,
    pub plan: DevPlan,
}

/// Facts of the summary stage.
#[derive(Debug, Deserialize)]
pub(crate) struct SummaryFacts {
    /// What is summarised, such as `the requirement`.
    pub name: String,
    /// What its own words say at once: first sentences, and what must hold.
    pub extract: Summary,
}

/// Facts of the code stage.
#[derive(Debug, Deserialize)]
pub(crate) struct CodeFacts {
    pub requirement: String,
    pub design: Design,
    pub step: Step,
}

/// Facts of the docs stage.
#[derive(Debug, Deserialize)]
pub(crate) struct DocsFacts {
    pub requirement: String,
    pub design: Design,
    #[serde(default)]
    pub files: Vec<String>,
}

/// Reads an ask's facts in the form its stage has.
pub(crate) fn read<T: DeserializeOwned>(ask: &Ask) -> Result<T, ScaffoldError> {
    T::deserialize(&ask.facts).map_err(|source| ScaffoldError::Facts {
        stage: ask.stage,
        source,
    })
}
