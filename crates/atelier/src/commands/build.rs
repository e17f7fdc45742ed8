//! `atelier build`: from a requirement to a verified branch.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use atelier_engine::{BuildRequest, ChangeRequest};
use atelier_model::RunMode;
use clap::Args;

use super::{
    change::{self, Change},
    drive::{self, Work},
    hidden,
    plan::dry_run,
};
use crate::{
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::Settings,
    ui::Ui,
};

/// Bytes that are read as a requirement, whatever the configured limit is.
const REQUIREMENT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Build a requirement: design, plan, write, build, test, document, commit
///
/// The result is a branch on which every commit is verified. The same words again go on where they
/// stopped, or do nothing where the result stands already.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The requirement in plain language, or the file that holds it; `-` reads it from standard input
    #[arg(value_name = "REQUIREMENT")]
    pub(crate) requirement: Vec<String>,

    /// Read the requirement from a file
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with = "requirement")]
    pub(crate) file: Option<PathBuf>,

    /// Show stages, first prompt and estimate; ask nobody, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Grade the work by the tests in this folder too, which no model sees
    #[arg(long, value_name = "FOLDER")]
    pub(crate) hidden_tests: Option<PathBuf>,

    /// Begin a run of its own, also where these are the words of the newest run with changes
    #[arg(long)]
    pub(crate) new: bool,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

pub(crate) async fn run(global: &Global, args: &BuildArgs, ui: &Ui) -> Result<u8, CliError> {
    let file = requirement_file(&args.requirement, args.file.as_deref());
    let requirement = requirement(&args.requirement, file)?;
    if args.dry_run {
        return dry_run(global, &args.options, &requirement, ui).await;
    }
    let (ctx, settings) = drive::open(global, &args.options, ui).await?;
    if let Some(folder) = &args.hidden_tests {
        hidden::lay_down(ctx.git.root(), folder, &ctx.limits)?;
    }
    if !args.new
        && let Some(run) = change::edited(&ctx, &requirement, file.is_some()).await?
    {
        ui.status(&format!(
            "These are the words of run {} with changes: its plan is changed, and what stands stays \
             (--new begins a run of its own).",
            run.id
        ));
        let request = ChangeRequest::Requirement(requirement);
        let overrides = super::run::overrides(&args.options, &settings, args.options.yes)?;
        let work = Change {
            run: &run,
            request: &request,
            overrides,
            stops: false,
        };
        return Box::pin(work.carry_out(&ctx, &settings, ui)).await;
    }
    let work = Work::Build(request(
        requirement,
        RunMode::Build,
        (&args.options, &settings),
    )?);
    Box::pin(drive::to_its_end(&ctx, &settings, ui, &work)).await
}

pub(super) fn request(
    requirement: String,
    mode: RunMode,
    (options, settings): (&RunOptions, &Settings),
) -> Result<BuildRequest, CliError> {
    Ok(BuildRequest {
        requirement,
        mode,
        approval: settings.approval,
        budget: settings.budget,
        change: options.limits.change()?,
    })
}

/// Endings of files that hold texts for people.
const TEXTS: [&str; 4] = ["md", "markdown", "txt", "rst"];

/// The file that holds the requirement: the one that is named as such, or the only word where that is
/// no requirement but a file, or would be one if it were there.
pub(super) fn requirement_file<'a>(
    words: &'a [String],
    file: Option<&'a Path>,
) -> Option<&'a Path> {
    let [word] = words else { return file };
    let path = Path::new(word);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let one = !word.contains(char::is_whitespace);
    let meant = one && (ending.is_some_and(|ending| TEXTS.contains(&ending)) || path.is_file());
    if meant { Some(path) } else { file }
}

/// The words of the command line, of standard input, or of a file.
pub(super) fn requirement(words: &[String], file: Option<&Path>) -> Result<String, CliError> {
    if let Some(path) = file {
        let failed = |source| CliError::Requirement {
            path: path.to_owned(),
            source,
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        return text(read(file).map_err(failed)?, &path.display().to_string());
    }
    if words == ["-"] {
        let bytes = read(std::io::stdin().lock()).map_err(CliError::Terminal)?;
        return text(bytes, "standard input");
    }
    Ok(words.join(" "))
}

/// Reads no more than one byte too many: what is longer is refused.
fn read(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source
        .take(REQUIREMENT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: Vec<u8>, origin: &str) -> Result<String, CliError> {
    if bytes.len() as u64 > REQUIREMENT_BYTES_MAX {
        let most = format!("more than {REQUIREMENT_BYTES_MAX} bytes");
        return Err(CliError::Usage(format!(
            "read the requirement: {origin} has {most}"
        )));
    }
    String::from_utf8(bytes)
        .map_err(|_| CliError::Usage(format!("read the requirement: {origin} is not UTF-8 text")))
}
