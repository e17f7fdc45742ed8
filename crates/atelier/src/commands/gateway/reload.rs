//! Reading the configuration again when its files change, or when a signal asks for it.

use std::{path::PathBuf, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    app::Place,
    cli_error::CliError,
    config::{PROJECT_FILE, user_file},
    prices,
    ui::Ui,
};

/// Time between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

/// What tells that a file was written: when, and how long it is; `None` where there is none.
type Trace = Option<(std::time::SystemTime, u64)>;

/// Reads the configuration again whenever it changes, until the end. What cannot be used is told,
/// and the one before goes on.
pub(super) async fn keep(
    place: &Place,
    ended: impl Future<Output = ()>,
    mut reload: impl FnMut(&Place) -> Result<(), CliError>,
    ui: &Ui,
) {
    let files = files(place);
    let mut seen = traces(&files);
    // Where the signal cannot be had, the files alone tell.
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut ended = std::pin::pin!(ended);
    loop {
        let is_asked = tokio::select! {
            () = &mut ended => return,
            () = sleep(LOOK) => false,
            () = asked(&mut hangup) => true,
        };
        let now = traces(&files);
        if now == seen && !is_asked {
            continue;
        }
        seen = now;
        match reload(place) {
            Ok(()) => ui.status("configuration read again; it holds from the next request on"),
            Err(error) => {
                ui.error(&error);
                ui.status("the configuration before goes on");
            }
        }
    }
}

/// Waits for the signal; for ever where it cannot come.
async fn asked(hangup: &mut Option<tokio::signal::unix::Signal>) {
    let came = match hangup {
        Some(hangup) => hangup.recv().await,
        None => None,
    };
    if came.is_none() {
        std::future::pending::<()>().await;
    }
}

fn files(place: &Place) -> Vec<PathBuf> {
    let project = place.root.join(PROJECT_FILE);
    let all = [Some(project), user_file(), prices::file()];
    all.into_iter().flatten().collect()
}

fn traces(files: &[PathBuf]) -> Vec<Trace> {
    let trace = |path: &PathBuf| {
        let data = std::fs::metadata(path).ok()?;
        Some((data.modified().ok()?, data.len()))
    };
    files.iter().map(trace).collect()
}
