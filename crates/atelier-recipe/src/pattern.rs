//! Patterns of recipes: for paths and for texts, compiled at their first use.

use std::sync::OnceLock;

use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;
use serde::Deserialize;

/// A path pattern where `*` stays within one part. One that is wrong matches nothing.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct PathGlob {
    text: String,
    matcher: OnceLock<Option<GlobMatcher>>,
}

impl PathGlob {
    /// The path itself, where the pattern is one.
    pub(crate) fn plain(&self) -> Option<&str> {
        (!self.text.contains(['*', '?', '[', '{'])).then_some(&self.text)
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        if let Some(plain) = self.plain() {
            return plain == path;
        }
        let matcher = self.matcher.get_or_init(|| compile(&self.text).ok());
        matcher
            .as_ref()
            .is_some_and(|matcher| matcher.is_match(path))
    }

    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<String> {
        compile(&self.text).err().map(|error| error.to_string())
    }
}

fn compile(text: &str) -> Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(text).literal_separator(true).build()?;
    Ok(glob.compile_matcher())
}

impl From<String> for PathGlob {
    fn from(text: String) -> Self {
        Self {
            text,
            matcher: OnceLock::new(),
        }
    }
}

/// A regular expression. One that is wrong matches nothing.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Pattern {
    text: String,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn regex(&self) -> Option<&Regex> {
        let regex = self.regex.get_or_init(|| Regex::new(&self.text).ok());
        regex.as_ref()
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// How often it matches.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.regex()
            .map_or(0, |regex| regex.find_iter(text).count())
    }

    /// Where its matches begin.
    pub(crate) fn places(&self, text: &str) -> Vec<usize> {
        let found = self.regex().into_iter();
        let found = found.flat_map(|regex| regex.find_iter(text));
        found.map(|found| found.start()).collect()
    }

    /// What its first group matches, each time.
    pub(crate) fn groups(&self, text: &str) -> Vec<String> {
        let found = self
            .regex()
            .into_iter()
            .flat_map(|regex| regex.captures_iter(text));
        let groups = found.filter_map(|found| Some(found.get(1)?.as_str().to_owned()));
        groups.collect()
    }

    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<String> {
        Regex::new(&self.text).err().map(|error| error.to_string())
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self {
            text,
            regex: OnceLock::new(),
        }
    }
}
