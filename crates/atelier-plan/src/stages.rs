//! The stages that draft and describe a project, in the order they are asked.

use atelier_model::Stage;

/// One stage: what it is asked with and what it must answer.
#[derive(Debug)]
pub struct StageEntry {
    /// The stage.
    pub stage: Stage,
    /// Name of its prompt template.
    pub template: &'static str,
    /// Name of the type its answer must be.
    pub answer: &'static str,
    /// What it does, for people.
    pub about: &'static str,
}

/// Every stage whose answer is a typed artifact.
pub const STAGES: &[StageEntry] = &[
    StageEntry {
        stage: Stage::Design,
        template: "design",
        answer: "Design",
        about: "what is built, with which technology, in which parts",
    },
    StageEntry {
        stage: Stage::Plan,
        template: "plan",
        answer: "BasicPlan",
        about: "the phases in order",
    },
    StageEntry {
        stage: Stage::Detail,
        template: "detail",
        answer: "DetailedPhase",
        about: "the numbered steps of one phase, each with its checks",
    },
    StageEntry {
        stage: Stage::Handoff,
        template: "handoff",
        answer: "Handoff",
        about: "what the next person needs",
    },
    StageEntry {
        stage: Stage::Change,
        template: "change",
        answer: "PlanChange",
        about: "what a wish changes of a plan: steps added, changed and removed",
    },
    StageEntry {
        stage: Stage::Docs,
        template: "docs",
        answer: "Prose",
        about: "prose of the documents, once the work is done",
    },
];
