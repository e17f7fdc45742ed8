//! Which files of a workspace a step reads: a walk once, and patterns over what it found.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use atelier_model::RootPattern;
use ignore::WalkBuilder;

use crate::{
    outputs::DEPTH_MAX,
    patterns::{Globs, Names, PatternError, Rule, below},
    root,
    workspace::{Found, LookError, Workspace},
};

/// Folders that are no part of any project.
const RESERVED: [&str; 2] = [".git", ".atelier"];

/// Why a workspace could not be surveyed.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// A folder or a file with ignore rules could not be read.
    #[error("look for the files of `{path}`")]
    Walk {
        /// The folder below the root; empty for the root itself.
        path: String,
        /// Why.
        #[source]
        source: ignore::Error,
    },
    /// There are more files than are looked at.
    #[error("look for the files of `{path}`: there are more than {entries_max}")]
    TooMany {
        /// The folder below the root; empty for the root itself.
        path: String,
        /// The limit.
        entries_max: usize,
    },
    /// A name is no text.
    #[error("look for the files of `{path}`: a name in it is not valid UTF-8")]
    NotText {
        /// What of the path can be shown.
        path: String,
    },
    /// A pattern could not be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A named path could not be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
}

/// The files and links of a workspace at one moment, without what git leaves out.
///
/// Rules of the user's own and rules above the root's repository do not count: the same files give
/// the same survey for everybody.
#[derive(Debug)]
pub struct Survey {
    /// In order.
    paths: Vec<String>,
    globs: Globs,
    /// Files of folders that git leaves out and that a step names all the same.
    ignored: Mutex<HashMap<String, Arc<Vec<String>>>>,
}

impl Survey {
    /// Every file and link, in the order of the paths.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// The paths of a folder, and the folder itself where it is a file.
    fn below(&self, folder: &str) -> &[String] {
        if folder.is_empty() {
            return &self.paths;
        }
        let start = self.paths.partition_point(|path| path.as_str() < folder);
        // Other names that begin alike may stand between a folder's name and what is below it.
        let end = start + self.paths[start..].partition_point(|path| path.starts_with(folder));
        &self.paths[start..end]
    }
}

impl Workspace {
    /// Looks which files and links there are.
    ///
    /// `.gitignore` files and the repository's own `info/exclude` are honoured, links are not
    /// followed, `.git` and `.atelier` are no part of it.
    pub fn survey(&self) -> Result<Survey, SurveyError> {
        Ok(Survey {
            paths: self.walk("", true)?,
            globs: Globs::default(),
            ignored: Mutex::default(),
        })
    }

    /// The paths that patterns name, in order and each once.
    ///
    /// A named path is part of it whether it is there or not. A folder that git leaves out whole
    /// counts with everything in it when a pattern names it or something below it, and never
    /// otherwise. Names of patterns that are excluded are left out.
    pub fn inputs(
        &self,
        survey: &Survey,
        patterns: &[RootPattern],
    ) -> Result<Vec<String>, SurveyError> {
        let excluded = survey.globs.rules(patterns, true)?;
        let mut inputs = BTreeSet::new();
        for rule in survey.globs.rules(patterns, false)? {
            self.add_named(survey, &rule, &mut inputs)?;
        }
        inputs.retain(|path| !excluded.iter().any(|rule| rule.matches(path)));
        Ok(inputs.into_iter().collect())
    }

    fn add_named(
        &self,
        survey: &Survey,
        rule: &Rule,
        inputs: &mut BTreeSet<String>,
    ) -> Result<(), SurveyError> {
        let folder = match &rule.names {
            Names::Path(path) => path,
            Names::All | Names::Glob(_) => &rule.base,
        };
        let known = survey.below(folder);
        let found = known.iter().filter(|path| rule.matches(path));
        let before = inputs.len();
        inputs.extend(found.cloned());
        let in_survey =
            inputs.len() > before || known.iter().any(|path| below(path, folder).is_some());
        if in_survey || folder.is_empty() {
            return Ok(());
        }
        match self.look(&[folder])?.as_slice() {
            [Found::Folder] => {
                let ignored = self.ignored(survey, folder)?;
                inputs.extend(ignored.iter().filter(|path| rule.matches(path)).cloned());
            }
            _ if matches!(rule.names, Names::Path(_)) => {
                inputs.insert(folder.clone());
            }
            _ => {}
        }
        Ok(())
    }

    /// Everything in a folder that the survey left out.
    fn ignored(&self, survey: &Survey, folder: &str) -> Result<Arc<Vec<String>>, SurveyError> {
        let lock = || {
            survey
                .ignored
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(known) = lock().get(folder) {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(self.walk(folder, false)?);
        lock().insert(folder.to_owned(), Arc::clone(&found));
        Ok(found)
    }

    fn walk(&self, folder: &str, honour_ignores: bool) -> Result<Vec<String>, SurveyError> {
        let entries_max = self.cas.limits().survey_entries_max;
        let top = self.path().join(folder);
        let walk = WalkBuilder::new(&top)
            .hidden(false)
            .ignore(false)
            .parents(false)
            .git_global(false)
            .git_ignore(honour_ignores)
            .git_exclude(honour_ignores)
            .require_git(false)
            .follow_links(false)
            .max_depth(Some(DEPTH_MAX))
            .filter_entry(|entry| {
                entry
                    .file_name()
                    .to_str()
                    .is_none_or(|name| !RESERVED.contains(&name))
            })
            .build();
        let mut paths = Vec::new();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                // It went away while the folder was read.
                Err(error) if gone(&error) => continue,
                Err(source) => {
                    let path = folder.to_owned();
                    return Err(SurveyError::Walk { path, source });
                }
            };
            if entry.file_type().is_none_or(|kind| kind.is_dir()) {
                continue;
            }
            if paths.len() == entries_max {
                let path = folder.to_owned();
                return Err(SurveyError::TooMany { path, entries_max });
            }
            paths.push(self.below_root(entry.path())?);
        }
        paths.sort_unstable();
        Ok(paths)
    }

    fn below_root(&self, path: &Path) -> Result<String, SurveyError> {
        let below = path.strip_prefix(self.path()).unwrap_or(path);
        let text = below.to_str().filter(|text| root::is_below(text));
        text.map(str::to_owned).ok_or_else(|| SurveyError::NotText {
            path: below.to_string_lossy().into_owned(),
        })
    }
}

fn gone(error: &ignore::Error) -> bool {
    error
        .io_error()
        .is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}
