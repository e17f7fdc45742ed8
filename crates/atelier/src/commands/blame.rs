//! `atelier blame`: which requirement, task, prompt and model wrote each line, and for how much.

use std::path::Path;

use atelier_engine::{Author, authors};
use clap::Args;
use serde_json::json;

use super::{select, verify::VerifyError};
use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    ui::{Tone, Ui, plain},
};

/// Letters of a commit and of a requirement that are shown.
const COMMIT_CHARS: usize = 10;
const REQUIREMENT_CHARS_MAX: usize = 70;

/// Say which requirement, task, prompt and model wrote each line of a file, and what it cost
#[derive(Debug, Args)]
pub(crate) struct BlameArgs {
    /// The file; with `:LINE` or `:FIRST-LAST` only these lines
    #[arg(value_name = "FILE[:LINE]")]
    pub(crate) place: String,

    /// The revision; what stands in the folder if left out
    #[arg(long, value_name = "REV")]
    pub(crate) rev: Option<String>,
}

pub(crate) async fn run(global: &Global, args: &BlameArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let git = place.git.clone();
    let git = git.ok_or_else(|| CliError::NoRepository(place.root.clone()))?;
    let (file, lines) = read(&place, &args.place)?;
    select::commit(&git, args.rev.as_deref().unwrap_or("HEAD"))?;
    let blamed = git.blame(args.rev.as_deref(), &file, lines)?;
    let store = place.store_read(ui).await.ok();
    let commits = blamed.iter().filter_map(|line| line.commit.as_deref());
    let found = authors(&git, commits, store.as_ref()).await;
    let found = found.map_err(VerifyError::Trace)?;
    let mut before: Option<&str> = None;
    for line in &blamed {
        let commit = line.commit.as_deref();
        let author = commit.and_then(|commit| found.get(commit));
        if ui.is_json() {
            let line = json!({
                "v": 1, "type": "blame.line", "file": file, "line": line.number,
                "text": line.text, "path_then": line.path, "author": author,
            });
            ui.out(&line.to_string());
            continue;
        }
        let is_same = commit.is_some() && commit == before;
        if !is_same {
            head(ui, author, &line.path, &file);
        }
        before = commit;
        ui.out(&format!("  {:>5} | {}", line.number, plain(&line.text)));
    }
    Ok(0)
}

/// The file below the repository's root, and the lines that are meant.
fn read(place: &Place, named: &str) -> Result<(String, Option<(u32, u32)>), CliError> {
    let (file, lines) = match named.rsplit_once(':') {
        Some((file, lines)) => match range(lines) {
            Some(lines) => (file, Some(lines)),
            None => (named, None),
        },
        None => (named, None),
    };
    let path = place.folder.join(file);
    let below = path.strip_prefix(&place.root).map(Path::to_owned);
    let below = below.map_err(|_| {
        CliError::Usage(format!(
            "look at {file}: it is not below {}",
            place.root.display()
        ))
    })?;
    Ok((below.display().to_string(), lines))
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (0 < first && first <= last).then_some((first, last))
}

/// Who wrote the lines that follow.
fn head(ui: &Ui, author: Option<&Author>, then: &str, now: &str) {
    let Some(author) = author else {
        ui.out(&ui.ink(Tone::Strong, "not committed yet"));
        return;
    };
    let short = author.commit.get(..COMMIT_CHARS).unwrap_or_default();
    let moved = if then == now {
        String::new()
    } else {
        format!(" (as {})", plain(then))
    };
    if let Some(person) = &author.person {
        ui.out(&ui.ink(Tone::Strong, &format!("{short} {}{moved}", plain(person))));
        ui.out(&format!("  a person wrote: {}", plain(&author.subject)));
        return;
    }
    let task = author.task.as_deref().map_or("documents", |task| task);
    let title = author.title.as_deref().unwrap_or(&author.subject);
    let line = format!("{short} {} {}{moved}", plain(task), plain(title));
    ui.out(&ui.ink(Tone::Strong, &line));
    if let Some(requirement) = &author.requirement {
        let first = plain(requirement.lines().next().unwrap_or_default());
        let shown: String = first.chars().take(REQUIREMENT_CHARS_MAX).collect();
        let serves = if author.serves.is_empty() {
            String::new()
        } else {
            format!(" [{}]", author.serves.join(", "))
        };
        ui.out(&format!("  for: {shown}{serves}"));
    }
    if let Some(model) = &author.model {
        let digest = |digest: &Option<String>| {
            let digest = digest.as_deref().unwrap_or_default();
            digest.get(..12).unwrap_or(digest).to_owned()
        };
        ui.out(&format!(
            "  by {} for {}; prompt {}, reply {}",
            plain(model),
            author.cost.as_deref().unwrap_or("nothing"),
            digest(&author.prompt),
            digest(&author.reply)
        ));
    }
}
