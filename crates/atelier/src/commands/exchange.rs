//! `atelier plan import` and `atelier plan export`: plans as files.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use atelier_engine::{Adoption, ChangeRequest, adopt};
use atelier_exchange::{Exported, Files, Format, Import, Planned, export, import};
use atelier_model::{Digest, Run, RunId, RunMode, RunStatus, TaskState};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    build::request,
    change::Change,
    drive::{self, Work},
    select,
};
use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    ui::{Ui, plain},
};

/// Bytes of one file that is imported.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Files of one feature.
const FILES_MAX: usize = 100;
/// Runs, from the newest on, among which the one of a plan is looked for.
const RUNS_MAX: u32 = 200;
/// Where the features of a project lie.
const FEATURES: &str = "specs";
/// Where the list of tasks of a project lies.
const TASK_LISTS: [&str; 2] = [".taskmaster/tasks/tasks.json", "tasks/tasks.json"];

/// Take plans from files, and write them to files
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Take a plan from files: an edited one of ours, or one of spec-kit, Task Master, GitHub, or prose
    Import(ImportArgs),
    /// Write the plan of a run to a file, to edit it or to give it to another tool
    Export(ExportArgs),
}

/// What to import.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A file, or a folder: of a feature, or of a project that has one
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// Its form: atelier, spec-kit, taskmaster, github, markdown; told from the file if left out
    #[arg(long, value_name = "FORM")]
    pub(crate) format: Option<String>,

    /// Which list of a file that holds several
    #[arg(long, value_name = "NAME")]
    pub(crate) tag: Option<String>,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

/// What to export.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The form: atelier, spec-kit, taskmaster, github, markdown
    #[arg(long, value_name = "FORM", default_value = "atelier")]
    pub(crate) format: String,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// The file to write, or the folder for a form of several files; standard output if left out
    #[arg(short = 'o', long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

pub(crate) async fn run(global: &Global, command: &PlanCommand, ui: &Ui) -> Result<u8, CliError> {
    match command {
        PlanCommand::Import(args) => Box::pin(import_plan(global, args, ui)).await,
        PlanCommand::Export(args) => export_plan(global, args, ui).await,
    }
}

fn format(name: &str) -> Result<Format, CliError> {
    Format::of_name(name).ok_or_else(|| CliError::NotFound {
        what: "the form",
        name: name.to_owned(),
        known: Format::ALL.map(|format| format.name().to_owned()).to_vec(),
    })
}

async fn import_plan(global: &Global, args: &ImportArgs, ui: &Ui) -> Result<u8, CliError> {
    let form = args.format.as_deref().map(format).transpose()?;
    let files = read(&args.path)?;
    let found = import(form, &files, args.tag.as_deref())?;
    match found {
        Import::Requirement { text, statements } => {
            let plural = if statements == 1 { "" } else { "s" };
            ui.status(&format!(
                "A requirement of {statements} statement{plural}: it is planned now."
            ));
            let (ctx, settings) = drive::open(global, &args.options, ui).await?;
            let work = Work::Build(request(
                text,
                RunMode::PlanOnly,
                (&args.options, &settings),
            )?);
            Box::pin(drive::to_its_end(&ctx, &settings, ui, &work)).await
        }
        Import::Plan(plan) => Box::pin(take(global, args, *plan, ui)).await,
    }
}

/// Changes the run that a plan is of, or makes one of it.
async fn take(global: &Global, args: &ImportArgs, plan: Planned, ui: &Ui) -> Result<u8, CliError> {
    for note in &plan.notes {
        ui.status(&format!("  {}", plain(note)));
    }
    let (ctx, settings) = drive::open(global, &args.options, ui).await?;
    if let Some(run) = standing(&ctx.store, &plan).await? {
        ui.status(&format!(
            "  run {} was made of it before: it is changed, no other begins",
            run.id
        ));
        let request = ChangeRequest::Plan {
            requirement: plan.requirement,
            plan: Box::new(plan.plan),
        };
        let change = Change {
            run: &run,
            request: &request,
            overrides: super::run::overrides(&args.options, &settings, args.options.yes)?,
            stops: true,
        };
        return Box::pin(change.carry_out(&ctx, &settings, ui)).await;
    }
    let unproved = plan
        .plan
        .steps()
        .filter(|step| step.acceptance.is_empty())
        .count();
    let (steps, form) = (plan.plan.steps().count(), plan.format.name());
    let adoption = Adoption {
        requirement: plan.requirement,
        plan: plan.plan,
        approval: settings.approval,
        budget: settings.budget,
    };
    let id = adopt(&ctx, adoption).await?;
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "plan.imported", "run": id, "format": form, "steps": steps,
            "unproved": unproved, "notes": plan.notes,
        });
        ui.out(&line.to_string());
        return Ok(0);
    }
    ui.out(&format!("planned {id}: {steps} steps from {form}"));
    if unproved > 0 {
        ui.status(&format!(
            "  {unproved} of them name no check: the project's build and tests are their proof"
        ));
    }
    ui.status("  see it with: atelier show plan · execute it with: atelier run");
    Ok(0)
}

/// The run that a plan is of: the one that it names, or the newest that was made of an earlier state
/// of it.
async fn standing(store: &atelier_store::Store, plan: &Planned) -> Result<Option<Run>, CliError> {
    if let Some(id) = &plan.run {
        let found = store.run_find(RunId::from_text(id).as_str()).await?;
        if let Some(run) = found.into_iter().find(|run| run.id.as_str() == id) {
            return Ok(Some(run));
        }
    }
    let digest = Digest::of(plan.requirement.trim());
    // The one whose requirement was changed into another is known by both.
    let mut runs = Vec::from_iter(store.run_by_requirement(&digest).await?);
    let known = store.run_list(RUNS_MAX).await?.into_iter();
    runs.extend(known.filter(|run| run.requirement_digest == digest));
    for run in runs {
        if run.status == RunStatus::Cancelled {
            continue;
        }
        let standing = store.plan_fetch(&run.id).await?;
        if standing.is_some_and(|standing| plan.continues(&standing)) {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// The files that a path stands for.
fn read(path: &Path) -> Result<Files, CliError> {
    let failed = |at: &Path| {
        let path = at.to_owned();
        move |source: io::Error| CliError::PlanFile { path, source }
    };
    let about = fs::metadata(path).map_err(failed(path))?;
    let paths = if about.is_dir() {
        of_folder(path)?
    } else {
        vec![path.to_owned()]
    };
    let mut files = Files::new();
    for path in paths {
        let size = fs::metadata(&path).map_err(failed(&path))?.len();
        if size > FILE_BYTES_MAX {
            let shown = path.display();
            return Err(CliError::Usage(format!(
                "read {shown}: it has {size} bytes; at most {FILE_BYTES_MAX}"
            )));
        }
        let text = fs::read_to_string(&path).map_err(failed(&path))?;
        files.insert(path.display().to_string(), text);
    }
    Ok(files)
}

/// The documents of a feature, or the list of tasks of a project.
fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    if folder.join("tasks.md").is_file() {
        return documents(folder);
    }
    let lists = TASK_LISTS.iter().map(|list| folder.join(list));
    if let Some(list) = lists.into_iter().find(|list| list.is_file()) {
        return Ok(vec![list]);
    }
    let below = [folder.join(FEATURES), folder.to_owned()];
    for place in below.iter().filter(|place| place.is_dir()) {
        let features: Vec<PathBuf> = entries(place)?
            .into_iter()
            .filter(|entry| entry.join("tasks.md").is_file())
            .collect();
        match features.as_slice() {
            [] => {}
            [one] => return documents(one),
            several => {
                return Err(CliError::NotFound {
                    what: "one feature in",
                    name: place.display().to_string(),
                    known: several
                        .iter()
                        .map(|one| one.display().to_string())
                        .collect(),
                });
            }
        }
    }
    Err(CliError::NotFound {
        what: "a plan in",
        name: folder.display().to_string(),
        known: Vec::new(),
    })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed = |source| CliError::PlanFile {
        path: folder.to_owned(),
        source,
    };
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)?.take(FILES_MAX) {
        all.push(entry.map_err(failed)?.path());
    }
    all.sort();
    Ok(all)
}

fn documents(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let is_document = |path: &PathBuf| path.extension().is_some_and(|one| one == "md");
    Ok(entries(folder)?.into_iter().filter(is_document).collect())
}

async fn export_plan(global: &Global, args: &ExportArgs, ui: &Ui) -> Result<u8, CliError> {
    let form = format(&args.format)?;
    let store = Place::find(global)?.store_read(ui).await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let plan = store
        .plan_fetch(&run.id)
        .await?
        .ok_or_else(|| CliError::NotFound {
            what: "a plan of run",
            name: run.id.to_string(),
            known: Vec::new(),
        })?;
    let tasks = store.task_list(&run.id).await?;
    let done = tasks.iter().filter(|task| task.state == TaskState::Done);
    let done: BTreeSet<String> = done.filter_map(|task| task.step.clone()).collect();
    let exported = Exported {
        run: Some(run.id.as_str()),
        requirement: &run.requirement,
        plan: &plan,
        done: &done,
    };
    let files = export(form, &exported);
    let Some(output) = &args.output else {
        return print(&files, ui);
    };
    write(&files, output)?;
    ui.status(&format!("written to {}", output.display()));
    Ok(0)
}

fn print(files: &Files, ui: &Ui) -> Result<u8, CliError> {
    let mut texts = files.values();
    match (texts.next(), texts.next()) {
        (Some(text), None) => {
            ui.out(text.trim_end());
            Ok(0)
        }
        _ => Err(CliError::Usage(format!(
            "print {} files: name the folder for them with --output",
            files.len()
        ))),
    }
}

fn write(files: &Files, output: &Path) -> Result<(), CliError> {
    let failed = |at: &Path| {
        let path = at.to_owned();
        move |source: io::Error| CliError::PlanFile { path, source }
    };
    if files.len() == 1 && !output.is_dir() {
        let text = files.values().next().map_or("", String::as_str);
        return fs::write(output, text).map_err(failed(output));
    }
    fs::create_dir_all(output).map_err(failed(output))?;
    for (name, text) in files {
        let path = output.join(name);
        fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}
