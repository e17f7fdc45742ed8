//! One check at a time in a folder: what a step of one has half written, no step of another reads.

use std::{
    fs::{File, OpenOptions},
    path::Path,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{cli_error::CliError, ui::Ui};

/// Longest wait for another check.
const WAIT_MAX: Duration = Duration::from_hours(4);
/// Time between two tries.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until no other check is at work with this store; the turn lasts as long as the file is
/// open. The kernel gives it back for whoever is killed. `None` where waiting was cancelled.
pub(super) async fn take(
    store: &Path,
    cancel: &CancellationToken,
    ui: &Ui,
) -> Result<Option<File>, CliError> {
    let path = store.join("turn");
    let failed = |source| CliError::File {
        path: path.clone(),
        source,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    let begun = Instant::now();
    let mut told = false;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
        if begun.elapsed() > WAIT_MAX {
            return Err(CliError::CheckHeld(WAIT_MAX));
        }
        if !told {
            ui.status("another check is at work in this folder; waiting for its end");
            told = true;
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = cancel.cancelled() => return Ok(None),
        }
    }
}
