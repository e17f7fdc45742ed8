//! `atelier build`: from a requirement to a verified branch.

use std::io::Read;

use atelier_engine::BuildRequest;
use atelier_model::{Budget, RunMode};
use clap::Args;

use super::{
    drive::{self, Work},
    plan::dry_run,
};
use crate::{
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::Settings,
    ui::Ui,
};

/// Build a requirement: design, plan, write, build, test, document, commit
///
/// The result is a branch on which every commit is verified. The same words again go on where they
/// stopped, or do nothing where the result stands already.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The requirement in plain language; `-` reads it from standard input
    #[arg(value_name = "REQUIREMENT")]
    pub(crate) requirement: Vec<String>,

    /// Read the requirement from a file
    #[arg(short = 'f', long, value_name = "FILE", conflicts_with = "requirement")]
    pub(crate) file: Option<std::path::PathBuf>,

    /// Show stages, first prompt and estimate; ask nobody, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

pub(crate) async fn run(global: &Global, args: &BuildArgs, ui: &Ui) -> Result<u8, CliError> {
    let requirement = requirement(&args.requirement, args.file.as_deref())?;
    if args.dry_run {
        return dry_run(global, &args.options, &requirement, ui).await;
    }
    let (ctx, settings) = drive::open(global, &args.options, ui).await?;
    let work = Work::Build(request(requirement, RunMode::Build, &settings));
    Box::pin(drive::to_its_end(&ctx, &settings, ui, &work)).await
}

pub(super) fn request(requirement: String, mode: RunMode, settings: &Settings) -> BuildRequest {
    let budget = Budget {
        usd: settings.budget,
    };
    BuildRequest {
        requirement,
        mode,
        approval: settings.approval,
        budget,
    }
}

/// The words of the command line, of standard input, or of a file.
pub(super) fn requirement(
    words: &[String],
    file: Option<&std::path::Path>,
) -> Result<String, CliError> {
    if let Some(path) = file {
        let bytes = std::fs::read(path).map_err(|source| CliError::Requirement {
            path: path.to_owned(),
            source,
        })?;
        return text(bytes, &path.display().to_string());
    }
    if words == ["-"] {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(CliError::Terminal)?;
        return text(bytes, "standard input");
    }
    Ok(words.join(" "))
}

fn text(bytes: Vec<u8>, origin: &str) -> Result<String, CliError> {
    String::from_utf8(bytes)
        .map_err(|_| CliError::Usage(format!("read the requirement: {origin} is not UTF-8 text")))
}
