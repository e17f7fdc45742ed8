//! `atelier log`: what happened, event by event.

use clap::Args;

use super::select;
use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    ui::{Ui, plain},
    watch,
};

/// Events read at once.
const PAGE: u32 = 500;

/// Show what happened in a run, event by event
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Only events after this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) after: u64,
}

pub(crate) async fn run(global: &Global, args: &LogArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = Place::find(global)?.store().await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let mut after = args.after;
    loop {
        let page = store.event_list_run(&run.id, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(0);
        };
        after = last.seq;
        for event in &page {
            if ui.is_json() {
                ui.out(&watch::json(event));
            } else {
                let task = event
                    .task
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let mut said = serde_json::to_value(&event.kind).unwrap_or_default();
                if let Some(fields) = said.as_object_mut() {
                    fields.remove("type");
                }
                ui.out(&format!(
                    "{:>5} {} {:<16} {task:<6} {}",
                    event.seq,
                    event.at,
                    event.kind.name(),
                    plain(&said.to_string())
                ));
            }
        }
    }
}
