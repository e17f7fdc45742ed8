//! Wiring: the only place that constructs store, gateway, sandbox and clock.

mod replay;
mod stores;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use atelier_engine::{Approver, CheckSettings, Checks, Ctx};
use atelier_exec::{Git, GitError, Sandbox};
use atelier_llm::Gateway;
use atelier_model::{Clock, FileEntry, FileTree, IdSource, Limits, Timestamp, TreePath};
use atelier_prompt::Library;
use atelier_recipe::Recipes;
use atelier_seal::SealKey;
use atelier_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Settings, Sources},
    guard_key,
    keys::{self, Asking},
};

pub(crate) use self::replay::open_replay;

/// Name of Atelier's folder in a project.
pub(crate) const STATE_FOLDER: &str = ".atelier";
/// What in that folder is the user's: it is read, and may be a link.
const OWN: [&str; 3] = ["prompts", "recipes", "hidden"];
/// Name of the database in it.
const STATE_FILE: &str = "state.db";
/// Name of the file in it that names the store of its checks.
const CHECKS_FILE: &str = "checks";
/// Name of the folder of all such stores, among the user's data.
const CHECKS_FOLDER: &str = "checks";
/// Name of the folder in the home of commands in which tools keep what they fetched.
const CACHE_FOLDER: &str = "cache";
/// Bytes of one overriding template or recipe.
const OVERRIDE_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of a file that is read to recognise a project.
const TREE_FILE_BYTES_MAX: usize = 1024 * 1024;
/// Files that are looked at to recognise projects.
const TREE_FILES_MAX: usize = 200_000;

/// The system's clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The store of checks that has this name.
fn store_of_checks(id: &str) -> Result<PathBuf, CliError> {
    let folder = crate::config::user_state().ok_or(CliError::NoDataFolder)?;
    Ok(folder.join(CHECKS_FOLDER).join(id))
}

/// The system's random bits.
#[derive(Debug)]
pub(crate) struct SystemIds;

impl IdSource for SystemIds {
    fn bits(&self) -> u128 {
        use rand::TryRng as _;
        let mut bytes = [0; 16];
        // A system without random bits still gets ids that differ by their time.
        let _ = rand::rngs::SysRng.try_fill_bytes(&mut bytes);
        u128::from_le_bytes(bytes)
    }
}

/// Where a command works.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The folder the command was started in, or `-C`.
    pub(crate) folder: PathBuf,
    /// The root of its repository, or the folder itself.
    pub(crate) root: PathBuf,
    /// The repository.
    pub(crate) git: Option<Git>,
}

impl Place {
    /// Looks where the command works; changes nothing.
    pub(crate) fn find(global: &Global) -> Result<Self, CliError> {
        let named = global
            .directory
            .clone()
            .unwrap_or_else(|| PathBuf::from("."));
        let folder = std::path::absolute(&named).map_err(|source| CliError::Folder {
            path: named.clone(),
            source,
        })?;
        if !folder.exists() {
            return Ok(Self {
                root: folder.clone(),
                folder,
                git: None,
            });
        }
        let failed = |source| CliError::Folder {
            path: named,
            source,
        };
        if !folder.is_dir() {
            return Err(failed(std::io::ErrorKind::NotADirectory.into()));
        }
        let folder = folder.canonicalize().map_err(failed)?;
        let git = Git::discover(&folder)?;
        let root = git
            .as_ref()
            .map_or_else(|| folder.clone(), |git| git.root().to_owned());
        stays_within(&root.join(STATE_FOLDER))?;
        Ok(Self { folder, root, git })
    }

    /// The repository; made where the folder is empty or does not exist.
    pub(crate) fn repository(&mut self) -> Result<Git, CliError> {
        self.repository_made(Git::init)
    }

    /// The same; one that is made digests as this id was.
    pub(crate) fn repository_like(&mut self, id: &str) -> Result<Git, CliError> {
        self.repository_made(|folder| Git::init_beside(folder, id, None))
    }

    fn repository_made(
        &mut self,
        make: impl FnOnce(&Path) -> Result<Git, GitError>,
    ) -> Result<Git, CliError> {
        if let Some(git) = &self.git {
            return Ok(git.clone());
        }
        if !is_empty(&self.folder)? {
            return Err(CliError::NoRepository(self.folder.clone()));
        }
        let git = make(&self.folder)?;
        git.root().clone_into(&mut self.root);
        self.git = Some(git.clone());
        Ok(git)
    }

    /// The files by which recipes recognise what stands here: those that git does not leave out. Of a
    /// large one only the name counts.
    pub(crate) fn tree(&self) -> Result<FileTree, CliError> {
        let Some(git) = &self.git else {
            return Ok(atelier_exec::tree_read(&self.root, &Limits::default())?);
        };
        let mut tree = FileTree::default();
        let paths = git.files()?;
        let paths = paths.iter().filter_map(|path| TreePath::parse(path).ok());
        for path in paths.take(TREE_FILES_MAX) {
            let on_disk = self.root.join(path.as_str());
            if !on_disk.symlink_metadata().is_ok_and(|data| data.is_file()) {
                continue;
            }
            let file = atelier_exec::file_read(&self.root, &path, TREE_FILE_BYTES_MAX);
            tree.put(path, file.unwrap_or_else(|| FileEntry::text("")));
        }
        Ok(tree)
    }

    /// Atelier's folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(STATE_FOLDER)
    }

    /// The store of what checks of this project have made, where there was any check. It lies among
    /// the user's data and not in the project, whose folder steps may write to: what one step made
    /// must not be for another to say.
    pub(crate) fn checks(&self) -> Result<Option<PathBuf>, CliError> {
        let id = std::fs::read_to_string(self.state().join(CHECKS_FILE)).unwrap_or_default();
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| store_of_checks(&id)).transpose()
    }

    /// The same, begun where there is none.
    pub(crate) fn checks_begun(&self) -> Result<PathBuf, CliError> {
        if let Some(known) = self.checks()? {
            return Ok(known);
        }
        let id = format!("{:032x}", SystemIds.bits());
        let file = self.state().join(CHECKS_FILE);
        let failed = |source| CliError::File {
            path: file.clone(),
            source,
        };
        std::fs::create_dir_all(self.state()).map_err(failed)?;
        let fresh = self.state().join(format!("{CHECKS_FILE}.{id}"));
        std::fs::write(&fresh, &id).map_err(failed)?;
        // Whoever is second is told so, and finds the name of the first.
        let _ = std::fs::hard_link(&fresh, &file);
        std::fs::remove_file(&fresh).map_err(failed)?;
        if let Some(known) = self.checks()? {
            return Ok(known);
        }
        // What stands there names none.
        std::fs::write(&file, &id).map_err(failed)?;
        store_of_checks(&id)
    }
}

/// Refuses state that a link leads out of the project: what lies there is written and removed without
/// a question, and a link can come with a repository of somebody else's.
fn stays_within(state: &Path) -> Result<(), CliError> {
    let is_link = |path: &Path| {
        path.symlink_metadata()
            .is_ok_and(|found| found.is_symlink())
    };
    if is_link(state) {
        return Err(CliError::StateElsewhere(state.to_owned()));
    }
    // What cannot be read is told by whoever needs it.
    let entries = std::fs::read_dir(state).into_iter().flatten().flatten();
    for entry in entries {
        let is_own = OWN.iter().any(|own| entry.file_name() == *own);
        if !is_own && is_link(&entry.path()) {
            return Err(CliError::StateElsewhere(entry.path()));
        }
    }
    Ok(())
}

fn is_empty(folder: &Path) -> Result<bool, CliError> {
    let failed = |source| CliError::Folder {
        path: folder.to_owned(),
        source,
    };
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                let name = entry.map_err(failed)?.file_name();
                if name != STATE_FOLDER && name != crate::config::PROJECT_FILE {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(failed(error)),
    }
}

/// Reads the configuration of a place.
pub(crate) fn configure(
    place: &Place,
    global: &Global,
    options: &RunOptions,
) -> Result<(Config, Settings), CliError> {
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, options)?;
    let settings = Settings::resolve(&config, &sources)?;
    Ok((config, settings))
}

/// Reads the configuration of a place for what asks nobody.
pub(crate) fn configure_unasked(place: &Place, global: &Global) -> Result<Settings, CliError> {
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    Ok(Settings::without_models(&config, &sources)?)
}

/// Opens every door for a run.
pub(crate) async fn open(
    place: &mut Place,
    settings: &Settings,
    approver: Arc<dyn Approver>,
    cancel: CancellationToken,
) -> Result<Ctx, CliError> {
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>) =
        (Arc::new(SystemClock), Arc::new(SystemIds));
    if !place.state().exists() {
        // What cannot be asked must be refused before a folder is changed for it.
        gateway(
            settings,
            guard_key::unused(),
            Store::open_in_memory().await?,
            clock.clone(),
            ids.clone(),
        )?;
    }
    let git = place.repository()?;
    let store = crate::audit::store(&place.state()).await?;
    keys::seal(&store, Asking::Yes).await?;
    let title = place
        .root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let fresh = atelier_model::ProjectId::new(clock.now(), &*ids);
    let root = place.root.display().to_string();
    store
        .project_ensure(
            &fresh,
            &root,
            title.as_deref().unwrap_or("project"),
            clock.now(),
        )
        .await?;
    let gateway = gateway(
        settings,
        guard_key::of(&place.state())?,
        store.clone(),
        clock.clone(),
        ids.clone(),
    )?;
    let home = place.state().join("home");
    let checks = check_settings(place, settings, &home)?;
    let prompts = overrides(&place.state().join("prompts"), "md")?;
    let recipes = overrides(&place.state().join("recipes"), "toml")?;
    let helper = atelier_exec::helper_program().map_err(CliError::Runtime)?;
    Ok(Ctx {
        store,
        gateway: Arc::new(gateway),
        library: Arc::new(Library::with_overrides(&prompts.into_iter().collect())?),
        recipes: Arc::new(Recipes::with_user(&recipes)?),
        git,
        sandbox: Sandbox::new(helper),
        checks: Arc::new(Checks::new(checks)),
        home,
        clock,
        ids,
        approver,
        compression: settings.compression,
        recording: None,
        limits: settings.limits.clone(),
        cancel,
    })
}

/// What the checks of runs need, with the folders they work in.
fn check_settings(
    place: &Place,
    settings: &Settings,
    home: &Path,
) -> Result<CheckSettings, CliError> {
    let said = settings.checks.clone();
    let store = place.checks_begun()?;
    for folder in [&store, &home.join(CACHE_FOLDER)] {
        std::fs::create_dir_all(folder).map_err(|source| CliError::File {
            path: folder.clone(),
            source,
        })?;
    }
    Ok(CheckSettings {
        store,
        level: said.level,
        registries: said.registries,
        steps: said.steps,
        cpu: processors(),
    })
}

/// Processors of this machine.
pub(crate) fn processors() -> u32 {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(all).unwrap_or(u32::MAX)
}

/// The gateway of a configuration, with the key of its placeholders.
pub(crate) fn gateway(
    settings: &Settings,
    guard_key: SealKey,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
) -> Result<Gateway, CliError> {
    Ok(Gateway::new(
        settings.gateway(guard_key),
        store,
        clock,
        ids,
    )?)
}

/// The files of a folder by their names without ending, which stand in for built-in ones.
pub(crate) fn overrides(folder: &Path, ending: &str) -> Result<Vec<(String, String)>, CliError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(CliError::File {
                path: folder.to_owned(),
                source,
            });
        }
    };
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let small = entry
            .metadata()
            .is_ok_and(|data| data.len() <= OVERRIDE_BYTES_MAX);
        let fits = path.extension().is_some_and(|found| found == ending);
        if let Some(name) = path
            .file_stem()
            .and_then(|name| name.to_str())
            .filter(|_| fits && small)
        {
            let text = std::fs::read_to_string(&path).map_err(|source| CliError::File {
                path: path.clone(),
                source,
            })?;
            files.push((name.to_owned(), text));
        }
    }
    files.sort();
    Ok(files)
}
