//! What the checks of a process share: the store of what steps made, processors, and how tightly
//! commands are confined.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use atelier_build::Workshop;
use atelier_cas::{Cas, CasLimits, OpenCasError, OpenWorkspaceError, Workspace};
use atelier_exec::JobServer;
use atelier_model::SandboxLevel;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::{BuildError, Ctx, verify::Level};

/// Folder below the home of commands that stays when the home is tidied.
const KEPT: &str = "cache";

/// What is said of the checks of a project.
#[derive(Debug, Clone)]
pub struct CheckSettings {
    /// Folder of the store of what steps made; it is there.
    pub store: PathBuf,
    /// How tightly commands are to be confined; as tightly as it can be had if `None`.
    pub level: Option<SandboxLevel>,
    /// Hosts of package registries beside those that are known.
    pub registries: Vec<String>,
    /// What a person says of steps, by their names.
    pub steps: BTreeMap<String, Map<String, Value>>,
    /// Processors for all checks together.
    pub cpu: u32,
}

/// Why steps could not be executed at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenChecksError {
    /// The store of what steps made could not be opened.
    #[error(transparent)]
    Store(#[from] OpenCasError),
    /// The folder of a task could not be opened.
    #[error(transparent)]
    Folder(#[from] OpenWorkspaceError),
    /// Processors could not be shared out.
    #[error("share out processors")]
    JobServer(#[source] std::io::Error),
}

/// What the checks of all tasks of a process share; each part is made when it is first needed.
#[derive(Debug)]
pub struct Checks {
    pub(crate) settings: CheckSettings,
    level: OnceCell<Level>,
    cas: OnceCell<Arc<Cas>>,
    jobs: OnceCell<Arc<JobServer>>,
}

impl Checks {
    /// Begins with nothing but what is said.
    pub fn new(settings: CheckSettings) -> Self {
        Self {
            settings,
            level: OnceCell::new(),
            cas: OnceCell::new(),
            jobs: OnceCell::new(),
        }
    }

    /// The same for checks with a home of their own.
    pub(crate) fn apart(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            level: OnceCell::new_with(self.level.get().cloned()),
            cas: OnceCell::new_with(self.cas.get().cloned()),
            jobs: OnceCell::new(),
        }
    }

    /// How tightly commands are confined; tried out at the first call.
    pub(crate) async fn level(&self, ctx: &Ctx) -> Result<&Level, BuildError> {
        let choose = || Level::choose(&ctx.sandbox, self.settings.level);
        Ok(self.level.get_or_try_init(choose).await?)
    }

    /// Opens every door for the steps of one folder.
    pub(crate) async fn workshop(&self, ctx: &Ctx, folder: &Path) -> Result<Workshop, BuildError> {
        let level = self.level(ctx).await?;
        let cas = self.cas().await.map_err(BuildError::Checks)?;
        let workspace = Workspace::open(cas, folder).map_err(OpenChecksError::from);
        let env = atelier_exec::environment(&ctx.home);
        Ok(Workshop {
            workspace: Arc::new(workspace.map_err(BuildError::Checks)?),
            sandbox: ctx.sandbox.clone(),
            home: ctx.home.clone(),
            env,
            // A variable that a step names may hold a key, and a model may have named it.
            outside: BTreeMap::new(),
            level: level.sandbox,
            level_min: level.sandbox,
            door: level.door,
            own_network: level.own_network,
            in_place: true,
            jobs: Some(self.jobs(ctx).await.map_err(BuildError::Checks)?),
            registries: self.settings.registries.clone(),
            // A run is to be repeatable by whoever has its archive alone.
            sharing: None,
            clock: ctx.clock.clone(),
            limits: ctx.limits.clone(),
            // What ends a check for its own reasons ends nothing else.
            cancel: ctx.cancel.child_token(),
        })
    }

    async fn cas(&self) -> Result<Arc<Cas>, OpenChecksError> {
        let open = || async {
            Cas::open(&self.settings.store, CasLimits::default())
                .map(Arc::new)
                .map_err(OpenChecksError::from)
        };
        self.cas.get_or_try_init(open).await.cloned()
    }

    async fn jobs(&self, ctx: &Ctx) -> Result<Arc<JobServer>, OpenChecksError> {
        let open = || async {
            JobServer::open(&ctx.home.join(KEPT), self.settings.cpu)
                .map(Arc::new)
                .map_err(OpenChecksError::JobServer)
        };
        self.jobs.get_or_try_init(open).await.cloned()
    }
}
