//! A label: a short text a person gave, checked once, when it is made.

use std::fmt;
use std::str::FromStr;

/// One line of visible text without blanks around it, neither empty nor too long.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

/// Why a text is no label.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelError {
    /// Nothing is left without the blanks.
    Empty,
    /// It has more than [`Label::LENGTH_MAX`] characters.
    TooLong {
        /// How many it has.
        length: usize,
    },
    /// It has a line break or another control character.
    Control {
        /// The character.
        found: char,
    },
}

impl Label {
    /// The most characters a label may have.
    pub const LENGTH_MAX: usize = 80;

    /// The text of the label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    /// Makes a label of a text; blanks around it are dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(LabelError::Empty);
        }
        let length = text.chars().count();
        if length > Self::LENGTH_MAX {
            return Err(LabelError::TooLong { length });
        }
        match text.chars().find(|c| c.is_control()) {
            Some(found) => Err(LabelError::Control { found }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for Label {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a label must not be empty"),
            Self::TooLong { length } => {
                let most = Label::LENGTH_MAX;
                write!(f, "a label has at most {most} characters, not {length}")
            }
            Self::Control { found } => {
                write!(f, "a label is one line of visible text, without {found:?}")
            }
        }
    }
}

impl std::error::Error for LabelError {}
