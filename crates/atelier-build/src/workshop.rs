//! Everything a check may touch, constructed once at the door.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use atelier_cas::{Found, Workspace};
use atelier_exec::{JobServer, Sandbox};
use atelier_model::{BuildStep, Clock, Digest, Limits, Network, SandboxLevel, Tool};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::Sharing;

/// Variables that say where something is on this machine, or how the network is reached, and so are
/// no part of what a step makes.
const PLACES: [&str; 9] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// The doors to the outside.
#[derive(Clone)]
pub struct Workshop {
    /// The folder that steps work in, with the store of what they make.
    pub workspace: Arc<Workspace>,
    /// Processes.
    pub sandbox: Sandbox,
    /// Home folder of the steps; never the user's.
    pub home: PathBuf,
    /// The environment of every step.
    pub env: BTreeMap<String, String>,
    /// The environment outside, of which a step gets what it names.
    pub outside: BTreeMap<String, String>,
    /// How tightly steps are confined that do not say so themselves.
    pub level: SandboxLevel,
    /// The least tight level that a step may ask for.
    pub level_min: SandboxLevel,
    /// Whether the strong level can be had here, which alone has a door to the registries. Without
    /// it, a step that installs is left the machine's network at the light level.
    pub door: bool,
    /// Whether the light level can have a network of its own here. Without it, a step that needs the
    /// loopback network is left the machine's.
    pub own_network: bool,
    /// Whether the folder is nobody's work, so that steps at the strong level may change it as they
    /// run, instead of a layer above it that is taken over at their end.
    pub in_place: bool,
    /// Processors that are shared with other checks; those of the check's own if `None`.
    pub jobs: Option<Arc<JobServer>>,
    /// Hosts of package registries beside those that are known.
    pub registries: Vec<String>,
    /// A cache of results that other machines share; asked for what is not in the own store.
    pub sharing: Option<Arc<Sharing>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Named maxima.
    pub limits: Limits,
    /// Ends everything.
    pub cancel: CancellationToken,
}

impl Workshop {
    /// How tightly a step is confined. Only the strong level has a way to the registries that leads
    /// nowhere else, so a step that installs is given that where it can be had, unless the operator
    /// wants none.
    pub(crate) fn level(&self, step: &BuildStep) -> SandboxLevel {
        let level = step.sandbox.unwrap_or(self.level).max(self.level_min);
        match level {
            SandboxLevel::Light if step.network == Network::Install && self.door => {
                SandboxLevel::Strong
            }
            SandboxLevel::None | SandboxLevel::Light | SandboxLevel::Strong => level,
        }
    }

    /// Whether a step at the light level is left the machine's network.
    pub(crate) fn host_network(&self, step: &BuildStep) -> bool {
        match step.network {
            Network::None => false,
            Network::Loopback => !self.own_network,
            Network::Install => !self.door,
        }
    }

    /// What of every step's environment is part of its key, values by their digests: they may be
    /// secrets.
    pub(crate) fn surroundings(&self) -> BTreeMap<String, Digest> {
        let home = self.home.to_string_lossy();
        let counts = |name: &str, value: &str| {
            let upper = name.to_ascii_uppercase();
            !PLACES.contains(&upper.as_str()) && !value.contains(&*home)
        };
        let pairs = self.env.iter().filter(|(name, value)| counts(name, value));
        pairs
            .map(|(name, value)| (name.clone(), Digest::of(value)))
            .collect()
    }

    /// The programs of some steps, and what tells each from another of its name. A program in the
    /// project is one of the inputs.
    pub(crate) fn programs<'a>(&self, steps: impl Iterator<Item = &'a BuildStep>) -> Vec<Program> {
        let mut versions: BTreeMap<&str, &[String]> = BTreeMap::new();
        for step in steps {
            for Tool {
                program,
                version_args,
                ..
            } in &step.tools
            {
                versions.insert(program, version_args);
            }
            if let Some(program) = step.argv.first() {
                versions.entry(program).or_default();
            }
        }
        versions
            .into_iter()
            .map(|(name, version_args)| self.program(name, version_args))
            .collect()
    }

    fn program(&self, name: &str, version_args: &[String]) -> Program {
        let file = self.file(name);
        Program {
            name: name.to_owned(),
            version_args: version_args.to_owned(),
            // Before the file is read: what changes after this shows.
            mark: file.as_deref().and_then(|file| self.mark(file)),
            version: file.as_deref().and_then(|file| version(file, version_args)),
            file: file.is_some(),
        }
    }

    fn file(&self, program: &str) -> Option<PathBuf> {
        let search = self.env.get("PATH").map_or("", String::as_str);
        atelier_exec::find_program(program, search)
    }

    fn mark(&self, file: &Path) -> Option<Digest> {
        let file = file.canonicalize().ok()?;
        let mark = self.workspace.cas().mark(&file)?;
        Some(Digest::of_json(&(file.to_string_lossy(), mark)))
    }

    /// Whether a program is the one that it was.
    pub(crate) fn is_same(&self, program: &Program) -> bool {
        let Some(file) = self.file(&program.name) else {
            return !program.file;
        };
        program.mark.is_some()
            && self.mark(&file) == program.mark
            && version(&file, &program.version_args) == program.version
    }

    /// What tells a program from another of its name; nothing of one that is not there.
    ///
    /// That is the version it prints where a step says how to ask for it, and else the digest of its
    /// file.
    pub(crate) fn identity(&self, program: &Program) -> Option<String> {
        if program.version.is_some() {
            return program.version.clone();
        }
        let file = self.file(&program.name)?.canonicalize().ok()?;
        let (folder, name) = (file.parent()?, file.file_name()?.to_str()?);
        // Files outside the project are known by their signatures, too, and read once.
        let place = Workspace::open(Arc::clone(self.workspace.cas()), folder).ok()?;
        let found = place.look(&[name]).ok()?;
        let [Found::File { digest, .. }] = found.as_slice() else {
            return None;
        };
        Some(digest.short())
    }
}

/// The version that a program prints where it is known how to ask for it.
fn version(file: &Path, version_args: &[String]) -> Option<String> {
    let args: Vec<&str> = version_args.iter().map(String::as_str).collect();
    if args.is_empty() {
        return None;
    }
    atelier_exec::program_version(file, &args)
}

/// A program that steps need, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) name: String,
    version_args: Vec<String>,
    /// Whether it was found.
    pub(crate) file: bool,
    /// What tells its file from every other; `None` where that cannot be told yet.
    mark: Option<Digest>,
    version: Option<String>,
}

impl Program {
    /// Whether a change of it would be seen.
    pub(crate) fn is_known(&self) -> bool {
        !self.file || self.mark.is_some()
    }
}
