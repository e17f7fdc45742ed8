//! The commands: each a function from what was asked to a text.

use crate::{NAME, SUMMARY, VERSION};

/// Says what this program is, as text or as one JSON object.
#[must_use]
pub fn about(json: bool) -> String {
    if json {
        let [name, version, summary] = [NAME, VERSION, SUMMARY].map(quoted);
        format!("{{\"name\": {name}, \"version\": {version}, \"summary\": {summary}}}\n")
    } else {
        format!("{NAME} {VERSION}\n{SUMMARY}\n")
    }
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}
