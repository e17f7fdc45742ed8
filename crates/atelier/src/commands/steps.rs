//! `atelier steps`: what can be executed here, where it comes from, what it reads and makes.

use std::path::PathBuf;

use atelier_build::Project;
use atelier_model::{BuildStep, RootPattern};
use atelier_step::StepIndex;
use clap::Args;
use serde_json::{Value, json};

use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    commands::check::{self, Versions},
    config::Sources,
    ui::{Tone, Ui},
};

/// List the steps of this repository: where they come from, what they read and make
#[derive(Debug, Args)]
pub(crate) struct StepsArgs {
    /// Only these steps or kinds
    #[arg(value_name = "NAMES", value_delimiter = ',')]
    pub(crate) names: Vec<String>,

    /// Take the steps from this file, a JSON array, instead of the recipes
    #[arg(long, value_name = "FILE")]
    pub(crate) steps: Option<PathBuf>,
}

pub(crate) fn run(global: &Global, args: &StepsArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let sources = Sources::read(&place.root)?;
    let (project, versions) = check::project_versions(&place, &sources, args.steps.as_deref())?;
    let chosen = if args.names.is_empty() {
        project.graph.order().to_vec()
    } else {
        project.choose(&args.names)?
    };
    for at in chosen {
        if ui.is_json() {
            ui.out(&form(&project, &versions, at).to_string());
        } else {
            show(ui, &project, &versions, at);
        }
    }
    Ok(0)
}

fn needs(project: &Project, at: StepIndex) -> Vec<&str> {
    let needs = project.graph.needs(at).iter();
    needs.map(|needed| project.graph.name(*needed)).collect()
}

/// A step as a program reads it. `step` is in the form that `[steps.NAME]` and `--steps` take.
fn form(project: &Project, versions: &Versions, at: StepIndex) -> Value {
    let step = project.step(at);
    let wants = versions.of(step).map(|wanted| {
        json!({ "program": wanted.program, "version": wanted.version, "file": wanted.file.as_str() })
    });
    json!({
        "v": 1,
        "type": "step",
        "step": step,
        "origin": project.origins[at.get()],
        "needs": needs(project, at),
        "wants": wants.collect::<Vec<Value>>(),
        "reads": patterns(&step.inputs_from_root()),
        "makes": patterns(&step.outputs_from_root()),
    })
}

fn patterns(list: &[RootPattern]) -> Vec<String> {
    let shown = |pattern: &RootPattern| {
        let out = if pattern.excluded { "!" } else { "" };
        format!("{out}{pattern}")
    };
    list.iter().map(shown).collect()
}

fn show(ui: &Ui, project: &Project, versions: &Versions, at: StepIndex) {
    let step: &BuildStep = project.step(at);
    let origin = &project.origins[at.get()];
    ui.out(&format!(
        "{}  {} ({origin})",
        ui.ink(Tone::Strong, &step.name),
        step.kind.as_str()
    ));
    let line = |word: &str, text: String| {
        if !text.is_empty() {
            ui.out(&format!("  {word:<8}{}", crate::ui::plain(&text)));
        }
    };
    line("runs", step.command_line());
    line(
        "in",
        step.cwd
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
    );
    line("after", needs(project, at).join(", "));
    let wants = versions
        .of(step)
        .map(|one| format!("{} {} ({})", one.program, one.version, one.file));
    line("wants", wants.collect::<Vec<_>>().join(", "));
    let reads = if step.inputs.is_empty() {
        "its whole folder, but what git leaves out and steps make".to_owned()
    } else {
        brief(&patterns(&step.inputs_from_root()))
    };
    line("reads", reads);
    line("makes", brief(&patterns(&step.outputs_from_root())));
    line("network", step.network.as_str().to_owned());
}

/// The first of many patterns.
fn brief(list: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut text = list
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    if list.len() > SHOWN {
        text = format!("{text} and {} more", list.len() - SHOWN);
    }
    text
}
