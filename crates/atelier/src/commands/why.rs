//! `atelier why`: what would become of a step now, and why it was executed the last time; why a task
//! was worked on, or was not.

use std::{path::PathBuf, sync::Arc};

use atelier_build::{Now, WhyReport, why};
use atelier_engine::{TaskWhy, why_task};
use atelier_model::{AskSource, Task};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    commands::{check, select, status::word},
    config::{Config, Sources},
    ui::{Ui, plain},
    watch::seconds,
};

/// Say why a step would be executed or not, and why it was the last time; or why a task ran
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The step, or a task of a run such as t2.3
    #[arg(value_name = "STEP|TASK")]
    pub(crate) step: String,

    /// The run of the task, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Take the steps from this file, a JSON array, instead of the recipes
    #[arg(long, value_name = "FILE")]
    pub(crate) steps: Option<PathBuf>,
}

pub(crate) async fn run(global: &Global, args: &WhyArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    if args.steps.is_none()
        && let Some(why) = of_task(&place, args, ui).await?
    {
        show_task(ui, &why);
        return Ok(0);
    }
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

/// Why a task was worked on, where one is meant.
async fn of_task(place: &Place, args: &WhyArgs, ui: &Ui) -> Result<Option<TaskWhy>, CliError> {
    let store = match place.store_read(ui).await {
        Ok(store) => store,
        Err(CliError::NoProject(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let run = match &args.run {
        Some(named) => select::run(&store, Some(named)).await?,
        None => match store.run_list(1).await?.pop() {
            Some(newest) => newest,
            None => return Ok(None),
        },
    };
    let tasks = store.task_list(&run.id).await?;
    let named = |task: &&Task| {
        task.id.as_str() == args.step || task.step.as_deref() == Some(args.step.as_str())
    };
    let Some(task) = tasks.iter().find(named) else {
        return Ok(None);
    };
    Ok(Some(why_task(&store, &run, task).await?))
}

fn show_task(ui: &Ui, why: &TaskWhy) {
    if ui.is_json() {
        let mut line = json!({"v": 1, "type": "why.task"});
        if let (Some(line), Ok(Value::Object(more))) =
            (line.as_object_mut(), serde_json::to_value(why))
        {
            line.extend(more);
        }
        ui.out(&line.to_string());
        return;
    }
    ui.out(&format!(
        "{} {}: {}; {}",
        why.task,
        plain(&why.title),
        word(why.state),
        plain(&why.because)
    ));
    for attempt in &why.attempts {
        let answer = match attempt.answered_by {
            Some(AskSource::Provider) => "; a provider answered",
            Some(AskSource::Cache) => "; the answer was in the store",
            Some(AskSource::Semantic) => "; the store had the answer to the same in other words",
            None => "",
        };
        let line = format!(
            "attempt {}: {}{answer}",
            attempt.ordinal,
            plain(&attempt.because)
        );
        ui.out(&line);
        if let Some(anew) = &attempt.asked_anew {
            ui.out(&format!(
                "  nothing asked before was the same: {}",
                plain(anew)
            ));
        }
    }
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
