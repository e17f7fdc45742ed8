//! Patterns of paths, ready to be matched.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use atelier_model::{PatternForm, RootPattern};
use globset::{GlobBuilder, GlobMatcher};

/// Why a pattern could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use the pattern `{pattern}`")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// Why.
    #[source]
    pub source: globset::Error,
}

/// Globs that were compiled, by what stands behind their folder: many steps use the same ones.
#[derive(Debug, Default)]
pub(crate) struct Globs(Mutex<HashMap<String, Arc<GlobMatcher>>>);

impl Globs {
    fn matcher(&self, glob: &str, whole: &str) -> Result<Arc<GlobMatcher>, PatternError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(matcher) = known.get(glob) {
            return Ok(Arc::clone(matcher));
        }
        let compiled = GlobBuilder::new(glob)
            .literal_separator(true)
            .backslash_escape(false)
            .build()
            .map_err(|source| PatternError {
                pattern: whole.to_owned(),
                source,
            })?;
        let matcher = Arc::new(compiled.compile_matcher());
        known.insert(glob.to_owned(), Arc::clone(&matcher));
        Ok(matcher)
    }

    /// Makes a pattern ready.
    pub(crate) fn rule(&self, pattern: &RootPattern) -> Result<Rule, PatternError> {
        let base = pattern.base();
        let names = match pattern.form {
            PatternForm::Path => Names::Path(pattern.text.clone()),
            PatternForm::Folder => Names::All,
            PatternForm::Glob => {
                let glob = pattern.text[base.len()..].trim_start_matches('/');
                Names::Glob(self.matcher(glob, &pattern.text)?)
            }
        };
        Ok(Rule {
            base: base.to_owned(),
            names,
        })
    }

    /// Makes those patterns ready that name something, or those that leave something out.
    pub(crate) fn rules(
        &self,
        patterns: &[RootPattern],
        excluded: bool,
    ) -> Result<Vec<Rule>, PatternError> {
        let wanted = patterns
            .iter()
            .filter(|pattern| pattern.excluded == excluded);
        wanted.map(|pattern| self.rule(pattern)).collect()
    }
}

/// A pattern that is ready to be matched.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The folder below which everything lies that it names.
    pub(crate) base: String,
    pub(crate) names: Names,
}

/// What a pattern names in its folder.
#[derive(Debug)]
pub(crate) enum Names {
    /// This path, and everything below it.
    Path(String),
    All,
    /// What matches, from the folder.
    Glob(Arc<GlobMatcher>),
}

impl Rule {
    pub(crate) fn matches(&self, path: &str) -> bool {
        match &self.names {
            Names::Path(named) => below(path, named).is_some(),
            Names::All => below(path, &self.base).is_some(),
            Names::Glob(glob) => below(path, &self.base).is_some_and(|rest| glob.is_match(rest)),
        }
    }
}

/// What of a path lies below a folder; empty for the folder itself.
pub(crate) fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}
