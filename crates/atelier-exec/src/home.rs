//! The throwaway home of commands: what it keeps from one verification to the next.

use std::{fs, io, path::Path};

use crate::tree::folder_remove;

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
