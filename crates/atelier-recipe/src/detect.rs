//! Projects: which folders of a tree are projects, and of what kind.

use std::{collections::BTreeSet, sync::Arc};

use atelier_model::{FileTree, TreePath};

use crate::{
    BuildStep, Recipes,
    folder::{Findings, Folder, searched},
    pattern::PathGlob,
    recipe::{Recipe, Strength},
    step,
};

/// Folders deeper than this are no projects of their own.
const DEPTH_MAX: usize = 4;
/// Projects of one tree that are looked at; more would be a collection, not a project.
const PROJECTS_MAX: usize = 64;

/// A folder that a recipe recognised.
#[derive(Debug, Clone)]
pub struct Project {
    /// The recipe's name.
    pub recipe: String,
    /// The language, as people write it.
    pub language: String,
    /// The folder; the root of the tree if `None`.
    pub folder: Option<TreePath>,
    /// What installs its dependencies, where there is a choice.
    pub package_manager: Option<String>,
    /// What runs its tests.
    pub test_tool: Option<String>,
    rules: Arc<Recipe>,
    /// What stands before the names of its steps.
    label: String,
}

impl Project {
    /// The commands that fit the project as it stands in this tree, in the order to run them.
    ///
    /// A test step is there only if the tree has tests that a command can run.
    pub fn steps(&self, tree: &FileTree) -> Vec<BuildStep> {
        let folder = Folder::of(tree, self.folder.clone());
        let findings = Findings::new(&self.rules, &folder);
        step::steps(&self.rules, &findings, self.folder.as_ref(), &self.label)
    }
}

/// A folder and a recipe that recognises it, before the claims of others are weighed.
struct Candidate<'a> {
    folder: Option<TreePath>,
    recipe: &'a Arc<Recipe>,
    order: usize,
    strength: Strength,
    members: Vec<PathGlob>,
}

impl Recipes {
    /// The projects of a tree: the root before its folders, the most specific first.
    ///
    /// Folders deeper than four, and those of dependencies, build results and fixtures, are left
    /// out; so are the members that a workspace lists, because its own commands cover them.
    pub fn detect(&self, tree: &FileTree) -> Vec<Project> {
        let mut candidates = Vec::new();
        let searched = searched(tree);
        for path in folders(&searched) {
            let folder = Folder::among(tree, &searched, path);
            candidates.extend(self.candidates(&folder));
        }
        candidates.sort_by_key(|one| (one.strength, one.depth(), one.order));
        let mut kept: Vec<Candidate<'_>> = Vec::new();
        for candidate in candidates {
            if kept.len() < PROJECTS_MAX && candidate.stands_beside(&kept) {
                kept.push(candidate);
            }
        }
        kept.sort_by(|a, b| a.place().cmp(&b.place()));
        let mut labels = BTreeSet::new();
        let named = |candidate: Candidate<'_>| candidate.project(tree, &mut labels);
        kept.into_iter().map(named).collect()
    }

    fn candidates<'a>(&'a self, folder: &Folder<'_>) -> Vec<Candidate<'a>> {
        let mut candidates = Vec::new();
        for (order, recipe) in self.list.iter().enumerate() {
            let findings = Findings::new(recipe, folder);
            let marks = recipe.recognise.iter();
            let found = marks.filter(|mark| findings.hold(&mark.when));
            if let Some(strength) = found.map(|mark| mark.strength).min() {
                candidates.push(Candidate {
                    folder: folder.path.clone(),
                    recipe,
                    order,
                    strength,
                    members: folder.members(&recipe.members),
                });
            }
        }
        candidates
    }
}

impl Candidate<'_> {
    fn depth(&self) -> usize {
        let parts = |path: &TreePath| path.as_str().split('/').count();
        self.folder.as_ref().map_or(0, parts)
    }

    fn place(&self) -> (usize, Option<&TreePath>, Strength, usize) {
        (
            self.depth(),
            self.folder.as_ref(),
            self.strength,
            self.order,
        )
    }

    /// Its path below the folder of another one, if it lies there.
    fn below<'a>(&'a self, other: &Self) -> Option<&'a str> {
        let own = self.folder.as_ref().map_or("", TreePath::as_str);
        match &other.folder {
            None => Some(own),
            Some(folder) if own == folder.as_str() => Some(""),
            Some(folder) => own.strip_prefix(folder.as_str())?.strip_prefix('/'),
        }
    }

    /// Whether a folder of its recipe, by its path below this one, is listed as belonging to it.
    fn takes_in(&self, below: &str) -> bool {
        self.members.iter().any(|glob| glob.matches(below))
    }

    /// Whether it is a project of its own beside those with stronger claims.
    fn stands_beside(&self, stronger: &[Self]) -> bool {
        stronger.iter().all(|other| {
            let Some(below) = self.below(other) else {
                return self.strength != Strength::LastResort;
            };
            let part = self.strength == Strength::Part && other.strength == Strength::Sure;
            let taken = other.order == self.order && (part || other.takes_in(below));
            self.strength <= Strength::Part && !taken
        })
    }

    fn project(self, tree: &FileTree, labels: &mut BTreeSet<String>) -> Project {
        let folder = Folder::of(tree, self.folder.clone());
        let findings = Findings::new(self.recipe, &folder);
        let name = &self.recipe.name;
        let plain = self
            .folder
            .as_ref()
            .map_or_else(String::new, |folder| format!("{folder}:"));
        let exact = match &self.folder {
            None => format!("{name}:"),
            Some(folder) => format!("{folder}/{name}:"),
        };
        let label = if labels.contains(&plain) {
            exact
        } else {
            plain
        };
        labels.insert(label.clone());
        Project {
            recipe: name.clone(),
            language: findings.value("language").unwrap_or_else(|| name.clone()),
            package_manager: findings.value("package_manager"),
            test_tool: findings.value("test_tool"),
            folder: self.folder,
            rules: Arc::clone(self.recipe),
            label,
        }
    }
}

/// The root and every folder that may be a project, none deeper than one may be.
fn folders(searched: &[&str]) -> Vec<Option<TreePath>> {
    let mut found = BTreeSet::from([None]);
    for file in searched {
        let ends = file
            .match_indices('/')
            .map(|(at, _)| &file[..at])
            .take(DEPTH_MAX);
        found.extend(ends.map(|folder| TreePath::parse(folder).ok()));
    }
    found.into_iter().collect()
}

#[cfg(test)]
pub(crate) mod tests;
