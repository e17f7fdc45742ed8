//! JSON out of a reply that holds more than JSON.

use serde_json::Value;

use super::{ReadAnswerError, Repair};

/// The last complete object of the reply.
pub(super) fn read(text: &str, _schema: &Value) -> Result<(Value, Vec<Repair>), ReadAnswerError> {
    let start = text.find('{').ok_or(ReadAnswerError::NoJson)?;
    let end = text.rfind('}').ok_or(ReadAnswerError::Truncated)?;
    let body = text.get(start..=end).ok_or(ReadAnswerError::NoJson)?;
    serde_json::from_str(body)
        .map(|value| (value, vec![Repair::Extracted]))
        .map_err(|error| ReadAnswerError::Syntax {
            line: error.line(),
            column: error.column(),
            reason: error.to_string(),
        })
}
