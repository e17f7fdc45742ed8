//! Reading the configuration again when its files change, or when a signal asks for it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use atelier_keys::KeyStore;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use crate::{
    app::Place,
    cli_error::CliError,
    config::{PROJECT_FILE, user_file},
    keys::{KeyPlace, KeysError},
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
    let mut keys = Keys::watched();
    // Where the signal cannot be had, the files alone tell.
    let mut hangup = signal(SignalKind::hangup()).ok();
    let mut ended = std::pin::pin!(ended);
    loop {
        let is_asked = tokio::select! {
            () = &mut ended => return,
            () = sleep(LOOK) => false,
            () = asked(&mut hangup) => true,
        };
        keys.look(ui);
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
    files.iter().map(|path| trace(path)).collect()
}

fn trace(path: &Path) -> Trace {
    let data = std::fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// The user's key store, which is read again by itself; what is told here is that it cannot be.
struct Keys {
    store: Option<KeyStore>,
    seen: Trace,
}

impl Keys {
    fn watched() -> Self {
        let store = KeyPlace::find().map(|place| place.store);
        let seen = store.as_ref().and_then(|store| trace(store.path()));
        Self { store, seen }
    }

    fn look(&mut self, ui: &Ui) {
        let Some(store) = &self.store else {
            return;
        };
        let now = trace(store.path());
        if now == self.seen {
            return;
        }
        self.seen = now;
        if let Err(error) = store.read() {
            ui.error(&KeysError::from(error).into());
            ui.status("the keys that were read before go on");
        }
    }
}
