//! What a pipeline does before a step can use a program: a table, and what it says of a folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use atelier_model::{FileTree, TreePath};
use serde::Deserialize;

use crate::{pattern::Pattern, wanted::WantedVersion};

/// The table as it is written.
const TABLE: &str = include_str!("tools.toml");
/// Stands for the version in the table.
const VERSION: &str = "{version}";
/// Bytes of a version that is believed.
const VERSION_BYTES_MAX: usize = 40;

/// The table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    actions: BTreeMap<String, Pin>,
    toolchains: Vec<Toolchain>,
}

/// Where an action stands that was looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    pub(super) version: String,
    pub(super) commit: String,
}

/// What brings some programs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Toolchain {
    programs: BTreeSet<String>,
    /// The action that installs it on GitHub.
    action: Option<String>,
    #[serde(default)]
    with: BTreeMap<String, String>,
    version: Option<VersionRule>,
    /// Commands on GitHub, after the action.
    #[serde(default)]
    github: Vec<String>,
    /// Debian packages for GitHub's machines.
    #[serde(default)]
    packages: Vec<String>,
    /// Whether an image of GitLab's needs these packages too.
    #[serde(default)]
    debian: bool,
    /// The image that has it, for GitLab.
    image: Option<String>,
    /// Whether the image would start the program instead of a shell.
    #[serde(default)]
    entrypoint: bool,
    /// Commands on GitLab.
    #[serde(default)]
    gitlab: Vec<String>,
    cache: Option<CacheRule>,
}

/// Which version, and where a project says so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionRule {
    /// The action's input for a version.
    input: Option<String>,
    /// The action's input for a version file.
    file_input: Option<String>,
    default: String,
    /// The default in the action's own words.
    action_default: Option<String>,
    /// The command that prints which version is installed, where that can be held against what is
    /// wanted.
    #[serde(default)]
    ask: Vec<String>,
    files: Vec<VersionFile>,
}

/// A file that says which version a project wants.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionFile {
    path: String,
    /// What it looks like there; the first group is the version. The whole file if left out.
    pattern: Option<Pattern>,
    /// What a range of versions looks like there, which a pipeline cannot take for a version.
    range: Option<Pattern>,
    /// Whether the action cannot read it, and is told the version.
    #[serde(default)]
    told: bool,
}

/// What is worth keeping between pipelines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheRule {
    /// Files that say what is in it.
    locks: Vec<String>,
    /// Where it lies on GitHub's machines.
    folders: Vec<String>,
    /// The variable that moves it.
    variable: Option<String>,
    /// Where it lies below the folder of caches on GitLab, which keeps only what is in the project.
    folder: Option<String>,
}

/// A toolchain as one job needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Setup {
    pub(super) action: Option<(String, BTreeMap<String, String>)>,
    pub(super) github: Vec<String>,
    pub(super) packages: Vec<String>,
    pub(super) gitlab_packages: Vec<String>,
    pub(super) image: Option<(String, bool)>,
    pub(super) gitlab: Vec<String>,
    pub(super) cache: Option<Cache>,
}

/// A cache as one job needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cache {
    /// Files of the tree that say what is in it.
    pub(super) locks: Vec<TreePath>,
    /// Where it lies on GitHub's machines.
    pub(super) folders: Vec<String>,
    /// The variable that moves it on GitLab, and the folder it is moved to.
    pub(super) moved: Option<(String, String)>,
}

/// The table.
pub(crate) fn table() -> &'static Table {
    static TABLE_READ: LazyLock<Table> =
        LazyLock::new(|| toml::from_str(TABLE).unwrap_or_default());
    &TABLE_READ
}

impl Table {
    /// Where an action stands.
    pub(super) fn pin(&self, action: &str) -> Option<&Pin> {
        self.actions.get(action)
    }

    /// What a job in a folder needs for these programs, in the order of the table.
    pub(super) fn setups(
        &self,
        programs: &BTreeSet<String>,
        tree: &FileTree,
        folder: Option<&TreePath>,
    ) -> Vec<Setup> {
        let used = self
            .toolchains
            .iter()
            .filter(|toolchain| !toolchain.programs.is_disjoint(programs));
        used.map(|toolchain| toolchain.setup(tree, folder))
            .collect()
    }
}

impl Table {
    /// What the version files of a folder say, or else those of the root, of every program whose
    /// version can be asked for.
    pub(crate) fn wanted(&self, tree: &FileTree, folder: Option<&TreePath>) -> Vec<WantedVersion> {
        let rules = self
            .toolchains
            .iter()
            .filter_map(|one| one.version.as_ref());
        let wanted = rules.filter_map(|rule| {
            let (program, args) = rule.ask.split_first()?;
            let (file, version) = rule.said(tree, folder, true)?;
            Some(WantedVersion {
                program: program.clone(),
                args: args.to_vec(),
                version,
                file,
            })
        });
        wanted.collect()
    }
}

impl Toolchain {
    fn setup(&self, tree: &FileTree, folder: Option<&TreePath>) -> Setup {
        let found = self
            .version
            .as_ref()
            .and_then(|rule| rule.said(tree, folder, false));
        let version = self
            .version
            .as_ref()
            .map(|rule| rule.version(found.as_ref()));
        let version = version.unwrap_or_default();
        let fill = |text: &String| text.replace(VERSION, &version);
        let action = self.action.as_ref().map(|action| {
            let mut with = self.with.clone();
            if let Some(rule) = &self.version {
                with.extend(rule.input(found.as_ref()));
            }
            (action.clone(), with)
        });
        Setup {
            action,
            github: self.github.iter().map(fill).collect(),
            packages: self.packages.clone(),
            gitlab_packages: if self.debian {
                self.packages.clone()
            } else {
                Vec::new()
            },
            image: self
                .image
                .as_ref()
                .map(|image| (fill(image), self.entrypoint)),
            gitlab: self.gitlab.iter().map(fill).collect(),
            cache: self
                .cache
                .as_ref()
                .and_then(|rule| rule.cache(tree, folder)),
        }
    }
}

/// A version file that was found, and what it says.
type Found = (TreePath, String);

impl VersionRule {
    /// What the first version file of the folder says that says something, or else of the root; a
    /// range only where one will do.
    fn said(&self, tree: &FileTree, folder: Option<&TreePath>, range: bool) -> Option<Found> {
        let places = folder.map(Some).into_iter().chain([None]);
        let mut files = places.flat_map(|place| self.files.iter().map(move |file| (place, file)));
        files.find_map(|(place, file)| {
            let (path, text) = inside(tree, place, &file.path)?;
            let ranges = file.range.as_ref().filter(|_| range);
            let version = match ranges.or(file.pattern.as_ref()) {
                Some(pattern) => pattern.groups(text).into_iter().next()?,
                None => text.trim().trim_start_matches('v').to_owned(),
            };
            let believed = !version.is_empty() && version.len() <= VERSION_BYTES_MAX;
            believed.then_some((path, version))
        })
    }

    /// The version for images and commands: only a plain number is taken from a file.
    fn version(&self, found: Option<&Found>) -> String {
        let plain = |version: &&str| {
            let parts = version.split('.');
            parts.clone().count() <= 3
                && parts
                    .clone()
                    .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let said = found.map(|(_, version)| version.as_str()).filter(plain);
        said.unwrap_or(&self.default).to_owned()
    }

    /// The input that tells the action which version to install.
    fn input(&self, found: Option<&Found>) -> Option<(String, String)> {
        let told = |path: &TreePath| {
            let mut told = self.files.iter().filter(|file| file.told);
            told.any(|file| path.name() == file.path)
        };
        if let (Some((path, _)), Some(input)) = (found, &self.file_input)
            && !told(path)
        {
            return Some((input.clone(), path.to_string()));
        }
        let default = self.action_default.as_ref().unwrap_or(&self.default);
        let version = if found.is_some() {
            self.version(found)
        } else {
            default.clone()
        };
        self.input.clone().map(|input| (input, version))
    }
}

impl CacheRule {
    fn cache(&self, tree: &FileTree, folder: Option<&TreePath>) -> Option<Cache> {
        let locks = self
            .locks
            .iter()
            .filter_map(|lock| beside(tree, folder, lock));
        let locks: Vec<TreePath> = locks.map(|(path, _)| path).collect();
        let moved = self.variable.clone().zip(self.folder.clone());
        (!locks.is_empty()).then(|| Cache {
            locks,
            folders: self.folders.clone(),
            moved,
        })
    }
}

/// A file of a folder, or else of the root, with its text; without one if it is none.
fn beside<'a>(
    tree: &'a FileTree,
    folder: Option<&TreePath>,
    name: &str,
) -> Option<(TreePath, &'a str)> {
    let near = folder.and_then(|folder| inside(tree, Some(folder), name));
    near.or_else(|| inside(tree, None, name))
}

/// A file of a folder, the root if `None`, with its text; without one if it is none.
fn inside<'a>(
    tree: &'a FileTree,
    folder: Option<&TreePath>,
    name: &str,
) -> Option<(TreePath, &'a str)> {
    let name = TreePath::parse(name).ok()?;
    let path = folder.map_or(name.clone(), |folder| name.below(folder));
    let file = tree.get(&path)?;
    Some((path, file.as_text().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
