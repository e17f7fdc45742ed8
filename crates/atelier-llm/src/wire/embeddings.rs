//! Vectors of texts as `OpenAI` and its imitators send them, and as Gemini does.

use atelier_model::{StopReason, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::{Completion, DecodeError, Dialect, gemini::Content, reported_error, typed};

/// A request body in the dialect of most.
#[derive(Debug, Serialize)]
pub(crate) struct EmbeddingsRequest<'a> {
    pub(crate) model: &'a str,
    pub(crate) input: Vec<&'a str>,
    pub(crate) encoding_format: &'static str,
}

/// A request body in Gemini's dialect.
#[derive(Debug, Serialize)]
pub(crate) struct BatchEmbedRequest {
    pub(crate) requests: Vec<EmbedContentRequest>,
}

/// One text of such a request.
#[derive(Debug, Serialize)]
pub(crate) struct EmbedContentRequest {
    pub(crate) model: String,
    pub(crate) content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    data: Option<Vec<Numbered>>,
    #[serde(default)]
    embeddings: Option<Vec<Bare>>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(default)]
    usage_metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
struct Numbered {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct Bare {
    values: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    #[serde(default)]
    prompt_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    prompt_token_count: Option<u64>,
}

impl Answer {
    fn usage(&self) -> Option<Usage> {
        let counted = self.usage.as_ref().and_then(|counts| counts.prompt_tokens);
        let metadata = self.usage_metadata.as_ref();
        let input = counted.or(metadata.and_then(|counts| counts.prompt_token_count))?;
        Some(Usage {
            input,
            ..Usage::default()
        })
    }

    /// The vectors in the order of their texts.
    fn vectors(self) -> Option<Vec<Vec<f32>>> {
        let Some(mut data) = self.data else {
            let bare = self.embeddings?.into_iter();
            return Some(bare.map(|one| one.values).collect());
        };
        data.sort_by_key(|one| one.index);
        Some(data.into_iter().map(|one| one.embedding).collect())
    }
}

/// Reads the vectors of an answer, and its tokens where they are told: so many vectors as there
/// were texts, of one length, and of numbers.
pub(crate) fn vectors(
    value: &Value,
    expected: usize,
) -> Result<(Vec<Vec<f32>>, Option<Usage>), DecodeError> {
    if let Some(reported) = reported_error(value) {
        return Err(reported);
    }
    let answer: Answer = typed(value)?;
    let usage = answer.usage();
    let vectors = answer.vectors().unwrap_or_default();
    let length = vectors.first().map_or(0, Vec::len);
    let fits = |vector: &Vec<f32>| {
        vector.len() == length && vector.iter().all(|number| number.is_finite())
    };
    if vectors.len() != expected || length == 0 || !vectors.iter().all(fits) {
        let said = format!("it does not hold {expected} vectors of one length");
        return Err(DecodeError::Malformed { said });
    }
    Ok((vectors, usage))
}

/// An answer of so many vectors. Its text is the JSON list of them, as it is kept.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    expected: usize,
    text: String,
    usage: Option<Usage>,
    whole: bool,
}

impl Vectors {
    /// A decoder for an answer of so many vectors.
    pub(crate) fn of(expected: usize) -> Self {
        Self {
            expected,
            ..Self::default()
        }
    }
}

impl Dialect for Vectors {
    fn document(&mut self, value: &Value) -> Result<(), DecodeError> {
        let (vectors, usage) = vectors(value, self.expected)?;
        // Finite numbers are all it holds, and each of them can be written.
        self.text = serde_json::to_string(&vectors).unwrap_or_default();
        self.usage = usage;
        self.whole = true;
        Ok(())
    }

    fn event(&mut self, _: &str) -> Result<(), DecodeError> {
        Err(DecodeError::Malformed {
            said: "vectors are not streamed".to_owned(),
        })
    }

    fn is_complete(&self) -> bool {
        false
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn finish(self) -> Result<Completion, DecodeError> {
        if !self.whole {
            return Err(DecodeError::Truncated);
        }
        Ok(Completion {
            text: self.text,
            stop: StopReason::End,
            usage: self.usage,
        })
    }
}
