//! How a step is written as data, and what of it is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    BuildStep, Network, PathPattern, ReportFormat, SandboxLevel, StepKind, Tool, shell_argv,
};
use crate::TreePath;

/// Bytes of a step's name.
const NAME_BYTES_MAX: usize = 200;
/// Bytes of one argument: what the kernel takes.
const ARGUMENT_BYTES_MAX: usize = 128 * 1024 - 1;
/// Arguments of one command.
const ARGUMENTS_MAX: usize = 10_000;
/// Patterns of one field.
const PATTERNS_MAX: usize = 10_000;
/// Processors of one step, and units of one token.
const UNITS_MAX: u32 = 4_096;
/// Further tries of a step that fails now and then.
const RETRIES_MAX: u32 = 10;
/// Characters of a wrong value that are shown.
const SHOWN_CHARS_MAX: usize = 80;

/// Why a step cannot be executed as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read step `{step}`: `{field}` is {value}, but must be {accepted}")]
pub struct StepError {
    /// The step.
    pub step: String,
    /// The field that is wrong.
    pub field: &'static str,
    /// What it says.
    pub value: String,
    /// What it may say.
    pub accepted: &'static str,
}

/// A step as it is written. What is not said is not written either.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepForm {
    name: String,
    #[serde(default)]
    kind: StepKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argv: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shell: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cwd: Option<TreePath>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    env_pass: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<PathPattern>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<PathPattern>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    marks: Vec<PathPattern>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    depends_on: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    network: Network,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sandbox: Option<SandboxLevel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_timeout_ms: Option<u64>,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    cpu: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tokens: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    retries: u32,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    cacheable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<ReportFormat>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    report_files: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(value: &u32) -> bool {
    *value == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl TryFrom<StepForm> for BuildStep {
    type Error = StepError;

    fn try_from(form: StepForm) -> Result<Self, StepError> {
        let (argv, shell) = match (form.argv, form.shell) {
            (Some(argv), None) => (argv, false),
            (None, Some(script)) => (shell_argv(script).to_vec(), true),
            (argv, _) => {
                let both = argv.map_or("missing", |_| "given beside `shell`");
                return Err(StepError {
                    step: form.name,
                    field: "argv",
                    value: both.to_owned(),
                    accepted: "program and arguments, or else `shell` a script",
                });
            }
        };
        let step = Self {
            name: form.name,
            kind: form.kind,
            argv,
            shell,
            cwd: form.cwd,
            env: form.env,
            env_pass: form.env_pass,
            inputs: form.inputs,
            outputs: form.outputs,
            marks: form.marks,
            depends_on: form.depends_on,
            network: form.network,
            sandbox: form.sandbox,
            timeout_ms: form.timeout_ms,
            idle_timeout_ms: form.idle_timeout_ms,
            cpu: form.cpu,
            memory_bytes: form.memory_bytes,
            tokens: form.tokens,
            retries: form.retries,
            cacheable: form.cacheable,
            report: form.report,
            report_files: form.report_files,
            tools: form.tools,
        };
        step.check()?;
        Ok(step)
    }
}

impl From<BuildStep> for StepForm {
    fn from(step: BuildStep) -> Self {
        let mut argv = step.argv;
        let shell = if step.shell { argv.pop() } else { None };
        Self {
            name: step.name,
            kind: step.kind,
            argv: shell.is_none().then_some(argv),
            shell,
            cwd: step.cwd,
            env: step.env,
            env_pass: step.env_pass,
            inputs: step.inputs,
            outputs: step.outputs,
            marks: step.marks,
            depends_on: step.depends_on,
            network: step.network,
            sandbox: step.sandbox,
            timeout_ms: step.timeout_ms,
            idle_timeout_ms: step.idle_timeout_ms,
            cpu: step.cpu,
            memory_bytes: step.memory_bytes,
            tokens: step.tokens,
            retries: step.retries,
            cacheable: step.cacheable,
            report: step.report,
            report_files: step.report_files,
            tools: step.tools,
        }
    }
}

impl BuildStep {
    /// Refuses a step that could not be executed as it is.
    pub fn check(&self) -> Result<(), StepError> {
        self.check_command()?;
        self.check_environment()?;
        self.check_paths()?;
        self.check_bounds()
    }

    fn wrong(&self, field: &'static str, value: &str, accepted: &'static str) -> StepError {
        let shown = |text: &str| -> String {
            let visible = |c: char| {
                if c.is_control() {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            };
            text.chars().take(SHOWN_CHARS_MAX).map(visible).collect()
        };
        StepError {
            step: shown(&self.name),
            field,
            value: format!("`{}`", shown(value)),
            accepted,
        }
    }

    fn check_command(&self) -> Result<(), StepError> {
        if !is_name(&self.name) {
            let accepted = "1 to 200 bytes without blanks and control characters";
            return Err(self.wrong("name", &self.name, accepted));
        }
        let program = self.argv.first().map_or("", String::as_str);
        if program.is_empty() {
            return Err(self.wrong("argv", program, "a program and its arguments"));
        }
        if self.argv.len() > ARGUMENTS_MAX {
            let count = self.argv.len().to_string();
            return Err(self.wrong("argv", &count, "at most 10000 words"));
        }
        let strange = |word: &&String| word.contains('\0') || word.len() > ARGUMENT_BYTES_MAX;
        if let Some(word) = self.argv.iter().find(strange) {
            let accepted = "words without NUL of less than 128 KiB";
            return Err(self.wrong("argv", word, accepted));
        }
        if self.shell && (self.argv.len() != 3 || self.argv[1] != "-c" || self.argv[2].is_empty()) {
            return Err(self.wrong("shell", &self.argv.join(" "), "a script"));
        }
        Ok(())
    }

    fn check_environment(&self) -> Result<(), StepError> {
        let named = "the name of a variable: letters, digits and `_`";
        if let Some(name) = self.env.keys().find(|name| !is_variable(name)) {
            return Err(self.wrong("env", name, named));
        }
        if let Some(value) = self.env.values().find(|value| value.contains('\0')) {
            return Err(self.wrong("env", value, "a value without NUL"));
        }
        if let Some(name) = self.env_pass.iter().find(|name| !is_variable(name)) {
            return Err(self.wrong("env_pass", name, named));
        }
        if self.env_pass.contains("PATH") {
            let accepted = "another name: every step has a search path, and its tools are known";
            return Err(self.wrong("env_pass", "PATH", accepted));
        }
        if let Some(name) = self
            .env_pass
            .iter()
            .find(|name| self.env.contains_key(*name))
        {
            return Err(self.wrong("env_pass", name, "a name that `env` gives no value"));
        }
        Ok(())
    }

    fn check_paths(&self) -> Result<(), StepError> {
        let fields = [
            ("inputs", &self.inputs),
            ("outputs", &self.outputs),
            ("marks", &self.marks),
        ];
        for (field, patterns) in fields {
            if patterns.len() > PATTERNS_MAX {
                let count = patterns.len().to_string();
                return Err(self.wrong(field, &count, "at most 10000 patterns"));
            }
        }
        if let Some(pattern) = self.outputs.iter().find(|one| one.is_excluded()) {
            return Err(self.wrong("outputs", pattern.as_str(), "a pattern without `!`"));
        }
        if let Some(pattern) = self.marks.iter().find(|one| one.is_excluded()) {
            return Err(self.wrong("marks", pattern.as_str(), "a pattern without `!`"));
        }
        if !self.marks.is_empty() && !self.outputs.is_empty() {
            let accepted = "no marks beside outputs, which stand for themselves";
            return Err(self.wrong("marks", self.marks[0].as_str(), accepted));
        }
        if !self.inputs.is_empty() && self.inputs.iter().all(PathPattern::is_excluded) {
            let accepted = "at least one pattern without `!`, such as `**`";
            return Err(self.wrong("inputs", self.inputs[0].as_str(), accepted));
        }
        if let Some(name) = self.depends_on.iter().find(|name| !is_name(name)) {
            return Err(self.wrong("depends_on", name, "the name of a step"));
        }
        if self.depends_on.contains(&self.name) {
            return Err(self.wrong("depends_on", &self.name, "the name of another step"));
        }
        Ok(())
    }

    fn check_bounds(&self) -> Result<(), StepError> {
        let units = "a number from 1 to 4096";
        if !(1..=UNITS_MAX).contains(&self.cpu) {
            return Err(self.wrong("cpu", &self.cpu.to_string(), units));
        }
        for (name, count) in &self.tokens {
            if !is_name(name) {
                let accepted = "a name without blanks and control characters";
                return Err(self.wrong("tokens", name, accepted));
            }
            if !(1..=UNITS_MAX).contains(count) {
                return Err(self.wrong("tokens", &format!("{name} = {count}"), units));
            }
        }
        if self.retries > RETRIES_MAX {
            return Err(self.wrong("retries", &self.retries.to_string(), "at most 10"));
        }
        let times = [
            ("timeout_ms", self.timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
            ("memory_bytes", self.memory_bytes),
        ];
        if let Some((field, _)) = times.iter().find(|(_, value)| *value == Some(0)) {
            return Err(self.wrong(field, "0", "more than 0, or left out"));
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    let strange = |c: char| c.is_control() || c.is_whitespace();
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.contains(strange)
}

fn is_variable(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(word)
}
