//! The roster: the agents that come with Atelier, those of the project, and who follows whom.

use std::collections::BTreeMap;

use atelier_model::FileTree;
use thiserror::Error;

use super::{AGENTS_FOLDER, Agent, AgentError, ROSTER_FILE};
use crate::markdown::{Fences, Line, heading};

/// The agents that come with Atelier, the one first that does what no other takes.
pub const BUILTIN: [(&str, &str); 4] = [
    ("code", include_str!("../../agents/code.md")),
    (
        "documentation",
        include_str!("../../agents/documentation.md"),
    ),
    ("review", include_str!("../../agents/review.md")),
    ("test", include_str!("../../agents/test.md")),
];
/// Agents that may follow one another for one task.
pub const CHAIN_MAX: usize = 4;

/// Agents a project has at most.
const AGENTS_MAX: usize = 64;
/// Bytes of one agent's file.
const FILE_BYTES_MAX: usize = 64 * 1024;
/// How the roster file begins the section of an agent.
const SECTION: &str = "Agent:";

/// All agents of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    agents: BTreeMap<String, Agent>,
    /// Whether the project has a roster of its own.
    is_own: bool,
}

/// Why a project's agents cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RosterError {
    /// A file is no agent.
    #[error("read the agent in `{path}`: failed to {source}")]
    Agent {
        /// The file.
        path: String,
        /// Why.
        source: AgentError,
    },
    /// A file is named otherwise than its agent.
    #[error("read the agent in `{path}`: it is named `{name}`; name file and agent alike")]
    Misnamed {
        /// The file.
        path: String,
        /// The agent.
        name: String,
    },
    /// A file is too long, or there are too many.
    #[error("read the agents: {0}")]
    TooMany(String),
    /// An agent is told to invoke one that is not there.
    #[error("find the agent `{then}`, which `{name}` invokes; there are {known}")]
    Unknown {
        /// Who invokes.
        name: String,
        /// Whom.
        then: String,
        /// Whom it could.
        known: String,
    },
    /// Agents follow one another in a circle.
    #[error("let the agents follow one another: {0} is a circle")]
    Circle(String),
    /// Too many agents follow one another.
    #[error("let the agents follow one another: {0} is longer than {CHAIN_MAX}")]
    TooLong(String),
    /// There is no such agent.
    #[error("find the agent `{name}`; there are {known}")]
    NoAgent {
        /// Who was asked for.
        name: String,
        /// Who is there.
        known: String,
    },
}

impl Roster {
    /// The agents of a project: those that come with Atelier, those of its roster file, and those
    /// with a file of their own, each in the place of the one before of the same name.
    pub fn read(files: &FileTree) -> Result<Self, RosterError> {
        let mut roster = Self {
            agents: BTreeMap::new(),
            is_own: false,
        };
        for (name, text) in BUILTIN {
            let agent = Agent::read(text).map_err(|source| RosterError::Agent {
                path: name.to_owned(),
                source,
            })?;
            roster.agents.insert(agent.name.clone(), agent);
        }
        roster.read_sections(files)?;
        roster.read_files(files)?;
        if roster.agents.len() > AGENTS_MAX {
            return Err(RosterError::TooMany(format!(
                "there are more than {AGENTS_MAX}"
            )));
        }
        roster.check_chains()?;
        Ok(roster)
    }

    fn read_sections(&mut self, files: &FileTree) -> Result<(), RosterError> {
        let text = ROSTER_FILE.parse().ok().and_then(|path| files.text(&path));
        let Some(text) = text else {
            return Ok(());
        };
        self.is_own = true;
        for (name, words) in sections(text) {
            let agent = Agent::in_words(&name, &words).map_err(|source| RosterError::Agent {
                path: ROSTER_FILE.to_owned(),
                source,
            })?;
            self.agents.insert(agent.name.clone(), agent);
        }
        Ok(())
    }

    fn read_files(&mut self, files: &FileTree) -> Result<(), RosterError> {
        for (path, file) in files.iter() {
            let direct = path
                .parent()
                .is_some_and(|parent| parent.as_str() == AGENTS_FOLDER);
            let Some(stem) = path.name().strip_suffix(".md").filter(|_| direct) else {
                continue;
            };
            self.is_own = true;
            let Some(text) = file.as_text() else {
                continue;
            };
            if text.len() > FILE_BYTES_MAX {
                let said = format!("`{path}` has more than {FILE_BYTES_MAX} bytes");
                return Err(RosterError::TooMany(said));
            }
            let agent = Agent::read(text).map_err(|source| RosterError::Agent {
                path: path.to_string(),
                source,
            })?;
            if agent.name != stem {
                return Err(RosterError::Misnamed {
                    path: path.to_string(),
                    name: agent.name,
                });
            }
            self.agents.insert(agent.name.clone(), agent);
        }
        Ok(())
    }

    fn check_chains(&self) -> Result<(), RosterError> {
        for agent in self.agents.values() {
            let mut chain = vec![agent.name.as_str()];
            let mut last = agent;
            while let Some(then) = &last.then {
                let known = self.agents.get(then);
                let next = known.ok_or_else(|| RosterError::Unknown {
                    name: last.name.clone(),
                    then: then.clone(),
                    known: self.names(),
                })?;
                let is_circle = chain.contains(&next.name.as_str());
                chain.push(&next.name);
                if is_circle {
                    return Err(RosterError::Circle(chain.join(" → ")));
                }
                if chain.len() > CHAIN_MAX {
                    return Err(RosterError::TooLong(chain.join(" → ")));
                }
                last = next;
            }
        }
        Ok(())
    }

    /// All agents in the order of their names.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// Whether the project has a roster of its own.
    pub fn is_own(&self) -> bool {
        self.is_own
    }

    /// Whether an agent is one that comes with Atelier, unchanged.
    pub fn is_builtin(&self, agent: &Agent) -> bool {
        let text = BUILTIN.iter().find(|(name, _)| *name == agent.name);
        text.and_then(|(_, text)| Agent::read(text).ok())
            .is_some_and(|builtin| builtin == *agent)
    }

    /// The agent of a name.
    pub fn find(&self, name: &str) -> Result<&Agent, RosterError> {
        self.agents.get(name).ok_or_else(|| RosterError::NoAgent {
            name: name.to_owned(),
            known: self.names(),
        })
    }

    /// Who does a task: the one it names; else, where the project has a roster of its own, the one
    /// that takes all of its files; else `code`.
    pub fn of_task(&self, named: Option<&str>, outputs: &[String]) -> Result<&Agent, RosterError> {
        if let Some(name) = named {
            return self.find(name);
        }
        let takes = |agent: &&Agent| self.is_own && agent.takes_all(outputs);
        match self.agents.values().find(takes) {
            Some(agent) => Ok(agent),
            None => self.find(BUILTIN[0].0),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.agents.keys().map(String::as_str).collect();
        names.join(", ")
    }
}

/// The sections `## Agent: NAME` of a roster file, with their words.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut fences = Fences::default();
    let mut open = false;
    for line in text.lines() {
        let title = match fences.next(line) {
            Line::Text => heading(line),
            Line::Fence | Line::Code => None,
        };
        if let Some((level, title)) = title {
            let name = title.trim().strip_prefix(SECTION).filter(|_| level == 2);
            if let Some(name) = name {
                found.push((name.trim().trim_matches('`').to_owned(), String::new()));
            }
            if level <= 2 {
                open = name.is_some();
                continue;
            }
        }
        if line.trim_start().starts_with("<!-- atelier:") {
            open = false;
        }
        if let Some((_, words)) = found.last_mut().filter(|_| open) {
            words.push_str(line);
            words.push('\n');
        }
    }
    found
}
