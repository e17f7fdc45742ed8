//! One template file: TOML front matter between `+++` lines, then its system and user parts.

use serde::Deserialize;

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Opens every system message.
    Policy,
    /// Opens a conversation.
    Stage,
    /// Goes on with a conversation.
    FollowUp,
    /// Is included by others.
    Partial,
}

/// A template, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The whole file.
    pub(super) text: String,
    /// What it is for.
    pub(super) kind: Kind,
    /// Inputs that must be given.
    pub(super) inputs: Vec<String>,
    /// Inputs that are `none` if not given.
    pub(super) optional: Vec<String>,
    /// The part that goes into the system message.
    pub(super) system: String,
    /// The part that becomes the user message.
    pub(super) user: String,
}

/// Why a file is not a template.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no front matter.
    #[error("find the front matter between two `+++` lines")]
    NoFrontMatter,
    /// The front matter has no end.
    #[error("find the second `+++` line that ends the front matter")]
    NoEnd,
    /// The front matter is not what it must be.
    #[error("read the front matter")]
    FrontMatter(#[from] toml::de::Error),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    /// What the template is for, for those who open the file.
    #[serde(rename = "description")]
    _description: String,
    kind: Kind,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
}

const FENCE: &str = "+++\n";
const SYSTEM: &str = "<!-- system -->";
const USER: &str = "<!-- user -->";

impl Source {
    /// One of the embedded templates. A test proves that each of them can be read; if one could
    /// not, its whole text would be its user part.
    pub(super) fn builtin(text: &str) -> Self {
        Self::read(text, None).unwrap_or_else(|_| Self {
            text: text.to_owned(),
            kind: Kind::FollowUp,
            inputs: Vec::new(),
            optional: Vec::new(),
            system: String::new(),
            user: text.to_owned(),
        })
    }

    /// This template with another text, and with this front matter if the text has none.
    pub(super) fn replaced_by(&self, text: &str) -> Result<Self, SourceError> {
        Self::read(text, Some(self))
    }

    /// Reads a template. One that stands in for another is of its kind and has its inputs,
    /// whatever its own front matter says.
    pub(super) fn read(text: &str, replaced: Option<&Self>) -> Result<Self, SourceError> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let (front, body) = match text.strip_prefix(FENCE) {
            Some(rest) => {
                let (head, body) = rest.split_once("\n+++\n").ok_or(SourceError::NoEnd)?;
                (Some(toml::from_str::<FrontMatter>(head)?), body)
            }
            None => (None, text.as_str()),
        };
        let (kind, inputs, optional) = match (replaced, front) {
            (Some(replaced), _) => (
                replaced.kind,
                replaced.inputs.clone(),
                replaced.optional.clone(),
            ),
            (None, Some(front)) => (front.kind, front.inputs, front.optional),
            (None, None) => return Err(SourceError::NoFrontMatter),
        };
        let (system, user) = parts(body, kind);
        Ok(Self {
            text,
            kind,
            inputs,
            optional,
            system,
            user,
        })
    }
}

/// Divides a body at its `<!-- system -->` and `<!-- user -->` lines. This happens before any
/// value is filled in, so no value can open a message of its own.
fn parts(body: &str, kind: Kind) -> (String, String) {
    let mut system = String::new();
    let mut user = String::new();
    let mut in_system = kind == Kind::Policy;
    for line in body.split_inclusive('\n') {
        match line.trim() {
            SYSTEM => in_system = true,
            USER => in_system = false,
            _ if in_system => system.push_str(line),
            _ => user.push_str(line),
        }
    }
    (system, user)
}
