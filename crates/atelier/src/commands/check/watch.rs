//! `atelier check --watch`: a check after every change, until somebody ends it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use atelier_cas::{Cas, CasLimits, Changes, Watch, WatchError, Workspace};
use atelier_engine::Exit;
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::{CheckArgs, Round, round};
use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    ui::{Ui, plain},
};

/// One piece of waiting for a change: as soon as one is over, an end that was asked for is seen.
const WAIT: Duration = Duration::from_millis(100);
/// Whoever changes several files is done when nothing has changed for so long.
const QUIET: Duration = Duration::from_millis(50);
/// Checks one behind the other because files changed during the one before. A step that changes
/// what it reads itself would go on for ever.
const ECHOES_MAX: u32 = 5;
/// Pieces of quiet that are waited for at most, where something changes all the time.
const QUIET_MAX: u32 = 100;

/// Checks again and again. Ends with what the last check ended with when somebody ends it while it
/// waits.
pub(super) async fn run(
    global: &Global,
    args: &CheckArgs,
    ui: &Ui,
    cancel: &CancellationToken,
) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let mut kind = Round::First;
    let mut own = Own::default();
    let mut code = Exit::Internal as u8;
    loop {
        // What changes from here on is seen, also what changes while the check is at work.
        let watch = begin(&place)?;
        let ended = round(global, args, ui, kind, cancel).await;
        let mut during = watch.wait(Duration::ZERO)?;
        match ended {
            Ok(ended) => {
                code = ended.code;
                if let Some(project) = ended.project {
                    let graph = &project.graph;
                    during.paths.retain(|path| graph.producer(path).is_none());
                }
            }
            Err(error) if kind == Round::First => return Err(error),
            // Half a change, perhaps: the next one makes it whole.
            Err(error) => ui.failure(&error.text(), error.hint().as_deref()),
        }
        if cancel.is_cancelled() {
            return Ok(code);
        }
        if own.is_news(during) {
            kind = Round::Echo;
            continue;
        }
        own = Own::default();
        if ui.is_json() {
            ui.out(&json!({"v": 1, "type": "waiting"}).to_string());
        } else {
            ui.status("waiting for changes; Ctrl-C ends");
        }
        let Some(changes) = next(watch, cancel).await? else {
            return Ok(code);
        };
        say(ui, &changes);
        kind = Round::Later;
    }
}

/// What steps have written themselves, beside their outputs, in checks one behind the other.
#[derive(Default)]
struct Own {
    paths: HashSet<String>,
    echoes: u32,
}

impl Own {
    /// Whether files that changed during a check are to be looked at: once, for whatever changes
    /// in the next check again is what steps write.
    fn is_news(&mut self, during: Changes) -> bool {
        let mut new = during.more;
        for path in during.paths {
            new |= self.paths.insert(path);
        }
        self.echoes += 1;
        new && self.echoes <= ECHOES_MAX
    }
}

fn begin(place: &Place) -> Result<Watch, CliError> {
    let cas = Cas::open(&place.checks_begun()?, CasLimits::default())?;
    let workspace = Workspace::open(Arc::new(cas), &place.root)?;
    Ok(workspace.watch()?)
}

/// Waits for changes, all that belong together; `None` where somebody ends it.
async fn next(watch: Watch, cancel: &CancellationToken) -> Result<Option<Changes>, CliError> {
    let ended = cancel.clone();
    match spawn_blocking(move || wait(&watch, &ended)).await {
        Ok(changes) => Ok(changes?),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Ok(None),
        },
    }
}

fn wait(watch: &Watch, ended: &CancellationToken) -> Result<Option<Changes>, WatchError> {
    let mut changes = Changes::default();
    while changes.is_empty() {
        if ended.is_cancelled() {
            return Ok(None);
        }
        changes = watch.wait(WAIT)?;
    }
    for _ in 0..QUIET_MAX {
        let more = watch.wait(QUIET)?;
        if more.is_empty() {
            break;
        }
        changes.extend(more);
    }
    Ok(Some(changes))
}

fn say(ui: &Ui, changes: &Changes) {
    if ui.is_json() {
        let event = json!({
            "v": 1, "type": "changed", "paths": changes.paths, "more": changes.more,
        });
        ui.out(&event.to_string());
        return;
    }
    let more = if changes.more { ", and more" } else { "" };
    let paths: Vec<String> = changes.paths.iter().map(|path| plain(path)).collect();
    ui.status(&format!("changed: {}{more}", paths.join(", ")));
}
