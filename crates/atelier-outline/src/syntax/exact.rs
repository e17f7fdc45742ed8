//! Languages that are read as their standard has them, without a grammar of our own.

use serde::{Deserialize as _, de::IgnoredAny};

use crate::fault::Fault;

/// Faults of a text that should be JSON.
pub(crate) fn json(text: &str) -> Vec<Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = IgnoredAny::deserialize(&mut reader).and_then(|_| reader.end());
    let Err(error) = read else {
        return Vec::new();
    };
    let start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let byte = start + error.column().saturating_sub(1);
    vec![Fault::at(text, byte, said)]
}

/// Faults of a text that should be TOML.
pub(crate) fn toml(text: &str) -> Vec<Fault> {
    let Err(error) = text.parse::<toml::Table>() else {
        return Vec::new();
    };
    let byte = error.span().map_or(text.len(), |span| span.start);
    vec![Fault::at(text, byte, error.message())]
}
