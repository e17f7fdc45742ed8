//! `atelier guard command`: may this command line run, and why not.

use std::{
    env,
    io::{self, Read},
    path::PathBuf,
};

use atelier_guard::command::{Judgement, Workspace, judge};
use clap::Args;
use serde_json::json;

use crate::{cli_error::CliError, ui::Ui};

/// Bytes of command lines that are read at most.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// The sign that stands for a newline inside of a command line.
const NEWLINE: char = '␤';

/// Where the command lines would run.
#[derive(Debug, Args)]
pub(crate) struct GuardCommandArgs {
    /// The folder the lines would run in; the current one if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
}

pub(super) fn run(args: &GuardCommandArgs, ui: &Ui) -> Result<u8, CliError> {
    let workspace = workspace(args)?;
    let input = lines()?;
    let mut counts = [0_usize; 3];
    for line in input.lines() {
        let verdict = judge(&line.replace(NEWLINE, "\n"), &workspace);
        counts[match verdict.verdict {
            Judgement::Allow => 0,
            Judgement::Ask => 1,
            Judgement::Forbid => 2,
        }] += 1;
        if ui.is_json() {
            let object = json!({
                "v": 1, "type": "command", "command": line,
                "verdict": verdict.verdict.word(), "rule": verdict.rule, "reason": verdict.reason,
            });
            ui.out(&object.to_string());
        } else {
            ui.out(&format!("{}\t{}", verdict.verdict, verdict.reason));
        }
    }
    let [allowed, asked, forbidden] = counts;
    ui.status(&format!(
        "{allowed} allowed, {asked} to ask about, {forbidden} forbidden"
    ));
    Ok(0)
}

fn workspace(args: &GuardCommandArgs) -> Result<Workspace, CliError> {
    let refused = |why: String| CliError::Usage(format!("judge command lines: {why}"));
    let current = env::current_dir().map_err(|error| refused(error.to_string()))?;
    let root = match &args.workspace {
        Some(folder) => current.join(folder),
        None => current,
    };
    let root = root
        .to_str()
        .ok_or_else(|| refused("the path of the workspace is not UTF-8 text".to_owned()))?;
    let home = etcetera::home_dir().map_err(|_| refused("there is no home folder".to_owned()))?;
    Ok(Workspace::new(root, &home.to_string_lossy()))
}

fn lines() -> Result<String, CliError> {
    let refused = |why: String| CliError::Usage(format!("read command lines: {why}"));
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(INPUT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(error.to_string()))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(refused(format!(
            "they have more than {INPUT_BYTES_MAX} bytes"
        )));
    }
    String::from_utf8(bytes).map_err(|_| refused("they are not UTF-8 text".to_owned()))
}
