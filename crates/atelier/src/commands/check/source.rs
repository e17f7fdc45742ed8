//! What there is to check: steps as a file says them, or as recipes infer them.

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use atelier_build::Project;
use atelier_cas::Cas;
use atelier_model::{BuildStep, Digest};
use atelier_recipe::Recipes;
use serde_json::{Map, Value};

use super::versions::Versions;
use crate::{
    app::{self, Place},
    cli_error::CliError,
    config::{Sources, own_steps},
};

/// Steps that need not have been read yet.
pub(super) enum Source {
    /// A file with a list of steps.
    File(Listed),
    /// The steps of a tree, with the versions that it wants.
    Tree(Box<Project>, Versions),
}

/// A file with a list of steps.
pub(super) struct Listed {
    path: PathBuf,
    text: String,
    /// Read when they are asked for.
    steps: OnceCell<Vec<BuildStep>>,
}

impl Listed {
    fn steps(&self) -> Result<&[BuildStep], CliError> {
        if let Some(steps) = self.steps.get() {
            return Ok(steps);
        }
        match serde_json::from_str(&self.text) {
            Ok(steps) => Ok(self.steps.get_or_init(|| steps)),
            Err(source) => Err(CliError::Steps {
                path: self.path.clone(),
                source,
            }),
        }
    }
}

impl Source {
    /// Looks what there is: in a file, else what recipes say of the tree, with what the project's
    /// configuration says of that.
    pub(super) fn read(
        place: &Place,
        sources: &Sources,
        file: Option<&Path>,
    ) -> Result<Self, CliError> {
        if let Some(path) = file {
            let path = path.to_owned();
            return match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Self::File(Listed {
                    path,
                    text,
                    steps: OnceCell::new(),
                })),
                Err(source) => Err(CliError::PlanFile { path, source }),
            };
        }
        let own: BTreeMap<String, Map<String, Value>> = own_steps(sources)?;
        let recipes = app::overrides(&place.state().join("recipes"), "toml")?;
        let tree = place.tree()?;
        let recipes = Recipes::with_user(&recipes)?;
        let project = Project::of_tree(&tree, &recipes, &own)?;
        let versions = Versions::of_tree(&tree, &project.steps);
        Ok(Self::Tree(Box::new(project), versions))
    }

    /// The versions that the project wants of its programs.
    pub(super) fn versions(&mut self) -> Versions {
        match self {
            Self::File(_) => Versions::default(),
            Self::Tree(_, versions) => std::mem::take(versions),
        }
    }

    /// What tells this choice of these steps from every other; `None` where that cannot be told now.
    pub(super) fn asked(&self, only: &[String], place: &Place, cas: &Cas) -> Option<Digest> {
        let steps = match self {
            Self::File(file) => (list(&file.path), Digest::of(&file.text)),
            Self::Tree(project, _) => (String::new(), Digest::of_json(&project.steps)),
        };
        // What git keeps is no step's to make.
        let index = match place.git.as_ref().map(atelier_exec::Git::index) {
            Some(index) if index.exists() => Some(cas.mark(&index)?),
            Some(_) | None => None,
        };
        Some(Digest::of_json(&(steps, only, index)))
    }

    /// The steps, in no order.
    pub(super) fn steps(&self) -> Result<&[BuildStep], CliError> {
        match self {
            Self::File(file) => file.steps(),
            Self::Tree(project, _) => Ok(&project.steps),
        }
    }

    /// The steps in their order, none of which makes what git keeps.
    pub(super) fn project(self, place: &Place) -> Result<Project, CliError> {
        let project = match self {
            Self::File(file) => {
                file.steps()?;
                Project {
                    list: list(&file.path),
                    ..Project::new(file.steps.into_inner().unwrap_or_default())?
                }
            }
            Self::Tree(project, _) => *project,
        };
        if let Some(git) = &place.git {
            project.check_sources(&git.tracked()?)?;
        }
        Ok(project)
    }
}

/// What tells a file of steps from others.
fn list(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.display().to_string()
}
