//! What is found in a folder: the facts and values of a recipe, looked up when they are asked for.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use atelier_model::{FileTree, TreePath};
use serde_json::Value as Json;

use crate::{
    jsonc,
    pattern::{PathGlob, Pattern},
    recipe::{Choice, Condition, Listing, Members, Probe, Recipe},
};

/// Folders that hold what tools made or what belongs to others: never searched.
const SKIPPED: [&str; 14] = [
    "node_modules",
    "target",
    "vendor",
    "third_party",
    "venv",
    "fixtures",
    "testdata",
    "__pycache__",
    "__fixtures__",
    "site-packages",
    "build",
    "dist",
    "out",
    "coverage",
];

/// Files that become arguments of one command.
const ARGUMENT_FILES_MAX: usize = 1_000;

/// Whether a folder of this name is left out.
pub(crate) fn is_skipped(part: &str) -> bool {
    part.starts_with('.') || SKIPPED.contains(&part)
}

/// A folder of a tree with the files below it, without the folders that are never searched.
pub(crate) struct Folder<'a> {
    tree: &'a FileTree,
    pub(crate) path: Option<TreePath>,
    /// Paths relative to the folder.
    files: Vec<&'a str>,
}

impl<'a> Folder<'a> {
    /// The folder at `path`, or the root.
    pub(crate) fn of(tree: &'a FileTree, path: Option<TreePath>) -> Self {
        Self::among(tree, &searched(tree), path)
    }

    /// The folder at `path`, or the root, among the files of a tree that are searched.
    pub(crate) fn among(tree: &'a FileTree, searched: &[&'a str], path: Option<TreePath>) -> Self {
        let prefix = path
            .as_ref()
            .map_or_else(String::new, |path| format!("{path}/"));
        // Files below a folder stand together, because paths are in order.
        let start = searched.partition_point(|file| *file < prefix.as_str());
        let below = searched[start..]
            .iter()
            .map_while(|file| file.strip_prefix(&prefix));
        let files = below.collect();
        Self { tree, path, files }
    }

    fn text(&self, file: &str) -> Option<&'a str> {
        let path = TreePath::parse(file).ok()?;
        let path = self
            .path
            .as_ref()
            .map_or_else(|| path.clone(), |folder| path.below(folder));
        self.tree.text(&path)
    }

    /// The files that a pattern names; hidden and skipped folders only by their full path.
    fn matching<'g>(&self, glob: &'g PathGlob) -> Vec<&'g str>
    where
        'a: 'g,
    {
        match glob.plain() {
            Some(file) => self.text(file).map(|_| file).into_iter().collect(),
            None => self
                .files
                .iter()
                .copied()
                .filter(|file| glob.matches(file))
                .collect(),
        }
    }

    /// Patterns of the folders that belong to the project in this one.
    pub(crate) fn members(&self, lists: &[Members]) -> Vec<PathGlob> {
        let mut globs = Vec::new();
        for list in lists {
            for file in self.matching(&list.file) {
                let text = self.text(file).unwrap_or_default();
                globs.extend(listed(list, file, text));
            }
        }
        globs
    }
}

/// The files of a tree outside the folders that are never searched, in order.
pub(crate) fn searched(tree: &FileTree) -> Vec<&str> {
    let files = tree.paths().map(TreePath::as_str);
    files.filter(|file| !in_skipped(file)).collect()
}

fn in_skipped(file: &str) -> bool {
    file.rsplit_once('/')
        .is_some_and(|(folders, _)| folders.split('/').any(is_skipped))
}

fn listed(list: &Members, file: &str, text: &str) -> Vec<PathGlob> {
    let mut names: Vec<String> = Vec::new();
    if let Some(pattern) = &list.pattern {
        names.extend(pattern.groups(text));
    }
    if let Some(Json::Array(items)) = list.key.as_ref().and_then(|key| value_at(file, text, key)) {
        names.extend(items.iter().filter_map(Json::as_str).map(str::to_owned));
    }
    // A list names folders from its own.
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let within = |name: &String| Some(PathGlob::from(joined(folder, name)?));
    names.iter().filter_map(within).collect()
}

/// A path or pattern from a folder as one from where that folder stands; a `pom.xml` at its end is
/// the folder's. None for what leads outside or is left out.
fn joined(folder: &str, name: &str) -> Option<String> {
    let name = name.replace('\\', "/");
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    parts.pop_if(|last| *last == "pom.xml");
    let outside = parts.is_empty() || name.starts_with('!');
    (!outside).then(|| parts.join("/"))
}

/// The value at a dotted path of a JSON or TOML file.
fn value_at(file: &str, text: &str, key: &str) -> Option<Json> {
    let extension = file.rsplit_once('.').map(|(_, extension)| extension);
    let mut value: Json = match extension {
        Some("json" | "jsonc" | "json5") => jsonc::value(text)?,
        _ => toml::from_str(text).ok()?,
    };
    for part in key.split('.') {
        value = value.get_mut(part)?.take();
    }
    Some(value)
}

/// The names in a value: a name, the keys of a table, the starts of requirements in a list.
fn names(value: &Json) -> Vec<String> {
    match value {
        Json::String(name) => vec![name.clone()],
        Json::Object(members) => members.keys().cloned().collect(),
        Json::Array(items) => items
            .iter()
            .filter_map(Json::as_str)
            .map(required)
            .collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}

/// `http-x` for `HTTP_x[cli] >= 2`, as Python's lock files write it.
fn required(requirement: &str) -> String {
    let part = |c: char| !c.is_alphanumeric() && !"-_.".contains(c);
    let name = requirement.split(part).next().unwrap_or_default();
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

fn is_something(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => false,
        Json::String(text) => !text.trim().is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(members) => !members.is_empty(),
        Json::Bool(true) | Json::Number(_) => true,
    }
}

/// The facts and values of one recipe in one folder.
pub(crate) struct Findings<'a> {
    recipe: &'a Recipe,
    folder: &'a Folder<'a>,
    facts: RefCell<BTreeMap<&'a str, bool>>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(recipe: &'a Recipe, folder: &'a Folder<'a>) -> Self {
        Self {
            recipe,
            folder,
            facts: RefCell::default(),
        }
    }

    /// Whether all conditions hold.
    pub(crate) fn hold(&self, conditions: &[Condition]) -> bool {
        conditions.iter().all(|condition| self.holds(condition))
    }

    fn holds(&self, condition: &Condition) -> bool {
        let found = match &condition.value {
            Some(value) => self.value(&condition.name).as_ref() == Some(value),
            None => self.fact(&condition.name) || self.value(&condition.name).is_some(),
        };
        found != condition.negated
    }

    /// Facts refer only to facts declared before them, so this ends.
    fn fact(&self, name: &str) -> bool {
        let known = self.facts.borrow().get(name).copied();
        if let Some(known) = known {
            return known;
        }
        let Some(fact) = self.recipe.facts.iter().find(|fact| fact.name == name) else {
            return false;
        };
        let found = fact.any.iter().any(|probe| self.probe(probe));
        self.facts.borrow_mut().insert(&fact.name, found);
        found
    }

    fn probe(&self, probe: &Probe) -> bool {
        self.hold(&probe.when)
            && probe.file.as_ref().is_none_or(|glob| {
                let files = self.folder.matching(glob);
                files.into_iter().any(|file| self.probe_file(probe, file))
            })
    }

    fn probe_file(&self, probe: &Probe, file: &str) -> bool {
        if probe.key.is_none() && probe.matches.is_none() {
            return true;
        }
        let Some(text) = self.folder.text(file) else {
            return false;
        };
        let matches = |text: &str| {
            let pattern = probe.matches.as_ref();
            pattern.is_none_or(|pattern| pattern.is_match(text))
        };
        let Some(key) = &probe.key else {
            return matches(text);
        };
        let Some(value) = value_at(file, text, key).filter(is_something) else {
            return false;
        };
        let listed = |name: &String| self.is_listed(probe.unlisted.as_ref(), name);
        let stale = probe.unlisted.is_none() || !names(&value).iter().all(listed);
        stale
            && match value.as_str() {
                Some(text) => matches(text),
                None => matches(&value.to_string()),
            }
    }

    fn is_listed(&self, listing: Option<&Listing>, name: &str) -> bool {
        listing.is_none_or(|listing| {
            let written = listing.form.replace("{}", name);
            let files = self.folder.matching(&listing.file);
            let texts = files.into_iter().filter_map(|file| self.folder.text(file));
            texts.into_iter().any(|text| text.contains(&written))
        })
    }

    /// The files that any of the patterns names and that contain what is asked for, in order.
    pub(crate) fn files(&self, globs: &[PathGlob], containing: Option<&Pattern>) -> Vec<String> {
        let contains = |file: &&str| {
            containing.is_none_or(|pattern| {
                let text = self.folder.text(file);
                text.is_some_and(|text| pattern.is_match(text))
            })
        };
        let mut found = BTreeSet::new();
        for glob in globs {
            found.extend(self.folder.matching(glob).into_iter().filter(contains));
        }
        let found = found.into_iter().take(ARGUMENT_FILES_MAX);
        found.map(str::to_owned).collect()
    }

    /// The word for a value: its first choice whose conditions hold.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let value = self.recipe.values.iter().find(|value| value.name == name)?;
        let holds = |choice: &&Choice| self.hold(&choice.when);
        value
            .choices
            .iter()
            .find(holds)
            .map(|choice| choice.value.clone())
    }

    /// A text with every `{name}` of a value replaced; one without a word becomes nothing.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for value in &self.recipe.values {
            let place = format!("{{{}}}", value.name);
            if filled.contains(&place) {
                filled = filled.replace(&place, &self.value(&value.name).unwrap_or_default());
            }
        }
        filled
    }
}
