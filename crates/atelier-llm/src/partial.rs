//! What had come of an answer that broke off: kept for whoever looks, never given as an answer.

use serde::{Deserialize, Serialize};

/// Bytes that are kept of one answer.
const PARTIAL_BYTES_MAX: usize = 1 << 20;

/// Parts that are kept of one answer.
const PARTS_MAX: usize = 1_024;

/// What had come of an answer that broke off, as its provider said it: with placeholders where
/// something was hidden from that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialAnswer {
    /// The version of this form.
    pub partial: u32,
    /// The ask or the request that it was to answer.
    pub of: String,
    /// Who answered.
    pub provider: String,
    /// The model that did.
    pub model: String,
    /// What it had said.
    pub parts: Vec<PartialPart>,
    /// Whether more had come than is kept.
    pub is_cut: bool,
}

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PartialPart {
    /// Text.
    Text {
        /// It.
        text: String,
    },
    /// What the model thought.
    Thought {
        /// It.
        text: String,
    },
    /// A tool that the model wanted to be called.
    Call {
        /// Name of the tool.
        name: String,
        /// Its arguments, as far as they had come.
        arguments: String,
    },
}

impl PartialPart {
    /// A part of text.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text {
            text: text.to_owned(),
        }
    }

    /// What grows while it comes.
    fn growing(&mut self) -> &mut String {
        match self {
            Self::Text { text }
            | Self::Thought { text }
            | Self::Call {
                arguments: text, ..
            } => text,
        }
    }

    /// Leaves so many bytes at most, and says how many there are.
    fn keep(&mut self, bytes_max: usize) -> usize {
        let text = self.growing();
        let end = text.floor_char_boundary(bytes_max);
        text.truncate(end);
        end
    }
}

impl PartialAnswer {
    /// The value of [`PartialAnswer::partial`].
    const VERSION: u32 = 1;

    /// What had come of the answer to something; `None` where nothing had.
    pub(crate) fn new(
        of: &str,
        (provider, model): (&str, &str),
        parts: impl IntoIterator<Item = PartialPart>,
    ) -> Option<Self> {
        let mut partial = Self {
            partial: Self::VERSION,
            of: of.to_owned(),
            provider: provider.to_owned(),
            model: model.to_owned(),
            parts: Vec::new(),
            is_cut: false,
        };
        let mut room = PARTIAL_BYTES_MAX;
        for mut part in parts {
            let bytes = part.growing().len();
            if partial.parts.len() >= PARTS_MAX || bytes > 0 && room == 0 {
                partial.is_cut = true;
                break;
            }
            let kept = part.keep(room);
            partial.is_cut |= kept < bytes;
            room -= kept;
            partial.parts.push(part);
        }
        let is_something = |part: &PartialPart| match part {
            PartialPart::Text { text } | PartialPart::Thought { text } => !text.is_empty(),
            PartialPart::Call { .. } => true,
        };
        partial.parts.iter().any(is_something).then_some(partial)
    }

    /// It as it is kept.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Texts and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what is kept; `None` where it is anything else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let partial: Self = serde_json::from_slice(bytes).ok()?;
        (partial.partial == Self::VERSION).then_some(partial)
    }
}

#[cfg(test)]
mod tests;
