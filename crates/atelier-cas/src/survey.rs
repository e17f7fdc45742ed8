//! Which files of a workspace a step reads: a walk once, and patterns over what it found.

use std::{
    collections::{BTreeSet, HashMap},
    fs::FileType,
    io,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use atelier_model::{PatternForm, RootPattern};
use ignore::WalkBuilder;
use rustix::fs::readlinkat;

use crate::{
    outputs::DEPTH_MAX,
    patterns::{Globs, Names, PatternError, Rule, below},
    root,
    workspace::{Found, LookError, Workspace},
};

/// Links that lead to links.
const LINKS_MAX: usize = 8;
/// Folders that are no part of any project.
pub(crate) const RESERVED: [&str; 2] = [".git", ".atelier"];

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
    /// A name holds a character that stands for a byte that is no text.
    #[error("look for the files of `{path}`: a name in it has a character above U+10FEFF")]
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
/// They are looked for when a pattern asks for more than a named file, once. Rules of the user's
/// own and rules above the root do not count: the same files give the same survey for everybody.
#[derive(Debug, Default)]
pub struct Survey {
    /// In order.
    paths: OnceLock<Vec<String>>,
    globs: Globs,
    /// Files of folders that git leaves out and that a step names all the same.
    ignored: Mutex<HashMap<String, Arc<Vec<String>>>>,
    /// What stands where a folder was named and there is none.
    looked: Mutex<HashMap<String, Found>>,
}

impl Survey {
    /// Whether nobody has asked it which files there are.
    pub fn is_untouched(&self) -> bool {
        self.walked().is_none()
            && self
                .ignored
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_empty()
            && self
                .looked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_empty()
    }

    /// The files that were found, where they were looked for.
    pub(crate) fn walked(&self) -> Option<&[String]> {
        self.paths.get().map(Vec::as_slice)
    }

    /// The same of folders that git leaves out.
    pub(crate) fn walked_ignored(&self) -> Vec<(String, Arc<Vec<String>>)> {
        let known = self.ignored.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = known.iter();
        pairs
            .map(|(folder, paths)| (folder.clone(), Arc::clone(paths)))
            .collect()
    }

    /// What stands where a folder was named and there is none.
    pub(crate) fn looked(&self) -> Vec<(String, Found)> {
        let known = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = known.iter();
        pairs.map(|(path, found)| (path.clone(), *found)).collect()
    }
}

/// Something that a step reads, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The path below the root.
    pub path: String,
    /// What stands there.
    pub found: Found,
}

/// A path, and what stands there where it was looked at.
type Seen = (String, Option<Found>);

impl Workspace {
    /// What steps read, for each of them the files and links that its patterns name, in order and
    /// each once.
    ///
    /// A named path is part of it whether it is there or not. A folder that git leaves out whole
    /// counts with everything in it when a pattern names it or something below it, and never
    /// otherwise. Where a link leads, below the root, is part of it too.
    /// What patterns leave out is left out. `.git` and `.atelier` are no part of it.
    pub fn inputs(
        &self,
        survey: &Survey,
        steps: &[Vec<RootPattern>],
    ) -> Result<Vec<Vec<Input>>, SurveyError> {
        let mut all = self.named_inputs(survey, steps)?;
        let mut followed = vec![0; steps.len()];
        for _ in 0..LINKS_MAX {
            let more = self.led_to(steps, &all, &mut followed);
            if more.iter().all(Vec::is_empty) {
                break;
            }
            for (inputs, more) in all.iter_mut().zip(self.named_inputs(survey, &more)?) {
                let new = |input: &Input| inputs.iter().all(|known| known.path != input.path);
                let new: Vec<Input> = more.into_iter().filter(new).collect();
                inputs.extend(new);
            }
        }
        for inputs in all.iter_mut().zip(followed).filter(|(_, at)| *at > 0) {
            inputs.0.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        }
        Ok(all)
    }

    /// Where links lead that steps read, as further patterns for each step. Of each step, `followed`
    /// inputs were asked for that already.
    fn led_to(
        &self,
        steps: &[Vec<RootPattern>],
        all: &[Vec<Input>],
        followed: &mut [usize],
    ) -> Vec<Vec<RootPattern>> {
        let mut more = vec![Vec::new(); steps.len()];
        for (step, inputs) in all.iter().enumerate() {
            let links = inputs[followed[step]..].iter();
            let links = links.filter(|input| matches!(input.found, Found::Link { .. }));
            let targets = links.filter_map(|link| self.target(&link.path));
            // What is in a folder that the step reads as a whole is there already.
            let new = targets.filter(|target| !is_read_whole(&steps[step], &target.text));
            more[step].extend(new);
            if !more[step].is_empty() {
                followed[step] = inputs.len();
                let excluded = steps[step].iter().filter(|pattern| pattern.excluded);
                more[step].extend(excluded.cloned());
            }
        }
        more
    }

    /// The path below the root that a link leads to, as far as its text says.
    fn target(&self, link: &str) -> Option<RootPattern> {
        let (folder, name) = root::split(link);
        let folder = self.root.folder(folder).ok()?;
        let target = readlinkat(&folder, root::os(name), Vec::new()).ok()?;
        let target = root::text(target.as_bytes())?;
        let mut parts: Vec<&str> = link.split('/').collect();
        parts.pop();
        if target.starts_with('/') {
            return None;
        }
        for part in target.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        let text = parts.join("/");
        root::is_below(&text).then_some(RootPattern {
            text,
            form: PatternForm::Path,
            excluded: false,
        })
    }

    fn named_inputs(
        &self,
        survey: &Survey,
        steps: &[Vec<RootPattern>],
    ) -> Result<Vec<Vec<Input>>, SurveyError> {
        let single: Vec<&str> = steps.iter().flatten().filter_map(named).collect();
        let mut seen = self.look(&single)?.into_iter();
        let mut all = Vec::with_capacity(steps.len());
        for patterns in steps {
            let standing = patterns.iter().map(|pattern| {
                let found = named(pattern).and_then(|_| seen.next());
                (pattern, found)
            });
            all.push(self.step_inputs(survey, patterns, standing)?);
        }
        self.see_rest(&mut all)?;
        let input = |(path, found): Seen| Input {
            path,
            found: found.unwrap_or(Found::Absent),
        };
        let inputs = |step: Vec<Seen>| step.into_iter().map(input).collect();
        Ok(all.into_iter().map(inputs).collect())
    }

    /// The paths of one step, those with what stands there that were looked at already.
    fn step_inputs<'a>(
        &self,
        survey: &Survey,
        patterns: &[RootPattern],
        standing: impl Iterator<Item = (&'a RootPattern, Option<Found>)>,
    ) -> Result<Vec<Seen>, SurveyError> {
        let mut inputs = Vec::with_capacity(patterns.len());
        for (pattern, found) in standing.filter(|(pattern, _)| !pattern.excluded) {
            match found {
                Some(found) if found != Found::Folder => {
                    inputs.push((pattern.text.clone(), Some(found)));
                }
                Some(_) | None => {
                    let rule = survey.globs.rule(pattern)?;
                    let named = self.named_below(survey, &rule)?;
                    inputs.extend(named.into_iter().map(|path| (path, None)));
                }
            }
        }
        let excluded = survey.globs.rules(patterns, true)?;
        inputs.retain(|(path, _)| !excluded.iter().any(|rule| rule.matches(path)));
        // Of equal paths, one that was looked at comes first.
        inputs.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.is_some().cmp(&a.1.is_some())));
        inputs.dedup_by(|a, b| a.0 == b.0);
        Ok(inputs)
    }

    /// Looks at what was not looked at yet, each path once for all steps.
    fn see_rest(&self, all: &mut [Vec<Seen>]) -> Result<(), SurveyError> {
        let unseen = all.iter().flatten().filter(|(_, found)| found.is_none());
        let paths: BTreeSet<&str> = unseen.map(|(path, _)| path.as_str()).collect();
        let paths: Vec<&str> = paths.into_iter().collect();
        let found = self.look(&paths)?;
        let found: HashMap<String, Found> =
            paths.into_iter().map(str::to_owned).zip(found).collect();
        for (path, standing) in all.iter_mut().flatten() {
            if standing.is_none() {
                *standing = found.get(path).copied();
            }
        }
        Ok(())
    }

    /// What a pattern names in a folder.
    fn named_below(&self, survey: &Survey, rule: &Rule) -> Result<Vec<String>, SurveyError> {
        let folder = match &rule.names {
            Names::Path(path) => path,
            Names::All | Names::Glob(_) => &rule.base,
        };
        let known = between(self.surveyed(survey)?, folder);
        let in_survey = known.iter().any(|path| below(path, folder).is_some());
        let take = |paths: &[String]| {
            let named = paths.iter().filter(|path| rule.matches(path));
            named.cloned().collect()
        };
        if in_survey || folder.is_empty() {
            return Ok(take(known));
        }
        match self.look(&[folder])?.as_slice() {
            [Found::Folder] => Ok(take(self.ignored(survey, folder)?.as_slice())),
            other => {
                let mut looked = survey.looked.lock().unwrap_or_else(PoisonError::into_inner);
                looked.extend(other.iter().map(|found| (folder.clone(), *found)));
                Ok(Vec::new())
            }
        }
    }

    /// The paths of a survey, looked for when they are asked for the first time.
    fn surveyed<'a>(&self, survey: &'a Survey) -> Result<&'a [String], SurveyError> {
        if let Some(paths) = survey.paths.get() {
            return Ok(paths);
        }
        let paths = self.walk("", true)?;
        Ok(survey.paths.get_or_init(|| paths))
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

    pub(crate) fn walk(
        &self,
        folder: &str,
        honour_ignores: bool,
    ) -> Result<Vec<String>, SurveyError> {
        let is_file = |kind: FileType| !kind.is_dir();
        self.walk_over(folder, honour_ignores, is_file)
    }

    /// Every folder that git does not leave out, the root first.
    pub(crate) fn folders(&self) -> Result<Vec<String>, SurveyError> {
        let mut folders = vec![String::new()];
        folders.extend(self.walk_over("", true, |kind| kind.is_dir())?);
        Ok(folders)
    }

    /// What is below a folder and of a kind, in order.
    fn walk_over(
        &self,
        folder: &str,
        honour_ignores: bool,
        wanted: impl Fn(FileType) -> bool,
    ) -> Result<Vec<String>, SurveyError> {
        let entries_max = self.cas.limits().survey_entries_max;
        let top = self.path().join(root::os(folder));
        let mut paths = Vec::new();
        for entry in walker(&top, honour_ignores).build() {
            let entry = match entry {
                Ok(entry) => entry,
                // It went away while the folder was read.
                Err(error) if gone(&error) => continue,
                Err(source) => {
                    let path = folder.to_owned();
                    return Err(SurveyError::Walk { path, source });
                }
            };
            let is_wanted = entry.file_type().is_some_and(&wanted);
            if !is_wanted || entry.depth() == 0 {
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
        let text = root::text(below.as_os_str().as_bytes());
        let text = text.filter(|text| root::is_below(text));
        text.ok_or_else(|| SurveyError::NotText {
            path: below.to_string_lossy().into_owned(),
        })
    }
}

fn walker(top: &Path, honour_ignores: bool) -> WalkBuilder {
    let mut walker = WalkBuilder::new(top);
    walker
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
            let name = entry.file_name().to_str();
            name.is_none_or(|name| !RESERVED.contains(&name))
        });
    walker
}

/// Whether a path lies in a folder that patterns name as a whole.
fn is_read_whole(patterns: &[RootPattern], path: &str) -> bool {
    let folders = patterns
        .iter()
        .filter(|one| one.form == PatternForm::Folder && !one.excluded);
    let mut folders = folders.filter_map(|folder| below(path, &folder.text));
    folders.any(|rest| !rest.is_empty())
}

/// The path that a pattern names, where it names one.
fn named(pattern: &RootPattern) -> Option<&str> {
    let one = pattern.form == PatternForm::Path && !pattern.excluded;
    one.then_some(pattern.text.as_str())
}

/// Those of some paths in order that begin like a folder: all below it, and others.
fn between<'a>(paths: &'a [String], folder: &str) -> &'a [String] {
    let start = paths.partition_point(|path| path.as_str() < folder);
    let end = start + paths[start..].partition_point(|path| path.starts_with(folder));
    &paths[start..end]
}

fn gone(error: &ignore::Error) -> bool {
    error
        .io_error()
        .is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}
