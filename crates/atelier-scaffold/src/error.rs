//! Why the scaffolder has no answer.

use atelier_model::Stage;

/// Why the scaffolder has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The requirement has no word that says what to build.
    #[error("find anything to build in the requirement: say what the project is for")]
    NothingToBuild,
    /// The requirement asks for a language, or a kind of project in a language, that no pack is for.
    #[error(
        "lay out {0}: without a model there are skeletons in Rust, Python, JavaScript and Go, and in \
         C for libraries and the command line; connect a model to build it"
    )]
    NoPack(String),
    /// The task is more than laying out a skeleton.
    #[error(
        "do step {number} (`{title}`) without a model: connect one to build more than a skeleton"
    )]
    NeedsModel {
        /// Number of the step.
        number: String,
        /// Title of the step.
        title: String,
    },
    /// The plan has no phase of that number that the scaffolder could take apart.
    #[error("take phase {0} apart: the scaffolder did not plan it")]
    UnknownPhase(u32),
    /// The ask's facts do not have the form of its stage.
    #[error("read the facts of the {stage} stage")]
    Facts {
        /// The stage.
        stage: Stage,
        /// What is wrong with them.
        #[source]
        source: serde_json::Error,
    },
    /// The answer could not be written as JSON.
    #[error("write the answer as JSON")]
    Write(#[source] serde_json::Error),
}
