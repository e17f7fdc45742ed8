//! What there is to do: the steps of a tree by its recipes, completed and put in order.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{BuildStep, FileTree, PathPattern, StepKind};
use atelier_recipe::Recipes;
use atelier_step::{Graph, GraphError, StepIndex};
use serde_json::{Map, Value};

/// Files that say what a project depends on: an installation reads no others.
const MANIFESTS: [&str; 45] = [
    ".tool-versions",
    ".nvmrc",
    ".node-version",
    ".python-version",
    ".ruby-version",
    ".java-version",
    ".php-version",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain",
    "rust-toolchain.toml",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "yarn.lock",
    ".yarnrc.yml",
    ".npmrc",
    "bun.lock",
    "bun.lockb",
    "deno.json",
    "deno.jsonc",
    "deno.lock",
    "pyproject.toml",
    "requirements*.txt",
    "setup.py",
    "setup.cfg",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile",
    "Pipfile.lock",
    "go.mod",
    "go.sum",
    "go.work",
    "pom.xml",
    "Gemfile",
    "Gemfile.lock",
    "composer.json",
    "composer.lock",
    "mix.exs",
    "mix.lock",
    "pubspec.yaml",
    "pubspec.lock",
];

/// The origin of a step that a person has written.
const OWN: &str = "own";

/// Why a project's steps cannot be put in order, or not be found.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// They form no graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// What a person says of a step cannot be used.
    #[error("read `steps.{name}` of the project's configuration")]
    Own {
        /// The step.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A step would write over what a person keeps.
    #[error("take `{path}` for what step `{step}` makes: git keeps it, so it is a source")]
    Source {
        /// The step.
        step: String,
        /// The file.
        path: String,
    },
    /// A name or kind that is no step's.
    #[error("find step `{name}`: the steps are {known}")]
    NoStep {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

/// Steps in their graph.
#[derive(Debug, Clone)]
pub struct Project {
    /// The steps, by their places in the graph.
    pub steps: Vec<BuildStep>,
    /// Where each of them comes from: the name of its recipe, or `own`, or both.
    pub origins: Vec<String>,
    /// Their order.
    pub graph: Graph,
    /// What tells this list of steps from others of the same folder; empty for that of its recipes.
    pub list: String,
}

impl Project {
    /// Refuses a step that says it makes one of these files, which a person keeps: what a step makes
    /// is cleared away before it runs.
    pub fn check_sources(&self, kept: &[String]) -> Result<(), ProjectError> {
        for path in kept {
            if let Some(step) = self.graph.producer(path) {
                return Err(ProjectError::Source {
                    step: self.graph.name(step).to_owned(),
                    path: path.clone(),
                });
            }
        }
        Ok(())
    }

    /// Takes steps as they are.
    pub fn new(steps: Vec<BuildStep>) -> Result<Self, ProjectError> {
        let origins = vec![OWN.to_owned(); steps.len()];
        Self::from(steps, origins)
    }

    fn from(steps: Vec<BuildStep>, origins: Vec<String>) -> Result<Self, ProjectError> {
        let graph = Graph::new(&steps)?;
        Ok(Self {
            steps,
            origins,
            graph,
            list: String::new(),
        })
    }

    /// The steps of a tree, as its recipes say. `own` is what a person says by the names of steps:
    /// of a step of a recipe what differs, of any other everything.
    ///
    /// Recipes say what a step is for and little of what it reads and writes. So a build follows the
    /// installation of its project and what its recipe builds before it, and a test the build; what
    /// a project's steps write is not known, so no two that may write run at once in one folder.
    pub fn of_tree(
        tree: &FileTree,
        recipes: &Recipes,
        own: &BTreeMap<String, Map<String, Value>>,
    ) -> Result<Self, ProjectError> {
        let mut steps: Vec<BuildStep> = Vec::new();
        let mut origins: Vec<String> = Vec::new();
        for project in recipes.detect(tree) {
            let mut found = project.steps(tree);
            complete(&mut found);
            origins.resize(origins.len() + found.len(), project.recipe.clone());
            steps.extend(found);
        }
        for (name, said) in own {
            let known = steps.iter().position(|step| step.name == *name);
            let step = overlaid(name, known.map(|at| &steps[at]), said)?;
            if let Some(at) = known {
                steps[at] = step;
                origins[at] = format!("{}, {OWN}", origins[at]);
            } else {
                steps.push(step);
                origins.push(OWN.to_owned());
            }
        }
        Self::from(steps, origins)
    }

    /// The steps that are meant by names and kinds, with everything they depend on; those that build
    /// and test if nothing is named.
    pub fn choose(&self, named: &[String]) -> Result<Vec<StepIndex>, ProjectError> {
        let mut chosen = BTreeSet::new();
        for name in named {
            let fits = |step: &BuildStep| step.name == *name || step.kind.as_str() == name;
            let before = chosen.len();
            chosen.extend(self.graph.steps().filter(|step| fits(self.step(*step))));
            if chosen.len() == before && !self.steps.iter().any(fits) {
                let known: Vec<_> = self.steps.iter().map(|step| step.name.as_str()).collect();
                return Err(ProjectError::NoStep {
                    name: name.clone(),
                    known: known.join(", "),
                });
            }
        }
        if named.is_empty() {
            chosen.extend(
                self.graph
                    .steps()
                    .filter(|step| is_usual(self.step(*step).kind)),
            );
        }
        Ok(self.graph.closure(chosen))
    }

    /// Of chosen steps those that a change of some paths concerns, with everything they depend on.
    pub fn affected(&self, chosen: &[StepIndex], changed: &[String]) -> Vec<StepIndex> {
        let concerned: BTreeSet<StepIndex> = self
            .graph
            .affected(changed.iter().map(String::as_str))
            .into_iter()
            .collect();
        let both = chosen.iter().filter(|step| concerned.contains(step));
        self.graph.closure(both.copied())
    }

    /// The step at a place.
    pub fn step(&self, at: StepIndex) -> &BuildStep {
        &self.steps[at.get()]
    }
}

/// A step with what a person says of it.
fn overlaid(
    name: &str,
    known: Option<&BuildStep>,
    said: &Map<String, Value>,
) -> Result<BuildStep, ProjectError> {
    let of_recipe = known.and_then(|step| serde_json::to_value(step).ok());
    let mut form = match of_recipe {
        Some(Value::Object(form)) => form,
        _ => Map::new(),
    };
    // One of them stands in for the other.
    if said.contains_key("argv") || said.contains_key("shell") {
        form.remove("argv");
        form.remove("shell");
    }
    form.extend(said.clone());
    form.insert("name".to_owned(), name.into());
    serde_json::from_value(Value::Object(form)).map_err(|source| ProjectError::Own {
        name: name.to_owned(),
        source,
    })
}

/// Whether steps of a kind are executed where none is named.
fn is_usual(kind: StepKind) -> bool {
    match kind {
        StepKind::Install | StepKind::Build | StepKind::Test => true,
        StepKind::Lint | StepKind::Format | StepKind::Audit | StepKind::Run => false,
    }
}

/// Says of one project's steps what its recipe does not.
fn complete(steps: &mut [BuildStep]) {
    let of_kind = |kinds: &[StepKind]| -> BTreeSet<String> {
        let found = steps.iter().filter(|step| kinds.contains(&step.kind));
        found.map(|step| step.name.clone()).collect()
    };
    let installs = of_kind(&[StepKind::Install]);
    let builds = of_kind(&[StepKind::Install, StepKind::Build]);
    let mut earlier: Vec<(StepKind, String, BTreeSet<String>)> = Vec::new();
    for step in steps {
        let before = match step.kind {
            StepKind::Install => &BTreeSet::new(),
            StepKind::Build | StepKind::Lint | StepKind::Format | StepKind::Audit => &installs,
            StepKind::Test | StepKind::Run => &builds,
        };
        if step.depends_on.is_empty() {
            step.depends_on.extend(before.iter().cloned());
            // What is configured first is written first.
            let prepares = matches!(step.kind, StepKind::Install | StepKind::Build);
            let same = earlier.iter().filter(|(kind, _, said)| {
                prepares && *kind == step.kind && !said.contains(&step.name)
            });
            let same: Vec<String> = same.map(|(_, name, _)| name.clone()).collect();
            step.depends_on.extend(same);
        }
        earlier.push((step.kind, step.name.clone(), step.depends_on.clone()));
        let writes = matches!(
            step.kind,
            StepKind::Install | StepKind::Build | StepKind::Test
        );
        if writes && step.outputs.is_empty() {
            let folder = step.cwd.as_ref().map_or(".", |cwd| cwd.as_str());
            step.tokens.insert(format!("folder:{folder}"), 1);
        }
        if step.kind == StepKind::Install && step.inputs.is_empty() {
            let anywhere = |name: &&str| PathPattern::parse(&format!("**/{name}")).ok();
            step.inputs = MANIFESTS.iter().filter_map(anywhere).collect();
        }
    }
}

#[cfg(test)]
mod tests;
