//! The prompt templates: the built-in ones, a project's own in their place, and their rendering.

mod builtin;
mod render;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use atelier_model::{Digest, Message, Role};
use minijinja::{Environment, ErrorKind};
use serde_json::Value;

use self::{
    builtin::TEMPLATES,
    source::{Kind, Source, SourceError},
};

/// Name of the template whose text opens every system message.
const POLICY: &str = "technical-lead";

/// Every template by name.
#[derive(Debug, Clone)]
pub struct Library {
    sources: BTreeMap<String, Source>,
}

/// A rendered template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The conversation's next messages. A stage opens a conversation: system first, then user. A
    /// follow-up such as `reask` goes on with one: a user message alone.
    pub messages: Vec<Message>,
    /// Name of the template.
    pub template: String,
    /// Digest of the template's text and of every text it is put together with.
    pub version: Digest,
}

/// Why a project's own templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// There is no template of this name to stand in for.
    #[error("override the prompt `{name}`: there is none of that name; known are {known}")]
    UnknownTemplate {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The file is not a template.
    #[error("read the prompt `{name}`")]
    Source {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: SourceError,
    },
    /// The template's syntax is wrong.
    #[error("compile the prompt `{name}`")]
    Syntax {
        /// Its name.
        name: String,
        /// Where and what.
        source: minijinja::Error,
    },
    /// The template uses a value that nobody supplies.
    #[error("use `{variable}` in the prompt `{name}`: its inputs are {inputs}")]
    UnknownInput {
        /// Its name.
        name: String,
        /// The value.
        variable: String,
        /// What it may use.
        inputs: String,
    },
}

/// Why a prompt could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderPromptError {
    /// There is no such template.
    #[error("find the prompt `{name}`")]
    UnknownTemplate {
        /// The name asked for.
        name: String,
    },
    /// The caller left out a value that the template needs.
    #[error("render the prompt `{name}` without its input `{input}`")]
    MissingInput {
        /// The template.
        name: String,
        /// The value.
        input: String,
    },
    /// The template does more work than any prompt needs.
    #[error("render the prompt `{name}` within {fuel_max} instructions")]
    OutOfFuel {
        /// The template.
        name: String,
        /// The most instructions a rendering may take.
        fuel_max: u64,
    },
    /// The prompt is larger than any model takes.
    #[error("render the prompt `{name}` within {bytes_max} bytes")]
    TooLong {
        /// The template.
        name: String,
        /// The most bytes a prompt may have.
        bytes_max: usize,
    },
    /// The template failed on these inputs.
    #[error("render the prompt `{name}`")]
    Template {
        /// The template.
        name: String,
        /// Where and why.
        source: minijinja::Error,
    },
}

impl Library {
    /// The templates that come with Atelier.
    pub fn builtin() -> Self {
        let sources = TEMPLATES
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Source::builtin(text)))
            .collect();
        Self { sources }
    }

    /// The built-in templates with a project's own texts in place of those of the same name.
    ///
    /// A text without front matter keeps the front matter of the template it replaces.
    pub fn with_overrides(overrides: &BTreeMap<String, String>) -> Result<Self, LibraryError> {
        let mut library = Self::builtin();
        for (name, text) in overrides {
            let builtin =
                library
                    .sources
                    .get(name)
                    .ok_or_else(|| LibraryError::UnknownTemplate {
                        name: name.clone(),
                        known: library.names().join(", "),
                    })?;
            let source = builtin
                .replaced_by(text)
                .map_err(|source| LibraryError::Source {
                    name: name.clone(),
                    source,
                })?;
            library.sources.insert(name.clone(), source);
        }
        for name in overrides.keys() {
            library.check(name)?;
        }
        Ok(library)
    }

    /// The names of all templates, in order.
    pub fn names(&self) -> Vec<&str> {
        self.sources.keys().map(String::as_str).collect()
    }

    /// The version of a template: the digest of everything that its rendering is put together
    /// from, apart from the inputs.
    pub fn version(&self, name: &str) -> Option<Digest> {
        let source = self.sources.get(name)?;
        let partials: Vec<_> = self
            .sources
            .iter()
            .filter(|(_, other)| other.kind == Kind::Partial)
            .map(|(name, other)| (name, &other.text))
            .collect();
        let policy =
            (source.kind == Kind::Stage).then(|| self.sources.get(POLICY).map(|s| &s.text));
        Some(Digest::of_json(&(name, &source.text, policy, partials)))
    }

    /// Renders a template with its inputs, an object by name.
    pub fn render(&self, name: &str, inputs: &Value) -> Result<Prompt, RenderPromptError> {
        let unknown = || RenderPromptError::UnknownTemplate {
            name: name.to_owned(),
        };
        let source = self.sources.get(name).ok_or_else(unknown)?;
        let version = self.version(name).ok_or_else(unknown)?;
        for input in &source.inputs {
            if inputs.get(input).is_none() {
                return Err(RenderPromptError::MissingInput {
                    name: name.to_owned(),
                    input: input.clone(),
                });
            }
        }
        let mut context = inputs.clone();
        if let Some(values) = context.as_object_mut() {
            for input in &source.optional {
                values.entry(input.clone()).or_insert(Value::Null);
            }
        }
        let environment = self.environment();
        let part = |text: &str| render::part(&environment, name, text, &context);
        let mut messages = Vec::new();
        let policy = self
            .sources
            .get(POLICY)
            .filter(|_| source.kind == Kind::Stage);
        let mut system = Vec::new();
        for text in policy
            .map(|policy| &policy.system)
            .into_iter()
            .chain([&source.system])
        {
            let text = part(text)?;
            if !text.is_empty() {
                system.push(text);
            }
        }
        if !system.is_empty() {
            messages.push(Message {
                role: Role::System,
                text: system.join("\n\n"),
            });
        }
        let user = part(&source.user)?;
        if !user.is_empty() {
            messages.push(Message {
                role: Role::User,
                text: user,
            });
        }
        Ok(Prompt {
            messages,
            template: name.to_owned(),
            version,
        })
    }

    /// An engine that knows the partials and nothing else.
    fn environment(&self) -> Environment<'_> {
        let mut environment = render::environment();
        for (name, source) in &self.sources {
            if source.kind == Kind::Partial {
                // A partial that does not compile is reported by the template that includes it.
                let _ = environment.add_template(name, &source.user);
            }
        }
        environment
    }

    /// Compiles a template and looks for values that nobody supplies.
    fn check(&self, name: &str) -> Result<(), LibraryError> {
        let Some(source) = self.sources.get(name) else {
            return Ok(());
        };
        let environment = self.environment();
        for text in [&source.system, &source.user] {
            let template = environment
                .template_from_named_str(name, text)
                .map_err(|source| LibraryError::Syntax {
                    name: name.to_owned(),
                    source,
                })?;
            let mut variables: Vec<_> = template.undeclared_variables(false).into_iter().collect();
            variables.sort();
            let known = |variable: &String| {
                source.inputs.contains(variable)
                    || source.optional.contains(variable)
                    || environment.globals().any(|(global, _)| global == variable)
            };
            if let Some(variable) = variables.into_iter().find(|variable| !known(variable)) {
                let inputs: Vec<_> = source
                    .inputs
                    .iter()
                    .chain(&source.optional)
                    .cloned()
                    .collect();
                return Err(LibraryError::UnknownInput {
                    name: name.to_owned(),
                    variable,
                    inputs: inputs.join(", "),
                });
            }
        }
        Ok(())
    }
}

/// What an error of the engine means for the one who rendered.
fn render_error(name: &str, source: minijinja::Error) -> RenderPromptError {
    let name = name.to_owned();
    if source.kind() == ErrorKind::OutOfFuel {
        let fuel_max = render::FUEL_MAX;
        RenderPromptError::OutOfFuel { name, fuel_max }
    } else if source.kind() == ErrorKind::WriteFailure {
        let bytes_max = render::PROMPT_BYTES_MAX;
        RenderPromptError::TooLong { name, bytes_max }
    } else {
        RenderPromptError::Template { name, source }
    }
}
