//! Build steps: the commands of a project, derived from its recipe and its tree.

use std::collections::BTreeMap;

use atelier_model::TreePath;
use serde::{Deserialize, Serialize};

use crate::{
    ReportFormat,
    folder::Findings,
    recipe::{Recipe, StepRule},
};

/// What a step is for. Steps come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Fetches what the project depends on.
    Install,
    /// Compiles or type-checks.
    Build,
    /// Runs the tests.
    Test,
    /// Looks for doubtful code.
    Lint,
    /// Checks the layout of the code and changes nothing.
    Format,
    /// Starts the program, for a person.
    Run,
}

/// A program that a step needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name on the search path.
    pub program: String,
    /// What to do where it is missing.
    pub hint: String,
}

/// One command of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildStep {
    /// `test`, or `web:test` for a project in the folder `web`.
    pub name: String,
    /// What it is for.
    pub kind: StepKind,
    /// Program and arguments; no shell.
    pub argv: Vec<String>,
    /// Folder to run in; the root of the tree if `None`.
    pub cwd: Option<TreePath>,
    /// Variables it needs beyond the allowed ones.
    pub env: BTreeMap<String, String>,
    /// Whether it may need the network.
    pub network: bool,
    /// Milliseconds it may take, where the limit of all steps is not right for it.
    pub timeout_ms: Option<u64>,
    /// How its test report is read.
    pub report: Option<ReportFormat>,
    /// Patterns of the report's files, from the folder it runs in; none if it is in the output.
    pub report_files: Vec<String>,
    /// Programs it needs.
    pub tools: Vec<Tool>,
}

/// The steps of a recipe in a folder: of each name the first rule whose conditions hold.
pub(crate) fn steps(
    recipe: &Recipe,
    findings: &Findings<'_>,
    folder: Option<&TreePath>,
    label: &str,
) -> Vec<BuildStep> {
    let mut steps: Vec<BuildStep> = Vec::new();
    for rule in &recipe.steps {
        let name = label.to_owned() + rule.name.as_deref().unwrap_or(rule.kind.as_str());
        if steps.iter().all(|step| step.name != name) && findings.hold(&rule.when) {
            steps.push(step(recipe, rule, findings, folder, name));
        }
    }
    steps.sort_by_key(|step| step.kind);
    steps
}

fn step(
    recipe: &Recipe,
    rule: &StepRule,
    findings: &Findings<'_>,
    folder: Option<&TreePath>,
    name: String,
) -> BuildStep {
    let mut argv = rule.argv.clone();
    let mut env = recipe.env.clone();
    env.extend(rule.env.clone());
    let mut report_files = rule.report_files.clone();
    for addition in &rule.add {
        if findings.hold(&addition.when) {
            argv.extend(addition.argv.iter().cloned());
            argv.extend(findings.files(&addition.files, addition.containing.as_ref()));
            env.extend(addition.env.clone());
            report_files.extend(addition.report_files.iter().cloned());
        }
    }
    let argv: Vec<String> = argv.iter().map(|text| findings.fill(text)).collect();
    let needed = argv.first().into_iter().chain(&rule.tools);
    let tools = needed
        .filter_map(|program| recipe.tools.get_key_value(program))
        .map(|(program, hint)| Tool {
            program: program.clone(),
            hint: hint.clone(),
        })
        .collect();
    BuildStep {
        name,
        kind: rule.kind,
        tools,
        argv,
        cwd: folder.cloned(),
        env,
        network: rule.network,
        timeout_ms: rule.timeout_ms,
        report: rule.report,
        report_files,
    }
}

impl StepKind {
    /// Its word, as in a step's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Build => "build",
            Self::Test => "test",
            Self::Lint => "lint",
            Self::Format => "format",
            Self::Run => "run",
        }
    }
}
