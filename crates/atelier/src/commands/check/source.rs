//! What there is to check: steps as a file says them, or as recipes infer them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use atelier_build::Project;
use atelier_cas::Cas;
use atelier_model::{BuildStep, Digest};
use atelier_recipe::Recipes;
use serde_json::{Map, Value};

use crate::{
    app::{self, Place},
    cli_error::CliError,
    config::{Sources, own_steps},
};

/// Steps that need not have been read yet.
pub(super) enum Source {
    /// A file with a list of steps.
    File { path: PathBuf, text: String },
    /// The steps of a tree.
    Tree(Box<Project>),
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
                Ok(text) => Ok(Self::File { path, text }),
                Err(source) => Err(CliError::File { path, source }),
            };
        }
        let own: BTreeMap<String, Map<String, Value>> = own_steps(sources)?;
        let recipes = app::overrides(&place.state().join("recipes"), "toml")?;
        let tree = place.tree()?;
        let recipes = Recipes::with_user(&recipes)?;
        let project = Project::of_tree(&tree, &recipes, &own)?;
        Ok(Self::Tree(Box::new(project)))
    }

    /// What tells this choice of these steps from every other; `None` where that cannot be told now.
    pub(super) fn asked(&self, only: &[String], place: &Place, cas: &Cas) -> Option<Digest> {
        let steps = match self {
            Self::File { path, text } => (list(path), Digest::of(text)),
            Self::Tree(project) => (String::new(), Digest::of_json(&project.steps)),
        };
        // What git keeps is no step's to make.
        let index = match place.git.as_ref().map(atelier_exec::Git::index) {
            Some(index) if index.exists() => Some(cas.mark(&index)?),
            Some(_) | None => None,
        };
        Some(Digest::of_json(&(steps, only, index)))
    }

    /// The steps in their order, none of which makes what git keeps.
    pub(super) fn project(self, place: &Place) -> Result<Project, CliError> {
        let project = match self {
            Self::File { path, text } => {
                let steps: Vec<BuildStep> = match serde_json::from_str(&text) {
                    Ok(steps) => steps,
                    Err(source) => return Err(CliError::Steps { path, source }),
                };
                Project {
                    list: list(&path),
                    ..Project::new(steps)?
                }
            }
            Self::Tree(project) => *project,
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
