//! A recipe file as data: how a kind of project is recognised, built and tested.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{Network, PathPattern, ReportFormat, SandboxLevel, StepKind};
use serde::{Deserialize, Deserializer};

use crate::pattern::{PathGlob, Pattern};

/// Why a recipe file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// It is not TOML, or not of a recipe's shape.
    #[error("read recipe `{name}`: {problem}")]
    Form {
        /// The recipe.
        name: String,
        /// What the TOML reader says, with its place.
        problem: String,
    },
    /// The name in the file is not the name it is stored under.
    #[error("read recipe `{name}`: the file says that it is `{says}`")]
    Name {
        /// The name it is stored under.
        name: String,
        /// The name in the file.
        says: String,
    },
    /// A condition names a fact or value that is not declared before it.
    #[error("read recipe `{name}`: `{condition}` is declared nowhere before its use")]
    Unknown {
        /// The recipe.
        name: String,
        /// The condition or placeholder.
        condition: String,
    },
    /// A pattern in it is wrong.
    #[error("read recipe `{name}`: {problem}")]
    Pattern {
        /// The recipe.
        name: String,
        /// What is wrong with which pattern.
        problem: String,
    },
    /// It could never recognise a project, or it would build nothing.
    #[error("read recipe `{name}`: it has no `{section}`")]
    Missing {
        /// The recipe.
        name: String,
        /// The section that is needed.
        section: &'static str,
    },
    /// A step has no command, or two.
    #[error("read recipe `{name}`: step `{step}` needs either `argv` or `shell`")]
    Command {
        /// The recipe.
        name: String,
        /// The step.
        step: String,
    },
    /// There are more recipes than may be looked through.
    #[error("take {found} recipes: at most {max} are possible")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many there may be.
        max: usize,
    },
}

/// One recipe file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    pub(crate) name: String,
    /// Facts about a folder, each built on the ones before it.
    #[serde(default)]
    pub(crate) facts: Vec<Fact>,
    /// Words about a folder: `language`, `package_manager`, `test_tool` and any other that
    /// commands refer to as `{name}`.
    pub(crate) values: Vec<Value>,
    /// Each way to recognise a project.
    pub(crate) recognise: Vec<Mark>,
    /// Where a project lists the folders that belong to it.
    #[serde(default)]
    pub(crate) members: Vec<Members>,
    /// Programs that steps need, with the hint for whoever has to install one.
    #[serde(default)]
    pub(crate) tools: BTreeMap<String, String>,
    /// Arguments with which such a program prints its version.
    #[serde(default)]
    pub(crate) versions: BTreeMap<String, Vec<String>>,
    /// Variables of every step.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) steps: Vec<StepRule>,
    #[serde(default)]
    pub(crate) tests: TestRules,
}

/// A named condition: true if any of its probes is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) any: Vec<Probe>,
}

/// One look at a folder: a file, a pattern in its text, a key in its JSON or TOML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    /// The file, relative to the folder; `*` and `**` as usual.
    pub(crate) file: Option<PathGlob>,
    /// Dotted path of a value in the file that must not be empty.
    pub(crate) key: Option<String>,
    /// What the value at `key`, or else the text, must match.
    pub(crate) matches: Option<Pattern>,
    /// Where what is named at `key` should be listed: the probe holds if something is not.
    pub(crate) unlisted: Option<Listing>,
    /// Facts that must all hold (`!` before one that must not).
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
}

/// A file that lists names, such as a lock file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    pub(crate) file: PathGlob,
    /// How it writes a name, with `{}` for the name.
    pub(crate) form: String,
}

/// A word that is the first of these whose conditions hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) choices: Vec<Choice>,
}

/// One candidate of a [`Value`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
}

/// How sure a mark is that a folder is a project of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strength {
    /// A manifest: always a project.
    Sure,
    /// A manifest that others may take in: a project unless a sure one of the same recipe is above.
    Part,
    /// A habit: a project unless a sure one is in the folder or above it.
    Likely,
    /// A project only if there is no other one anywhere.
    LastResort,
}

/// One way to recognise a project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    pub(crate) strength: Strength,
    pub(crate) when: Vec<Condition>,
}

/// A list of folders in a manifest, by key or by a pattern whose first group is the folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Members {
    pub(crate) file: PathGlob,
    pub(crate) key: Option<String>,
    pub(crate) pattern: Option<Pattern>,
}

/// One command, if its conditions hold and no earlier rule of the same name held.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepRule {
    pub(crate) kind: StepKind,
    /// Its name; the kind's if left out.
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
    #[serde(default)]
    pub(crate) argv: Vec<String>,
    /// A script for the shell, instead of `argv`.
    pub(crate) shell: Option<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) env_pass: BTreeSet<String>,
    #[serde(default)]
    pub(crate) inputs: Vec<PathPattern>,
    #[serde(default)]
    pub(crate) outputs: Vec<PathPattern>,
    #[serde(default)]
    pub(crate) marks: Vec<PathPattern>,
    /// Names of steps of the same project; those that it does not have are passed over.
    #[serde(default)]
    pub(crate) depends_on: Vec<String>,
    /// Arguments and variables that only some projects need.
    #[serde(default)]
    pub(crate) add: Vec<Addition>,
    /// How far it may reach; tests and programs to what they start themselves if left out.
    pub(crate) network: Option<Network>,
    pub(crate) sandbox: Option<SandboxLevel>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) idle_timeout_ms: Option<u64>,
    pub(crate) cpu: Option<u32>,
    pub(crate) memory_bytes: Option<u64>,
    #[serde(default)]
    pub(crate) tokens: BTreeMap<String, u32>,
    #[serde(default)]
    pub(crate) retries: u32,
    pub(crate) cacheable: Option<bool>,
    pub(crate) report: Option<ReportFormat>,
    #[serde(default)]
    pub(crate) report_files: Vec<String>,
    /// Tools beyond the program itself.
    #[serde(default)]
    pub(crate) tools: Vec<String>,
}

/// What a rule gains under a condition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Addition {
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
    #[serde(default)]
    pub(crate) argv: Vec<String>,
    /// Files of the folder that become arguments, for runners that do not find them all.
    #[serde(default)]
    pub(crate) files: Vec<PathGlob>,
    /// What such a file must contain.
    pub(crate) containing: Option<Pattern>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) report_files: Vec<String>,
}

/// What test code looks like in this language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestRules {
    /// Paths of test files, from the root of the tree.
    #[serde(default)]
    pub(crate) paths: Vec<PathGlob>,
    /// Source files of the language, which may hold tests beside the code.
    #[serde(default)]
    pub(crate) sources: Vec<PathGlob>,
    /// Each match is one test.
    pub(crate) function: Option<Pattern>,
    /// Ways to make a test not count.
    #[serde(default)]
    pub(crate) escapes: Vec<EscapeRule>,
}

/// One way to make a test not count.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EscapeRule {
    pub(crate) pattern: Pattern,
    /// What it does, as words that follow the path of the file.
    pub(crate) words: String,
    /// Whether it only counts in a test file, being ordinary elsewhere.
    #[serde(default)]
    pub(crate) only_in_tests: bool,
    /// Whether it concerns no other test than the one it stands at.
    #[serde(default)]
    pub(crate) one_test: bool,
    /// Whether it ends the run before the runner has reported, so that a report can be forged.
    #[serde(default)]
    pub(crate) ends_run: bool,
}

/// A condition on a fact (`lock`, `!lock`) or on a value (`package_manager=npm`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) negated: bool,
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (negated, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (rest, None),
        };
        Ok(Self {
            negated,
            name: name.to_owned(),
            value,
        })
    }
}

impl StepRule {
    /// How far the step may reach over the network.
    pub(crate) fn reach(&self) -> Network {
        self.network.unwrap_or(match self.kind {
            StepKind::Test | StepKind::Run => Network::Loopback,
            StepKind::Install
            | StepKind::Build
            | StepKind::Lint
            | StepKind::Format
            | StepKind::Audit => Network::None,
        })
    }

    /// The name of the step it makes, in a project whose steps begin with `label`.
    pub(crate) fn step_name(&self, label: &str) -> String {
        label.to_owned() + self.name.as_deref().unwrap_or(self.kind.as_str())
    }
}

impl Recipe {
    /// Reads a recipe and refuses one whose conditions could not be evaluated.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text).map_err(|error| RecipeError::Form {
            name: name.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        recipe.check(name)?;
        Ok(recipe)
    }

    /// Refuses a recipe with a pattern that is wrong; otherwise such a pattern matches nothing.
    pub(crate) fn check_patterns(&self) -> Result<(), RecipeError> {
        let probes = || self.facts.iter().flat_map(|fact| &fact.any);
        let added = || self.steps.iter().flat_map(|step| &step.add);
        let globs = probes()
            .filter_map(|probe| probe.file.as_ref())
            .chain(self.members.iter().map(|members| &members.file))
            .chain(
                probes()
                    .filter_map(|probe| probe.unlisted.as_ref())
                    .map(|list| &list.file),
            )
            .chain(added().flat_map(|addition| &addition.files))
            .chain(&self.tests.paths)
            .chain(&self.tests.sources);
        let patterns = probes()
            .filter_map(|probe| probe.matches.as_ref())
            .chain(
                self.members
                    .iter()
                    .filter_map(|members| members.pattern.as_ref()),
            )
            .chain(added().filter_map(|addition| addition.containing.as_ref()))
            .chain(&self.tests.function)
            .chain(self.tests.escapes.iter().map(|escape| &escape.pattern));
        let mut problems = globs
            .filter_map(PathGlob::problem)
            .chain(patterns.filter_map(Pattern::problem));
        problems.next().map_or(Ok(()), |problem| {
            Err(RecipeError::Pattern {
                name: self.name.clone(),
                problem,
            })
        })
    }

    fn check(&self, name: &str) -> Result<(), RecipeError> {
        if self.name != name {
            return Err(RecipeError::Name {
                name: name.to_owned(),
                says: self.name.clone(),
            });
        }
        let missing = |section| RecipeError::Missing {
            name: name.to_owned(),
            section,
        };
        if self.recognise.is_empty() {
            return Err(missing("recognise"));
        }
        let commands = |step: &StepRule| {
            usize::from(!step.argv.is_empty()) + usize::from(step.shell.is_some())
        };
        if self.steps.iter().all(|step| commands(step) == 0) {
            return Err(missing("steps"));
        }
        if let Some(rule) = self.steps.iter().find(|step| commands(step) != 1) {
            return Err(RecipeError::Command {
                name: name.to_owned(),
                step: rule.step_name(""),
            });
        }
        if !self.values.iter().any(|value| value.name == "language") {
            return Err(missing("language"));
        }
        self.unknown_condition().map_or(Ok(()), |condition| {
            Err(RecipeError::Unknown {
                name: name.to_owned(),
                condition,
            })
        })
    }

    /// The first condition that looks at something not declared before it.
    fn unknown_condition(&self) -> Option<String> {
        let mut known: Vec<&str> = Vec::new();
        for fact in &self.facts {
            let used = fact.any.iter().flat_map(|probe| &probe.when);
            if let Some(unknown) = first_unknown(used, &known) {
                return Some(unknown);
            }
            known.push(&fact.name);
        }
        for value in &self.values {
            let used = value.choices.iter().flat_map(|choice| &choice.when);
            if let Some(unknown) = first_unknown(used, &known) {
                return Some(unknown);
            }
            known.push(&value.name);
        }
        let marks = self.recognise.iter().flat_map(|mark| &mark.when);
        let steps = self.steps.iter().flat_map(|step| {
            let added = step.add.iter().flat_map(|addition| &addition.when);
            step.when.iter().chain(added)
        });
        first_unknown(marks.chain(steps), &known)
    }
}

fn first_unknown<'a>(used: impl Iterator<Item = &'a Condition>, known: &[&str]) -> Option<String> {
    let mut names = used.map(|condition| condition.name.as_str());
    names.find(|name| !known.contains(name)).map(str::to_owned)
}
