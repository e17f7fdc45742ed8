//! `atelier pause`, `cancel`, `approve` and `reject`: what a person asks of a run from elsewhere.

use std::time::Duration;

use atelier_engine::{Command, Obeyed, obey};
use atelier_model::{Clock as _, Run, RunStatus, Timestamp};
use atelier_store::{QuestionKind, Store};
use clap::Args;
use serde_json::json;

use super::select;
use crate::{
    app::{Place, SystemClock},
    cli::Global,
    cli_error::CliError,
    ui::Ui,
};

/// Time between two looks at whether those who work on a run have stopped.
const LOOK: Duration = Duration::from_millis(100);
/// Looks at it: what is under way is stopped within a second, answers under way may take longer.
const LOOKS_MAX: u32 = 50;

/// Let whoever works on a run come to rest
///
/// From this moment on no model is asked any more. Answers that are on their way are awaited, then
/// everything stops; `atelier resume` goes on without asking anything twice.
#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Stop at once; answers on their way are lost, and may have to be paid
    #[arg(long)]
    pub(crate) now: bool,

    /// Why; it stands in the log
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

/// End a run for good; what is finished stays on its branch
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The run, by the beginning of its id; the newest if left out
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,

    /// Why; it stands in the log
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

/// Say yes to what waits for a person: the plan, a task, or a look at what a task made
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// What it is about: `plan`, or a task such as t2.3; all that waits if left out
    #[arg(value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,

    /// What to put on record beside
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

/// Say no to what waits for a person; the reason is fed back to the model
///
/// A plan that is rejected with a reason is drafted again with it; what a task made is mended.
#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    /// What it is about: `plan`, or a task such as t2.3; what waits if left out and only one does
    #[arg(value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,

    /// Why, in words that help whoever does it again
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,

    /// The run, by the beginning of its id; the newest if left out
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

pub(crate) async fn pause(global: &Global, args: &PauseArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = Place::find(global)?.store().await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let command = Command::Pause {
        now: args.now,
        reason: args.reason.clone(),
    };
    let obeyed = obey(&store, &run.id, &command, now()).await?;
    if obeyed == Obeyed::NobodyWorked {
        return Ok(said(
            ui,
            &run,
            "pause",
            "nobody works on it: it rests already",
        ));
    }
    let rests = until_rest(&store, &run).await?;
    let text = if rests {
        "paused; go on with: atelier resume"
    } else {
        "asked to pause: it rests as soon as the answers on their way are there"
    };
    Ok(said(ui, &run, "pause", text))
}

pub(crate) async fn cancel(global: &Global, args: &CancelArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = Place::find(global)?.store().await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let command = Command::Cancel {
        reason: args.reason.clone(),
    };
    obey(&store, &run.id, &command, now()).await?;
    until_rest(&store, &run).await?;
    let text = format!("cancelled; what is finished is on {}", run.branch);
    Ok(said(ui, &run, "cancel", &text))
}

/// Waits a moment until nobody conducts the run any more.
async fn until_rest(store: &Store, run: &Run) -> Result<bool, CliError> {
    let conduct = atelier_store::Lease::conduct(&run.id);
    for _ in 0..LOOKS_MAX {
        let holder = store.lease_holder(&conduct, now()).await?;
        let status = store.run_fetch(&run.id).await?.status;
        let under_way = matches!(
            status,
            RunStatus::Planning | RunStatus::Running | RunStatus::Verifying
        );
        if holder.is_none() || !under_way && status != RunStatus::Cancelled {
            return Ok(true);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(false)
}

pub(crate) async fn approve(global: &Global, args: &ApproveArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = Place::find(global)?.store().await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let waiting = subjects(&store, &run).await?;
    let subjects = match &args.subject {
        Some(subject) => vec![named(subject, &waiting)],
        None if waiting.is_empty() => return Err(nothing_waits()),
        None => waiting,
    };
    for subject in subjects {
        answer(&store, &run, (&subject, true, &args.reason), ui).await?;
    }
    ui.status("  go on with: atelier resume");
    Ok(0)
}

pub(crate) async fn reject(global: &Global, args: &RejectArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = Place::find(global)?.store().await?;
    let run = select::run(&store, args.run.as_deref()).await?;
    let waiting = subjects(&store, &run).await?;
    let subject = match (&args.subject, waiting.as_slice()) {
        (Some(subject), _) => named(subject, &waiting),
        (None, [only]) => only.clone(),
        (None, []) => return Err(nothing_waits()),
        (None, _) => {
            return Err(CliError::NotFound {
                what: "the one thing that waits: name it, for there is more than",
                name: "one".to_owned(),
                known: waiting,
            });
        }
    };
    answer(&store, &run, (&subject, false, &args.reason), ui).await?;
    ui.status("  go on with: atelier resume");
    Ok(0)
}

async fn answer(
    store: &Store,
    run: &Run,
    (subject, approved, reason): (&str, bool, &str),
    ui: &Ui,
) -> Result<(), CliError> {
    let command = Command::Answer {
        subject: subject.to_owned(),
        approved,
        reason: reason.to_owned(),
    };
    let kinds = match obey(store, &run.id, &command, now()).await? {
        Obeyed::Answered(kinds) => kinds,
        Obeyed::Done | Obeyed::NobodyWorked | Obeyed::Again(_) | Obeyed::Left { .. } => Vec::new(),
    };
    let again = !approved && !reason.trim().is_empty();
    let what = match kinds.first() {
        Some(QuestionKind::Plan) if again => ": it is drafted again with the reason",
        Some(QuestionKind::Task) if again => ": the reason stands beside the task from now on",
        Some(QuestionKind::Look) if again => ": the reason goes back to the model",
        Some(QuestionKind::Plan | QuestionKind::Task | QuestionKind::Look) | None => "",
    };
    let word = if approved { "approved" } else { "rejected" };
    said(ui, run, word, &format!("{word} {subject}{what}"));
    Ok(())
}

/// What of a run waits for an answer, each subject once.
async fn subjects(store: &Store, run: &Run) -> Result<Vec<String>, CliError> {
    let open = store.question_list(&run.id).await?;
    let mut subjects: Vec<String> = open.into_iter().map(|one| one.subject).collect();
    subjects.dedup();
    Ok(subjects)
}

/// A task may also be named by its number alone.
fn named(subject: &str, waiting: &[String]) -> String {
    let full = format!("t{subject}");
    if !waiting.iter().any(|one| one == subject) && waiting.contains(&full) {
        full
    } else {
        subject.to_owned()
    }
}

fn nothing_waits() -> CliError {
    CliError::NotFound {
        what: "anything that waits for",
        name: "an answer".to_owned(),
        known: Vec::new(),
    }
}

/// Says what came of a command.
pub(super) fn said(ui: &Ui, run: &Run, command: &str, text: &str) -> u8 {
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "control", "run": run.id, "command": command, "said": text,
        });
        ui.out(&line.to_string());
    } else {
        ui.out(&format!("{}: {text}", run.id));
    }
    0
}

/// The current instant.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}
