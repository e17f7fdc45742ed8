//! `TASK-LOG.json`: what was done, one entry a task, only ever added to.

use atelier_model::Digest;
use serde::Serialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

/// Bytes of a log that is added to.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The key of what chains an entry to those before it.
const CHAIN: &str = "chain";

/// One task that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// The task.
    pub task_id: String,
    /// Who did it.
    pub agent: String,
    /// The day on which its run began.
    pub date: String,
    /// What was done, in one line.
    pub summary: String,
    /// The files it was to write.
    pub output_files: Vec<String>,
    /// The run.
    pub run: String,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TaskLogError {
    /// It is no list of entries; nothing is added to it.
    #[error(
        "add to `.codex/TASK-LOG.json`: it is no JSON array of objects ({0}); mend it, or put it \
         back with git"
    )]
    Unreadable(String),
    /// Its entries are not what was written.
    #[error(
        "find `.codex/TASK-LOG.json` as it was written: entry {0} or one before it was changed or \
         taken out; put it back with git"
    )]
    Altered(usize),
    /// Something that stood in it is gone.
    #[error(
        "find in `.codex/TASK-LOG.json` all that was written: it was changed or cut by hand; put it \
         back with git"
    )]
    Cut,
}

/// What is wrong with a log as it stands. `written` is the log as Atelier left it last, where that
/// is known.
pub fn log_faults(text: &str, written: Option<&str>) -> Vec<TaskLogError> {
    let entries = match read(text) {
        Ok(entries) => entries,
        Err(error) => return vec![error],
    };
    let (_, altered) = follow(&entries);
    let begun = written.map(|written| written.trim_end().trim_end_matches(']').trim_end());
    let is_cut = begun.is_some_and(|begun| !text.starts_with(begun));
    let cut = is_cut
        .then_some(TaskLogError::Cut)
        .filter(|_| altered.is_none());
    altered
        .map(TaskLogError::Altered)
        .into_iter()
        .chain(cut)
        .collect()
}

/// The log with one more entry, byte by byte as it was before that.
pub fn log_with(existing: Option<&str>, entry: &LogEntry) -> Result<String, TaskLogError> {
    let existing = existing.unwrap_or_default().trim_end();
    let entries = read(existing)?;
    let (chain, _) = follow(&entries);
    let mut value = json!(entry);
    let object = value.as_object().cloned().unwrap_or_default();
    value[CHAIN] = json!(chained(&chain, &object).to_string());
    let lines = serde_json::to_string_pretty(&value).unwrap_or_default();
    let lines = lines.replace('\n', "\n  ");
    let before = existing.strip_suffix(']').unwrap_or("[").trim_end();
    let comma = if entries.is_empty() { "" } else { "," };
    Ok(format!("{before}{comma}\n  {lines}\n]\n"))
}

/// What the next entry follows, and the first entry that does not follow those before it.
fn follow(entries: &[Map<String, Value>]) -> (Digest, Option<usize>) {
    let mut altered = None;
    let mut chain = Digest::of("");
    for (number, entry) in (1..).zip(entries) {
        let known = entry.get(CHAIN).and_then(Value::as_str);
        let own = chained(&chain, entry);
        if known.is_some_and(|known| known != own.to_string()) {
            altered = altered.or(Some(number));
        }
        // Those behind a change are told by what they say themselves, each change once.
        chain = known.and_then(|known| known.parse().ok()).unwrap_or(own);
    }
    (chain, altered)
}

fn read(text: &str) -> Result<Vec<Map<String, Value>>, TaskLogError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if text.len() > BYTES_MAX {
        let said = format!("it has more than {BYTES_MAX} bytes");
        return Err(TaskLogError::Unreadable(said));
    }
    serde_json::from_str(text).map_err(|error| TaskLogError::Unreadable(error.to_string()))
}

/// What chains an entry to those before it.
fn chained(before: &Digest, entry: &Map<String, Value>) -> Digest {
    let mut plain = entry.clone();
    plain.remove(CHAIN);
    Digest::of_json(&(before, plain))
}
