//! The throwaway home of commands: what it keeps from one verification to the next.

use std::{fs, io, os::unix::fs::symlink, path::Path};

use crate::tree::folder_remove;

/// Files and folders of a home that is copied.
const HOME_FILES_MAX: u32 = 2_000_000;
/// The folder that every home has.
const CACHE: &str = "cache";

/// Folders that hold what tools fetched or compiled, each with the parts of it that do; all of it
/// where none are named. Whatever else stands in the home was left there by a command, and a tool
/// may take it for its user's settings.
const KEPT: [(&str, &[&str]); 13] = [
    (".rustup", &[]),
    ("cache", &[]),
    ("cargo", &["git", "registry"]),
    ("corepack", &[]),
    ("go", &["pkg"]),
    ("go-build", &[]),
    ("gradle", &["caches", "wrapper"]),
    ("m2", &[]),
    ("npm", &[]),
    ("pip", &[]),
    ("pnpm", &["store"]),
    ("uv", &[]),
    ("yarn", &[]),
];

/// Takes out of a throwaway home what could steer the tools of the next command: settings,
/// programs, start-up files. Packages and build caches stay, so that nothing is fetched twice.
pub fn home_settle(home: &Path) -> io::Result<()> {
    clear(home, |name| KEPT.iter().any(|(folder, _)| *folder == name))?;
    for (folder, parts) in KEPT.iter().filter(|(_, parts)| !parts.is_empty()) {
        clear(&home.join(folder), |name| parts.contains(&name))?;
    }
    Ok(())
}

/// Makes a throwaway home from another: what tools fetched and compiled is there, nothing else is, and
/// what is done in one is not seen in the other. Takes the place of what stood there.
pub fn home_copy(from: &Path, to: &Path) -> io::Result<()> {
    home_remove(to)?;
    fs::create_dir_all(to.join(CACHE))?;
    let mut left = HOME_FILES_MAX;
    for (folder, parts) in KEPT {
        let all = [""];
        let parts = if parts.is_empty() { &all } else { parts };
        for part in parts {
            let below = Path::new(folder).join(part);
            let source = from.join(&below);
            if fs::symlink_metadata(&source).is_ok_and(|found| found.is_dir()) {
                copy(&source, &to.join(&below), &mut left)?;
            }
        }
    }
    Ok(())
}

/// Removes a throwaway home with all that is in it.
pub fn home_remove(home: &Path) -> io::Result<()> {
    folder_remove(home)
}

/// Copies a folder. Links are copied as links; pipes and sockets belong to who made them.
fn copy(from: &Path, to: &Path, left: &mut u32) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        *left = left.checked_sub(1).ok_or(io::ErrorKind::QuotaExceeded)?;
        let (source, place) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&source, &place, left)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &place)?;
        } else if kind.is_file() {
            match fs::copy(&source, &place) {
                // Whoever uses the home meanwhile may tidy it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                copied => drop(copied?),
            }
        }
    }
    Ok(())
}

/// Removes everything in a folder but the folders to keep. A link is never followed: it may lead
/// to what belongs to the user.
fn clear(folder: &Path, kept: impl Fn(&str) -> bool) -> io::Result<()> {
    if !fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let stays = entry.file_type()?.is_dir() && entry.file_name().to_str().is_some_and(&kept);
        if !stays {
            folder_remove(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
