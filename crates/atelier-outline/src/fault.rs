//! A place where a text does not follow the grammar of its language.

use std::fmt;

/// Characters of a line that are shown.
const SHOWN_MAX: usize = 160;

/// One place where a text does not follow the grammar of its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub said: String,
    /// The line, without the blanks around it; a long one is cut.
    pub text: String,
}

impl Fault {
    /// A fault at a byte of a text.
    pub(crate) fn at(text: &str, byte: usize, said: impl Into<String>) -> Self {
        let byte = text.floor_char_boundary(byte.min(text.len()));
        let before = &text[..byte];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or_default().trim();
        Self {
            line: before.matches('\n').count() + 1,
            column: text[start..byte].chars().count() + 1,
            said: said.into(),
            text: shortened(line),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.said
        )
    }
}

/// A line as it is shown.
pub(crate) fn shortened(line: &str) -> String {
    let mut shown: String = line.chars().take(SHOWN_MAX).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}
