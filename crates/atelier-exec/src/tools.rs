//! What lies behind the programs of a search path: a name in a folder is often a link to a program
//! that needs what stands beside it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Entries of one folder that are looked at.
const ENTRIES_MAX: usize = 4096;
/// Folders that hold a package's programs; what they need stands beside them.
const PROGRAMS: [&str; 3] = ["bin", "sbin", "libexec"];
/// What stands beside a folder of programs that is part of a package.
const BESIDE: [&str; 5] = ["lib", "lib64", "pkg", "src", "pyvenv.cfg"];
/// Where packages of one kind lie, each of which may need all others.
const MODULES: &str = "node_modules";

/// The folders that the programs of these folders need, beyond the folders themselves.
pub(crate) fn behind<'a>(folders: impl Iterator<Item = &'a Path>) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for folder in folders {
        if let Ok(real) = folder.canonicalize() {
            found.extend(package(&real).filter(|root| is_package(root)));
        }
        for entry in fs::read_dir(folder).into_iter().flatten().take(ENTRIES_MAX) {
            let Ok(entry) = entry else { continue };
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if !is_link {
                continue;
            }
            // A link that leads nowhere is no program.
            let Ok(real) = entry.path().canonicalize() else {
                continue;
            };
            found.extend(needs(&real));
        }
    }
    found
}

/// What a program needs, by the place it really lies in.
fn needs(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    let mut above = program.ancestors();
    if let Some(modules) = above.find(|part| part.ends_with(MODULES)) {
        return Some(modules.to_owned());
    }
    let package = package(folder).filter(|root| !is_hidden(root) || holds_libraries(root));
    Some(package.unwrap_or_else(|| folder.to_owned()))
}

/// The package that a folder of programs belongs to.
fn package(folder: &Path) -> Option<PathBuf> {
    let name = folder.file_name()?.to_str()?;
    let parent = folder.parent().filter(|_| PROGRAMS.contains(&name))?;
    Some(parent.to_owned())
}

/// Whether a folder above programs is one package, and no collection of a user's things.
fn is_package(root: &Path) -> bool {
    !is_hidden(root) && holds_libraries(root)
}

/// Hidden folders often hold programs beside settings and passwords.
fn is_hidden(root: &Path) -> bool {
    let name = root.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with('.'))
}

fn holds_libraries(root: &Path) -> bool {
    BESIDE.iter().any(|name| root.join(name).exists())
}

#[cfg(test)]
mod tests;
