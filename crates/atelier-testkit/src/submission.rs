//! Work handed in on a small project whose tests stood before: planted cheats, and honest work that
//! looks like one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use atelier_model::{Check, FileEntry, FileTree, PathError, TreePath};

use crate::fixture::{Fixture, LoadFixtureError, StepWork, chain};

/// Folders below a base that are walked.
const DEPTH_MAX: usize = 8;

/// Who finds that work is a cheat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Whoever reads the text of the change.
    Text,
    /// Whoever sees which file is changed.
    Place,
    /// Whoever runs the checks.
    Run,
}

/// Work on a base project.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The kind of cheat, or of honest work: the name of its file.
    pub kind: String,
    /// Language of the base and name of the case.
    pub name: String,
    /// What the task owns.
    pub owns: Vec<String>,
    /// Who finds it.
    pub by: By,
    /// Whether it is told to a person and refuses nothing.
    pub doubt: bool,
    /// The project before.
    pub before: FileTree,
    /// The project after.
    pub after: FileTree,
}

/// Why submissions could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadSubmissionsError {
    /// A file or folder could not be read.
    #[error("read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file has a name that no project can hold.
    #[error("use a path of `{case}`")]
    Path {
        /// The case.
        case: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// A line is none of those that may stand there.
    #[error("understand `{line}` of `{case}`")]
    Line {
        /// The case.
        case: String,
        /// The line.
        line: String,
    },
    /// The text to change is not there exactly once.
    #[error("change `{path}` of `{case}`: it has the text to change {found} times")]
    Change {
        /// The case.
        case: String,
        /// The file.
        path: TreePath,
        /// How often the text is there.
        found: usize,
    },
}

/// The submissions of this repository of a kind: `cheats` or `honest`, in order.
pub fn submissions(kind: &str) -> Result<Vec<Submission>, LoadSubmissionsError> {
    let folder = folder().join(kind);
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(at(&folder))? {
        files.push(entry.map_err(at(&folder))?.path());
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(at(&file))?;
        let kind = file.file_stem().unwrap_or_default().to_string_lossy();
        for case in text.split("\n== ").filter(|case| !case.trim().is_empty()) {
            all.push(Submission::read(&kind, case.trim_start_matches("== "))?);
        }
    }
    Ok(all)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cheats")
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LoadSubmissionsError {
    let path = path.to_owned();
    move |source| LoadSubmissionsError::Io { path, source }
}

impl Submission {
    /// The language of its base.
    pub fn language(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    fn read(kind: &str, case: &str) -> Result<Self, LoadSubmissionsError> {
        let (name, rest) = case.split_once('\n').unwrap_or((case, ""));
        let mut made = Self {
            kind: kind.to_owned(),
            name: name.trim().to_owned(),
            owns: vec!["src".to_owned()],
            by: By::Text,
            doubt: false,
            before: FileTree::default(),
            after: FileTree::default(),
        };
        made.before = made.base()?;
        made.after = made.before.clone();
        let mut lines = rest.lines().peekable();
        while let Some(line) = lines.next() {
            let mut body = Vec::new();
            while let Some(next) = lines.next_if(|next| !is_head(next)) {
                body.push(next);
            }
            made.take(line, &body)?;
        }
        Ok(made)
    }

    fn take(&mut self, line: &str, body: &[&str]) -> Result<(), LoadSubmissionsError> {
        let case = || format!("{}: {}", self.kind, self.name);
        let path = |text: &str| {
            TreePath::parse(text).map_err(|source| LoadSubmissionsError::Path {
                case: case(),
                source,
            })
        };
        if let Some(owns) = line.strip_prefix("owns = ") {
            self.owns = owns.split_whitespace().map(str::to_owned).collect();
        } else if line == "by = place" {
            self.by = By::Place;
        } else if line == "by = run" {
            self.by = By::Run;
        } else if line == "by = text" {
            self.by = By::Text;
        } else if line == "doubt" {
            self.doubt = true;
        } else if let Some(name) = line.strip_prefix("> ") {
            let text = body.join("\n") + "\n";
            self.after.put(path(name)?, FileEntry::text(text));
        } else if let Some(name) = line.strip_prefix("- ") {
            self.after.remove(&path(name)?);
        } else if let Some(name) = line.strip_prefix("~ ") {
            let path = path(name)?;
            let text = changed(self.after.text(&path).unwrap_or_default(), body);
            let text = text.map_err(|found| LoadSubmissionsError::Change {
                case: case(),
                path: path.clone(),
                found,
            })?;
            self.after.put(path, FileEntry::text(text));
        } else if !line.trim().is_empty() {
            return Err(LoadSubmissionsError::Line {
                case: case(),
                line: line.to_owned(),
            });
        }
        Ok(())
    }

    fn base(&self) -> Result<FileTree, LoadSubmissionsError> {
        let root = folder().join("bases").join(self.language());
        let mut tree = FileTree::default();
        let mut open = vec![(root.clone(), 0)];
        while let Some((folder, depth)) = open.pop() {
            for entry in fs::read_dir(&folder).map_err(at(&folder))? {
                let path = entry.map_err(at(&folder))?.path();
                if path.is_dir() && depth < DEPTH_MAX {
                    open.push((path, depth + 1));
                    continue;
                }
                let inside = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy();
                let name =
                    TreePath::parse(&inside).map_err(|source| LoadSubmissionsError::Path {
                        case: self.name.clone(),
                        source,
                    })?;
                let text = fs::read_to_string(&path).map_err(at(&path))?;
                tree.put(name, FileEntry::text(text));
            }
        }
        Ok(tree)
    }

    /// A requirement of one step whose answer is this work. What the work deletes is no part of it.
    pub fn fixture(&self, argv: &[&str]) -> Result<Fixture, LoadFixtureError> {
        let path_error = |source| LoadFixtureError::Path {
            path: PathBuf::from(&self.name),
            source,
        };
        let mut fixture = chain(1).map_err(path_error)?;
        fixture.name.clone_from(&self.name);
        "Read durations such as a number of hours and minutes; refuse words.\n"
            .clone_into(&mut fixture.requirement);
        fixture.mistakes.clear();
        let changes = self.before.changes_to(&self.after);
        let mut work = StepWork::default();
        for (path, file) in changes {
            if let Some(text) = file.as_ref().and_then(FileEntry::as_text) {
                work.writes.insert(path, text.to_owned());
            }
        }
        for step in fixture.phases.iter_mut().flat_map(|phase| &mut phase.steps) {
            step.outputs.clone_from(&self.owns);
            step.owns.clone_from(&self.owns);
            step.inputs.clear();
            for one in &mut step.acceptance {
                one.check = Check::Command {
                    argv: argv.iter().map(|&word| word.to_owned()).collect(),
                    cwd: None,
                };
                one.must_fail_before = false;
            }
            fixture.work.insert(step.number.clone(), work.clone());
        }
        Ok(fixture)
    }
}

/// Whether a line begins the next part of a case.
fn is_head(line: &str) -> bool {
    ["> ", "~ ", "- ", "owns = ", "by = "]
        .iter()
        .any(|begin| line.starts_with(begin))
        || line == "doubt"
}

/// A text with the lines before `----` replaced by those after it, or how often they are there.
fn changed(text: &str, body: &[&str]) -> Result<String, usize> {
    let mut parts = body.split(|line| *line == "----");
    let old = parts.next().unwrap_or_default().join("\n");
    let new = parts.next().unwrap_or_default().join("\n");
    let found = text.matches(&old).count();
    if found == 1 {
        Ok(text.replacen(&old, &new, 1))
    } else {
        Err(found)
    }
}
