//! Programs that developer commands start, and what can go wrong with them.

use std::{
    env,
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Says in which folder the interpreter itself lies.
const WHERE_PYTHON_IS: &str = "import os, sys; print(os.path.dirname(sys.executable))";

/// Why a developer command failed.
#[derive(Debug)]
pub(crate) enum Problem {
    /// A program could not be started.
    NotStarted(String, io::Error),
    /// A program ended without success.
    Failed(String),
    /// Rules of the house are broken; they have been printed.
    Untidy(usize),
    /// A file could not be read or written.
    File(PathBuf, io::Error),
    /// Generated pages are not what the sources say.
    Stale(Vec<&'static str>),
    /// Tools that tests need are missing and cannot be installed here.
    Missing(Vec<&'static str>),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(line, error) => write!(f, "cannot start `{line}`: {error}"),
            Self::Failed(line) => write!(f, "`{line}` failed"),
            Self::Untidy(count) => write!(f, "{count} rules of the house are broken"),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Stale(paths) => {
                write!(f, "{} stale; run `cargo xtask gen`", paths.join(", "))
            }
            Self::Missing(tools) => write!(f, "please install {}", tools.join(", ")),
        }
    }
}

/// Runs cargo in the workspace and shows what it says.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Result<(), Problem> {
    run(root, "cargo", arguments)
}

/// Runs a program in the workspace, with the workspace's own tools first on the search path.
pub(crate) fn run(root: &Path, program: &str, arguments: &[&str]) -> Result<(), Problem> {
    let line = format!("{program} {}", arguments.join(" "));
    let mut command = command(root, program, arguments);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Problem::Failed(line)),
        Err(error) => Err(Problem::NotStarted(line, error)),
    }
}

/// Runs a program and returns what it prints.
pub(crate) fn output(root: &Path, program: &str, arguments: &[&str]) -> Result<String, Problem> {
    let line = format!("{program} {}", arguments.join(" "));
    let output = command(root, program, arguments)
        .stderr(Stdio::inherit())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(_) => Err(Problem::Failed(line)),
        Err(error) => Err(Problem::NotStarted(line, error)),
    }
}

/// Whether a program starts, tried with an argument that only makes it say its version.
pub(crate) fn starts(root: &Path, program: &str, version: &str) -> bool {
    let mut command = command(root, program, &[version]);
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Where tools that tests need are put.
pub(crate) fn tools_folder(root: &Path) -> PathBuf {
    root.join("target/tools")
}

fn command(root: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root)
        .env("PATH", search_path(root));
    command
}

fn search_path(root: &Path) -> OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let own = tools_folder(root).join("bin");
    let own = std::iter::once(own).chain(interpreter());
    let folders = own.chain(env::split_paths(&inherited));
    env::join_paths(folders).unwrap_or(inherited)
}

/// The folder of the Python that the search path leads to. A version manager puts a script before it
/// that takes three times as long to start, and tests start it thousands of times.
fn interpreter() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let ask = || {
        let mut command = Command::new("python3");
        let asked = command
            .args(["-c", WHERE_PYTHON_IS])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let said = String::from_utf8(asked.output().ok()?.stdout).ok()?;
        let folder = PathBuf::from(said.trim());
        // Where it is on the path already, nothing stands before it.
        let inherited = env::var_os("PATH").unwrap_or_default();
        let is_known = env::split_paths(&inherited).any(|known| known == folder);
        (!is_known && folder.join("python3").is_file()).then_some(folder)
    };
    FOLDER.get_or_init(ask).clone()
}
