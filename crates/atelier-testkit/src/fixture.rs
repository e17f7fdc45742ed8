//! Requirement fixtures: a requirement as a user writes it, and everything a good model would
//! answer on the way to a finished project.

mod chain;
mod modules;
#[cfg(test)]
mod tests;
mod wide;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use atelier_model::{
    BasicPlan, Design, DetailedPhase, DevPlan, FileEntry, FileTree, Handoff, PathError, Phase,
    Prose, Step, TreePath,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use chain::chain;
pub use modules::{Module, modules};
pub use wide::{crowded, leaning, renaming, wide};

/// Folders below one step that are walked.
const DEPTH_MAX: usize = 12;

/// Why a fixture could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadFixtureError {
    /// A file or folder could not be read or written.
    #[error("use `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what its type says.
    #[error("understand `{}`", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A file has a name that no project can hold.
    #[error("use a file of `{}`", path.display())]
    Path {
        /// The step's folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: PathError,
    },
    /// The folders are nested deeper than any real project's.
    #[error("walk `{}`: it is nested too deeply", .0.display())]
    Depth(PathBuf),
    /// A mistake does not fit its file.
    #[error("make the mistake of step {step}: `{path}` has not exactly one `{right}`")]
    Mistake {
        /// The step.
        step: String,
        /// The file.
        path: TreePath,
        /// The text that should be there once.
        right: String,
    },
}

/// One way to get a step wrong that its tests find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mistake {
    pub(crate) path: TreePath,
    pub(crate) right: String,
    pub(crate) wrong: String,
}

/// What a step does to the project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StepWork {
    /// Files that are created or changed, whole.
    pub(crate) writes: BTreeMap<TreePath, String>,
    /// Files that are removed.
    pub(crate) deletes: Vec<TreePath>,
}

/// A requirement with its reference answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    /// The folder's name.
    pub name: String,
    /// The requirement, as the user writes it.
    pub requirement: String,
    /// The answer of the design stage.
    pub design: Design,
    /// The answer of the plan stage.
    pub plan: BasicPlan,
    /// The answers of the detail stage.
    pub phases: Vec<DetailedPhase>,
    /// The answer of the handoff stage.
    pub handoff: Handoff,
    /// The answer of the docs stage.
    pub prose: Prose,
    pub(crate) work: BTreeMap<String, StepWork>,
    pub(crate) mistakes: BTreeMap<String, Vec<Mistake>>,
    /// What steps do once they are told that they do not fit together with others.
    pub(crate) reworked: BTreeMap<String, StepWork>,
}

impl Fixture {
    /// Reads a fixture from its folder.
    pub fn load(folder: &Path) -> Result<Self, LoadFixtureError> {
        let plan: BasicPlan = json(&folder.join("plan.json"))?;
        let phases: Vec<DetailedPhase> = plan
            .phases
            .iter()
            .map(|phase| json(&folder.join(format!("phase-{}.json", phase.number))))
            .collect::<Result<_, _>>()?;
        let mut work = BTreeMap::new();
        for step in phases.iter().flat_map(|phase| &phase.steps) {
            let steps = folder.join("steps").join(&step.number);
            work.insert(step.number.clone(), step_work(&steps)?);
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let fixture = Self {
            name: name.into_owned(),
            requirement: text(&folder.join("requirement.md"))?,
            design: json(&folder.join("design.json"))?,
            plan,
            phases,
            handoff: json(&folder.join("handoff.json"))?,
            prose: json(&folder.join("prose.json"))?,
            work,
            mistakes: json(&folder.join("mistakes.json"))?,
            reworked: BTreeMap::new(),
        };
        fixture.check_mistakes()?;
        Ok(fixture)
    }

    /// Reads a fixture of this repository by its name.
    pub fn named(name: &str) -> Result<Self, LoadFixtureError> {
        Self::load(&Self::folder().join(name))
    }

    /// The names of this repository's fixtures, in order.
    pub fn names() -> Result<Vec<String>, LoadFixtureError> {
        let folder = Self::folder();
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(at(&folder))? {
            let entry = entry.map_err(at(&folder))?;
            if entry.path().join("requirement.md").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The folder of this repository's fixtures.
    pub fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/requirements")
    }

    /// The plan the product should come to.
    pub fn dev_plan(&self) -> DevPlan {
        let phases = self.plan.phases.iter().zip(&self.phases);
        DevPlan {
            design: self.design.clone(),
            summary: self.plan.summary.clone(),
            phases: phases
                .map(|(outline, detailed)| Phase {
                    outline: outline.clone(),
                    steps: detailed.steps.clone(),
                })
                .collect(),
        }
    }

    /// The steps in the order of the plan.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.phases.iter().flat_map(|phase| &phase.steps)
    }

    /// The same fixture with no answer to one step but words.
    #[must_use]
    pub fn without(mut self, number: &str) -> Self {
        self.work.remove(number);
        self
    }

    /// The project as it stands before a step.
    pub fn tree_before(&self, number: &str) -> FileTree {
        let mut tree = FileTree::default();
        let earlier = self.steps().take_while(|step| step.number != number);
        earlier.for_each(|step| self.lay(&step.number, &mut tree));
        tree
    }

    /// The project as it stands after a step.
    pub fn tree_after(&self, number: &str) -> FileTree {
        let mut tree = self.tree_before(number);
        self.lay(number, &mut tree);
        tree
    }

    /// The finished project, without the documents the product adds.
    pub fn tree(&self) -> FileTree {
        let last = self.steps().last().map(|step| step.number.as_str());
        last.map_or_else(FileTree::default, |number| self.tree_after(number))
    }

    /// Every file of a step that is done again, beside work it did not fit together with.
    pub(crate) fn rework(&self, number: &str) -> Option<FileTree> {
        let work = self.reworked.get(number)?;
        let mut tree = FileTree::default();
        for (path, text) in &work.writes {
            tree.put(path.clone(), FileEntry::text(text.clone()));
        }
        Some(tree)
    }

    /// The project after a step that was done with the mistakes of the fixture.
    pub fn tree_with_mistakes(&self, number: &str) -> FileTree {
        let mut tree = self.tree_after(number);
        for mistake in self.mistakes.get(number).into_iter().flatten() {
            if let Some(text) = tree.text(&mistake.path) {
                let wrong = text.replacen(&mistake.right, &mistake.wrong, 1);
                tree.put(mistake.path.clone(), FileEntry::text(wrong));
            }
        }
        tree
    }

    fn lay(&self, number: &str, tree: &mut FileTree) {
        let Some(work) = self.work.get(number) else {
            return;
        };
        for (path, text) in &work.writes {
            tree.put(path.clone(), FileEntry::text(text.clone()));
        }
        for path in &work.deletes {
            tree.remove(path);
        }
    }

    fn check_mistakes(&self) -> Result<(), LoadFixtureError> {
        for (step, mistakes) in &self.mistakes {
            let tree = self.tree_after(step);
            for mistake in mistakes {
                let text = tree.text(&mistake.path).unwrap_or_default();
                if text.matches(&mistake.right).count() != 1 {
                    return Err(LoadFixtureError::Mistake {
                        step: step.clone(),
                        path: mistake.path.clone(),
                        right: mistake.right.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LoadFixtureError {
    let path = path.to_owned();
    move |source| LoadFixtureError::Io { path, source }
}

fn text(path: &Path) -> Result<String, LoadFixtureError> {
    fs::read_to_string(path).map_err(at(path))
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, LoadFixtureError> {
    serde_json::from_str(&text(path)?).map_err(|source| LoadFixtureError::Json {
        path: path.to_owned(),
        source,
    })
}

fn step_work(folder: &Path) -> Result<StepWork, LoadFixtureError> {
    let path_error = |source| LoadFixtureError::Path {
        path: folder.to_owned(),
        source,
    };
    let mut work = StepWork::default();
    let deleted = folder.join(".deleted");
    if deleted.is_file() {
        for line in text(&deleted)?
            .lines()
            .filter(|line| !line.trim().is_empty())
        {
            work.deletes
                .push(TreePath::parse(line.trim()).map_err(path_error)?);
        }
    }
    let files = folder.join("files");
    let mut open = vec![(files.clone(), 0)];
    while let Some((folder, depth)) = open.pop() {
        if depth > DEPTH_MAX {
            return Err(LoadFixtureError::Depth(folder));
        }
        for entry in fs::read_dir(&folder).map_err(at(&folder))? {
            let path = entry.map_err(at(&folder))?.path();
            if path.is_dir() {
                open.push((path, depth + 1));
                continue;
            }
            let inside = path.strip_prefix(&files).unwrap_or(&path);
            let name = TreePath::parse(&inside.to_string_lossy()).map_err(path_error)?;
            work.writes.insert(name, text(&path)?);
        }
    }
    Ok(work)
}
