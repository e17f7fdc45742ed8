//! What a requirement asks for, read from its own words.

use crate::ScaffoldError;

mod features;
mod kind;
mod language;
mod name;
mod reserved;
mod summary;
mod token;
mod words;

pub(crate) use kind::Kind;
pub(crate) use language::Language;
pub(crate) use name::usable as usable_name;
pub(crate) use token::visible;
pub(crate) use words::Words;

use token::Statement;

#[cfg(test)]
mod tests;

/// What a requirement asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Language of the skeleton.
    pub language: Language,
    /// Whether the requirement named it.
    pub language_named: bool,
    /// Whether TypeScript was asked for, which needs an installed compiler.
    pub typescript: bool,
    /// Other languages it names.
    pub other_languages: Vec<Language>,
    /// Kind of project.
    pub kind: Kind,
    /// Name of the project in kebab-case.
    pub name: String,
    /// One line that says what it is for, where a sentence of the requirement does.
    pub summary: Option<String>,
    /// What it should be able to do, in the user's words, one statement each.
    pub features: Vec<String>,
}

impl Request {
    /// Reads a requirement.
    pub(crate) fn read(requirement: &str) -> Result<Self, ScaffoldError> {
        let statements = token::statements(requirement);
        let kind = kind::find(&statements);
        let languages = language::find(&statements)?;
        let content = statements.iter().any(Statement::says_something);
        if !content && kind.is_none() && languages.named.is_empty() {
            return Err(ScaffoldError::NothingToBuild);
        }
        let language = languages.named.first().copied();
        // Pages that a program makes are a service; a static page is in no other language.
        let made = languages.placed && language != Some(Language::JavaScript);
        let kind = match kind.unwrap_or(Kind::CommandLine) {
            Kind::WebPage if made => Kind::HttpService,
            kind @ (Kind::CommandLine | Kind::Library | Kind::HttpService | Kind::WebPage) => kind,
        };
        let page = kind == Kind::WebPage;
        let name = name::find(&statements, kind);
        Ok(Self {
            language: language
                .filter(|_| !page)
                .unwrap_or(kind.default_language()),
            language_named: language.is_some(),
            typescript: languages.typescript,
            other_languages: languages
                .named
                .into_iter()
                .skip(1)
                .filter(|_| !page)
                .collect(),
            kind,
            summary: summary::find(&statements, &name),
            features: features::find(&statements, &name),
            name: name.text,
        })
    }
}
