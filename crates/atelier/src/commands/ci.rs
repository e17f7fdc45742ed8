//! `atelier ci`: the steps of this project as pipelines of GitHub Actions and GitLab CI.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use atelier_engine::Exit;
use atelier_model::TreePath;
use atelier_recipe::{Authorship, Forge, pipeline};
use clap::{Args, Subcommand};
use serde_json::json;
use similar::TextDiff;

use super::check;
use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    config::Sources,
    ui::{Tone, Ui},
};

/// Bytes of a pipeline's file that are read.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Workflows of the project's own that are named.
const WORKFLOWS_MAX: usize = 20;
/// Lines around a difference that are shown.
const CONTEXT: usize = 2;

/// Write this project's steps as a pipeline, and tell when they have changed
#[derive(Debug, Subcommand)]
pub(crate) enum CiCommand {
    /// Write the pipelines that this project has; one of GitHub's if it has none
    Generate(GenerateArgs),
    /// Tell where the pipelines and the steps differ; exits with 13 if they do
    Check(CiCheckArgs),
}

/// Whose pipelines are meant.
#[derive(Debug, Args)]
pub(crate) struct ForgeArgs {
    /// The workflow of GitHub Actions, .github/workflows/check.yml
    #[arg(long)]
    pub(crate) github: bool,

    /// The pipeline of GitLab CI, .gitlab-ci.yml
    #[arg(long)]
    pub(crate) gitlab: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    pub(crate) forges: ForgeArgs,

    /// Replace a file that a person wrote or changed
    #[arg(long)]
    pub(crate) force: bool,

    /// Write nothing and tell what differs, as `atelier ci check` does
    #[arg(long, conflicts_with = "force")]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CiCheckArgs {
    #[command(flatten)]
    pub(crate) forges: ForgeArgs,
}

/// One pipeline: what is there, and what should be.
struct Pipeline {
    forge: Forge,
    file: PathBuf,
    found: Option<String>,
    wanted: String,
}

pub(crate) fn run(global: &Global, command: &CiCommand, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let exit = match command {
        CiCommand::Generate(args) if !args.check => {
            generate(&pipelines(&place, &args.forges)?, args.force, ui)?
        }
        CiCommand::Generate(args) => differences(&pipelines(&place, &args.forges)?, ui),
        CiCommand::Check(args) => differences(&pipelines(&place, &args.forges)?, ui),
    };
    Ok(exit as u8)
}

/// The pipelines that are meant.
fn pipelines(place: &Place, args: &ForgeArgs) -> Result<Vec<Pipeline>, CliError> {
    let sources = Sources::read(&place.root)?;
    let project = check::project(place, &sources, None)?;
    let tree = place.tree()?;
    let mut pipelines = Vec::new();
    for forge in Forge::ALL {
        let wanted = pipeline(forge, &project.steps, &tree).ok_or_else(|| {
            CliError::Usage("write a pipeline: no recipe knows a step of this folder".to_owned())
        })?;
        let file = place.root.join(forge.path());
        let found = read(&file)?;
        pipelines.push(Pipeline {
            forge,
            file,
            found,
            wanted,
        });
    }
    let is_named = |one: &Pipeline| match one.forge {
        Forge::Github => args.github,
        Forge::Gitlab => args.gitlab,
    };
    if args.github || args.gitlab {
        pipelines.retain(is_named);
    } else if pipelines.iter().any(|one| one.found.is_some()) {
        pipelines.retain(|one| one.found.is_some());
    } else {
        pipelines.truncate(1);
    }
    Ok(pipelines)
}

/// How the files of forges stand to the steps of the project, those that it has, else the one that
/// would be written; none where no recipe knows a step.
pub(super) fn standings(place: &Place) -> Result<Vec<atelier_report::Pipeline>, CliError> {
    let any = ForgeArgs {
        github: false,
        gitlab: false,
    };
    let found = match pipelines(place, &any) {
        Err(CliError::Usage(_)) => Vec::new(),
        found => found?,
    };
    let standing = |one: &Pipeline| atelier_report::Pipeline {
        path: one.forge.path().to_owned(),
        state: one.standing().to_owned(),
    };
    if found.iter().any(|one| one.found.is_some()) {
        return Ok(found.iter().map(standing).collect());
    }
    let tree = place.tree()?;
    let own: Vec<_> = tree.paths().filter(|path| is_workflow(path)).collect();
    if own.is_empty() {
        return Ok(found.iter().map(standing).collect());
    }
    let foreign = |path: &&TreePath| atelier_report::Pipeline {
        path: path.to_string(),
        state: Authorship::Foreign.as_str().to_owned(),
    };
    Ok(own.iter().take(WORKFLOWS_MAX).map(foreign).collect())
}

/// Whether a forge executes what stands in this file.
fn is_workflow(path: &TreePath) -> bool {
    let named = Path::new(path.as_str()).extension();
    let is_yaml = named.is_some_and(|ending| ending == "yml" || ending == "yaml");
    is_yaml && path.as_str().starts_with(".github/workflows/")
}

/// The text of a file, if it is there.
fn read(file: &Path) -> Result<Option<String>, CliError> {
    let failed = |source| CliError::File {
        path: file.to_owned(),
        source,
    };
    let found = match fs::metadata(file) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if found.len() > FILE_BYTES_MAX {
        let large = format!("it has more than {FILE_BYTES_MAX} bytes");
        return Err(failed(io::Error::other(large)));
    }
    let bytes = fs::read(file).map_err(failed)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

impl Pipeline {
    /// Who the file is from; nobody if there is none.
    fn authorship(&self) -> Option<Authorship> {
        self.found.as_deref().map(Authorship::of)
    }

    fn is_current(&self) -> bool {
        self.found.as_ref() == Some(&self.wanted)
    }

    /// What there is to say of it when nothing is written.
    fn standing(&self) -> &'static str {
        match self.authorship() {
            None => "missing",
            Some(_) if self.is_current() => "current",
            Some(Authorship::Generated) => "outdated",
            Some(other) => other.as_str(),
        }
    }

    fn write(&self) -> Result<(), CliError> {
        let failed = |source| CliError::File {
            path: self.file.clone(),
            source,
        };
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&self.file, &self.wanted).map_err(failed)
    }

    /// From what is there to what should be.
    fn difference(&self) -> String {
        let found = self.found.as_deref().unwrap_or_default();
        let diff = TextDiff::from_lines(found, &self.wanted);
        let path = self.forge.path();
        let (before, after) = (format!("{path} (the file)"), format!("{path} (the steps)"));
        let mut shown = diff.unified_diff();
        shown.context_radius(CONTEXT).header(&before, &after);
        shown.to_string()
    }

    fn tell(&self, state: &str, ui: &Ui) {
        let path = self.forge.path();
        if ui.is_json() {
            let line = json!({
                "v": 1, "type": "ci.file", "forge": self.forge.as_str(), "path": path,
                "state": state,
            });
            ui.out(&line.to_string());
            return;
        }
        let tone = match state {
            "current" | "written" => Tone::Good,
            _ => Tone::Warning,
        };
        ui.out(&format!("{} {path}", ui.ink(tone, &format!("{state:<9}"))));
    }
}

/// Writes what differs, unless a person's work would be lost: then nothing at all.
fn generate(pipelines: &[Pipeline], force: bool, ui: &Ui) -> Result<Exit, CliError> {
    let is_persons = |one: &&Pipeline| {
        let from = one.authorship();
        !one.is_current() && from.is_some_and(|from| from != Authorship::Generated)
    };
    if let Some(kept) = pipelines.iter().find(is_persons).filter(|_| !force) {
        kept.tell(kept.standing(), ui);
        let how = match kept.authorship() {
            Some(Authorship::Foreign) => "is not from here",
            Some(Authorship::Generated | Authorship::Edited) | None => "was changed by hand",
        };
        ui.failure(
            &format!("failed to write {}: it {how}", kept.forge.path()),
            Some("see what differs with `atelier ci check`, and replace it with --force"),
        );
        return Ok(Exit::Conflict);
    }
    for one in pipelines {
        if one.is_current() {
            one.tell("current", ui);
        } else {
            one.write()?;
            one.tell("written", ui);
        }
    }
    Ok(Exit::Verified)
}

/// Tells how each pipeline stands to the steps.
fn differences(pipelines: &[Pipeline], ui: &Ui) -> Exit {
    let mut exit = Exit::Verified;
    for one in pipelines {
        one.tell(one.standing(), ui);
        if one.is_current() {
            continue;
        }
        exit = Exit::Failed;
        if !ui.is_json() && one.found.is_some() {
            ui.out_text(&one.difference());
        }
    }
    if exit == Exit::Failed {
        ui.failure(
            "failed to find the steps in the pipelines",
            Some("write them anew with `atelier ci generate`"),
        );
    }
    exit
}
