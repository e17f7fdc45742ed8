//! What build, plan, run and resume share: watching a run, stopping it, and telling its end.

use std::{convert::Infallible, sync::Arc};

use atelier_engine::{Approver, BuildError, BuildRequest, Ctx, Exit, Overrides, Report};
use atelier_exec::Delivery;
use atelier_model::{RunId, RunStatus, TaskState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    app,
    cli::{Global, RunOptions},
    cli_error::{CliError, chain},
    config::Settings,
    terminal::Person,
    ui::{Tone, Ui, plain},
    watch::follow,
};

/// Opens the project for a run, with Ctrl-C wired to its end.
pub(crate) async fn open(
    global: &Global,
    options: &RunOptions,
    ui: &Ui,
) -> Result<(Ctx, Settings), CliError> {
    let mut place = app::Place::find(global)?;
    let (config, settings) = app::configure(&place, global, options)?;
    for warning in &config.warnings {
        ui.warn(warning);
    }
    let approver: Arc<dyn Approver> = Arc::new(Person::find(options.yes));
    let ctx = app::open(&mut place, &settings, approver, CancellationToken::new()).await?;
    Ok((ctx, settings))
}

/// What a run is asked to do.
pub(crate) enum Work {
    /// Build a requirement.
    Build(BuildRequest),
    /// Go on with a run.
    Resume(RunId, Overrides),
}

/// Does the work while its events are printed; the first Ctrl-C ends it in order, the second at
/// once.
pub(crate) async fn watched(ctx: &Ctx, ui: &Ui, work: &Work) -> Result<Report, CliError> {
    let (tell_run, run) = watch::channel(None);
    let (tell_done, done) = watch::channel(false);
    let after = *ctx.store.event_watch().borrow();
    let printer = follow(ctx.store.clone(), ui.clone(), after, run, done);
    let begin = move |id: &RunId| {
        // Nobody listening only means that nothing is printed.
        let _ = tell_run.send(Some(id.clone()));
    };
    let working = async {
        let report = match work {
            Work::Build(request) => atelier_engine::build(ctx, request, &begin).await,
            Work::Resume(run, overrides) => {
                atelier_engine::resume(ctx, run, overrides, &begin).await
            }
        };
        let _ = tell_done.send(true);
        report
    };
    let both = async { tokio::join!(working, printer).0 };
    tokio::select! {
        report = both => Ok(report?),
        never = stop_on_signal(ctx.cancel.clone(), ui) => match never {},
    }
}

/// Waits for Ctrl-C or a polite kill. The first cancels the run, the second ends the process:
/// what runs in the sandbox watches for that and ends too.
async fn stop_on_signal(cancel: CancellationToken, ui: &Ui) -> Infallible {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if cancel.is_cancelled() {
            leave_now();
        }
        ui.warn("stopping; what is finished is kept (once more: stop at once)");
        cancel.cancel();
    }
}

#[expect(clippy::exit, reason = "a person asked twice; the state is safe at any moment")]
fn leave_now() -> ! {
    std::process::exit(Exit::Cancelled.code())
}

/// Tells how a run ended and returns its exit code.
pub(crate) fn tell(ui: &Ui, report: &Report) -> u8 {
    let code = report.exit as u8;
    if ui.json {
        return code;
    }
    match &report.error {
        Some(error) => failed(ui, report, error),
        None => succeeded(ui, report),
    }
    code
}

fn succeeded(ui: &Ui, report: &Report) {
    let run = &report.run;
    if run.status == RunStatus::Planned {
        ui.out(&format!("planned {}", run.id));
        ui.status("  see it:     atelier show plan");
        ui.status("  execute it: atelier run");
        return;
    }
    let commit = run.trunk.as_deref().unwrap_or_default();
    let done = report.tasks.iter().filter(|task| task.state == TaskState::Done).count();
    if report.unchanged {
        ui.out(&format!("unchanged: commit {} stands verified", short(commit)));
    } else if run.status == RunStatus::Done {
        let mark = ui.paint(Tone::Good, "✓");
        ui.out(&format!(
            "{mark} built and verified: commit {} on {}  {done}/{} tasks · {} tests",
            short(commit),
            run.branch,
            report.tasks.len(),
            report.tests
        ));
    } else {
        ui.out(&format!("{done}/{} tasks done", report.tasks.len()));
    }
    figures(ui, report);
    delivery(ui, report);
    if report.offline && !report.unchanged {
        ui.status(&format!(
            "  {} this is a scaffold from built-in templates, not a model's work; features it \
             could not write are in PROPOSED-TASKS.md. Connect a model: atelier doctor",
            ui.paint(Tone::Strong, "note")
        ));
    }
}

fn figures(ui: &Ui, report: &Report) {
    let cost = &report.cost;
    let (mut input, mut output) = (0, 0);
    for stage in cost.stages.values() {
        input += stage.usage.input;
        output += stage.usage.output;
    }
    let budget = report.run.budget.usd.map(|usd| format!(" of {usd}")).unwrap_or_default();
    ui.status(&format!(
        "  cost {}{budget} · {input} tokens in, {output} out · {} asks, {} from the cache",
        cost.spent, cost.asks, cost.cached
    ));
    for file in &report.restored {
        ui.warn(&format!("restored {}", plain(file)));
    }
}

fn delivery(ui: &Ui, report: &Report) {
    match &report.delivery {
        Some(Delivery::FastForwarded { branch }) => {
            ui.status(&format!("  branch {branch} now holds the result"));
        }
        Some(Delivery::Left { reason, command }) => {
            ui.status(&format!("  your branch was left alone: {reason}"));
            ui.status(&format!("  take the result with: {command}"));
        }
        None => {}
    }
}

fn failed(ui: &Ui, report: &Report, error: &BuildError) {
    ui.failure(&format!("failed to {}", chain(error)), Some(&error.hint()));
    figures(ui, report);
    let done = report.tasks.iter().filter(|task| task.state == TaskState::Done).count();
    if !report.tasks.is_empty() {
        ui.status(&format!("  kept: {done} of {} tasks, on {}", report.tasks.len(), report.run.branch));
    }
    if report.run.status != RunStatus::Done {
        ui.status(&format!("  go on with: atelier resume {}", report.run.id));
    }
}

/// The first characters of a commit's id.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
