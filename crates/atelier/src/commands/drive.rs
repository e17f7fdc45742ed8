//! What build, plan, run and resume share: doing the work while it is watched, and stopping it.

use std::{convert::Infallible, sync::Arc};

use atelier_engine::{Approver, BuildRequest, Ctx, Exit, Overrides, Report};
use atelier_model::RunId;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{archive, ending};
use crate::{
    app,
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::Settings,
    keys::{self, Asking},
    terminal::Person,
    ui::Ui,
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
    if let Some(warning) = keys::missing(Asking::Yes) {
        ui.warn(&warning);
    }
    let approver: Arc<dyn Approver> = Arc::new(Person::find(options.yes, ui.screen()));
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

/// What came of the work.
pub(crate) struct Outcome {
    pub(crate) report: Report,
    /// Milliseconds this invocation took.
    pub(crate) took_ms: u64,
    /// Whether the event that ends a run was among those that were printed.
    pub(crate) end_told: bool,
}

/// Does the work, tells its end, and returns the exit code.
pub(crate) async fn to_its_end(
    ctx: &Ctx,
    settings: &Settings,
    ui: &Ui,
    work: &Work,
) -> Result<u8, CliError> {
    let outcome = Box::pin(watched(ctx, ui, work)).await?;
    ending::tell(ctx, settings, ui, &outcome).await;
    // Whoever stopped the run waits for nothing more.
    if let Some(node) = settings
        .archive
        .as_ref()
        .filter(|_| !ctx.cancel.is_cancelled())
    {
        Box::pin(archive::at_end(&ctx.store, node, ui)).await;
    }
    Ok(outcome.report.exit as u8)
}

/// Does the work while its events are printed; the first Ctrl-C ends it in order, the second at
/// once.
pub(crate) async fn watched(ctx: &Ctx, ui: &Ui, work: &Work) -> Result<Outcome, CliError> {
    let began = Instant::now();
    let (tell_run, run) = watch::channel(None);
    let (tell_done, done) = watch::channel(false);
    let after = *ctx.store.event_watch().borrow();
    let printer = follow(ctx.store.clone(), ui.clone(), after, run, done);
    let name_run = move |id: &RunId| {
        // Nobody listening only means that nothing is printed.
        let _ = tell_run.send(Some(id.clone()));
    };
    let working = async {
        let report = match work {
            Work::Build(request) => atelier_engine::build(ctx, request, &name_run).await,
            Work::Resume(run, overrides) => {
                atelier_engine::resume(ctx, run, overrides, &name_run).await
            }
        };
        let _ = tell_done.send(true);
        report
    };
    let both = async { tokio::join!(working, printer) };
    tokio::select! {
        (report, end_told) = both => {
            let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            Ok(Outcome { report: report?, took_ms, end_told })
        }
        never = stop_on_signal(ctx.cancel.clone(), ui) => match never {},
    }
}

/// Waits for Ctrl-C or a polite kill. The first cancels the run, the second ends the process:
/// what runs in the sandbox watches for that and ends too. Ctrl-Z only rests.
pub(super) async fn stop_on_signal(cancel: CancellationToken, ui: &Ui) -> Infallible {
    let suspend = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut suspend)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(suspend),
    ) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = suspend.recv() => {
                rest(ui);
                continue;
            }
        }
        if cancel.is_cancelled() {
            leave_now(ui);
        }
        ui.warn("stopping; what is finished is kept (once more: stop at once)");
        cancel.cancel();
    }
}

/// Stops until the shell lets it go on, with the terminal as it was found.
fn rest(ui: &Ui) {
    use rustix::process::{Signal, getpid, kill_process};
    let held = ui.screen().hold();
    // Where the signal cannot be sent, the run goes on as if nobody had asked.
    let _ = kill_process(getpid(), Signal::STOP);
    if held {
        ui.screen().go_on();
    }
}

#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a person asked twice; the state is safe at any moment"
)]
fn leave_now(ui: &Ui) -> ! {
    ui.screen().close();
    std::process::exit(Exit::Cancelled.code())
}
