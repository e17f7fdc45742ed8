//! `atelier diff`: what a run or a task changed.

use clap::Args;

use super::{select, show::find};
use crate::{app::Place, cli::Global, cli_error::CliError, ui::Ui};

/// Show what a run changed, or one task of it
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A task such as t2.3; the whole run if left out
    #[arg(value_name = "TASK")]
    pub(crate) task: Option<String>,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

pub(crate) async fn run(global: &Global, args: &DiffArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let store = place.store_read(ui).await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let Some(git) = &place.git else {
        return Err(CliError::NoProject(place.root));
    };
    let nothing = || CliError::NotFound {
        what: "a commit of",
        name: args.task.clone().unwrap_or_else(|| run.id.to_string()),
        known: Vec::new(),
    };
    let text = if let Some(named) = &args.task {
        let tasks = store.task_list(&run.id).await?;
        let commit = find(&tasks, named)?.commit.clone().ok_or_else(nothing)?;
        git.show_text(&commit)?
    } else {
        let trunk = run.trunk.clone().ok_or_else(nothing)?;
        git.diff_text(run.base_commit.as_deref(), &trunk)?
    };
    ui.out_text(&text);
    Ok(0)
}
