//! What the scaffolder does with a project: which files, in which steps, proved by which checks.

use atelier_model::Design;

use crate::{
    ScaffoldError,
    pack::{Pack, PackFile},
    proposals,
    request::{Kind, Language, Request, Words, usable_name},
};

/// What will be done.
#[derive(Debug)]
pub(crate) struct Layout {
    /// What the requirement asks for.
    pub request: Request,
    /// What the templates are filled with.
    pub words: Words,
    /// The pack, unless the project has sources already.
    pub pack: Option<&'static Pack>,
    /// Path of the file that receives the proposals.
    pub proposals: String,
    /// The paths that are in the project already.
    files: Vec<String>,
}

impl Layout {
    /// Decides from the requirement and from what is there already.
    pub(crate) fn of(requirement: &str, files: &[String]) -> Result<Self, ScaffoldError> {
        Self::with(Request::read(requirement)?, files)
    }

    /// The same once a design stands, which then decides on name, language and kind.
    pub(crate) fn designed(
        requirement: &str,
        files: &[String],
        design: &Design,
    ) -> Result<Self, ScaffoldError> {
        let mut request = Request::read(requirement)?;
        let stack = &design.technology_stack;
        request.kind = Kind::from_word(&stack.kind).unwrap_or(request.kind);
        request.language = Language::from_name(&stack.language).unwrap_or(request.language);
        request.name = usable_name(&design.name, request.kind);
        Self::with(request, files)
    }

    fn with(request: Request, files: &[String]) -> Result<Self, ScaffoldError> {
        let begun = files.iter().any(|path| is_source(path));
        let pack = if begun {
            None
        } else {
            Some(Pack::find(request.language, request.kind)?)
        };
        Ok(Self {
            words: Words::of(&request),
            pack,
            proposals: proposals::free_path(files),
            files: files.to_vec(),
            request,
        })
    }

    /// The pack's files that are not in the project yet and belong to a part.
    pub(crate) fn part(&self, part: Part) -> Vec<String> {
        self.pack_files()
            .into_iter()
            .map(|file| file.path)
            .filter(|path| Part::of(path) == part && !self.has(path))
            .collect()
    }

    /// Whether the project has this file already.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files
            .iter()
            .any(|file| file.eq_ignore_ascii_case(path))
    }

    /// Every file of the pack.
    pub(crate) fn pack_files(&self) -> Vec<PackFile> {
        self.pack
            .map(|pack| pack.files(&self.words))
            .unwrap_or_default()
    }
}

/// Which step writes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Manifest, sources and tests.
    Skeleton,
    /// What a project needs around its sources.
    Hygiene,
}

impl Part {
    fn of(path: &str) -> Self {
        let around = path.starts_with(".github/") || matches!(path, "README.md" | "LICENSE");
        if around {
            Self::Hygiene
        } else {
            Self::Skeleton
        }
    }
}

/// Folders whose files are not sources, whatever their names.
const BESIDE_SOURCES: &[&str] = &[
    ".atelier/",
    ".codex/",
    ".github/",
    ".vscode/",
    ".idea/",
    "docs/",
];

/// Extensions of files that are not sources.
const NO_SOURCES: &[&str] = &[
    "md", "txt", "rst", "adoc", "pdf", "png", "jpg", "jpeg", "svg", "gif",
];

/// Names of files that are not sources.
const NO_SOURCE_NAMES: &[&str] = &[
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    ".gitkeep",
    ".mailmap",
    "atelier.toml",
    "authors",
    "codeowners",
    "copying",
    "license",
    "license-apache",
    "license-mit",
    "notice",
    "readme",
    "unlicense",
];

/// Whether a file shows that the project has begun.
fn is_source(path: &str) -> bool {
    let lower = path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    !(BESIDE_SOURCES
        .iter()
        .any(|folder| lower.starts_with(folder))
        || NO_SOURCE_NAMES.contains(&name)
        || extension.is_some_and(|extension| NO_SOURCES.contains(&extension)))
}
