//! `atelier check`: builds and tests any repository, and repeats nothing that nothing has changed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use atelier_build::{CheckReport, Choice, Progress, Project, StepReport, Workshop, check};
use atelier_cas::{Cas, CasLimits, Workspace};
use atelier_engine::Exit;
use atelier_exec::{Sandbox, environment, helper_program, machine_memory};
use atelier_model::{BuildStep, Limits, SandboxLevel, TestCounts};
use atelier_recipe::Recipes;
use atelier_step::{Capacity, OnFailure};
use clap::Args;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::drive::stop_on_signal;
use crate::{
    app::{self, Place, SystemClock},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Sources, own_steps, sandbox},
    row::Row,
    ui::{Tone, Ui},
    watch::{many, seconds},
};

mod turn;
mod watch;

/// Bytes of memory that steps leave to others.
const RESERVE_BYTES: u64 = 512 * 1024 * 1024;
/// Steps of which those that are unchanged are named, too.
const STEPS_SHOWN: usize = 100;
/// Columns of a step's name.
const NAME: usize = 24;
/// Columns of what became of a step.
const VERDICT: usize = 12;

/// Build and test this repository: no plan, no model, nothing twice
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 everything stands · 10 a program is missing · 11 cancelled · \
                        13 a step failed."
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches of a command line, which do not depend on each other"
)]
pub(crate) struct CheckArgs {
    /// Only these steps or kinds, with what they depend on: install, build, test, lint, format,
    /// audit, or names; install, build and test if left out
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Only what the changes since this commit concern, those not committed yet included
    #[arg(long, value_name = "REV")]
    pub(crate) affected: Option<String>,

    /// Execute every step, whatever is known of it
    #[arg(long)]
    pub(crate) force: bool,

    /// Go on with steps that do not depend on a failed one
    #[arg(short = 'k', long)]
    pub(crate) keep_going: bool,

    /// Processors to use; all of this machine if left out
    #[arg(short = 'j', long, value_name = "N")]
    pub(crate) jobs: Option<u32>,

    /// Say of every step why it was executed or not
    #[arg(long)]
    pub(crate) explain: bool,

    /// Write the tests and steps as `JUnit` XML to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,

    /// Write a page with the timeline to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Write a trace for a browser's trace viewer to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// Take the steps from this file, a JSON array, instead of the recipes
    #[arg(long, value_name = "FILE")]
    pub(crate) steps: Option<PathBuf>,

    /// Go on after the end: check again after every change, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
}

pub(crate) async fn run(global: &Global, args: &CheckArgs, ui: &Ui) -> Result<u8, CliError> {
    let cancel = CancellationToken::new();
    let working = async {
        if args.watch {
            watch::run(global, args, ui, &cancel).await
        } else {
            let ended = round(global, args, ui, Round::First, &cancel).await?;
            Ok(ended.code)
        }
    };
    tokio::select! {
        ended = working => ended,
        never = stop_on_signal(cancel.clone(), ui) => match never {},
    }
}

/// Which check of a process it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    First,
    /// After a change.
    Later,
    /// After a check that has changed files itself: of no interest unless something is executed.
    Echo,
}

/// What a check left.
struct Ended {
    code: u8,
    /// What was checked.
    project: Arc<Project>,
}

async fn round(
    global: &Global,
    args: &CheckArgs,
    ui: &Ui,
    round: Round,
    cancel: &CancellationToken,
) -> Result<Ended, CliError> {
    let place = Place::find(global)?;
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let project = project(&place, &sources, args.steps.as_deref())?;
    let shop = Workshop {
        cancel: cancel.clone(),
        ..workshop(&place, &sources, &config)?
    };
    let mut wanted = project.choose(&args.only)?;
    if wanted.is_empty() {
        return Err(CliError::Usage(
            "there is nothing to check: no recipe knows a step of this folder".to_owned(),
        ));
    }
    if let Some(revision) = &args.affected {
        let git = place.git.as_ref();
        let git = git.ok_or_else(|| CliError::NoRepository(place.root.clone()))?;
        wanted = project.affected(&wanted, &git.changed_since(revision)?);
    }
    let choice = Choice {
        wanted,
        force: args.force && round == Round::First,
        on_failure: if args.keep_going {
            OnFailure::KeepGoing
        } else {
            OnFailure::Stop
        },
        capacity: capacity(args.jobs),
        trace: args.trace.is_some(),
    };
    let echo = round == Round::Echo;
    let many = echo || choice.wanted.len() > STEPS_SHOWN;
    let project = Arc::new(project);
    let tell = |progress: Progress<'_>| {
        let silent =
            !ui.is_json() && (!ui.is_talking() || (many && !args.explain && progress.is_spared()));
        if !silent {
            tell(ui, args, &progress);
        }
    };
    let Some(_turn) = turn::take(&place.checks_begun()?, cancel, ui).await? else {
        let code = Exit::Cancelled as u8;
        return Ok(Ended { code, project });
    };
    let report = check(&shop, &project, &choice, &tell).await?;
    if let Some(file) = &args.trace {
        write(file, &report.trace.to_string())?;
    }
    if let Some(file) = &args.junit {
        write(file, &report.junit())?;
    }
    if let Some(file) = &args.html {
        let name = place
            .root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        write(file, &report.page(name.as_deref().unwrap_or("project")))?;
    }
    let spared = |step: &StepReport| matches!(step.verdict.as_str(), "up_to_date" | "cut_off");
    if !echo || !report.steps.iter().all(spared) {
        conclude(ui, &report);
    }
    let code = exit(&report) as u8;
    Ok(Ended { code, project })
}

/// The steps of a place: those of a file, else those of its recipes with what the project's
/// configuration says of them.
pub(crate) fn project(
    place: &Place,
    sources: &Sources,
    file: Option<&Path>,
) -> Result<Project, CliError> {
    let project = said(place, sources, file)?;
    if let Some(git) = &place.git {
        project.check_sources(&git.tracked()?)?;
    }
    Ok(project)
}

fn said(place: &Place, sources: &Sources, file: Option<&Path>) -> Result<Project, CliError> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|source| CliError::File {
            path: path.to_owned(),
            source,
        })?;
        let steps: Vec<BuildStep> =
            serde_json::from_str(&text).map_err(|source| CliError::Steps {
                path: path.to_owned(),
                source,
            })?;
        let list = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        return Ok(Project {
            list: list.display().to_string(),
            ..Project::new(steps)?
        });
    }
    let own: BTreeMap<String, Map<String, Value>> = own_steps(sources)?;
    let recipes = app::overrides(&place.state().join("recipes"), "toml")?;
    let tree = place.tree()?;
    Ok(Project::of_tree(
        &tree,
        &Recipes::with_user(&recipes)?,
        &own,
    )?)
}

/// Opens every door for steps.
pub(crate) fn workshop(
    place: &Place,
    sources: &Sources,
    config: &Config,
) -> Result<Workshop, CliError> {
    let failed = |path: &Path, source| CliError::File {
        path: path.to_owned(),
        source,
    };
    let state = place.state();
    let home = state.join("home");
    let checks = place.checks_begun()?;
    for folder in [&checks, &home] {
        std::fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    }
    // Git need not know of what only this machine needs.
    let ignore = state.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n").map_err(|source| failed(&ignore, source))?;
    }
    let cas = Arc::new(Cas::open(&checks, CasLimits::default())?);
    let said = config.get(sandbox::SANDBOX).is_some();
    let level = sandbox::level(config)?;
    Ok(Workshop {
        workspace: Arc::new(Workspace::open(cas, &place.root)?),
        sandbox: Sandbox::new(helper_program().map_err(CliError::Runtime)?),
        env: environment(&home),
        outside: sources.variables.clone(),
        home,
        // Steps share a home and a folder that tools fill, which a machine of their own would empty
        // each time: strong confinement is for whoever asks for it.
        level: if said { level } else { SandboxLevel::Light },
        level_min: level.min(SandboxLevel::Light),
        door: true,
        own_network: true,
        in_place: false,
        jobs: None,
        registries: sandbox::registries(config),
        clock: Arc::new(SystemClock),
        limits: Limits::default(),
        cancel: CancellationToken::new(),
    })
}

fn capacity(jobs: Option<u32>) -> Capacity {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    Capacity {
        cpu: jobs.unwrap_or_else(|| u32::try_from(all).unwrap_or(u32::MAX)),
        memory_bytes: machine_memory().map(|memory| memory.available_bytes),
        reserve_bytes: RESERVE_BYTES,
        tokens: BTreeMap::new(),
    }
}

/// Tells what happens, as it happens.
fn tell(ui: &Ui, args: &CheckArgs, progress: &Progress<'_>) {
    if ui.is_json() {
        let event = match progress {
            Progress::Began { step, attempt, why } => json!({
                "v": 1, "type": "step_began", "step": step, "attempt": attempt,
                "why": why.to_string(), "explanation": why,
            }),
            Progress::Over(report) => json!({"v": 1, "type": "step_over", "step": report}),
        };
        ui.out(&event.to_string());
        return;
    }
    match progress {
        Progress::Began { step, attempt, .. } if *attempt > 1 => {
            let row = Row::default()
                .add(Tone::Warning, column("again", VERDICT))
                .add(Tone::Plain, format!("{step} (try {attempt})"));
            ui.row(&row);
        }
        Progress::Began { .. } => {}
        Progress::Over(report) => ui.row(&line(report, args.explain)),
    }
}

/// What became of one step, in one line.
fn line(report: &StepReport, explain: bool) -> Row {
    let (tone, word) = word(&report.verdict);
    let mut row = Row::default()
        .add(tone, column(word, VERDICT))
        .add(Tone::Strong, column(&report.step, NAME))
        .add(Tone::Faint, column(&took(report), 10));
    if let Some(tests) = &report.tests {
        let mut text = format!("{} passed", tests.passed);
        for (count, word) in [(tests.failed, "failed"), (tests.skipped, "skipped")] {
            if count > 0 {
                text = format!("{text}, {count} {word}");
            }
        }
        row = row.add(Tone::Plain, format!("{text}  "));
    }
    if let Some(failure) = &report.failure {
        row = row.add(Tone::Bad, failure.as_str());
    } else if explain || !is_good(&report.verdict) {
        row = row.add(Tone::Faint, report.why.as_str());
    }
    row
}

fn took(report: &StepReport) -> String {
    match report.verdict.as_str() {
        "succeeded" | "flaky" | "failed" | "restored" => seconds(report.took_ms),
        _ => String::new(),
    }
}

fn word(verdict: &str) -> (Tone, &'static str) {
    match verdict {
        "succeeded" => (Tone::Good, "ran"),
        "up_to_date" | "cut_off" => (Tone::Faint, "unchanged"),
        "restored" => (Tone::Good, "restored"),
        "flaky" => (Tone::Warning, "flaky"),
        "failed" => (Tone::Bad, "failed"),
        "not_reached" => (Tone::Warning, "not reached"),
        _ => (Tone::Warning, "cancelled"),
    }
}

fn is_good(verdict: &str) -> bool {
    matches!(
        verdict,
        "succeeded" | "up_to_date" | "cut_off" | "restored" | "flaky"
    )
}

fn column(text: &str, columns: usize) -> String {
    let width = columns.saturating_sub(1);
    format!("{text:<width$} ")
}

/// What failed, with what it printed last, and the sum of it all.
fn conclude(ui: &Ui, report: &CheckReport) {
    if ui.is_json() {
        let mut sum = json!({"v": 1, "type": "check", "exit": exit(report).code()});
        if let (Some(sum), Ok(Value::Object(mut more))) =
            (sum.as_object_mut(), serde_json::to_value(report))
        {
            more.remove("steps");
            sum.extend(more);
        }
        ui.out(&sum.to_string());
        return;
    }
    for step in report.steps.iter().filter(|step| step.failure.is_some()) {
        let failure = step.failure.as_deref().unwrap_or_default();
        ui.failure(
            &format!("step `{}`: {failure}", step.step),
            step.hint.as_deref(),
        );
        for line in step.printed.as_deref().unwrap_or_default().lines() {
            ui.status(&format!("  {}", crate::ui::plain(line)));
        }
    }
    ui.out(&sum(report));
}

fn sum(report: &CheckReport) -> String {
    let of = |verdicts: &[&str]| {
        let found = report.steps.iter();
        found
            .filter(|step| verdicts.contains(&step.verdict.as_str()))
            .count()
    };
    let counts = [
        (of(&["succeeded", "flaky"]), "ran"),
        (of(&["up_to_date", "cut_off"]), "unchanged"),
        (of(&["restored"]), "restored"),
        (of(&["failed"]), "failed"),
        (of(&["not_reached"]), "not reached"),
        (of(&["cancelled"]), "cancelled"),
    ];
    if report.steps.is_empty() {
        return "no step is concerned".to_owned();
    }
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let tests: u64 = report
        .steps
        .iter()
        .filter_map(|step| step.tests.as_ref())
        .map(TestCounts::executed)
        .sum();
    let mut text = format!(
        "{}: {} in {}",
        many(report.steps.len(), "step"),
        told.join(", "),
        seconds(report.took_ms)
    );
    if tests > 0 {
        text = format!(
            "{text}, {}",
            many(usize::try_from(tests).unwrap_or(usize::MAX), "test")
        );
    }
    if report.saved_ms > 0 {
        text = format!("{text}, {} saved", seconds(report.saved_ms));
    }
    text
}

fn exit(report: &CheckReport) -> Exit {
    if report.passed {
        Exit::Verified
    } else if report.cancelled {
        Exit::Cancelled
    } else if report.steps.iter().any(|step| step.missing) {
        Exit::Blocked
    } else {
        Exit::Failed
    }
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(path, text).map_err(|source| CliError::Output {
        path: path.to_owned(),
        source,
    })
}
