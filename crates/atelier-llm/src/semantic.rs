//! Answers to questions that were asked before in other words: settings, and what is remembered.

pub(crate) mod said;
pub(crate) mod shelf;
pub(crate) mod slot;

use std::collections::BTreeSet;

use atelier_model::Stage;
use atelier_semantic::Bounds;

/// Where an answer may be one to a question that means the same, and how sure that must be.
#[derive(Debug, Clone, PartialEq)]
pub struct SemanticConfig {
    /// The stages of our own whose asks may be answered so. One that writes code never is.
    pub stages: BTreeSet<Stage>,
    /// Whether requests of other programs may be answered so.
    pub relayed: bool,
    /// How often answers may be wrong, and how often they are looked at.
    pub bounds: Bounds,
}

impl SemanticConfig {
    /// The share of answers that may be wrong, unless something else is configured.
    pub const ERROR_MAX: f64 = 0.005;

    /// The share of hits that is asked anyway, unless something else is configured.
    pub const CHECKED_MIN: f64 = 0.02;

    /// Whether the asks of a stage may be answered so.
    pub(crate) fn has(&self, stage: Stage) -> bool {
        !writes_code(stage) && self.stages.contains(&stage)
    }
}

impl Default for SemanticConfig {
    /// Off everywhere.
    fn default() -> Self {
        Self {
            stages: BTreeSet::new(),
            relayed: false,
            bounds: Bounds {
                error_max: Self::ERROR_MAX,
                checked_min: Self::CHECKED_MIN,
            },
        }
    }
}

/// Whether a stage writes code. Code for something similar is wrong code.
pub fn writes_code(stage: Stage) -> bool {
    match stage {
        Stage::Code => true,
        Stage::Design | Stage::Plan | Stage::Detail | Stage::Handoff | Stage::Docs => false,
    }
}
