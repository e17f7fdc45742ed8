//! `atelier report`: what a run came to, for people, merge requests, browsers and programs.

use std::path::{Path, PathBuf};

use atelier_model::Clock as _;
use atelier_report::{Facts, Mark, RunReport, markdown, page, text};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{analyse, ci, select};
use crate::{
    app::{Place, SystemClock},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Settings, Sources},
    ui::{Tone, Ui},
    whole,
};

/// Tell what was built against which requirement, with its evidence, cost, time and advice
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// The form; told by the ending of --output if left out, else text
    #[arg(long, value_name = "FORM")]
    pub(crate) format: Option<Form>,

    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Let linters and scanners look at the project first, as `atelier analyse` does
    #[arg(long)]
    pub(crate) analyse: bool,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For a terminal
    Text,
    /// For a merge request
    Markdown,
    /// For programs
    Json,
    /// One file for a browser
    Html,
}

impl Form {
    /// The form that is asked for, or the one that the name of the file means.
    fn of(args: &ReportArgs, ui: &Ui) -> Self {
        let ending = args.output.as_deref().and_then(Path::extension);
        let named = match ending.and_then(|ending| ending.to_str()) {
            Some("html" | "htm") => Some(Self::Html),
            Some("md" | "markdown") => Some(Self::Markdown),
            Some("json") => Some(Self::Json),
            _ => None,
        };
        let or_text = if ui.is_json() && args.output.is_none() {
            Self::Json
        } else {
            Self::Text
        };
        args.format.or(named).unwrap_or(or_text)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

pub(crate) async fn run(global: &Global, args: &ReportArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let store = place.store_read(ui).await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let prices = Settings::prices(&config, &sources)?;
    let (git, now) = (place.git.as_ref(), SystemClock.now());
    let facts = atelier_engine::facts(&store, git, &prices, &run, now).await?;
    let mut advice = if args.analyse {
        analyse::advice(&place, &sources, &config, ui).await?
    } else {
        analyse::slow_steps(&place, &sources)?
    };
    advice.pipelines = ci::standings(&place)?;
    let report = RunReport::of(&Facts { advice, ..facts });
    let form = Form::of(args, ui);
    match &args.output {
        Some(file) => write(file, &report, form, ui)?,
        None => tell(&report, form, ui),
    }
    Ok(0)
}

fn tell(report: &RunReport, form: Form, ui: &Ui) {
    match form {
        Form::Text => {
            let told = text(report, &|mark, text| ui.ink(tone(mark), text));
            ui.out(told.trim_end());
        }
        // The form of all that is printed with `--json`: one object a line.
        Form::Json if ui.is_json() => {
            ui.out(&serde_json::to_string(report).unwrap_or_default());
        }
        Form::Markdown | Form::Json | Form::Html => ui.out(written(report, form).trim_end()),
    }
}

fn tone(mark: Mark) -> Tone {
    match mark {
        Mark::Good => Tone::Good,
        Mark::Bad => Tone::Bad,
        Mark::Strong => Tone::Strong,
        Mark::Faint => Tone::Faint,
    }
}

/// The report as the text of a file.
fn written(report: &RunReport, form: Form) -> String {
    match form {
        Form::Text => text(report, &|_, text| text.to_owned()),
        Form::Markdown => markdown(report),
        Form::Json => {
            let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
            text.push('\n');
            text
        }
        Form::Html => page(report),
    }
}

/// Writes the report whole: whoever opens the file meanwhile finds the one before.
fn write(file: &Path, report: &RunReport, form: Form, ui: &Ui) -> Result<(), CliError> {
    let failed = |source| CliError::Output {
        path: file.to_owned(),
        source,
    };
    let text = written(report, form);
    whole::write(file, text.as_bytes(), whole::MODE).map_err(failed)?;
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "report.written", "run": report.run, "form": form.as_str(),
            "file": file, "bytes": text.len(),
        });
        ui.out(&line.to_string());
    } else {
        ui.out(&format!("written {}", file.display()));
    }
    Ok(())
}
