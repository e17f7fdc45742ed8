//! What a document claims of its project, and whether it still holds: paths, commands, symbols and
//! citations.
//!
//! Only what can be checked without a doubt is a claim. A path begins in a folder of the project; a
//! command names a target, script or package of a file that the project has; a symbol stands on the
//! line of a source file that is there, or behind a name that the project defines; a citation names
//! lines, perhaps with the digest of their text. Examples, placeholders and what belongs to other
//! projects claim nothing.

mod cited;
mod commands;
mod find;
mod place;
mod programs;
mod project;

use atelier_model::TreePath;

pub(crate) use self::cited::digest_of;
pub use self::project::Project;
use self::{
    cited::Judgement,
    find::{Claim, Said},
};

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimKind {
    /// A file or folder is there.
    Path,
    /// A command of the project can be run.
    Command,
    /// A name is defined or used in the sources.
    Symbol,
    /// Lines of a file say what they said.
    Citation,
}

impl ClaimKind {
    /// Its word, for people and for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Command => "command",
            Self::Symbol => "symbol",
            Self::Citation => "citation",
        }
    }
}

/// A claim that no longer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What it is about.
    pub kind: ClaimKind,
    /// The line of the document, counted from 1.
    pub line: usize,
    /// The claim, as it stands there.
    pub claim: String,
    /// What is wrong with it, as words that follow it.
    pub problem: String,
    /// What must stand there instead, where that is certain.
    pub repair: Option<String>,
}

/// What was found in one document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// How many claims it makes.
    pub claims: usize,
    /// Those that do not hold, in the order of the lines.
    pub drift: Vec<Drift>,
    /// The document with every repair made; `None` where there is none to make.
    pub repaired: Option<String>,
}

/// Checks every claim of a document.
///
/// # Example
/// ```
/// use atelier_docs::claims::{Project, check};
/// use atelier_model::{FileEntry, FileTree, TreePath};
///
/// let mut files = FileTree::default();
/// files.put(TreePath::parse("src/a.rs")?, FileEntry::text("pub fn area() {}\n"));
/// let project = Project::of(&files);
/// let checked = check(&TreePath::parse("README.md")?, "See `src/b.rs`.\n", &project);
/// assert_eq!(checked.drift[0].problem, "is not there");
/// # Ok::<(), atelier_model::PathError>(())
/// ```
pub fn check(document: &TreePath, text: &str, project: &Project<'_>) -> Checked {
    let claims = find::claims(document, text, project);
    let mut checked = Checked {
        claims: claims.len(),
        ..Checked::default()
    };
    let mut repairs = Vec::new();
    for claim in &claims {
        let Some((kind, problem, repair)) = judged((document, text), claim, project) else {
            continue;
        };
        if let Some(repair) = &repair {
            repairs.push((claim.range.clone(), repair.clone()));
        }
        checked.drift.push(Drift {
            kind,
            line: claim.line,
            claim: claim.text.clone(),
            problem,
            repair,
        });
    }
    if !repairs.is_empty() {
        let mut out = text.to_owned();
        for (range, repair) in repairs.into_iter().rev() {
            out.replace_range(range, &repair);
        }
        checked.repaired = Some(out);
    }
    checked
}

/// What is wrong with a claim; `None` where it holds.
fn judged(
    (document, text): (&TreePath, &str),
    claim: &Claim,
    project: &Project<'_>,
) -> Option<(ClaimKind, String, Option<String>)> {
    match &claim.said {
        Said::Link { path, place } => {
            // Tools that document sources follow links to bare names.
            let is_name = !path.contains(['/', '.']) && project.has_word(path);
            let problem = if project.has_linked(document, path) || (is_name && place.is_none()) {
                place::problem((document, text), path, place.as_deref()?, project)?
            } else {
                "is not there".to_owned()
            };
            Some((ClaimKind::Path, problem, None))
        }
        Said::Path(path) => {
            let gone = !project.has_named(document, path);
            gone.then(|| (ClaimKind::Path, "is not there".to_owned(), None))
        }
        Said::Symbol(name) => {
            let gone = !project.has_word(name);
            let said = || "is neither defined nor used in the sources".to_owned();
            gone.then(|| (ClaimKind::Symbol, said(), None))
        }
        Said::Command { folder, argv } => {
            let problem = commands::problem(project, folder, argv)?;
            Some((ClaimKind::Command, problem, None))
        }
        Said::Citation(cited) => match cited::judge(cited, project) {
            Judgement::Holds => None,
            Judgement::Moved(to) => {
                let said = format!("is now `{to}`");
                Some((ClaimKind::Citation, said, Some(format!("[[{to}]]"))))
            }
            Judgement::Gone(problem) => Some((ClaimKind::Citation, problem, None)),
        },
    }
}
