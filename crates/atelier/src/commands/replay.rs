//! `atelier replay`: a recorded run is built again, without a model, to the same files.

mod error;
mod folder;

use std::{
    fs::File,
    io::Cursor,
    path::{Path, PathBuf},
};

use atelier_archive::{Pack, Source};
use atelier_engine::{BuildRequest, Ctx, Overrides, Report, go_on};
use atelier_exec::Git;
use atelier_model::{Approval, Budget, BudgetChange, RunMode};
use clap::Args;
use serde_json::json;

pub(crate) use self::error::ReplayError;
use self::folder::Folder;
use super::{
    archive::known_key,
    drive::{self, Work},
    pack::packed,
    select,
};
use crate::{
    app::{self, Place},
    cli::Global,
    cli_error::CliError,
    config::Settings,
    ui::Ui,
};

/// How a pack is told from the id of a run.
const PACK_ENDING: &str = "car";

/// Build a recorded run again from its replies alone, to the same files
///
/// No provider is asked and no branch of yours is touched: the result is a branch of its own. Where
/// the replay and its record part, it stops with exit code 16 and says at which ask, and why.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A file that `atelier pack` wrote, or a run by the beginning of its id; the newest run if left
    /// out
    #[arg(value_name = "FILE|RUN")]
    pub(crate) what: Option<String>,

    /// The branch of the result, which must not be there; `atelier/replay-RUN` if left out
    #[arg(long, value_name = "NAME")]
    pub(crate) branch: Option<String>,

    /// Take what is recorded of the checks, instead of carrying them out again
    #[arg(long)]
    pub(crate) without_checks: bool,
}

/// What came of a replay.
pub(super) struct Replayed {
    pub(super) ctx: Ctx,
    pub(super) report: Report,
    /// Where it was built; gone when this is dropped.
    pub(super) folder: Folder,
}

pub(crate) async fn run(global: &Global, args: &ReplayArgs, ui: &Ui) -> Result<u8, CliError> {
    let mut place = Place::find(global)?;
    let pack = found(&place, args.what.as_deref()).await?;
    let own = format!("atelier/replay-{}", pack.lock.run);
    let branch = args.branch.as_deref().unwrap_or(&own);
    let replace = args.branch.is_none();
    let git = target(&mut place, &pack, branch, replace)?;
    let settings = app::configure_unasked(&place, global)?;
    let replayed = replayed(&place, &settings, (pack, !args.without_checks), ui).await?;
    let report = &replayed.report;
    if let Some(error) = replayed.report.error {
        return Err(error.into());
    }
    git.branch_fetch(&replayed.ctx.git, &report.run.branch, branch, replace)?;
    tell(ui, &git, (branch, !args.without_checks), &replayed.ctx)?;
    replayed.folder.close().map_err(ReplayError::Folder)?;
    Ok(0)
}

/// The repository in which the branch will stand: what it cannot take is told before anything is built.
fn target(place: &mut Place, pack: &Pack, branch: &str, replace: bool) -> Result<Git, CliError> {
    let git = place.repository_like(&pack.recording.tree)?;
    if !git.digests_like(&pack.recording.tree)? {
        return Err(ReplayError::OtherDigests(git.root().to_owned()).into());
    }
    if !replace && git.branch_commit(branch)?.is_some() {
        return Err(ReplayError::BranchThere(branch.to_owned()).into());
    }
    Ok(git)
}

/// The pack that is meant: a file's, or that of a run of the project.
async fn found(place: &Place, what: Option<&str>) -> Result<Pack, CliError> {
    if let Some(path) = what.map(Path::new).filter(|path| is_file(path)) {
        return read(path);
    }
    let store = place.store().await?;
    let run = select::run(&store, what).await?;
    packed(place, &store, &run).await
}

fn is_file(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == PACK_ENDING) || path.is_file()
}

fn read(path: &Path) -> Result<Pack, CliError> {
    let mut file = File::open(path).map_err(|source| ReplayError::Open {
        path: path.to_owned(),
        source,
    })?;
    let key = known_key()?;
    let read = Pack::read(&mut file as &mut dyn Source, key.as_ref());
    Ok(read.map_err(|source| ReplayError::Read {
        path: path.to_owned(),
        source: Box::new(source),
    })?)
}

/// The pack in these bytes, which are part of the program.
pub(super) fn own(bytes: &[u8]) -> Result<Pack, ReplayError> {
    let mut input = Cursor::new(bytes);
    Pack::read(&mut input, None).map_err(|source| ReplayError::Own(Box::new(source)))
}

/// Builds a pack again in a folder of its own.
pub(super) async fn replayed(
    place: &Place,
    settings: &Settings,
    (pack, runs_checks): (Pack, bool),
    ui: &Ui,
) -> Result<Replayed, CliError> {
    let folder = Folder::new().map_err(ReplayError::Folder)?;
    let (requirement, all) = (pack.requirement.clone(), pack.lock.commits.len() + 1);
    let inner: PathBuf = folder.path().join("project");
    let ctx = app::open_replay(place, settings, &inner, (pack, runs_checks)).await?;
    let mut work = Work::Build(BuildRequest {
        requirement,
        mode: RunMode::Build,
        approval: Approval::Never,
        budget: Budget::default(),
        change: BudgetChange::default(),
    });
    let outcome = loop {
        let outcome = Box::pin(drive::watched(&ctx, ui, &work)).await?;
        let ended = outcome.report.error.as_ref();
        if !Box::pin(go_on(&ctx, &outcome.report.run.id, ended)).await? {
            break outcome;
        }
        work = Work::Resume(outcome.report.run.id.clone(), Overrides::default());
    };
    let commits = ctx
        .recording
        .as_ref()
        .map_or(0, |recorded| recorded.commits());
    if outcome.report.error.is_none() && commits != all {
        return Err(ReplayError::Short { commits, all }.into());
    }
    Ok(Replayed {
        ctx,
        report: outcome.report,
        folder,
    })
}

fn tell(
    ui: &Ui,
    git: &Git,
    (branch, runs_checks): (&str, bool),
    ctx: &Ctx,
) -> Result<(), CliError> {
    let Some(recorded) = &ctx.recording else {
        return Ok(());
    };
    let commit = git.branch_commit(branch)?.unwrap_or_default();
    let (pack, commits) = (recorded.pack(), recorded.commits());
    let tree = git.tree_id(&commit)?;
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "replayed", "run": pack.lock.run, "branch": branch, "commit": commit,
            "tree": tree, "commits": commits, "replies": pack.answers.len(),
            "checks": if runs_checks { "again" } else { "recorded" },
        });
        ui.out(&line.to_string());
        return Ok(());
    }
    ui.out(&format!(
        "replayed on {branch}: {commits} commits, each with the recorded tree; the last is {tree}"
    ));
    let checks = if runs_checks {
        "checks were carried out again"
    } else {
        "what is recorded of the checks was taken"
    };
    ui.status(&format!(
        "{} replies came from the record, nobody was asked; {checks}",
        pack.answers.len()
    ));
    Ok(())
}
