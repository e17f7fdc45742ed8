//! Files that edits may not touch.

use atelier_model::TreePath;
use globset::{GlobBuilder, GlobMatcher};

use super::{Problem, Trouble};
use crate::{
    change::{ChangeSet, Edit},
    place::fold_path,
};

/// What decides what is built and how it is checked: an edit of it deserves a person's look.
const USUAL: [&str; 39] = [
    ".github/workflows/",
    ".github/actions/",
    ".github/CODEOWNERS",
    ".gitlab-ci.yml",
    ".gitlab/ci/",
    ".circleci/",
    ".buildkite/",
    ".forgejo/workflows/",
    ".gitea/workflows/",
    ".woodpecker/",
    ".woodpecker.yml",
    ".drone.yml",
    ".travis.yml",
    ".appveyor.yml",
    "appveyor.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
    ".cirrus.yml",
    ".semaphore/",
    "**/Cargo.lock",
    "**/package-lock.json",
    "**/npm-shrinkwrap.json",
    "**/pnpm-lock.yaml",
    "**/yarn.lock",
    "**/bun.lock",
    "**/bun.lockb",
    "**/deno.lock",
    "**/poetry.lock",
    "**/uv.lock",
    "**/pdm.lock",
    "**/Pipfile.lock",
    "**/go.sum",
    "**/Gemfile.lock",
    "**/composer.lock",
    "**/mix.lock",
    "**/pubspec.lock",
    "**/Podfile.lock",
    "**/gradle.lockfile",
];

/// Why a pattern of paths cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the path pattern `{pattern}`")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    #[source]
    pub reason: globset::Error,
}

/// Which files edits may not touch.
///
/// A pattern is a path from the root, in which `*` stands for anything within one part, `**` for
/// any parts, `?` for one character, `[..]` for one of several and `{a,b}` for one of these texts. It
/// means that file or all files below that folder, in whatever case. Where patterns for protected
/// and for own files both fit, the longer one counts: it says more precisely what it means. Before
/// what is usually protected, any pattern for own files counts.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    protected: Vec<Pattern>,
    own: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    /// Whether nobody named it.
    usual: bool,
    matcher: GlobMatcher,
}

impl Protection {
    /// What is usually protected: what continuous integration runs, and the files in which package
    /// managers record exact versions.
    pub fn usual() -> Self {
        let pattern = |text: &&str| {
            let pattern = Pattern::of(text).ok()?;
            Some(Pattern {
                usual: true,
                ..pattern
            })
        };
        let protected = USUAL.iter().filter_map(pattern);
        Self {
            protected: protected.collect(),
            own: Vec::new(),
        }
    }

    /// Protects what these patterns mean as well.
    pub fn protect<T: AsRef<str>>(
        mut self,
        patterns: impl IntoIterator<Item = T>,
    ) -> Result<Self, PatternError> {
        for pattern in patterns {
            self.protected.push(Pattern::of(pattern.as_ref())?);
        }
        Ok(self)
    }

    /// Frees what these patterns mean, unless a longer one that was named protects it.
    pub fn own<T: AsRef<str>>(
        mut self,
        patterns: impl IntoIterator<Item = T>,
    ) -> Result<Self, PatternError> {
        for pattern in patterns {
            self.own.push(Pattern::of(pattern.as_ref())?);
        }
        Ok(self)
    }

    /// The pattern that protects a path; `None` where it may be changed.
    pub fn forbids(&self, path: &TreePath) -> Option<&str> {
        let folded = fold_path(path.as_str());
        let own = self.own.iter().filter(|pattern| pattern.fits(&folded));
        let own = own.map(|pattern| pattern.text.len()).max();
        let outdone =
            |pattern: &Pattern| own.is_some_and(|own| pattern.usual || own > pattern.text.len());
        let fitting = self
            .protected
            .iter()
            .filter(|pattern| pattern.fits(&folded) && !outdone(pattern));
        let longest = fitting.max_by_key(|pattern| pattern.text.len())?;
        Some(longest.text.as_str())
    }
}

impl Pattern {
    fn of(text: &str) -> Result<Self, PatternError> {
        let text = text.trim_start_matches("./").trim_end_matches('/');
        let glob = GlobBuilder::new(&fold_path(text))
            .literal_separator(true)
            .build()
            .map_err(|reason| PatternError {
                pattern: text.to_owned(),
                reason,
            })?;
        Ok(Self {
            text: text.to_owned(),
            usual: false,
            matcher: glob.compile_matcher(),
        })
    }

    /// Whether it means this path or a folder that it lies in.
    fn fits(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders
            .chain([path])
            .any(|part| self.matcher.is_match(part))
    }
}

impl ChangeSet {
    /// The edits that concern protected files, as problems.
    pub fn problems(&self, protection: &Protection) -> Vec<Problem> {
        let forbidden = |edit: &Edit| {
            let (path, pattern) = edit
                .paths()
                .find_map(|path| Some((path, protection.forbids(path)?)))?;
            let said = if path.as_str() == pattern {
                format!("`{path}` is protected")
            } else {
                format!("`{path}` is protected by `{pattern}`")
            };
            let mend = "leave this file as it is, and say what should change in it and why";
            Some(Trouble::new(said, mend).about(edit))
        };
        self.edits.iter().filter_map(forbidden).collect()
    }
}

#[cfg(test)]
mod tests;
