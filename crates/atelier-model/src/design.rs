//! The design: what the first stage makes of a requirement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What will be built, with which technology, in which parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Design {
    /// Name of the project in kebab-case.
    pub name: String,
    /// One or two sentences: what it is and for whom.
    pub summary: String,
    /// What the project must achieve.
    pub objectives: Vec<String>,
    /// The requirement taken apart into single statements that can be checked.
    pub requirements: Vec<RequirementItem>,
    /// Languages, frameworks and tools.
    pub technology_stack: TechnologyStack,
    /// How the parts work together.
    pub architecture_overview: String,
    /// The parts, each with the folder or file it lives in.
    #[serde(default)]
    pub components: Vec<Component>,
    /// Libraries and services the project needs.
    #[serde(default)]
    pub dependencies: Vec<String>,
    /// What may be difficult, and how it is met.
    #[serde(default)]
    pub challenges: Vec<String>,
}

/// One statement of the requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementItem {
    /// Short id: `R1`, `R2`, …
    pub id: String,
    /// The statement, in the user's words as far as possible.
    pub text: String,
}

/// What the project is written in and with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TechnologyStack {
    /// Main programming language.
    pub language: String,
    /// `command-line`, `library`, `http-service`, `web-page`, or another word for the kind.
    pub kind: String,
    /// Frameworks and libraries by name.
    #[serde(default)]
    pub frameworks: Vec<String>,
    /// The test tool.
    #[serde(default)]
    pub testing: String,
}

/// One part of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// Short name.
    pub name: String,
    /// Folder or file, relative to the project's root.
    pub path: String,
    /// What it is responsible for.
    pub purpose: String,
    /// Names of the components it uses.
    #[serde(default)]
    pub depends_on: Vec<String>,
}
