//! `atelier guard`: what a text gives away about people, which secrets are in it, and which
//! command lines may run.

mod command;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use atelier_engine::Exit;
use atelier_guard::{Guard, Kind, Policy, Span, preview};
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    cli_error::CliError,
    ui::{Tone, Ui},
};

/// Bytes that are read at most.
const INPUT_BYTES_MAX: u64 = 256 << 20;

/// Find personal data and secrets; judge command lines
#[derive(Debug, Subcommand)]
pub(crate) enum GuardCommand {
    /// Show where a text has personal data and secrets, never the values themselves
    Scan(GuardScanArgs),
    /// Judge command lines from standard input, one a line (␤ stands for a newline inside of one):
    /// allow, ask or forbid, a tab, and the reason
    Command(command::GuardCommandArgs),
}

/// What to scan.
#[derive(Debug, Args)]
pub(crate) struct GuardScanArgs {
    /// The file; standard input if left out or `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// What to look for: secrets, or all (personal data too)
    #[arg(long, value_name = "POLICY", default_value = "all")]
    pub(crate) policy: Policy,

    /// The input is JSON lines `{id, text}`, and so is the answer, `{id, spans: [{start, end,
    /// type}]}`, in code points; recognised by its first line if left out
    #[arg(long, conflicts_with = "text")]
    pub(crate) jsonl: bool,

    /// The input is text, even if it looks like JSON lines
    #[arg(long)]
    pub(crate) text: bool,

    /// Exit with 13 if something is found
    #[arg(long)]
    pub(crate) fail: bool,
}

/// One document of JSON lines; whatever else it says is its sender's business.
#[derive(Deserialize)]
struct Document {
    id: Value,
    text: String,
}

pub(crate) fn run(command: &GuardCommand, ui: &Ui) -> Result<u8, CliError> {
    match command {
        GuardCommand::Scan(args) => scan(args, ui),
        GuardCommand::Command(args) => command::run(args, ui),
    }
}

fn scan(args: &GuardScanArgs, ui: &Ui) -> Result<u8, CliError> {
    let (name, input) = input(args.file.as_deref())?;
    let lines = args.jsonl || (!args.text && begins_with_document(&input));
    let found = if lines {
        scan_lines(&name, &input, args.policy, ui)?
    } else {
        scan_text(&name, &input, args.policy, ui)
    };
    let exit = if args.fail && found > 0 {
        Exit::Failed
    } else {
        Exit::Verified
    };
    Ok(exit as u8)
}

fn input(file: Option<&Path>) -> Result<(String, String), CliError> {
    let path = file.filter(|path| *path != Path::new("-"));
    let name = path.map_or("standard input".to_owned(), |path| {
        path.display().to_string()
    });
    let refused = |why: String| CliError::Usage(format!("scan {name}: {why}"));
    let read = match path {
        Some(path) => File::open(path).and_then(read),
        None => read(io::stdin().lock()),
    };
    let bytes = read.map_err(|error| refused(error.to_string()))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(refused(format!("it has more than {INPUT_BYTES_MAX} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8 text".to_owned()))?;
    Ok((name, text))
}

fn read(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn begins_with_document(input: &str) -> bool {
    let first = input.lines().find(|line| !line.trim().is_empty());
    first.is_some_and(|line| serde_json::from_str::<Document>(line).is_ok())
}

/// Answers every document with one line, and counts what was found.
fn scan_lines(name: &str, input: &str, policy: Policy, ui: &Ui) -> Result<usize, CliError> {
    let mut found = 0;
    for (index, line) in input
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let document: Document = serde_json::from_str(line).map_err(|error| {
            let line = index + 1;
            CliError::Usage(format!(
                "read line {line} of {name} as {{id, text}}: {error}"
            ))
        })?;
        let spans = Guard::builtin().scan(&document.text, policy);
        let mut letters = Letters::of(&document.text);
        let shown: Vec<Value> = spans
            .iter()
            .map(|span| {
                let (start, end) = (letters.before(span.start), letters.before(span.end));
                json!({"start": start, "end": end, "type": span.kind.name()})
            })
            .collect();
        found += spans.len();
        ui.out(&json!({"id": document.id, "spans": shown}).to_string());
    }
    Ok(found)
}

/// Shows every span on a line of its own, and counts them.
fn scan_text(name: &str, text: &str, policy: Policy, ui: &Ui) -> usize {
    let guard = Guard::builtin();
    let spans = guard.scan(text, policy);
    let mut letters = Letters::of(text);
    for span in &spans {
        let start = letters.before(span.start);
        let (line, column) = (letters.line, letters.column);
        let end = letters.before(span.end);
        let shown = preview(span.kind, &text[span.range()]);
        let rule = guard.rule_name(span);
        if ui.is_json() {
            let span = json!({
                "v": 1, "type": "span", "start": start, "end": end, "kind": span.kind.name(),
                "line": line, "column": column, "preview": shown, "rule": rule,
            });
            ui.out(&span.to_string());
        } else {
            let (kind, rule) = (span.kind.name(), ui.ink(Tone::Faint, rule));
            ui.out(&format!("{line}:{column} {kind} {shown} {rule}"));
        }
    }
    ui.status(&summary(name, &spans));
    spans.len()
}

fn summary(name: &str, spans: &[Span]) -> String {
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for span in spans {
        *counts.entry(span.kind).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    match counts.as_slice() {
        [] => format!("{name}: nothing found"),
        counts => format!("{name}: {}", counts.join(", ")),
    }
}

/// Counts code points, lines and columns up to bytes that come in rising order.
struct Letters<'t> {
    text: &'t str,
    byte: usize,
    count: usize,
    /// Both from 1.
    line: usize,
    column: usize,
}

impl<'t> Letters<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            text,
            byte: 0,
            count: 0,
            line: 1,
            column: 1,
        }
    }

    fn before(&mut self, byte: usize) -> usize {
        for letter in self.text[self.byte..byte].chars() {
            self.count += 1;
            self.column += 1;
            if letter == '\n' {
                self.line += 1;
                self.column = 1;
            }
        }
        self.byte = byte;
        self.count
    }
}
