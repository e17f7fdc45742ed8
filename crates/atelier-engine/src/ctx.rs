//! Everything a run may touch, constructed once at the door.

use std::{path::PathBuf, sync::Arc};

use atelier_exec::{Git, Sandbox};
use atelier_llm::Gateway;
use atelier_model::{Clock, IdSource, Limits, Timestamp};
use atelier_prompt::{Library, context::Compression};
use atelier_recipe::Recipes;
use atelier_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{Approver, Checks, Recorded};

/// The doors to the outside, and how far anything may go.
#[derive(Clone)]
pub struct Ctx {
    /// State and events.
    pub store: Store,
    /// Models.
    pub gateway: Arc<Gateway>,
    /// Prompts.
    pub library: Arc<Library>,
    /// Kinds of projects and how they are built.
    pub recipes: Arc<Recipes>,
    /// The project's repository.
    pub git: Git,
    /// Processes.
    pub sandbox: Sandbox,
    /// What the checks of all tasks share.
    pub checks: Arc<Checks>,
    /// Home folder of sandboxed processes; never the user's.
    pub home: PathBuf,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub ids: Arc<dyn IdSource>,
    /// The person, if there is one.
    pub approver: Arc<dyn Approver>,
    /// How what models are shown is made shorter.
    pub compression: Compression,
    /// Named maxima.
    pub limits: Limits,
    /// The run that is replayed, where one is.
    pub recording: Option<Arc<Recorded>>,
    /// Set when a person stops the run.
    pub cancel: CancellationToken,
}

impl Ctx {
    /// The current instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
