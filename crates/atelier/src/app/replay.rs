//! Every door of a replay: a store and a repository of its own, and no model behind the gateway.

use std::{path::Path, sync::Arc};

use atelier_archive::Pack;
use atelier_engine::{
    Answer, Approver, CheckSettings, Checks, Ctx, Question, Recorded, replay_gateway,
    replay_limits, seed,
};
use atelier_exec::{Git, Sandbox};
use atelier_model::{BoxFuture, Clock, IdSource, ProjectId};
use atelier_prompt::{Library, context::Compression};
use atelier_recipe::Recipes;
use atelier_store::Store;
use tokio_util::sync::CancellationToken;

use super::{Place, STATE_FOLDER, SystemClock, SystemIds, processors};
use crate::{cli_error::CliError, commands::replay::ReplayError, config::Settings, guard_key};

/// Whoever was asked in the recorded run said what is recorded.
struct AsRecorded;

impl Approver for AsRecorded {
    fn ask<'a>(&'a self, _: &'a Question) -> BoxFuture<'a, Answer> {
        Box::pin(async { Answer::Yes })
    }
}

/// Lays a pack out in a folder, and opens every door for building it again there. What is in the
/// repository of the place is seen and not changed.
pub(crate) async fn open_replay(
    place: &Place,
    settings: &Settings,
    folder: &Path,
    (pack, runs_checks): (Pack, bool),
) -> Result<Ctx, CliError> {
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>) =
        (Arc::new(SystemClock), Arc::new(SystemIds));
    let git = Git::init_beside(folder, &pack.recording.tree, place.git.as_ref())?;
    let state = folder.join(STATE_FOLDER);
    let store = Store::open(&state).await?;
    let project = ProjectId::new(clock.now(), &*ids);
    let root = folder.display().to_string();
    store
        .project_ensure(&project, &root, "replay", clock.now())
        .await?;
    let seeded = seed(&store, &git, &pack, clock.now()).await;
    seeded.map_err(ReplayError::Seed)?;
    let with_state = place
        .state()
        .is_dir()
        .then(|| guard_key::of(&place.state()));
    let guard = with_state.transpose()?;
    let gateway = replay_gateway(&pack, guard, store.clone(), clock.clone(), ids.clone())?;
    let home = state.join("home");
    let checks = checks(settings, &state, &home)?;
    let helper = atelier_exec::helper_program().map_err(CliError::Runtime)?;
    let recording = &pack.recording;
    let recipes: Vec<_> = recording.recipes.clone().into_iter().collect();
    let words = [Compression::Off, Compression::Safe];
    let named = |one: &Compression| one.name() == pack.lock.settings.compression;
    Ok(Ctx {
        store,
        gateway: Arc::new(gateway),
        library: Arc::new(Library::with_overrides(&recording.prompts)?),
        recipes: Arc::new(Recipes::with_user(&recipes)?),
        git,
        sandbox: Sandbox::new(helper),
        checks: Arc::new(checks),
        home,
        clock,
        ids,
        approver: Arc::new(AsRecorded),
        compression: words.into_iter().find(named).unwrap_or_default(),
        limits: replay_limits(&pack, &settings.limits),
        recording: Some(Arc::new(Recorded::new(pack, runs_checks))),
        cancel: CancellationToken::new(),
    })
}

/// What the checks of a replay share: nothing with those of the project.
fn checks(settings: &Settings, state: &Path, home: &Path) -> Result<Checks, CliError> {
    let store = state.join("checks");
    for folder in [&store, &home.join(super::CACHE_FOLDER)] {
        std::fs::create_dir_all(folder).map_err(|source| CliError::File {
            path: folder.clone(),
            source,
        })?;
    }
    let said = settings.checks.clone();
    Ok(Checks::new(CheckSettings {
        store,
        level: said.level,
        registries: said.registries,
        steps: said.steps,
        cpu: processors(),
    }))
}
