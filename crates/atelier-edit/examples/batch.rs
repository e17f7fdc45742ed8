//! Applies many replies, one JSON object a line, and answers each with one: what benches drive.
//!
//! In: `{"reply": "…", "files": {"path": {"hex": "…", "executable": false}}, "links": ["path"],
//! "times": 1}`; without `files` the reply is only parsed. Out: `edits`, or `refused`, or `files` as
//! they are afterwards, and `ns`, the time of one parse and apply, the median of so many.
#![expect(
    clippy::disallowed_methods,
    reason = "a bench reads its cases, prints its answers and looks at the clock"
)]

use std::{
    error::Error,
    io::{BufRead, Write},
    time::Instant,
};

use atelier_edit::{Applied, Change, ChangeSet, apply, parse};
use atelier_model::{FileEntry, FileTree, Limits, Obstacle, TreePath};
use serde_json::{Map, Value, json};

/// How often one reply is timed at most.
const TIMES_MAX: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", answer(&serde_json::from_str(&line?)?)?)?;
    }
    Ok(())
}

fn answer(case: &Value) -> Result<Value, Box<dyn Error>> {
    let reply = case["reply"].as_str().ok_or("a case has no reply")?;
    let tree = match &case["files"] {
        Value::Object(files) => Some(tree(files, &case["links"])?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    };
    let times = case["times"].as_u64().unwrap_or(1).clamp(1, TIMES_MAX);
    let mut taken = Vec::new();
    let mut answer = Value::Null;
    for _ in 0..times {
        let begin = Instant::now();
        let outcome = run(reply, tree.as_ref());
        taken.push(begin.elapsed().as_nanos());
        answer = match outcome {
            Ok(Outcome::Parsed(changes)) => json!({ "edits": edits(&changes) }),
            Ok(Outcome::Applied(changes, applied)) => json!({
                "edits": edits(&changes),
                "files": files(&applied.tree),
                "notes": applied.notes,
            }),
            Err(Refusal { step, said }) => json!({ "refused": said, "step": step }),
        };
    }
    taken.sort_unstable();
    answer["ns"] = json!(u64::try_from(taken[taken.len() / 2])?);
    Ok(answer)
}

enum Outcome {
    Parsed(ChangeSet),
    Applied(ChangeSet, Applied),
}

struct Refusal {
    step: &'static str,
    said: String,
}

fn run(reply: &str, tree: Option<&FileTree>) -> Result<Outcome, Refusal> {
    let limits = Limits::default();
    let changes = parse(reply, &limits).map_err(|error| Refusal {
        step: "parse",
        said: error.to_string(),
    })?;
    let Some(tree) = tree else {
        return Ok(Outcome::Parsed(changes));
    };
    let applied = apply(&changes, tree, &limits).map_err(|error| Refusal {
        step: "apply",
        said: error.to_string(),
    })?;
    Ok(Outcome::Applied(changes, applied))
}

fn tree(files: &Map<String, Value>, links: &Value) -> Result<FileTree, Box<dyn Error>> {
    let mut tree = FileTree::default();
    for (path, file) in files {
        let hex = file["hex"].as_str().ok_or("a file has no content")?;
        let bytes = bytes(hex).ok_or("a file is not hexadecimal")?;
        let executable = file["executable"].as_bool().unwrap_or(false);
        tree.put(TreePath::parse(path)?, FileEntry { bytes, executable });
    }
    for link in links.as_array().into_iter().flatten() {
        let path = TreePath::parse(link.as_str().unwrap_or_default())?;
        tree.block(path, Obstacle::Link);
    }
    Ok(tree)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits?;
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair.get(1)?).ok();
    pairs.chunks(2).map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(digit).collect()
}

fn files(tree: &FileTree) -> Value {
    let files = tree.iter().map(|(path, file)| {
        let file = json!({ "hex": hex(&file.bytes), "executable": file.executable });
        (path.as_str().to_owned(), file)
    });
    Value::Object(files.collect())
}

fn edits(changes: &ChangeSet) -> Value {
    let list = changes.edits.iter().map(|edit| {
        let mut said = match &edit.change {
            Change::Write { content } => json!({ "change": "write", "content": content }),
            Change::Create { content } => json!({ "change": "create", "content": content }),
            Change::Replace {
                search, replace, ..
            } => json!({ "change": "replace", "search": search, "replace": replace }),
            Change::Delete { .. } => json!({ "change": "delete" }),
            Change::Move { to } => json!({ "change": "move", "to": to.as_str() }),
            Change::Mode { executable } => json!({ "change": "mode", "executable": executable }),
        };
        said["path"] = json!(edit.path.as_str());
        said["form"] = json!(edit.format);
        said["line"] = json!(edit.line);
        said
    });
    Value::Array(list.collect())
}
