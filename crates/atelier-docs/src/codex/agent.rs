//! One agent: what it is for, what it is told, and what it may write.

use std::fmt;

use atelier_model::TreePath;
use globset::{Glob, GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest name of an agent.
const NAME_BYTES_MAX: usize = 40;
/// Patterns an agent names at most.
const PATTERNS_MAX: usize = 64;
/// What a text says where another agent follows.
const CHAIN: &str = "once complete, invoke ";

/// Who does a task. It keeps nothing from one task to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// What it is for, in one sentence.
    pub goal: String,
    /// The model that is asked; that of the `code` stage if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Files it may write; all that the task may if left empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<Pattern>,
    /// Steps of a plan are its own where all their files match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Pattern>,
    /// Whether it may write tests.
    pub tests: bool,
    /// What it answers.
    pub answer: Answers,
    /// The file it writes for another's task, with `{task}` for that one's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Who comes next, once its task is merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
    /// What it is told.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prompt: String,
}

/// What an agent answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// Edits of files.
    #[default]
    Edits,
    /// What is wrong with what it was shown.
    Findings,
}

/// A pattern of paths: `*` within a folder, `**` across folders.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, globset::Error> {
        let glob: Glob = GlobBuilder::new(text.trim_start_matches("./"))
            .literal_separator(true)
            .build()?;
        Ok(Self {
            text: text.to_owned(),
            matcher: glob.compile_matcher(),
        })
    }

    /// Whether a path is meant.
    pub fn matches(&self, path: &TreePath) -> bool {
        self.matcher.is_match(path.as_str())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Why a text is no agent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AgentError {
    /// There is no front matter.
    #[error("find its front matter: begin it with a line `+++`, `name`, `goal`, and another `+++`")]
    NoFrontMatter,
    /// The front matter is not what it must be.
    #[error("read its front matter: {0}")]
    FrontMatter(String),
    /// Its name is none.
    #[error("name it `{0}`: a name is lowercase letters, digits, `-` and `_`, up to 40")]
    Name(String),
    /// A pattern cannot be read, or there are too many.
    #[error("read its pattern `{pattern}`: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// Its output is no path in the project.
    #[error("write to `{0}`: it is no path within the project")]
    Output(String),
}

/// The front matter of an agent's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    name: String,
    goal: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    writes: Vec<String>,
    #[serde(default)]
    takes: Vec<String>,
    #[serde(default = "yes")]
    tests: bool,
    #[serde(default)]
    answer: Answers,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    then: Option<String>,
}

fn yes() -> bool {
    true
}

impl Agent {
    /// Reads the file of an agent: front matter between two `+++` lines, then what it is told.
    pub fn read(text: &str) -> Result<Self, AgentError> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let rest = text.strip_prefix("+++\n");
        let (front, body) = rest
            .and_then(|rest| rest.split_once("\n+++").or_else(|| rest.split_once("+++")))
            .ok_or(AgentError::NoFrontMatter)?;
        let front: Front = toml::from_str(front)
            .map_err(|error| AgentError::FrontMatter(error.message().to_owned()))?;
        let output = front.output.filter(|path| !path.trim().is_empty());
        if let Some(path) = &output
            && TreePath::parse(&path.replace("{task}", "t1")).is_err()
        {
            return Err(AgentError::Output(path.clone()));
        }
        let prompt = body.trim().to_owned();
        Ok(Self {
            name: named(&front.name)?,
            goal: front.goal.trim().to_owned(),
            model: front.model.filter(|model| !model.trim().is_empty()),
            writes: patterns(&front.writes)?,
            takes: patterns(&front.takes)?,
            tests: front.tests,
            answer: front.answer,
            output,
            then: front.then.or_else(|| follower(&prompt)),
            prompt,
        })
    }

    /// An agent of which only name and words are known.
    pub fn in_words(name: &str, words: &str) -> Result<Self, AgentError> {
        let words = words.trim();
        let goal = words.split("\n\n").next().unwrap_or_default();
        let goal = goal.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Self {
            name: named(name)?,
            goal,
            model: None,
            writes: Vec::new(),
            takes: Vec::new(),
            tests: true,
            answer: Answers::Edits,
            output: None,
            then: follower(words),
            prompt: words.to_owned(),
        })
    }

    /// Whether it may write a file, tests apart.
    pub fn may_write(&self, path: &TreePath) -> bool {
        let output = self
            .output
            .as_deref()
            .map(|output| output.replace("{task}", ""));
        let own = output.is_some_and(|output| path.as_str() == output);
        self.writes.is_empty() || own || self.writes.iter().any(|one| one.matches(path))
    }

    /// Whether the files of a step are all of the kind that it takes.
    pub(super) fn takes_all(&self, paths: &[String]) -> bool {
        let takes = |path: &String| {
            TreePath::parse(path.trim_start_matches("./"))
                .is_ok_and(|path| self.takes.iter().any(|one| one.matches(&path)))
        };
        !self.takes.is_empty() && !paths.is_empty() && paths.iter().all(takes)
    }
}

fn named(name: &str) -> Result<String, AgentError> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    let good = !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(plain);
    if good {
        Ok(name.to_owned())
    } else {
        Err(AgentError::Name(name.to_owned()))
    }
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, AgentError> {
    if let Some(text) = texts.get(PATTERNS_MAX) {
        return Err(AgentError::Pattern {
            pattern: text.clone(),
            reason: format!("there are more than {PATTERNS_MAX}"),
        });
    }
    let read = |text: &String| {
        Pattern::parse(text).map_err(|error| AgentError::Pattern {
            pattern: text.clone(),
            reason: error.kind().to_string(),
        })
    };
    texts.iter().map(read).collect()
}

/// Whom a text says to invoke next.
fn follower(text: &str) -> Option<String> {
    let at = text.to_ascii_lowercase().rfind(CHAIN)? + CHAIN.len();
    let name: String = text[at..]
        .trim_start_matches(['`', '*', '"'])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}
