//! Throwaway homes, the built program, and proof that nobody touched a folder.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use atelier_model::Digest;
use tempfile::TempDir;

/// Files a snapshot may hold.
const SNAPSHOT_FILES_MAX: usize = 100_000;

/// What a program needs from outside to find its toolchains; everything else is cleared.
const KEPT_VARIABLES: [&str; 3] = ["TMPDIR", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"];

/// Why a home, the program or a snapshot could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A file or folder could not be used.
    #[error("use `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program is not built.
    #[error("find the program at `{}`: `cargo build -p atelier` makes it", .0.display())]
    NotBuilt(PathBuf),
    /// There are more files than any test makes.
    #[error("take a snapshot of `{}`: it holds too many files", .0.display())]
    TooManyFiles(PathBuf),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_owned();
    move |source| HomeError::Io { path, source }
}

/// A home folder that nobody ever lived in: no configuration, no cache, no identity. It is removed
/// when it is dropped.
#[derive(Debug)]
pub struct ThrowawayHome {
    folder: TempDir,
}

impl ThrowawayHome {
    /// Makes one.
    pub fn new() -> Result<Self, HomeError> {
        let folder = TempDir::with_prefix("atelier-home-").map_err(at(&env::temp_dir()))?;
        let home = Self { folder };
        for part in [home.path(), home.project()] {
            fs::create_dir_all(&part).map_err(at(&part))?;
        }
        Ok(home)
    }

    /// The home folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// An empty folder beside the home, for a project.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// A command that knows this home and nothing of the real one, started in [`Self::project`].
    pub fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command
            .current_dir(self.project())
            .env_clear()
            .envs(
                KEPT_VARIABLES
                    .iter()
                    .filter_map(|name| Some((name, env::var_os(name)?))),
            )
            .envs(toolchains())
            .env("PATH", search_path())
            .env("HOME", self.path())
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }

    /// Git in [`Self::project`], with an identity that stands in no configuration file.
    pub fn git(&self) -> Command {
        let mut command = self.command("git");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "A User")
                .env(format!("GIT_{role}_EMAIL"), "user@example.com");
        }
        command
    }
}

/// The search path of this process, with the tools that were installed for tests first.
fn search_path() -> OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin");
    let folders = std::iter::once(tools).chain(env::split_paths(&inherited));
    env::join_paths(folders).unwrap_or(inherited)
}

/// Where the toolchains of the real home are.
fn toolchains() -> Vec<(&'static str, PathBuf)> {
    let home = env::var_os("HOME").map_or_else(PathBuf::new, PathBuf::from);
    let folders = [
        ("CARGO_HOME", ".cargo"),
        ("RUSTUP_HOME", ".rustup"),
        ("PYENV_ROOT", ".pyenv"),
    ];
    folders
        .into_iter()
        .map(|(name, folder)| {
            let set = env::var_os(name).map(PathBuf::from);
            (name, set.unwrap_or_else(|| home.join(folder)))
        })
        .filter(|(_, folder)| folder.is_dir())
        .collect()
}

/// A command that runs the built program in this home.
///
/// The program is looked for beside the running test: `target/debug/atelier` for a test in
/// `target/debug/deps`.
pub fn atelier(home: &ThrowawayHome) -> Result<Command, HomeError> {
    let test = env::current_exe().map_err(at(Path::new("the running test")))?;
    let folder = test.parent().unwrap_or(&test);
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let program = folder.join("atelier");
    if program.is_file() {
        Ok(home.command(program))
    } else {
        Err(HomeError::NotBuilt(program))
    }
}

/// Mode and digest of everything in a folder that is the user's: all files but `.atelier` and
/// git's own, and of git's own the index and the head.
pub fn repo_snapshot(folder: &Path) -> Result<BTreeMap<String, (u32, Digest)>, HomeError> {
    let mut snapshot = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).map_err(at(&next))? {
            let path = entry.map_err(at(&next))?.path();
            let inside = path.strip_prefix(folder).unwrap_or(&path);
            let at_root = inside.components().count() == 1;
            if at_root && inside == Path::new(".atelier") {
                continue;
            }
            if at_root && inside == Path::new(".git") && path.is_dir() {
                for own in ["index", "HEAD"] {
                    note(&mut snapshot, folder, &path.join(own))?;
                }
                continue;
            }
            let kind = fs::symlink_metadata(&path).map_err(at(&path))?;
            if kind.is_dir() {
                open.push(path);
            } else {
                note(&mut snapshot, folder, &path)?;
            }
            if snapshot.len() > SNAPSHOT_FILES_MAX {
                return Err(HomeError::TooManyFiles(folder.to_owned()));
            }
        }
    }
    Ok(snapshot)
}

fn note(
    snapshot: &mut BTreeMap<String, (u32, Digest)>,
    folder: &Path,
    path: &Path,
) -> Result<(), HomeError> {
    let Ok(kind) = fs::symlink_metadata(path) else {
        // A file of git's that is not there yet is not there in the snapshot either.
        return Ok(());
    };
    let bytes = if kind.is_symlink() {
        fs::read_link(path).map(|to| to.to_string_lossy().into_owned().into_bytes())
    } else {
        fs::read(path)
    };
    let digest = Digest::of(bytes.map_err(at(path))?);
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy();
    snapshot.insert(name.into_owned(), (kind.permissions().mode(), digest));
    Ok(())
}
