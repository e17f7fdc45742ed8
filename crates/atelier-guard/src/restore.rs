//! Puts values back into an answer that arrives in pieces, wherever it was cut.

use std::{fmt::Write as _, ops::Deref};

use crate::{
    placeholder::{self, OPEN, Progress},
    vault::Vault,
};

/// How a value is written where its placeholder stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// As it is.
    #[default]
    Plain,
    /// As part of a JSON string: quotes, backslashes and control characters are escaped. For
    /// arguments of tools, which arrive as the text of a JSON document.
    JsonString,
}

/// Restores a text piece by piece. At most the beginning of one placeholder is held back.
///
/// Only placeholders of its vault are replaced; everything else goes through unchanged. Letters
/// may have changed their case on the way, nothing else may have.
#[derive(Debug)]
pub struct Restorer<V> {
    vault: V,
    form: Form,
    held: String,
}

impl<V: Deref<Target = Vault>> Restorer<V> {
    /// Restores what stands for the values of a vault.
    pub fn new(vault: V, form: Form) -> Self {
        Self {
            vault,
            form,
            held: String::new(),
        }
    }

    /// The text that is certain now that this piece arrived.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let held = std::mem::take(&mut self.held);
        let mut certain = String::with_capacity(held.len());
        let mut rest = held.as_str();
        while let Some(at) = rest.find('[') {
            certain.push_str(&rest[..at]);
            rest = &rest[at..];
            match placeholder::progress(rest) {
                Progress::Perhaps => {
                    rest.clone_into(&mut self.held);
                    return certain;
                }
                Progress::Whole(bytes) => {
                    let (written, behind) = rest.split_at(bytes);
                    self.put(written, &mut certain);
                    rest = behind;
                }
                Progress::Never => {
                    let (bracket, behind) = rest.split_at(OPEN.len() / 2);
                    certain.push_str(bracket);
                    rest = behind;
                }
            }
        }
        certain.push_str(rest);
        certain
    }

    /// Whether the beginning of a placeholder is held back.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// What was held back; the text is over.
    pub fn finish(self) -> String {
        self.held
    }

    fn put(&self, written: &str, certain: &mut String) {
        match (self.vault.value(written), self.form) {
            (None, _) => certain.push_str(written),
            (Some(value), Form::Plain) => certain.push_str(value),
            (Some(value), Form::JsonString) => escape(value, certain),
        }
    }
}

fn escape(value: &str, certain: &mut String) {
    for letter in value.chars() {
        match letter {
            '"' | '\\' => certain.extend(['\\', letter]),
            '\n' => certain.push_str("\\n"),
            '\r' => certain.push_str("\\r"),
            '\t' => certain.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(certain, "\\u{:04x}", u32::from(control));
            }
            other => certain.push(other),
        }
    }
}
