//! `atelier show`: a design, a plan, the summaries of a run, or a task with its attempts and prompts.

mod context;

use atelier_model::{Attempt, DevPlan, Run, Stage, Task, TaskId};
use atelier_store::Store;
use clap::Args;

use super::{select, status::word};
use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    ui::{Tone, Ui, plain},
};

/// Show the requirement, design, plan, handoff, summaries, or a task with attempts and prompts
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// requirement, design, plan, handoff, summaries, or a task such as t2.3
    #[arg(value_name = "WHAT", default_value = "plan")]
    pub(crate) what: String,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

pub(crate) async fn run(global: &Global, args: &ShowArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = Place::find(global)?.store_read(ui).await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    match args.what.as_str() {
        "requirement" => ui.out(&run.requirement),
        "design" => artifact(ui, &store, &run, Stage::Design, "design").await?,
        "summaries" => context::summaries(ui, &store, &run).await?,
        "handoff" => artifact(ui, &store, &run, Stage::Handoff, "handoff").await?,
        "plan" => match store.plan_fetch(&run.id).await? {
            Some(found) if ui.is_json() => {
                ui.out(&serde_json::to_string(&found).unwrap_or_default());
            }
            Some(found) => plan(ui, &found),
            None => return Err(missing("a plan of run", run.id.as_str())),
        },
        named => {
            let tasks = store.task_list(&run.id).await?;
            let found = find(&tasks, named)?;
            task(ui, &store, &run, found).await?;
        }
    }
    Ok(0)
}

/// What is not there where no task was made yet.
pub(crate) const NOT_BEGUN: &str = "a task, before the run has begun:";

/// The task of that id or number.
pub(super) fn find<'a>(tasks: &'a [Task], named: &str) -> Result<&'a Task, CliError> {
    let id = TaskId::from_text(named);
    let number = named.trim_start_matches('t');
    tasks
        .iter()
        .find(|task| task.id == id || task.step.as_deref() == Some(number))
        .ok_or_else(|| CliError::NotFound {
            what: if tasks.is_empty() {
                NOT_BEGUN
            } else {
                "a task"
            },
            name: named.to_owned(),
            known: tasks.iter().map(|task| task.id.to_string()).collect(),
        })
}

fn missing(what: &'static str, name: &str) -> CliError {
    CliError::NotFound {
        what,
        name: name.to_owned(),
        known: Vec::new(),
    }
}

async fn artifact(
    ui: &Ui,
    store: &Store,
    run: &Run,
    stage: Stage,
    name: &'static str,
) -> Result<(), CliError> {
    let bytes = store.artifact_fetch(&run.id, stage, name).await?;
    let bytes = bytes.ok_or_else(|| missing(name, run.id.as_str()))?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    ui.out(&serde_json::to_string_pretty(&value).unwrap_or_default());
    Ok(())
}

/// A plan as people read it.
pub(super) fn plan(ui: &Ui, plan: &DevPlan) {
    ui.out(&ui.ink(Tone::Strong, &plain(&plan.design.name)));
    ui.out(&plain(&plan.design.summary));
    for phase in &plan.phases {
        let title = format!("{} {}", phase.outline.number, plain(&phase.outline.title));
        ui.out(&format!("\n{}", ui.ink(Tone::Strong, &title)));
        for step in &phase.steps {
            let needs = if step.depends_on.is_empty() {
                String::new()
            } else {
                format!("  (after {})", step.depends_on.join(", "))
            };
            ui.out(&format!("  {} {}{needs}", step.number, plain(&step.title)));
            for one in &step.acceptance {
                ui.out(&format!("      {} {}", one.id, plain(&one.text)));
                let how = format!("         {}", plain(&one.how()));
                ui.out(&ui.ink(Tone::Faint, &how));
            }
        }
    }
}

async fn task(ui: &Ui, store: &Store, run: &Run, task: &Task) -> Result<(), CliError> {
    let attempts = store.attempt_list(&run.id, &task.id).await?;
    let prompts = store.prompt_list(&run.id, &task.id).await?;
    if ui.is_json() {
        let value = serde_json::json!({
            "v": 1, "task": task, "attempts": attempts, "prompts": prompts,
        });
        ui.out(&value.to_string());
        return Ok(());
    }
    ui.out(&format!(
        "{} {}  {}",
        task.id,
        ui.ink(Tone::Strong, &plain(&task.title)),
        word(task.state)
    ));
    if !task.description.is_empty() {
        ui.out(&task.description);
    }
    for attempt in &attempts {
        show_attempt(ui, store, attempt).await?;
    }
    context::prompts(ui, &prompts);
    Ok(())
}

async fn show_attempt(ui: &Ui, store: &Store, attempt: &Attempt) -> Result<(), CliError> {
    let outcome = attempt.outcome.map_or("running".to_owned(), word);
    ui.out(&format!(
        "\nattempt {}: {outcome}, {}",
        attempt.ordinal, attempt.cost
    ));
    for check in &attempt.evidence.checks {
        let tone = if check.outcome.passed() {
            Tone::Good
        } else {
            Tone::Bad
        };
        let mark = ui.ink(tone, &word(check.outcome));
        let line = format!(
            "  {mark} {}: {} ",
            plain(&check.name),
            plain(&check.command)
        );
        ui.out(format!("{line}{}", plain(&check.reason)).trim_end());
        if !check.outcome.passed()
            && let Some(output) = store.blob_fetch(&check.output).await?
        {
            for line in String::from_utf8_lossy(&output).lines() {
                ui.out(&format!("    | {}", plain(line)));
            }
        }
    }
    if attempt.evidence.checks.is_empty() && !attempt.feedback.is_empty() {
        for line in attempt.feedback.lines() {
            ui.out(&format!("    | {}", plain(line)));
        }
    }
    Ok(())
}
