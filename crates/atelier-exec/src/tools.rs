//! What lies behind the programs of a search path: a name in a folder is often a link to a program
//! that needs what stands beside it.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Entries of one folder that are looked at.
const ENTRIES_MAX: usize = 4096;
/// Links that lead to links.
const LINKS_MAX: usize = 40;
/// Folders that hold a package's programs; what they need stands beside them.
const PROGRAMS: [&str; 3] = ["bin", "sbin", "libexec"];
/// What stands beside a folder of programs that is part of a package.
const BESIDE: [&str; 5] = ["lib", "lib64", "pkg", "src", "pyvenv.cfg"];
/// Where packages of one kind lie, each of which may need all others.
const MODULES: &str = "node_modules";

/// The folders that the programs of these folders need, beyond the folders themselves.
pub(crate) fn behind<'a>(folders: impl Iterator<Item = &'a Path>) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut real = RealFolders::default();
    for folder in folders {
        let Some(folder) = real.of(folder) else {
            continue;
        };
        found.extend(package(&folder).filter(|root| is_package(root)));
        for entry in fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .take(ENTRIES_MAX)
        {
            let Ok(entry) = entry else { continue };
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if !is_link {
                continue;
            }
            // A link that leads nowhere is no program.
            if let Some(program) = real.program(entry.path()) {
                found.extend(needs(&program));
            }
        }
    }
    found
}

/// Folders by the names that lead to them, each followed once: thousands of links lead to a few.
#[derive(Debug, Default)]
struct RealFolders(HashMap<PathBuf, Option<PathBuf>>);

impl RealFolders {
    /// Where a folder really is, if it is there.
    fn of(&mut self, folder: &Path) -> Option<PathBuf> {
        if let Some(known) = self.0.get(folder) {
            return known.clone();
        }
        let real = folder.canonicalize().ok();
        self.0.insert(folder.to_owned(), real.clone());
        real
    }

    /// Where the program really is that a link leads to.
    fn program(&mut self, link: PathBuf) -> Option<PathBuf> {
        let mut at = link;
        for _ in 0..LINKS_MAX {
            let target = match fs::read_link(&at) {
                Ok(target) => target,
                // It is there, and no link.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Some(at),
                Err(_) => return None,
            };
            at = at.parent()?.join(&target);
            // One that does not end in a name leads to a folder, whatever that is called.
            let text = target.as_os_str().as_bytes();
            let name = target
                .file_name()
                .filter(|name| text.ends_with(name.as_bytes()));
            let Some(name) = name else {
                return at.canonicalize().ok();
            };
            at = self.of(at.parent()?)?.join(name);
        }
        None
    }
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
