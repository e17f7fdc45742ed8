//! Answers to questions that were asked before in other words: settings, and what is remembered.

pub(crate) mod said;
pub(crate) mod shelf;
pub(crate) mod slot;

use std::collections::BTreeSet;

use atelier_model::{Ask, BoxFuture, Digest, MicroUsd, Stage};
use atelier_semantic::Bounds;
use tokio_util::sync::CancellationToken;

/// Where an answer may be one to a question that means the same, and how sure that must be.
#[derive(Debug, Clone, PartialEq)]
pub struct SemanticConfig {
    /// The stages of our own whose asks may be answered so. One that writes code never is.
    pub stages: BTreeSet<Stage>,
    /// Whether requests of other programs may be answered so.
    pub relayed: bool,
    /// How often answers may be wrong, and how often they are looked at.
    pub bounds: Bounds,
    /// What makes the vectors by which questions of our own are found.
    pub vectors: Vectors,
}

/// What makes vectors of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vectors {
    /// Their words: nobody is asked, and nothing is paid.
    #[default]
    Words,
    /// The model that the configuration names for vectors.
    Model,
}

/// A model that makes vectors of questions.
pub(crate) trait Embedder: Send + Sync {
    /// Its name: vectors of different models have nothing to do with each other.
    fn model(&self) -> &str;

    /// The key under which the vector of a question is kept.
    fn key(&self, question: &str) -> Digest;

    /// The vector of a question that belongs to an ask; `None` where there is none to be had.
    fn vector<'a>(
        &'a self,
        ask: &'a Ask,
        question: &'a str,
        budget: Option<MicroUsd>,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Option<Vec<f32>>>;
}

impl SemanticConfig {
    /// The share of answers that may be wrong, unless something else is configured.
    pub const ERROR_MAX: f64 = 0.005;

    /// The share of hits that is asked anyway, unless something else is configured.
    pub const CHECKED_MIN: f64 = 0.02;

    /// Whether the asks of a stage may be answered so.
    pub(crate) fn has(&self, stage: Stage) -> bool {
        !is_exact(stage) && self.stages.contains(&stage)
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
            vectors: Vectors::Words,
        }
    }
}

/// Whether a stage's answer is wrong for everything that is only similar: code for a similar task,
/// a summary of a similar text.
pub fn is_exact(stage: Stage) -> bool {
    match stage {
        Stage::Code | Stage::Summary => true,
        Stage::Design
        | Stage::Plan
        | Stage::Detail
        | Stage::Handoff
        | Stage::Change
        | Stage::Docs => false,
    }
}
