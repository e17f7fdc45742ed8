//! Paths: what a path means to someone who reads it, writes to it, or removes it.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::command::{Workspace, field};

/// The paths that mean something special, as data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Devices and pseudo files that everyone uses.
    harmless: Vec<String>,
    /// Files that only their owner should read.
    secret: Vec<String>,
    /// Files with secrets by name, wherever they are.
    secret_names: Vec<String>,
    /// Files that run something later.
    startup: Vec<String>,
    /// The same inside of a workspace.
    workspace_startup: Vec<String>,
    /// Files of the system that anyone may read.
    public: Vec<String>,
    /// Folders of the system.
    system: Vec<String>,
    temporary: Vec<String>,
    homes: Vec<String>,
    /// Words in the names of variables that hold secrets.
    secret_variables: Vec<String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test reads it"
    )]
    toml::from_str(include_str!("../../rules/command/places.toml")).expect("places are places")
});

/// Bytes of a path that is looked at; no system takes longer ones.
const PATH_BYTES_MAX: usize = 4096;

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Harmless,
    /// `/dev/tcp/…`: a connection.
    Socket,
    Device,
    Secret,
    /// Something that runs later without being asked.
    Startup,
    /// The workspace itself, or everything in it.
    WorkspaceRoot,
    /// A folder the workspace is in.
    Ancestor,
    /// The records of version control.
    Repository,
    Workspace,
    TemporaryRoot,
    Temporary,
    HomeRoot,
    Home,
    /// What anyone may read.
    Public,
    System,
    Outside,
    /// Not known here.
    Unknown,
}

/// Whether a variable of this name holds a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_uppercase();
    TABLE
        .secret_variables
        .iter()
        .any(|word| field::could_be(word, &name))
}

/// The path without `.`, `..` and doubled slashes; absolute paths stay absolute.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if path.starts_with('/') {
        format!("/{joined}")
    } else {
        joined
    }
}

/// The absolute path of what a program in that folder calls so; none if nobody knows.
pub(super) fn resolved(path: &str, folder: Option<&str>) -> Option<String> {
    if path.starts_with('/') {
        return Some(normal(path));
    }
    let folder = folder.filter(|folder| field::is_known(folder))?;
    Some(normal(&format!("{folder}/{path}")))
}

/// What a path is, seen from a folder.
pub(super) fn place(path: &str, folder: Option<&str>, workspace: &Workspace) -> Place {
    if path.len() > PATH_BYTES_MAX {
        return Place::Unknown;
    }
    let Some(known) = path.split(field::is_unknown).next() else {
        return Place::Unknown;
    };
    if known.len() < path.len() {
        return place_of_beginning(known, folder, workspace);
    }
    match resolved(path, folder) {
        Some(absolute) => place_of(&absolute, workspace),
        None if is_secret_file(path) => Place::Secret,
        None => Place::Unknown,
    }
}

/// What begins like that and goes on unknown.
fn place_of_beginning(known: &str, folder: Option<&str>, workspace: &Workspace) -> Place {
    let Some((folders, _)) = known.rsplit_once('/') else {
        return Place::Unknown;
    };
    if folders.is_empty() {
        return Place::Unknown;
    }
    let Some(absolute) = resolved(folders, folder) else {
        return Place::Unknown;
    };
    let begun = place_of(&absolute, workspace);
    match begun {
        Place::Secret | Place::Startup | Place::System | Place::Socket | Place::Device => begun,
        // The rest may lead out again, but a name of one's own in a temporary folder is usual.
        Place::Temporary | Place::TemporaryRoot => Place::Temporary,
        Place::Public if absolute.starts_with("/etc") || absolute.starts_with("/usr") => {
            Place::System
        }
        Place::Harmless
        | Place::WorkspaceRoot
        | Place::Ancestor
        | Place::Repository
        | Place::Workspace
        | Place::HomeRoot
        | Place::Home
        | Place::Public
        | Place::Outside
        | Place::Unknown => Place::Unknown,
    }
}

fn place_of(path: &str, workspace: &Workspace) -> Place {
    let root = workspace.root();
    let home = workspace.home();
    let fits = |patterns: &[String]| fits(patterns, path, home);
    if path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/") {
        return Place::Socket;
    }
    if fits(&TABLE.harmless) {
        return Place::Harmless;
    }
    if within(path, root).is_some_and(is_everything) {
        return Place::WorkspaceRoot;
    }
    if fits(&TABLE.secret) || is_secret_file(path) {
        return Place::Secret;
    }
    if let Some(inner) = within(path, root) {
        return place_inside(inner);
    }
    // A pattern may reach the workspace or its folders from outside of it.
    if path == "/" || within(root, path).is_some() && !fits(&TABLE.temporary) {
        return if path == home {
            Place::HomeRoot
        } else {
            Place::Ancestor
        };
    }
    if fits(&TABLE.startup) {
        return Place::Startup;
    }
    if path.starts_with("/dev/") {
        return Place::Device;
    }
    // A home is one wherever it lies, such as that of a container or of a test.
    let apart = !TABLE.temporary.iter().any(|folder| folder == home);
    if let Some(inner) = within(path, home).filter(|_| apart) {
        return home_place(inner);
    }
    for folder in &TABLE.temporary {
        match within(path, folder) {
            Some("" | "\u{1}") => return Place::TemporaryRoot,
            Some(_) => return Place::Temporary,
            None => {}
        }
    }
    if let Some(inner) = home_rest(path, home) {
        return home_place(inner);
    }
    if fits(&TABLE.public) {
        Place::Public
    } else if fits(&TABLE.system) || path.starts_with("/\u{1}") || path.starts_with("/\u{2}") {
        Place::System
    } else {
        Place::Outside
    }
}

/// A path below a home.
fn home_place(inner: &str) -> Place {
    if inner.is_empty() || inner.starts_with('\u{1}') {
        Place::HomeRoot
    } else {
        Place::Home
    }
}

/// The path below one's own home or anybody's.
fn home_rest<'p>(path: &'p str, home: &str) -> Option<&'p str> {
    within(path, home).or_else(|| {
        let inner = TABLE.homes.iter().find_map(|homes| within(path, homes))?;
        Some(inner.split_once('/').map_or("", |(_, rest)| rest))
    })
}

/// Whether a path below a folder means all that is in it.
fn is_everything(inner: &str) -> bool {
    matches!(inner, "" | "\u{1}" | "\u{1}/\u{1}" | ".\u{1}")
}

fn place_inside(inner: &str) -> Place {
    if TABLE
        .workspace_startup
        .iter()
        .any(|pattern| field::could_be(pattern, inner))
    {
        Place::Startup
    } else if inner.starts_with(".git/")
        || inner.contains("/.git/")
        || field::could_be(".git", inner)
        || field::could_be("**/.git", inner)
    {
        Place::Repository
    } else {
        Place::Workspace
    }
}

fn fits(patterns: &[String], path: &str, home: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_prefix('~') {
            None => field::could_be(pattern, path),
            Some(rest) => {
                field::could_be(&format!("{home}{rest}"), path)
                    || TABLE
                        .homes
                        .iter()
                        .any(|homes| field::could_be(&format!("{homes}/*{rest}"), path))
                    || field::could_be(&format!("/root{rest}"), path)
            }
        })
}

/// Whether the file is a secret by its name alone.
pub(super) fn is_secret_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if field::has_pattern(name) && name.starts_with(field::ANY) {
        return false;
    }
    TABLE.secret_names.iter().any(|pattern| {
        let text = if pattern.contains('/') { path } else { name };
        field::could_be(pattern, text)
    })
}

/// The rest of a path below a folder.
pub(super) fn within<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}
