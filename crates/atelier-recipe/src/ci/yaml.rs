//! Writes YAML: maps in the order they were made in, and comments, which no serialiser writes.

use std::fmt::Write as _;

/// Words that are no text where they stand alone.
const NO_TEXT: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
/// Signs beside letters with which a text without quotes may begin.
const BEGINS: &str = "_./$(";

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Nothing, as the value of a key that only has to be there.
    Empty,
    /// A number or a truth value, as it is written.
    Word(String),
    /// A text.
    Text(String),
    /// A text with a comment behind it.
    Noted(String, String),
    /// Values in their order.
    List(Vec<Node>),
    /// Keys and values in their order.
    Map(Vec<(String, Node)>),
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Word(value.to_string())
    }
}

impl From<u64> for Node {
    fn from(value: u64) -> Self {
        Self::Word(value.to_string())
    }
}

/// A map out of what there is.
pub(super) fn map(entries: impl IntoIterator<Item = (impl Into<String>, Node)>) -> Node {
    let entries = entries.into_iter();
    Node::Map(entries.map(|(key, value)| (key.into(), value)).collect())
}

/// A list out of what there is.
pub(super) fn list(values: impl IntoIterator<Item = impl Into<Node>>) -> Node {
    Node::List(values.into_iter().map(Into::into).collect())
}

impl Node {
    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Word(_) | Self::Text(_) | Self::Noted(..) => false,
            Self::List(values) => values.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }

    /// The text of a file that holds it.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text.trim_start_matches('\n').to_owned()
    }

    /// Writes it behind a key or a dash, with the end of its last line.
    fn write(&self, text: &mut String, depth: usize) {
        match self {
            Self::Empty => text.push('\n'),
            Self::Word(word) => line(text, word),
            Self::Text(value) => write_text(text, value, depth),
            Self::Noted(value, note) => line(text, &format!("{} # {note}", scalar(value))),
            Self::List(values) if values.is_empty() => *text += " []\n",
            Self::Map(entries) if entries.is_empty() => *text += " {}\n",
            Self::List(values) => {
                text.push('\n');
                for value in values {
                    indent(text, depth);
                    text.push('-');
                    value.write_item(text, depth);
                }
            }
            Self::Map(entries) => {
                text.push('\n');
                for entry in entries {
                    indent(text, depth);
                    write_entry(text, entry, depth);
                }
            }
        }
    }

    /// Writes it behind a dash: a map begins in the same line.
    fn write_item(&self, text: &mut String, depth: usize) {
        match self {
            Self::Map(entries) if !entries.is_empty() => {
                for (at, entry) in entries.iter().enumerate() {
                    if at == 0 {
                        text.push(' ');
                    } else {
                        indent(text, depth + 1);
                    }
                    write_entry(text, entry, depth + 1);
                }
            }
            Self::Empty
            | Self::Word(_)
            | Self::Text(_)
            | Self::Noted(..)
            | Self::List(_)
            | Self::Map(_) => self.write(text, depth + 1),
        }
    }
}

fn write_entry(text: &mut String, (key, value): &(String, Node), depth: usize) {
    // `on` is a key of GitHub's, and no truth value in the YAML of today.
    let key = if key == "on" {
        key.clone()
    } else {
        scalar(key)
    };
    *text += &key;
    text.push(':');
    value.write(text, depth + 1);
}

/// Ends a line behind a key or a dash.
fn line(text: &mut String, rest: &str) {
    text.push(' ');
    *text += rest;
    text.push('\n');
}

fn indent(text: &mut String, depth: usize) {
    *text += &"  ".repeat(depth);
}

fn write_text(text: &mut String, value: &str, depth: usize) {
    if !is_block(value) {
        return line(text, &scalar(value));
    }
    *text += " |-\n";
    for line in value.lines() {
        if !line.is_empty() {
            indent(text, depth);
            *text += line;
        }
        text.push('\n');
    }
}

/// Whether a text stands as it is below its key: one of several lines, and one whose own quotes
/// would have to be doubled.
fn is_block(value: &str) -> bool {
    let plain = |sign: char| sign == '\n' || !(sign.is_control() || is_break(sign));
    let is_easier = value.contains('\n') || (value.contains('\'') && !is_plain(value));
    is_easier
        && !value.starts_with([' ', '\n'])
        && !value.ends_with(['\n', ' '])
        && value.chars().all(plain)
}

/// Whether a sign ends a line for some readers, or is none for others.
fn is_break(sign: char) -> bool {
    matches!(sign, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A text in one line, in quotes where it needs them.
fn scalar(value: &str) -> String {
    if is_plain(value) {
        value.to_owned()
    } else if value
        .chars()
        .any(|sign| sign.is_control() || is_break(sign))
    {
        escaped(value)
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

/// Whether a text is one without quotes, for readers of every version of YAML.
fn is_plain(value: &str) -> bool {
    let begins = |sign: char| sign.is_ascii_alphabetic() || BEGINS.contains(sign);
    let is_word = NO_TEXT.iter().any(|word| word.eq_ignore_ascii_case(value));
    // Numbers, times and dates begin so; none of them has a blank and a letter.
    let begins_number = value.starts_with(|sign: char| sign.is_ascii_digit());
    let is_counted = begins_number
        && value.contains(' ')
        && value.contains(|sign: char| sign.is_ascii_alphabetic());
    let begins_point = value.strip_prefix('.');
    let is_number = begins_point.is_some_and(|rest| {
        rest.starts_with(|sign: char| sign.is_ascii_digit())
            || ["inf", "nan"].contains(&rest.to_ascii_lowercase().as_str())
    });
    let is_home = value.starts_with("~/");
    (value.starts_with(begins) || is_counted || is_home)
        && value
            .chars()
            .all(|sign| sign == ' ' || sign.is_ascii_graphic())
        && !value.contains(": ")
        && !value.contains(" #")
        && !value.ends_with([' ', ':'])
        && !is_word
        && !is_number
}

fn escaped(value: &str) -> String {
    let mut text = String::from("\"");
    for sign in value.chars() {
        match sign {
            '"' => text += "\\\"",
            '\\' => text += "\\\\",
            '\n' => text += "\\n",
            '\t' => text += "\\t",
            sign if sign.is_control() || is_break(sign) => {
                let _ = write!(text, "\\u{:04x}", u32::from(sign));
            }
            sign => text.push(sign),
        }
    }
    text + "\""
}

#[cfg(test)]
mod tests;
