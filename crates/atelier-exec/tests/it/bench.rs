//! What the sandbox tests share: a throwaway folder, commands in it, and a look at processes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use atelier_exec::{Command, Confinement, Report, Sandbox, SpawnError};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Time after which something that must happen is taken not to happen.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A throwaway folder with commands that may write to `work` below it.
pub(crate) struct Bench {
    folder: TempDir,
    pub(crate) sandbox: Sandbox,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        Self {
            folder,
            sandbox: Sandbox::new(helper()),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A command with generous limits that may write to the working folder.
    pub(crate) fn command(&self, argv: &[&str]) -> Command {
        let path = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
        let home = self.work().display().to_string();
        Command {
            argv: argv.iter().map(ToString::to_string).collect(),
            cwd: self.work(),
            env: [("PATH".into(), path.into()), ("HOME".into(), home)].into(),
            writable: vec![self.work()],
            wall_ms: 120_000,
            idle_ms: 120_000,
            output_bytes_max: 64 * 1024,
            processes_max: 100_000,
            kill_grace_ms: 100,
            stdin: Vec::new(),
            confinement: Confinement::light(),
        }
    }

    pub(crate) fn shell(&self, script: &str) -> Command {
        self.command(&["sh", "-c", script])
    }

    pub(crate) async fn run(&self, command: &Command) -> Result<Report, SpawnError> {
        self.sandbox
            .run(command, &CancellationToken::new(), None)
            .await
    }

    /// Process numbers that a script left in files `*.pid` of the working folder, by name.
    pub(crate) fn pids(&self) -> BTreeMap<String, u32> {
        let entries = fs::read_dir(self.work()).unwrap();
        let files = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "pid"));
        files
            .map(|path| {
                let pid = fs::read_to_string(&path).unwrap().trim().parse().unwrap();
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                (name, pid)
            })
            .collect()
    }
}

/// The helper program of this crate.
pub(crate) fn helper() -> PathBuf {
    env!("CARGO_BIN_EXE_atelier-sandbox").into()
}

/// Whether a process is there and not merely waiting to be noticed as ended.
pub(crate) fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

/// Waits until something is so; panics when it does not become so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
