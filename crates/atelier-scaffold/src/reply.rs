//! The form of answers: JSON artifacts and files in Markdown fences.

use serde::Serialize;

use crate::ScaffoldError;

/// An artifact as a fenced JSON block, the form every planning stage asks for.
pub(crate) fn artifact(artifact: &impl Serialize) -> Result<String, ScaffoldError> {
    let json = serde_json::to_string_pretty(artifact).map_err(ScaffoldError::Write)?;
    Ok(format!("{}\n", fenced("json", &json)))
}

/// One whole file as an edit: its path, then its content in a fence.
pub(crate) fn file(path: &str, content: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let language = name
        .rsplit_once('.')
        .filter(|(stem, _)| !stem.is_empty())
        .map_or("text", |(_, extension)| extension);
    format!("### File: `{path}`\n{}\n", fenced(language, content))
}

/// A text in a fence that is longer than any run of backticks inside it.
fn fenced(language: &str, text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}")
}
