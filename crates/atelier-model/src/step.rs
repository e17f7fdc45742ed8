//! The words of a build step: one command with its inputs, outputs, environment and resources.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::TreePath;

mod form;
mod pattern;

pub use form::StepError;
pub use pattern::{PathPattern, PatternError, PatternForm, RootPattern};

use form::StepForm;

/// The program that runs the script of a step that is written as `shell`.
const SHELL: &str = "sh";

/// What a step is for. Steps come in this order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Fetches what the project depends on.
    Install,
    /// Compiles, type-checks or generates.
    #[default]
    Build,
    /// Runs the tests.
    Test,
    /// Looks for doubtful code.
    Lint,
    /// Checks the layout of the code and changes nothing.
    Format,
    /// Looks for known faults in dependencies and for secrets.
    Audit,
    /// Starts the program, for a person.
    Run,
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
            Self::Audit => "audit",
            Self::Run => "run",
        }
    }
}

/// How far a step may reach over the network.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Nowhere.
    #[default]
    None,
    /// To what the step itself started on this machine.
    Loopback,
    /// Besides, to the registries that the configuration names.
    Install,
}

impl Network {
    /// Its word, as in a step's data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Loopback => "loopback",
            Self::Install => "install",
        }
    }
}

/// How tightly a command is confined; the loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// Not at all; only a person may choose it.
    None,
    /// By kernel rules on files, calls and resources, in the machine's own namespaces.
    Light,
    /// In namespaces of its own, on a copy of the files.
    Strong,
}

impl SandboxLevel {
    /// Its word, as in a step's data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Light => "light",
            Self::Strong => "strong",
        }
    }
}

/// A program that a step needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name on the search path.
    pub program: String,
    /// What to do where it is missing.
    #[serde(default)]
    pub hint: String,
    /// Arguments that make it print its version; the digest of its file identifies it if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_args: Vec<String>,
}

/// How a test report is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// `cargo test`, and `cargo nextest run`.
    Cargo,
    /// Python's `unittest`.
    Unittest,
    /// `pytest`, in text or as a `JUnit` file.
    Pytest,
    /// Node's own runner, as TAP or in its `spec` form.
    NodeTest,
    /// `vitest`.
    Vitest,
    /// `jest`.
    Jest,
    /// `mocha`.
    Mocha,
    /// `go test`, as JSON, verbose or terse.
    Go,
    /// `ctest`, in text or as a `JUnit` file.
    Ctest,
    /// Maven's Surefire, in text or as `JUnit` files.
    Surefire,
    /// `JUnit` files of any runner.
    Junit,
    /// The Test Anything Protocol.
    Tap,
    /// Ruby's Minitest.
    Minitest,
    /// Ruby's `RSpec`, Crystal's own runner, Haskell's Hspec.
    Rspec,
    /// PHP's `PHPUnit`.
    Phpunit,
    /// Elixir's `ExUnit`, Erlang's `EUnit`, and Gleam's runner.
    Exunit,
    /// Nim's `unittest`.
    Nim,
    /// `meson test`.
    Meson,
    /// Automake's `make check`.
    Automake,
    /// `zig build test`.
    Zig,
    /// `bun test`.
    Bun,
    /// `deno test`.
    Deno,
    /// `dotnet test`.
    Dotnet,
    /// `swift test`.
    Swift,
    /// `dart test` and `flutter test`.
    Dart,
    /// `sbt test`.
    Sbt,
    /// `terraform test` and `tofu test`.
    Terraform,
    /// Haskell's Tasty.
    Tasty,
    /// Clojure's `clojure.test`.
    Clojure,
    /// `JUnit`'s console launcher.
    JunitConsole,
    /// Whatever a script or a makefile may have run.
    Any,
}

/// One command of a project.
///
/// In data, everything but the name and one of `argv` and `shell` may be left out; what is read is
/// checked, so that a step which was read can be executed. Steps made in code start from
/// [`BuildStep::new`] and are checked by [`BuildStep::check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StepForm", into = "StepForm")]
pub struct BuildStep {
    /// `test`, or `web:test` for a project in the folder `web`.
    pub name: String,
    /// What it is for.
    pub kind: StepKind,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Whether it was written as a script for the shell; `argv` is then `sh -c` and the script.
    pub shell: bool,
    /// Folder to run in; the root of the tree if `None`.
    pub cwd: Option<TreePath>,
    /// Variables it needs beyond the allowed ones.
    pub env: BTreeMap<String, String>,
    /// Names of variables that it gets as they are outside.
    pub env_pass: BTreeSet<String>,
    /// What it reads, from the folder it runs in; everything below that folder if empty, but what is
    /// ignored and its own outputs.
    pub inputs: Vec<PathPattern>,
    /// What it writes, from the folder it runs in.
    pub outputs: Vec<PathPattern>,
    /// Files that show that what it made still stands, where that is too much to be kept: they are
    /// never brought back, and without one of them it is executed again.
    pub marks: Vec<PathPattern>,
    /// Names of the steps that must have ended well before it.
    pub depends_on: BTreeSet<String>,
    /// How far it may reach over the network.
    pub network: Network,
    /// How tightly it is confined, where the project's level is not right for it.
    pub sandbox: Option<SandboxLevel>,
    /// Milliseconds it may take, where the limit of all steps is not right for it.
    pub timeout_ms: Option<u64>,
    /// Milliseconds it may stay silent, where the limit of all steps is not right for it.
    pub idle_timeout_ms: Option<u64>,
    /// Processors it keeps busy.
    pub cpu: u32,
    /// Bytes of memory it is expected to need, until it was measured.
    pub memory_bytes: Option<u64>,
    /// How much it holds, while it runs, of what there is only so much of, by name.
    pub tokens: BTreeMap<String, u32>,
    /// Further tries after a failure, for a step that is known to fail now and then.
    pub retries: u32,
    /// Whether its result may be used again.
    pub cacheable: bool,
    /// How its test report is read.
    pub report: Option<ReportFormat>,
    /// Patterns of the report's files, from the folder it runs in; none if it is in the output.
    pub report_files: Vec<String>,
    /// Programs it needs.
    pub tools: Vec<Tool>,
}

impl BuildStep {
    /// A step that runs a command at the root of the tree and needs nothing else.
    pub fn new(
        name: impl Into<String>,
        kind: StepKind,
        argv: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            name: name.into(),
            kind,
            argv: argv.into_iter().map(Into::into).collect(),
            shell: false,
            cwd: None,
            env: BTreeMap::new(),
            env_pass: BTreeSet::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            marks: Vec::new(),
            depends_on: BTreeSet::new(),
            network: Network::None,
            sandbox: None,
            timeout_ms: None,
            idle_timeout_ms: None,
            cpu: 1,
            memory_bytes: None,
            tokens: BTreeMap::new(),
            retries: 0,
            cacheable: true,
            report: None,
            report_files: Vec::new(),
            tools: Vec::new(),
        }
    }

    /// A step that runs a script with the shell.
    pub fn script(name: impl Into<String>, kind: StepKind, script: impl Into<String>) -> Self {
        Self {
            shell: true,
            ..Self::new(name, kind, shell_argv(script.into()))
        }
    }

    /// What it reads, as patterns from the root of the tree; its whole folder if it does not say.
    pub fn inputs_from_root(&self) -> Vec<RootPattern> {
        if self.inputs.is_empty() {
            return vec![RootPattern::folder(self.cwd.as_ref())];
        }
        let rooted = |pattern: &PathPattern| pattern.from_root(self.cwd.as_ref());
        self.inputs.iter().map(rooted).collect()
    }

    /// What it writes, as patterns from the root of the tree.
    pub fn outputs_from_root(&self) -> Vec<RootPattern> {
        let rooted = |pattern: &PathPattern| pattern.from_root(self.cwd.as_ref());
        self.outputs.iter().map(rooted).collect()
    }

    /// Its marks, as patterns from the root of the tree.
    pub fn marks_from_root(&self) -> Vec<RootPattern> {
        let rooted = |pattern: &PathPattern| pattern.from_root(self.cwd.as_ref());
        self.marks.iter().map(rooted).collect()
    }

    /// The command as a person writes it: the script, or the words with blanks between.
    pub fn command_line(&self) -> String {
        match self.argv.get(2) {
            Some(script) if self.shell => script.clone(),
            Some(_) | None => self.argv.join(" "),
        }
    }
}

fn shell_argv(script: String) -> [String; 3] {
    [SHELL.to_owned(), "-c".to_owned(), script]
}

#[cfg(test)]
mod tests;
