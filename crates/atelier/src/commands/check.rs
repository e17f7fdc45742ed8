//! `atelier check`: builds and tests any repository, and repeats nothing that nothing has changed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use atelier_build::{CheckReport, Choice, Progress, Project, StepReport, Workshop};
use atelier_cas::{Cas, CasLimits, Workspace};
use atelier_engine::Exit;
use atelier_exec::{Sandbox, environment, helper_program, machine_memory};
use atelier_model::{BuildStep, Digest, Limits, SandboxLevel};
use atelier_step::{Capacity, OnFailure, StepIndex};
use clap::Args;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::drive::stop_on_signal;
use crate::{
    app::{Place, SystemClock},
    cli::Global,
    cli_error::CliError,
    config::{Config, Sources, sandbox, shared_cache},
    row::Row,
    ui::{Tone, Ui},
    watch::{many, seconds},
};

mod live;
mod round;
mod source;
mod turn;
mod versions;
mod watch;

use round::{Round, round};
use source::Source;
pub(crate) use versions::Versions;

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

impl CheckArgs {
    /// Whether nothing is asked for that needs the steps themselves where all of them stand.
    fn is_plain(&self) -> bool {
        !self.force && !self.watch && self.trace.is_none()
    }

    /// Whether something is wanted of each step.
    fn wants_all(&self) -> bool {
        self.explain || self.junit.is_some() || self.html.is_some()
    }
}

/// Says which programs are other versions than the project wants.
fn doubt<'a>(
    ui: &Ui,
    versions: &Versions,
    steps: impl Iterator<Item = &'a BuildStep>,
    env: &BTreeMap<String, String>,
) {
    let search = env.get("PATH").map_or("", String::as_str);
    for mismatch in versions.mismatches(steps, search) {
        if ui.is_json() {
            ui.out(&mismatch.form().to_string());
        } else {
            ui.warn(&crate::ui::plain(&mismatch.says()));
        }
    }
}

/// The steps that are to be checked.
fn wanted(args: &CheckArgs, place: &Place, project: &Project) -> Result<Vec<StepIndex>, CliError> {
    let chosen = project.choose(&args.only)?;
    if chosen.is_empty() {
        return Err(CliError::Usage(
            "there is nothing to check: no recipe knows a step of this folder".to_owned(),
        ));
    }
    let Some(revision) = &args.affected else {
        return Ok(chosen);
    };
    let git = place.git.as_ref();
    let git = git.ok_or_else(|| CliError::NoRepository(place.root.clone()))?;
    Ok(project.affected(&chosen, &git.changed_since(revision)?))
}

fn choice(args: &CheckArgs, wanted: Vec<StepIndex>, asked: Option<Digest>, round: Round) -> Choice {
    Choice {
        named: args.wants_all() || wanted.len() <= STEPS_SHOWN,
        wanted,
        force: args.force && round == Round::First,
        on_failure: on_failure(args),
        capacity: capacity(args.jobs),
        trace: args.trace.is_some(),
        asked,
    }
}

fn on_failure(args: &CheckArgs) -> OnFailure {
    if args.keep_going {
        OnFailure::KeepGoing
    } else {
        OnFailure::Stop
    }
}

/// Writes what was asked for, and tells the sum.
fn end(
    ui: &Ui,
    args: &CheckArgs,
    place: &Place,
    report: &CheckReport,
    round: Round,
) -> Result<u8, CliError> {
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
    if round != Round::Echo || !report.steps.iter().all(spared) {
        conclude(ui, report);
    }
    Ok(exit(report) as u8)
}

/// The steps of a place: those of a file, else those of its recipes with what the project's
/// configuration says of them.
pub(crate) fn project(
    place: &Place,
    sources: &Sources,
    file: Option<&Path>,
) -> Result<Project, CliError> {
    Source::read(place, sources, file)?.project(place)
}

/// The same, with the versions that the place wants of its programs.
pub(crate) fn project_versions(
    place: &Place,
    sources: &Sources,
    file: Option<&Path>,
) -> Result<(Project, Versions), CliError> {
    let mut source = Source::read(place, sources, file)?;
    let versions = source.versions();
    Ok((source.project(place)?, versions))
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
        sharing: shared_cache::sharing(config, sources)?,
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
            Progress::Planned(plan) => {
                json!({"v": 1, "type": "plan", "plan": plan, "says": plan.to_string()})
            }
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
        Progress::Planned(plan) => ui.status(&plan.to_string()),
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
        (
            of(&["up_to_date", "cut_off"]) + report.unchanged,
            "unchanged",
        ),
        (of(&["restored"]), "restored"),
        (of(&["failed"]), "failed"),
        (of(&["not_reached"]), "not reached"),
        (of(&["cancelled"]), "cancelled"),
    ];
    let steps = report.steps.len() + report.unchanged;
    if steps == 0 {
        return "no step is concerned".to_owned();
    }
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let mut text = format!(
        "{}: {} in {}",
        many(steps, "step"),
        told.join(", "),
        seconds(report.took_ms)
    );
    if report.tests > 0 {
        text = format!(
            "{text}, {}",
            many(usize::try_from(report.tests).unwrap_or(usize::MAX), "test")
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
