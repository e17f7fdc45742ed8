//! A command that runs beside others: a server that checks talk to.

use std::{
    os::fd::OwnedFd,
    sync::{Mutex, PoisonError},
};

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Exit, Report, SpawnError,
    tape::{self, SharedTape},
    watch::{Ended, Patience, Watch},
};

/// A command that answers requests until it is stopped. Dropping it stops it too.
#[derive(Debug)]
pub struct Service {
    tape: SharedTape,
    /// A socket of its own network; one visit at a time goes through it.
    pub(super) visit: Option<tokio::sync::Mutex<OwnedFd>>,
    stop: DropGuard,
    exit: std::sync::Arc<Mutex<Option<Exit>>>,
    task: JoinHandle<Result<Ended, SpawnError>>,
}

impl Service {
    pub(super) fn start(
        mut watch: Watch,
        patience: Patience,
        stop: CancellationToken,
        tape: SharedTape,
    ) -> Self {
        let visit = watch.visit().map(tokio::sync::Mutex::new);
        let exit = std::sync::Arc::new(Mutex::new(None));
        let (exit_told, tape_written, asked) = (exit.clone(), tape.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let ended = watch.end(patience, &asked, &tape_written, None).await;
            if let Ok(ended) = &ended {
                *exit_told.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended.exit);
            }
            ended
        });
        Self {
            tape,
            visit,
            stop: stop.drop_guard(),
            exit,
            task,
        }
    }

    /// What it has printed so far.
    pub fn output_so_far(&self) -> String {
        tape::text(&self.tape).0
    }

    /// How it ended, if it did.
    pub fn exited(&self) -> Option<Exit> {
        *self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops it, with all its descendants, and reports.
    pub async fn stop(self) -> Result<Report, SpawnError> {
        drop(self.stop);
        let ended = self.task.await.map_err(|error| SpawnError::HelperLost {
            program: "the service".to_owned(),
            message: error.to_string(),
        })??;
        Ok(ended.report(&self.tape))
    }
}
