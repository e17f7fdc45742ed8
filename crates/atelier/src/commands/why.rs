//! `atelier why`: what would become of a step now, and why it was executed the last time.

use std::{path::PathBuf, sync::Arc};

use atelier_build::{Now, WhyReport, why};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    commands::check,
    config::{Config, Sources},
    ui::Ui,
    watch::seconds,
};

/// Say why a step would be executed or not, and why it was the last time
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The step
    #[arg(value_name = "STEP")]
    pub(crate) step: String,

    /// Take the steps from this file, a JSON array, instead of the recipes
    #[arg(long, value_name = "FILE")]
    pub(crate) steps: Option<PathBuf>,
}

pub(crate) async fn run(global: &Global, args: &WhyArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let project = check::project(&place, &sources, args.steps.as_deref())?;
    let Some(step) = project.graph.find(&args.step) else {
        return Err(CliError::NotFound {
            what: "step",
            name: args.step.clone(),
            known: project.steps.iter().map(|step| step.name.clone()).collect(),
        });
    };
    let shop = check::workshop(&place, &sources, &config)?;
    let report = why(&shop, &Arc::new(project), step).await?;
    if ui.is_json() {
        let mut line = json!({"v": 1, "type": "why"});
        if let (Some(line), Ok(Value::Object(more))) =
            (line.as_object_mut(), serde_json::to_value(&report))
        {
            line.extend(more);
        }
        ui.out(&line.to_string());
    } else {
        show(ui, &report);
    }
    Ok(0)
}

fn show(ui: &Ui, report: &WhyReport) {
    let name = &report.step;
    ui.out(&match &report.now {
        Now::UpToDate { since } => format!("{name}: nothing has changed since {since}"),
        Now::Restored { made, missing } => format!(
            "{name}: would be brought back as it was made at {made}; not standing: {}",
            missing.join(", ")
        ),
        Now::Due { why } => format!("{name}: would be executed, because {why}"),
    });
    if let Some(last) = &report.last {
        ui.out(&format!(
            "last executed: {} ({} after {})",
            last.when,
            last.outcome,
            seconds(last.took_ms)
        ));
        if let Some(why) = &last.why {
            ui.out(&format!("because: {why}"));
        }
    }
}
