//! Typed values out of replies: a ladder from strict reading to bounded repair.
//!
//! What is repaired is the form of an answer, never its meaning: nothing that the model wrote may
//! be lost on the way, and the result must follow the schema of its type.

mod check;
mod coerce;
mod extract;
mod mend;
#[cfg(test)]
mod tests;

use jsonschema::Validator;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::extract::Candidate;

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
    /// The reply is longer than any answer.
    #[error("read an answer of more than {bytes_max} bytes; answer more briefly")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// There is no JSON in the reply.
    #[error("find a JSON object in the reply; answer with the JSON object alone")]
    NoJson,
    /// The JSON stops in the middle.
    #[error(
        "find the end of the JSON: the reply stops before its last bracket is closed; answer in \
         full, and more briefly"
    )]
    Truncated,
    /// The JSON cannot be read.
    #[error("read the JSON at its line {line}, column {column}: {reason}")]
    Syntax {
        /// Line in the JSON.
        line: usize,
        /// Column in that line.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// The JSON is not what was asked for.
    #[error("match the JSON with its schema:\n{}", .problems.join("\n"))]
    Schema {
        /// One line for each place that does not fit.
        problems: Vec<String>,
    },
}

/// Bytes of a reply that are read.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The JSON schema of a type, as it is shown to models and checked against.
pub fn schema<T: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    without_noise(&mut schema);
    schema
}

/// Drops what says nothing to a model: the schema's own version, and widths of integers.
fn without_noise(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        if object.get("type").is_some() {
            object.retain(|key, value| key != "format" || !value.is_string());
        }
        object.values_mut().for_each(without_noise);
    } else if let Some(items) = schema.as_array_mut() {
        items.iter_mut().for_each(without_noise);
    }
}

/// Reads a value out of a reply.
///
/// The ladder: the reply as it is; then each complete JSON value in it, the last one first, as it
/// is and in the form the schema asks for; then the same with broken syntax mended. The first
/// value that follows the schema is the answer.
pub fn read<T: DeserializeOwned + JsonSchema>(reply: &str) -> Result<Answer<T>, ReadAnswerError> {
    if reply.len() > ANSWER_BYTES_MAX {
        let bytes_max = ANSWER_BYTES_MAX;
        return Err(ReadAnswerError::TooLong { bytes_max });
    }
    let whole = reply.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if whole.is_empty() {
        return Err(ReadAnswerError::Empty);
    }
    let schema = schema::<T>();
    let reader = Reader {
        validator: check::validator(&schema)?,
        schema,
        whole,
    };
    let candidates = extract::candidates(whole);
    let mut best = Failure::None;
    for mend in [false, true] {
        for candidate in candidates.iter().rev() {
            match reader.value(candidate, mend) {
                Ok((value, repairs)) => match serde_json::from_value(value) {
                    Ok(value) => return Ok(Answer { value, repairs }),
                    Err(error) => best.schema(vec![format!("- {error}")]),
                },
                Err(ReadAnswerError::Schema { problems }) => best.schema(problems),
                Err(error) => best.other(error),
            }
        }
    }
    Err(best.error(extract::is_cut_off(whole)))
}

struct Reader<'a> {
    whole: &'a str,
    schema: Value,
    validator: Validator,
}

impl Reader<'_> {
    /// A candidate as a value that follows the schema, with the repairs that it took.
    fn value(
        &self,
        candidate: &Candidate<'_>,
        mend: bool,
    ) -> Result<(Value, Vec<Repair>), ReadAnswerError> {
        let mut repairs = Vec::new();
        if candidate.text != self.whole {
            repairs.push(Repair::Extracted);
        }
        let mut value = if mend {
            repairs.push(Repair::Syntax);
            mend::value(candidate)?
        } else {
            serde_json::from_str(candidate.text).map_err(|error| syntax(&error))?
        };
        let coerced = coerce::value(value.clone(), &self.schema);
        if coerced != value {
            value = coerced;
            repairs.push(Repair::Coerced);
        }
        let problems = check::problems(&self.validator, &value);
        if problems.is_empty() {
            Ok((value, repairs))
        } else {
            Err(ReadAnswerError::Schema { problems })
        }
    }
}

fn syntax(error: &serde_json::Error) -> ReadAnswerError {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
    ReadAnswerError::Syntax {
        line: error.line(),
        column: error.column(),
        reason,
    }
}

/// The failure that helps most: the fewest problems with the schema, or else the first other one,
/// which is of the last candidate.
enum Failure {
    None,
    Other(ReadAnswerError),
    Schema(Vec<String>),
}

impl Failure {
    fn schema(&mut self, problems: Vec<String>) {
        let better = match self {
            Self::None | Self::Other(_) => true,
            Self::Schema(known) => problems.len() < known.len(),
        };
        if better {
            *self = Self::Schema(problems);
        }
    }

    fn other(&mut self, error: ReadAnswerError) {
        if matches!(self, Self::None) {
            *self = Self::Other(error);
        }
    }

    fn error(self, cut_off: bool) -> ReadAnswerError {
        match self {
            _ if cut_off => ReadAnswerError::Truncated,
            Self::None => ReadAnswerError::NoJson,
            Self::Other(error) => error,
            Self::Schema(problems) => ReadAnswerError::Schema { problems },
        }
    }
}
