//! `atelier pack`: a finished run as one file from which it can be built again.

use std::{collections::BTreeMap, path::PathBuf};

use atelier_archive::Pack;
use atelier_engine::{Overriding, pack};
use atelier_model::Run;
use atelier_store::Store;
use clap::Args;
use serde_json::json;

use super::{
    archive::{Writing, seal_key},
    replay::ReplayError,
    select,
};
use crate::{
    app::{self, Place},
    cli::Global,
    cli_error::CliError,
    ui::Ui,
};

/// Write a finished run into one file: whoever has it builds the same again, without any model
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// The file; one that is there is replaced
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Leave out what was asked: a smaller file, whose replay tells in fewer words where it parts
    #[arg(long)]
    pub(crate) without_prompts: bool,

    /// Seal it with your key, so that only you can replay it
    #[arg(long)]
    pub(crate) sealed: bool,
}

pub(crate) async fn run(global: &Global, args: &PackArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let store = place.store().await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let mut pack = packed(&place, &store, &run).await?;
    if args.without_prompts {
        pack.drop_prompts();
    }
    let seal = if args.sealed { Some(seal_key()?) } else { None };
    let is_sealed = seal.is_some();
    let (root, blocks) = pack.blocks(seal);
    let output = args.output.clone();
    let output = output.unwrap_or_else(|| PathBuf::from(format!("{}.car", run.id)));
    let mut file = Writing::begin(&output)?;
    file.blocks(&blocks)?;
    file.end(&root)?;
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "packed", "run": run.id, "file": output, "root": root.to_string(),
            "replies": pack.answers.len(), "commits": pack.lock.commits.len() + 1,
            "tree": pack.recording.tree, "sealed": is_sealed,
        });
        ui.out(&line.to_string());
        return Ok(0);
    }
    ui.out(&output.display().to_string());
    ui.status(&format!(
        "{} replies and {} commits; build it again with `atelier replay {}`",
        pack.answers.len(),
        pack.lock.commits.len() + 1,
        output.display()
    ));
    if !is_sealed {
        ui.status("whoever has the file can read it; --sealed makes one that only you can");
    }
    Ok(0)
}

/// All that decided a run of a project.
pub(super) async fn packed(place: &Place, store: &Store, run: &Run) -> Result<Pack, CliError> {
    let git = place.git.clone();
    let git = git.ok_or_else(|| CliError::NoRepository(place.root.clone()))?;
    let folder = |name, ending| -> Result<BTreeMap<String, String>, CliError> {
        Ok(app::overrides(&place.state().join(name), ending)?
            .into_iter()
            .collect())
    };
    let overriding = Overriding {
        prompts: folder("prompts", "md")?,
        recipes: folder("recipes", "toml")?,
    };
    Ok(pack(store, &git, run, overriding)
        .await
        .map_err(ReplayError::Pack)?)
}
