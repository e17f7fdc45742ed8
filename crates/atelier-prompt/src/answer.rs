//! Typed values out of replies: a ladder from strict reading to bounded repair.

mod extract;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A value, and what had to be done to the reply to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// The repairs, in the order they were made; empty for a clean reply.
    pub repairs: Vec<Repair>,
}

/// One kind of repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Repair {
    /// Words, thinking or fences around the JSON were cut away.
    Extracted,
    /// Broken JSON syntax was mended.
    Syntax,
    /// Values were brought into the form the schema asks for.
    Coerced,
}

/// Why no value could be read. The message is worded for the model that answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadAnswerError {
    /// There is nothing in the reply.
    #[error("find an answer: the reply is empty")]
    Empty,
    /// There is no JSON in the reply.
    #[error("find a JSON object in the reply; answer with the JSON object alone")]
    NoJson,
    /// The JSON stops in the middle.
    #[error(
        "read the JSON: it ends before its last bracket is closed; answer in full, and more briefly"
    )]
    Truncated,
    /// The JSON cannot be read.
    #[error("read the JSON at line {line}, column {column}: {reason}")]
    Syntax {
        /// Line in the JSON.
        line: usize,
        /// Column in that line.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// The JSON is not what was asked for.
    #[error("match the JSON with the schema:\n{}", .problems.join("\n"))]
    Schema {
        /// One line for each place that does not fit.
        problems: Vec<String>,
    },
}

/// The JSON schema of a type, as it is shown to models and checked against.
pub fn schema<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// Reads a value out of a reply.
pub fn read<T: DeserializeOwned + JsonSchema>(reply: &str) -> Result<Answer<T>, ReadAnswerError> {
    let text = reply.trim();
    if text.is_empty() {
        return Err(ReadAnswerError::Empty);
    }
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(Answer {
            value,
            repairs: Vec::new(),
        });
    }
    let schema = schema::<T>();
    let (value, repairs) = extract::read(text, &schema)?;
    serde_json::from_value(value)
        .map(|value| Answer { value, repairs })
        .map_err(|error| ReadAnswerError::Schema {
            problems: vec![error.to_string()],
        })
}
