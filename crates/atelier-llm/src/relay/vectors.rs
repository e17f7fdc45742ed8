//! Vectors of texts: requests read and written, answers read and written, in the two dialects
//! that have them.

#[cfg(test)]
mod tests;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    relay::{
        Dialect,
        dialect::{list, put, text},
        exchange::QuestionError,
    },
    wire::{DecodeError, embeddings},
};

/// Fields of a request that have words in both dialects.
const KNOWN: &[&str] = &[
    "model",
    "input",
    "encoding_format",
    "dimensions",
    "content",
    "requests",
    "outputDimensionality",
];

/// How the client wants its vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A list of numbered vectors of numbers.
    Numbers,
    /// A list of numbered vectors, each the bytes of its numbers in base 64.
    Bytes,
    /// One vector, as Gemini has it.
    One,
    /// Several vectors, as Gemini has them.
    Several,
}

/// Texts that are to become vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    /// The texts.
    pub(crate) inputs: Vec<String>,
    /// Numbers of a vector, where the client has a wish.
    pub(crate) dimensions: Option<u64>,
    /// How the answer is wanted.
    pub(crate) shape: Shape,
    /// What was left out because only its own dialect knows it.
    pub(crate) dropped: Vec<String>,
}

/// The segments after the version of the address at which vectors are made.
pub(crate) fn segments(upstream: Dialect, model: &str, body: &Value) -> Vec<String> {
    if upstream != Dialect::Gemini {
        return vec!["embeddings".to_owned()];
    }
    // What a client of this dialect wants one of is asked for alone, whatever else it says.
    let is_one = body.get("content").is_some();
    let method = if is_one {
        "embedContent"
    } else {
        "batchEmbedContents"
    };
    let model = model.trim_start_matches("models/");
    vec!["models".to_owned(), format!("{model}:{method}")]
}

/// A request of Gemini's dialect for a model of another name, which every part of it repeats.
pub(crate) fn renamed(body: &Value, model: &str) -> Value {
    let mut body = body.clone();
    let name = format!("models/{}", model.trim_start_matches("models/"));
    if body.get("model").is_some() {
        put(&mut body, "model", Some(name.as_str()));
    }
    let requests = body.get_mut("requests").and_then(Value::as_array_mut);
    for request in requests.into_iter().flatten() {
        put(request, "model", Some(name.as_str()));
    }
    body
}

/// Reads a request.
pub(crate) fn texts(client: Dialect, body: &Value) -> Result<Texts, QuestionError> {
    if client == Dialect::Gemini {
        return of_contents(body);
    }
    let input = body.get("input").unwrap_or(&Value::Null);
    let texts: Option<Vec<String>> = match input {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(several) => several
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(QuestionError::missing("input"));
        }
    };
    let texts = texts.filter(|texts| !texts.is_empty());
    let texts =
        texts.ok_or_else(|| QuestionError::unsayable("tokens in place of text (`input`)"))?;
    let shape = match text(body, "encoding_format") {
        Some("base64") => Shape::Bytes,
        _ => Shape::Numbers,
    };
    Ok(Texts {
        inputs: texts,
        dimensions: body.get("dimensions").and_then(Value::as_u64),
        shape,
        dropped: unknown(body),
    })
}

fn of_contents(body: &Value) -> Result<Texts, QuestionError> {
    let one = std::slice::from_ref(body);
    let (requests, shape) = match body.get("requests").and_then(Value::as_array) {
        Some(several) => (several.as_slice(), Shape::Several),
        None => (one, Shape::One),
    };
    let texts: Result<Vec<String>, QuestionError> = requests.iter().map(content).collect();
    let texts = texts?;
    let first = requests
        .first()
        .ok_or_else(|| QuestionError::missing("requests"))?;
    let mut dropped: Vec<String> = requests.iter().flat_map(unknown).collect();
    dropped.sort();
    dropped.dedup();
    Ok(Texts {
        inputs: texts,
        dimensions: first.get("outputDimensionality").and_then(Value::as_u64),
        shape,
        dropped,
    })
}

fn content(request: &Value) -> Result<String, QuestionError> {
    let content = request
        .get("content")
        .ok_or_else(|| QuestionError::missing("content"))?;
    let parts = list(content, "parts").iter().map(|part| {
        let said = text(part, "text").map(str::to_owned);
        said.ok_or_else(|| QuestionError::unsayable("a vector of something else than text"))
    });
    parts.collect()
}

fn unknown(request: &Value) -> Vec<String> {
    let fields = request.as_object().into_iter().flatten();
    let unknown =
        fields.filter(|(name, value)| !value.is_null() && !KNOWN.contains(&name.as_str()));
    unknown.map(|(name, _)| name.clone()).collect()
}

/// Writes a request for a model.
pub(crate) fn body(upstream: Dialect, texts: &Texts, model: &str) -> Value {
    if upstream != Dialect::Gemini {
        let mut body = json!({"model": model, "input": texts.inputs, "encoding_format": "float"});
        put(&mut body, "dimensions", texts.dimensions);
        return body;
    }
    let model = format!("models/{}", model.trim_start_matches("models/"));
    let requests = texts.inputs.iter().map(|text| {
        let mut request = json!({"model": model, "content": {"parts": [{"text": text}]}});
        put(&mut request, "outputDimensionality", texts.dimensions);
        request
    });
    json!({"requests": requests.collect::<Vec<_>>()})
}

/// Reads the answer to a request and writes it as the client wants it.
pub(crate) fn document(answer: &Value, texts: &Texts, asked: &str) -> Result<Value, DecodeError> {
    let (vectors, usage) = embeddings::vectors(answer, texts.inputs.len())?;
    let tokens = usage.map_or(0, |usage| usage.input);
    let values = || vectors.iter().map(|vector| json!({"values": vector}));
    let numbered = |written: fn(&Vec<f32>) -> Value| {
        let numbered = (0..).zip(&vectors);
        let data = numbered.map(|(index, vector): (usize, _)| {
            json!({"object": "embedding", "index": index, "embedding": written(vector)})
        });
        json!({
            "object": "list", "data": data.collect::<Vec<_>>(), "model": asked,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        })
    };
    let metadata = json!({"promptTokenCount": tokens});
    Ok(match texts.shape {
        Shape::Numbers => numbered(|vector| json!(vector)),
        Shape::Bytes => numbered(|vector| json!(in_base64(vector))),
        Shape::One => json!({"embedding": values().next(), "usageMetadata": metadata}),
        Shape::Several => {
            json!({"embeddings": values().collect::<Vec<_>>(), "usageMetadata": metadata})
        }
    })
}

/// The numbers as bytes, the lowest of each first.
fn in_base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    BASE64_STANDARD.encode(bytes)
}
