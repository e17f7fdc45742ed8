//! The plan: phases, steps, and how each step proves that it is done.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Design;

/// The phases, before their steps are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BasicPlan {
    /// The order of the work in a few sentences.
    pub summary: String,
    /// The phases in order.
    pub phases: Vec<PhaseOutline>,
}

/// One phase, before its steps are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseOutline {
    /// 1, 2, 3, …
    pub number: u32,
    /// Short title.
    pub title: String,
    /// What exists at its end.
    pub description: String,
    /// Ids of the requirements it serves.
    pub requirements: Vec<String>,
    /// Numbers of the phases that must be finished first; the one before it if left empty.
    #[serde(default)]
    pub depends_on: Vec<u32>,
}

/// The steps of one phase, as the detail stage answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DetailedPhase {
    /// The phase's number.
    pub number: u32,
    /// Its steps in order.
    pub steps: Vec<Step>,
}

/// One step of the plan. Every step becomes a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Number such as `2.3`.
    pub number: String,
    /// Short title in the imperative.
    pub title: String,
    /// What to do, precisely enough to do it.
    pub description: String,
    /// Why it is needed.
    #[serde(default)]
    pub why: String,
    /// Ids of the requirements it serves.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// Numbers of steps that must be done first.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Paths it reads.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Paths it creates or changes.
    pub outputs: Vec<String>,
    /// Paths only this step may write while it runs; its outputs if left empty.
    #[serde(default)]
    pub owns: Vec<String>,
    /// Paths it must not change.
    #[serde(default)]
    pub protected: Vec<String>,
    /// How it proves that it is done.
    pub acceptance: Vec<Acceptance>,
    /// What the one who does it should see.
    #[serde(default)]
    pub context: ContextHints,
}

/// Files, symbols and documents that matter for a step.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ContextHints {
    /// Paths of source files.
    #[serde(default)]
    pub files: Vec<String>,
    /// Names of functions, types or routes.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// Paths of documents.
    #[serde(default)]
    pub documents: Vec<String>,
}

/// One criterion and how it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acceptance {
    /// Short id, unique in its step: `A1`, `A2`, …
    pub id: String,
    /// The criterion in words.
    pub text: String,
    /// Ids of the requirements it proves.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// How it is checked.
    pub check: Check,
    /// What the check must show.
    #[serde(default)]
    pub expect: Expect,
    /// Seconds the check may take; the limit for build steps if left out.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// Whether the check must fail before the step is done.
    #[serde(default)]
    pub must_fail_before: bool,
}

/// A check: something that runs, or a question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Check {
    /// A program with its arguments, run in the sandbox at the project's root.
    Command {
        /// Program and arguments; no shell.
        argv: Vec<String>,
        /// Folder to run in, relative to the project's root.
        #[serde(default)]
        cwd: Option<String>,
    },
    /// A file that must exist and, if given, contain a text.
    File {
        /// Its path.
        path: String,
        /// Text it must contain.
        #[serde(default)]
        contains: Option<String>,
    },
    /// A file that must match a regular expression.
    Regex {
        /// Its path.
        path: String,
        /// The expression, in Rust's `regex` syntax, multi-line.
        pattern: String,
    },
    /// A server that must answer a request. It finds its port in the variable `PORT`.
    Http {
        /// Program and arguments that start the server; no shell.
        start: Vec<String>,
        /// Request method.
        #[serde(default = "get")]
        method: String,
        /// Path and query of the request.
        path: String,
        /// Body of the request.
        #[serde(default)]
        body: Option<String>,
    },
    /// A person must look.
    Human {
        /// What to ask.
        question: String,
    },
}

impl Check {
    /// The check in one line, for people and for models.
    pub fn summary(&self) -> String {
        match self {
            Self::Command { argv, cwd: None } => format!("run `{}`", argv.join(" ")),
            Self::Command {
                argv,
                cwd: Some(cwd),
            } => {
                format!("run `{}` in `{cwd}`", argv.join(" "))
            }
            Self::File {
                path,
                contains: None,
            } => format!("`{path}` exists"),
            Self::File {
                path,
                contains: Some(text),
            } => format!("`{path}` contains `{text}`"),
            Self::Regex { path, pattern } => format!("`{path}` matches `{pattern}`"),
            Self::Http {
                start,
                method,
                path,
                ..
            } => {
                format!("start `{}` and send {method} {path}", start.join(" "))
            }
            Self::Human { question } => format!("a person answers: {question}"),
        }
    }
}

impl Acceptance {
    /// How it is checked and what must be seen, in one line.
    pub fn how(&self) -> String {
        let mut how = self.check.summary();
        let expect = &self.expect;
        if let Some(code) = expect.exit.filter(|code| *code != 0) {
            _ = write!(how, "; it exits with {code}");
        }
        if let Some(tests) = expect.tests_min {
            _ = write!(how, "; at least {tests} tests run");
        }
        if let Some(status) = expect.status {
            _ = write!(how, "; the status is {status}");
        }
        if let Some(output) = &expect.output {
            _ = write!(how, "; the output matches `{output}`");
        }
        how
    }
}

fn get() -> String {
    "GET".to_owned()
}

/// What a check must show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Expect {
    /// Exit code of a command; 0 if left out.
    #[serde(default)]
    pub exit: Option<i32>,
    /// Regular expression the output or the response body must match.
    #[serde(default)]
    pub output: Option<String>,
    /// How many tests must at least have been executed.
    #[serde(default)]
    pub tests_min: Option<u64>,
    /// HTTP status; 200 if left out.
    #[serde(default)]
    pub status: Option<u16>,
}

/// A phase with its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// The outline.
    pub outline: PhaseOutline,
    /// The steps in order.
    pub steps: Vec<Step>,
}

/// The complete plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevPlan {
    /// What is built.
    pub design: Design,
    /// The order of the work in a few sentences.
    pub summary: String,
    /// The phases in order.
    pub phases: Vec<Phase>,
}

impl DevPlan {
    /// All steps in the order of their phases.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.phases.iter().flat_map(|phase| &phase.steps)
    }
}

/// What the next person needs to take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handoff {
    /// State of things in a few sentences.
    pub summary: String,
    /// Commands that run the project, one each.
    #[serde(default)]
    pub how_to_run: Vec<String>,
    /// What to do next.
    #[serde(default)]
    pub next_steps: Vec<String>,
    /// What to watch out for.
    #[serde(default)]
    pub risks: Vec<String>,
}

/// Prose of the project's documents, as the docs stage answers once the work is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prose {
    /// What the project is and how its parts work together, in a few paragraphs of Markdown.
    pub overview: String,
    /// How to use it: Markdown with the commands.
    #[serde(default)]
    pub usage: String,
    /// Notes on single components.
    #[serde(default)]
    pub components: Vec<ComponentNote>,
}

/// A note on one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentNote {
    /// The component's name, as in the design.
    pub name: String,
    /// What a reader must know of it.
    pub text: String,
}

#[cfg(test)]
mod tests;
