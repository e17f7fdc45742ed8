//! Reasons in words for people: one line each.

use std::fmt;

use super::{Change, Explanation, OutputFault, Reason, RecipeField, Spared};
use crate::InputChange;

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { to } => write!(f, "is new: `{to}`"),
            Self::Removed { from } => write!(f, "is gone: `{from}`"),
            Self::Changed { from, to } => write!(f, "was `{from}`, is `{to}`"),
        }
    }
}

impl RecipeField {
    fn word(self) -> &'static str {
        match self {
            Self::Folder => "the folder it runs in",
            Self::Outputs => "an output",
            Self::Sandbox => "its sandbox",
            Self::Network => "its reach over the network",
            Self::Dependencies => "a dependency",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forced => f.write_str("it was asked for"),
            Self::NeverRun => f.write_str("it was never run before"),
            Self::Uncached => f.write_str("its result is never used again"),
            Self::Command { from, to } => write!(f, "its command was `{from}`, is `{to}`"),
            Self::Recipe { field, change } => write!(f, "{} {change}", field.word()),
            Self::Environment { name, change } => write!(f, "environment `{name}` {change}"),
            Self::Surroundings => f.write_str("the environment of all steps is another one"),
            Self::Tool { name, change } => write!(f, "tool `{name}` {change}"),
            Self::Platform { from, to } => write!(f, "the platform was `{from}`, is `{to}`"),
            Self::Version => f.write_str("keys of steps are made in another way since"),
            Self::Input { path, change } => match change {
                InputChange::Added => write!(f, "input `{path}` is new"),
                InputChange::Removed => write!(f, "input `{path}` is gone"),
                InputChange::Changed => write!(f, "input `{path}` changed"),
            },
            Self::Dependency { step, path: None } => {
                write!(f, "step `{step}` made something else")
            }
            Self::Dependency {
                step,
                path: Some(path),
            } => write!(f, "step `{step}` made another `{path}`"),
            Self::Output { path, fault } => match fault {
                OutputFault::Missing => write!(f, "output `{path}` is missing"),
                OutputFault::Tampered => write!(f, "output `{path}` is not as it was made"),
            },
            Self::CacheEvicted => f.write_str("its result was removed from the cache"),
            Self::CacheCorrupt => f.write_str("its result in the cache was damaged"),
            Self::FailedBefore => f.write_str("it failed the last time"),
            Self::FlakyBefore => f.write_str("it ended well the last time only on another try"),
            Self::Unknown => f.write_str("nothing is known that differs"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        for reason in &self.further {
            write!(f, "; {reason}")?;
        }
        if self.untold > 0 {
            write!(f, "; and {} more", self.untold)?;
        }
        Ok(())
    }
}

impl fmt::Display for Spared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpToDate { since } => write!(f, "nothing has changed since {since}"),
            Self::CutOff { executed } if executed.is_empty() => {
                f.write_str("nothing before it has changed")
            }
            Self::CutOff { executed } => {
                let names: Vec<_> = executed.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "{} made the same as before", names.join(", "))
            }
            Self::Restored { made } => write!(f, "it was made from the same at {made}"),
            Self::Shared { made } => {
                write!(f, "another machine made it from the same at {made}")
            }
        }
    }
}
