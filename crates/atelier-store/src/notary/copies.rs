//! Copies of newest checkpoints: one file for each log, in the user's data folder.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use atelier_model::{Checkpoint, Digest, TreeHash};
use serde::{Deserialize, Serialize};

use super::NotaryError;

/// Copies that are looked through at most.
const COPIES_MAX: usize = 10_000;
/// Bytes of one copy.
const COPY_BYTES_MAX: u64 = 16 * 1024;
/// Copies that are kept of entries which a log no longer has.
const KEPT_MAX: u32 = 100;

/// The copies of one project's logs.
#[derive(Debug, Clone)]
pub(super) struct Copies {
    folder: PathBuf,
    project: String,
}

/// A copy as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Copy {
    project: String,
    checkpoint: Checkpoint,
}

/// Copies that can be read, with their places, and the places of the others.
type Listed = (Vec<(String, Checkpoint)>, Vec<String>);

fn failed(path: &Path) -> impl Fn(io::Error) -> NotaryError + '_ {
    |source| NotaryError::File {
        path: path.to_owned(),
        source,
    }
}

impl Copies {
    pub(super) fn new(folder: &Path, project: &Path) -> Self {
        Self {
            folder: folder.join("copies"),
            project: project.display().to_string(),
        }
    }

    /// What the files of this project's logs begin with.
    fn prefix(&self) -> String {
        format!("{}-", Digest::of(&self.project).short())
    }

    fn path(&self, origin: TreeHash) -> PathBuf {
        let origin = origin.to_string();
        let name = format!("{}{}.json", self.prefix(), &origin[..12]);
        self.folder.join(name)
    }

    /// The copy of a log, if there is one that can be read.
    pub(super) fn read(&self, origin: TreeHash) -> Option<Checkpoint> {
        let copy = read(&self.path(origin)).ok()?;
        Some(copy?.checkpoint)
    }

    /// Puts a copy in place, whole or not at all, unless one of a larger log is there. With `keep`
    /// the one that is there moves aside.
    pub(super) fn write(&self, checkpoint: &Checkpoint, keep: bool) -> Result<(), NotaryError> {
        fs::create_dir_all(&self.folder).map_err(failed(&self.folder))?;
        let lock = self.folder.join("lock");
        let file = File::create(&lock).map_err(failed(&lock))?;
        file.lock().map_err(failed(&lock))?;
        let path = self.path(checkpoint.origin);
        if keep {
            move_aside(&path)?;
        }
        let newest = read(&path).ok().flatten();
        if newest.is_some_and(|copy| copy.checkpoint.size >= checkpoint.size) {
            return Ok(());
        }
        let copy = Copy {
            project: self.project.clone(),
            checkpoint: checkpoint.clone(),
        };
        let text = serde_json::to_string(&copy).unwrap_or_default();
        let unfinished = path.with_extension("unfinished");
        let written = File::create(&unfinished).and_then(|mut file| writeln!(file, "{text}"));
        written.map_err(failed(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(failed(&path))
    }

    /// Every copy of the logs that were ever in this project's folder.
    pub(super) fn list(&self) -> Result<Listed, NotaryError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listed::default()),
            Err(error) => return Err(failed(&self.folder)(error)),
        };
        let (mut copies, mut unreadable) = Listed::default();
        for entry in entries.take(COPIES_MAX) {
            let path = entry.map_err(failed(&self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.ends_with(".json") || !name.starts_with(&self.prefix()) {
                continue;
            }
            let place = path.display().to_string();
            match read(&path) {
                Ok(Some(copy)) => copies.push((place, copy.checkpoint)),
                Ok(None) | Err(_) => unreadable.push(place),
            }
        }
        copies.sort_by(|left, right| left.0.cmp(&right.0));
        unreadable.sort();
        Ok((copies, unreadable))
    }
}

/// Gives a copy that contradicts the log a name under which nothing overwrites it.
fn move_aside(path: &Path) -> Result<(), NotaryError> {
    for number in 1..=KEPT_MAX {
        let aside = path.with_extension(format!("{number}.json"));
        match fs::hard_link(path, &aside) {
            Ok(()) => return fs::remove_file(path).map_err(failed(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&aside)(error)),
        }
    }
    // The evidence that is there is enough.
    Ok(())
}

/// A copy, if the file holds exactly what is written there.
fn read(path: &Path) -> io::Result<Option<Copy>> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(COPY_BYTES_MAX);
    file.read_to_string(&mut text)?;
    let copy: Option<Copy> = serde_json::from_str(&text).ok();
    let is_whole = |copy: &Copy| serde_json::to_string(copy).is_ok_and(|line| line + "\n" == text);
    Ok(copy.filter(is_whole))
}
