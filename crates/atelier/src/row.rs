//! One line for a terminal: pieces of text in tones, measured in columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::ui::Tone;

/// A line that has not met a terminal yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row(Vec<(Tone, String)>);

impl Row {
    /// A line of one plain piece.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::default().add(Tone::Plain, text)
    }

    /// The line with another piece at its end.
    #[must_use]
    pub(crate) fn add(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, text.into()));
        self
    }

    /// The line with all of another one at its end.
    #[must_use]
    pub(crate) fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// Its text without tones.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The line cut to a number of columns, with `…` where something is missing.
    pub(crate) fn fit(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let mut left = columns;
        let mut kept = Self::default();
        for (tone, text) in &self.0 {
            if text.width() < left {
                left -= text.width();
                kept = kept.add(*tone, text.as_str());
            } else {
                return kept.add(*tone, shorten(text, left));
            }
        }
        kept
    }

    /// Its pieces, painted.
    pub(crate) fn paint(&self, paint: impl Fn(Tone, &str) -> String) -> String {
        self.0
            .iter()
            .map(|(tone, text)| paint(*tone, text))
            .collect()
    }
}

/// A text broken between words into lines of at most so many columns; a longer word stays whole.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in text.split_inclusive(' ') {
        let line = lines.last().map_or(0, |line| line.width());
        if line > 0 && line + piece.trim_end().width() > columns {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(piece);
        }
    }
    lines
}

/// A text in exactly so many columns: filled with blanks, or cut with `…`.
pub(crate) fn column(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    let blanks = columns.saturating_sub(cut.width());
    format!("{cut}{:blanks$}", "")
}

/// A text in at most so many columns, with `…` where something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    shorten(text, columns)
}

/// As much of a text as leaves a column for the `…` at its end.
fn shorten(text: &str, columns: usize) -> String {
    let mut left = columns.saturating_sub(1);
    let mut kept = String::new();
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        kept.push(character);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests;
