//! Everything a check may touch, constructed once at the door.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use atelier_cas::{Found, Workspace};
use atelier_exec::Sandbox;
use atelier_model::{BuildStep, Clock, Digest, Limits, Network, SandboxLevel, Tool};
use tokio_util::sync::CancellationToken;

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
    /// Hosts of package registries beside those that are known.
    pub registries: Vec<String>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Named maxima.
    pub limits: Limits,
    /// Ends everything.
    pub cancel: CancellationToken,
}

impl Workshop {
    /// How tightly a step is confined. Only the strong level has a way to the registries that leads
    /// nowhere else, so a step that installs is given that unless the operator wants none.
    pub(crate) fn level(&self, step: &BuildStep) -> SandboxLevel {
        let level = step.sandbox.unwrap_or(self.level).max(self.level_min);
        match level {
            SandboxLevel::Light if step.network == Network::Install => SandboxLevel::Strong,
            SandboxLevel::None | SandboxLevel::Light | SandboxLevel::Strong => level,
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

    /// What tells each program of some steps from another of its name; nothing of one that is not
    /// there.
    ///
    /// That is the version it prints where a step says how to ask for it, and else the digest of its
    /// file. A program in the project is one of the inputs.
    pub(crate) fn identities<'a>(
        &self,
        steps: impl Iterator<Item = &'a BuildStep>,
    ) -> BTreeMap<String, String> {
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for step in steps {
            for Tool {
                program,
                version_args,
                ..
            } in &step.tools
            {
                versions.insert(program.clone(), version_args.clone());
            }
            if let Some(program) = step.argv.first() {
                versions.entry(program.clone()).or_default();
            }
        }
        let known = versions.into_iter().filter_map(|(program, args)| {
            let identity = self.identity(&program, &args)?;
            Some((program, identity))
        });
        known.collect()
    }

    fn identity(&self, program: &str, version_args: &[String]) -> Option<String> {
        let search = self.env.get("PATH").map_or("", String::as_str);
        let file = atelier_exec::find_program(program, search)?;
        if !version_args.is_empty() {
            let args: Vec<&str> = version_args.iter().map(String::as_str).collect();
            if let Some(version) = atelier_exec::program_version(&file, &args) {
                return Some(version);
            }
        }
        let file = file.canonicalize().ok()?;
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
