//! Plans as files: in our own form, which loses nothing, and in the forms of other tools.
//!
//! [`import`] takes the files a person names and returns an [`Import`]: a plan, or, for prose, a
//! requirement that is still to be planned. [`export`] is the other direction. [`own`] alone reads
//! and writes what people edit by hand.
//!
//! ```
//! use std::collections::BTreeMap;
//! use atelier_exchange::{Import, import};
//!
//! let tasks = r#"{"tasks": [{"id": 1, "title": "Read the file", "dependencies": []}]}"#;
//! let files = BTreeMap::from([("tasks.json".to_owned(), tasks.to_owned())]);
//! let Import::Plan(plan) = import(None, &files, None).unwrap() else { panic!() };
//! assert_eq!(plan.plan.steps().next().unwrap().title, "Read the file");
//! ```
//!
//! Invariants: nothing here opens a file or knows of runs in a store; what a foreign form says and
//! ours has no place for is kept in a description, and what had to be decided stands in the notes.

mod draft;
mod error;
mod export;
mod github;
mod prose;
mod spec_kit;
mod task_master;
mod words;

pub mod own;

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::DevPlan;

pub use error::ImportError;
pub use export::{Exported, export};

/// Files by their path, as a person names them.
pub type Files = BTreeMap<String, String>;

/// A form in which plans are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Our own: TOML, or the same as JSON.
    Atelier,
    /// `spec.md`, `plan.md` and `tasks.md` of a feature.
    SpecKit,
    /// `tasks.json`, with or without tags.
    TaskMaster,
    /// A list of issues as GitHub's command line or its interface gives them.
    GitHub,
    /// Prose with headings and lists.
    Markdown,
}

impl Format {
    /// Every form, in the order in which a person would look.
    pub const ALL: [Self; 5] = [
        Self::Atelier,
        Self::SpecKit,
        Self::TaskMaster,
        Self::GitHub,
        Self::Markdown,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Atelier => "atelier",
            Self::SpecKit => "spec-kit",
            Self::TaskMaster => "taskmaster",
            Self::GitHub => "github",
            Self::Markdown => "markdown",
        }
    }

    /// The form of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// What a file comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Import {
    /// A plan with its steps.
    Plan(Box<Planned>),
    /// A requirement, for which there is no plan yet.
    Requirement {
        /// Its text, word for word.
        text: String,
        /// How many single statements it makes.
        statements: usize,
    },
}

/// A plan that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The form it was in.
    pub format: Format,
    /// The run it was exported from, where it says so.
    pub run: Option<String>,
    /// What is asked for as a whole.
    pub requirement: String,
    /// The plan.
    pub plan: DevPlan,
    /// What was decided on the way, and what could not be mapped.
    pub notes: Vec<String>,
}

impl Planned {
    /// Whether this is a newer state of the plan that stands for the same requirement.
    ///
    /// A requirement mostly says what is wanted. Lists of issues and of Task Master have none of their
    /// own, so that different lists are named alike: there, half of the tasks of the shorter one must
    /// be tasks of the other.
    pub fn continues(&self, standing: &DevPlan) -> bool {
        if !matches!(self.format, Format::GitHub | Format::TaskMaster) {
            return true;
        }
        let titles = |plan: &DevPlan| -> BTreeSet<String> {
            plan.steps().map(|step| step.title.clone()).collect()
        };
        let (ours, theirs) = (titles(&self.plan), titles(standing));
        let shared = ours.intersection(&theirs).count();
        shared * 2 >= ours.len().min(theirs.len())
    }
}

/// Reads a plan. Without a named form the files themselves tell. `tag` chooses one of the lists that
/// one file may hold.
pub fn import(
    format: Option<Format>,
    files: &Files,
    tag: Option<&str>,
) -> Result<Import, ImportError> {
    let files = &unmarked(files);
    let format = match format {
        Some(format) => format,
        None => detect(files)?,
    };
    match format {
        Format::Atelier => own::read(only(files)?).map(planned),
        Format::SpecKit => spec_kit::read(files).map(planned),
        Format::TaskMaster => task_master::read(only(files)?, tag).map(planned),
        Format::GitHub => github::read(only(files)?).map(planned),
        Format::Markdown => prose::read(only(files)?),
    }
}

/// The files without the mark that editors of some systems put before the first letter.
fn unmarked(files: &Files) -> Files {
    let text = |text: &String| text.trim_start_matches('\u{feff}').to_owned();
    files
        .iter()
        .map(|(name, given)| (name.clone(), text(given)))
        .collect()
}

fn planned(plan: Planned) -> Import {
    Import::Plan(Box::new(plan))
}

fn only(files: &Files) -> Result<&str, ImportError> {
    let mut texts = files.values();
    match (texts.next(), texts.next()) {
        (Some(text), None) => Ok(text),
        (None, _) => Err(ImportError::Nothing),
        (Some(_), Some(_)) => Err(ImportError::Several(files.keys().cloned().collect())),
    }
}

/// Which form files are in.
fn detect(files: &Files) -> Result<Format, ImportError> {
    if spec_kit::is_feature(files) {
        return Ok(Format::SpecKit);
    }
    let text = only(files)?;
    let name = files.keys().next().map_or("", String::as_str);
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let json = text.trim_start().starts_with(['{', '[']);
    match extension {
        "toml" => Ok(Format::Atelier),
        "md" | "markdown" if spec_kit::is_tasks(text) => Ok(Format::SpecKit),
        "md" | "markdown" | "txt" => Ok(Format::Markdown),
        "" if !json => Ok(Format::Markdown),
        _ if json => json_form(text)?.ok_or_else(|| ImportError::Unknown(name.to_owned())),
        _ if text.trim().is_empty() => Err(ImportError::Missing("anything".to_owned())),
        _ => Err(ImportError::Unknown(name.to_owned())),
    }
}

fn json_form(text: &str) -> Result<Option<Format>, ImportError> {
    let issues = || github::listed(text).map(|list| (!list.is_empty()).then_some(Format::GitHub));
    // What is several values is no file of the other forms.
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
        return issues();
    };
    if value.get("format").is_some() && value.get("phases").is_some() {
        Ok(Some(Format::Atelier))
    } else if task_master::is_tasks(&value) {
        Ok(Some(Format::TaskMaster))
    } else {
        issues()
    }
}

#[cfg(test)]
mod tests;
