//! Putting back what a step made: only what does not stand already, and nothing outside the root.

use std::{
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt as _, fs::FileExt as _},
    },
    process, thread,
};

use atelier_model::Digest;
use rustix::{
    fs::{
        AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat, flock, openat, readlinkat,
        renameat, symlinkat, unlinkat,
    },
    io::Errno,
};

use crate::{
    blobs::{CopyBlobError, PIECE_BYTES, ReadBlobError, Staged},
    collect::{is_folder, join, names},
    digests::{Known, PathKey},
    drift::stands,
    outputs::{DEPTH_MAX, FileOutput, Node, Output, Outputs, Tree},
    root::{self, made_subfolder, os, subfolder},
    signature::{Now, Signature},
    workspace::{LookError, Workspace, in_threads},
};

/// Looks at a new program that another process may still hold open for writing.
const DRAIN_LOOKS_MAX: u32 = 100_000;

/// What a restoration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restored {
    /// Files and links that were written.
    pub written: u64,
    /// Files that stood already.
    pub kept: u64,
    /// Things in restored folders that do not belong there, and were removed.
    pub removed: u64,
    /// Bytes of the files that were written.
    pub bytes: u64,
}

/// Why outputs were not restored. Some of them may have been.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A content is gone: the step must be executed again.
    #[error("restore `{path}`")]
    Content {
        /// The path below the root.
        path: String,
        /// Why.
        #[source]
        source: ReadBlobError,
    },
    /// A symbolic link or a file stands where a folder is needed.
    #[error("restore `{0}`: a link or a file stands in the place of a folder above it")]
    NotAFolder(String),
    /// A folder with content stands where a file is needed.
    #[error("restore `{0}`: a folder with content is in its place")]
    FolderInTheWay(String),
    /// The file system is full, or the user's share of it.
    #[error("restore `{0}`: no space is left")]
    NoSpace(String),
    /// What stands there could not be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Something else went wrong.
    #[error("restore `{path}`")]
    Io {
        /// The path below the root.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl RestoreError {
    /// Whether a content was there and was not what its name says.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Content {
                source: ReadBlobError::Damaged(_),
                ..
            }
        )
    }

    /// Whether a content is gone, so that the step must be executed again.
    pub fn is_miss(&self) -> bool {
        match self {
            Self::Content { source, .. } => source.is_miss(),
            Self::NotAFolder(_)
            | Self::FolderInTheWay(_)
            | Self::NoSpace(_)
            | Self::Look(_)
            | Self::Io { .. } => false,
        }
    }
}

/// A file to be restored.
struct Wanted {
    path: String,
    file: FileOutput,
}

impl Workspace {
    /// Makes outputs stand as they were made.
    ///
    /// Every content that is needed is looked for before anything is touched, and made sure of
    /// before it is put in place. Files that stand already are left alone; in folders of outputs,
    /// what does not belong there is removed. No symbolic link is followed.
    pub fn restore(&self, outputs: &Outputs) -> Result<Restored, RestoreError> {
        let mut restorer = Restorer {
            workspace: self,
            restored: Restored::default(),
            files: Vec::new(),
        };
        let trees = restorer.trees(outputs)?;
        restorer.contents(outputs, &trees)?;
        let mut trees = trees.iter();
        for (path, output) in outputs.iter() {
            match output {
                Output::File(file) => restorer.want(path.to_owned(), *file),
                Output::Link { target } => restorer.link(path, target)?,
                Output::Folder { .. } => {
                    if let Some(tree) = trees.next() {
                        restorer.top_folder(path, tree)?;
                    }
                }
            }
        }
        restorer.files()
    }

    /// Removes outputs of an earlier execution that are not among the later ones, as far as they
    /// still stand as they were made, and says how many.
    pub fn remove_stale(&self, earlier: &Outputs, later: &Outputs) -> Result<u64, RestoreError> {
        let mut removed = 0;
        for (path, output) in earlier.iter().filter(|(path, _)| later.get(path).is_none()) {
            let mut single = Outputs::default();
            if single.put(path, output.clone()).is_err() {
                continue;
            }
            // What somebody changed since is not the step's any more.
            if self
                .drift(&[&single])?
                .iter()
                .any(|drift| !drift.is_empty())
            {
                continue;
            }
            let (folder, name) = root::split(path);
            let folder = self
                .root
                .own_folder(folder)
                .map_err(|error| failure(path, error))?;
            removed += u64::from(remove(&folder, name, path, 0)?);
        }
        Ok(removed)
    }
}

struct Restorer<'a> {
    workspace: &'a Workspace,
    restored: Restored,
    files: Vec<Wanted>,
}

impl Restorer<'_> {
    /// The trees of all folders, in the order of the outputs.
    fn trees(&self, outputs: &Outputs) -> Result<Vec<Tree>, RestoreError> {
        let folders = outputs.iter().filter_map(|(path, output)| match output {
            Output::Folder { tree } => Some((path, tree)),
            Output::File(_) | Output::Link { .. } => None,
        });
        let read = folders.map(|(path, tree)| {
            let content = |source| RestoreError::Content {
                path: path.to_owned(),
                source,
            };
            let bytes = self.workspace.cas.read(tree).map_err(content)?;
            Tree::from_bytes(&bytes).ok_or_else(|| content(ReadBlobError::Damaged(*tree)))
        });
        read.collect()
    }

    /// Makes sure that all contents are there, as far as that can be seen without reading them.
    fn contents(&self, outputs: &Outputs, trees: &[Tree]) -> Result<(), RestoreError> {
        let present = |path: &str, file: &FileOutput| {
            if self.workspace.cas.size(&file.digest) == Some(file.size) {
                return Ok(());
            }
            Err(RestoreError::Content {
                path: path.to_owned(),
                source: ReadBlobError::Missing(file.digest),
            })
        };
        let mut trees = trees.iter();
        for (path, output) in outputs.iter() {
            match output {
                Output::File(file) => present(path, file)?,
                Output::Link { .. } => {}
                Output::Folder { .. } => {
                    let files = trees.next().into_iter().flat_map(Tree::files);
                    for file in files {
                        present(path, file)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn want(&mut self, path: String, file: FileOutput) {
        self.files.push(Wanted { path, file });
    }

    fn top_folder(&mut self, path: &str, tree: &Tree) -> Result<(), RestoreError> {
        let (above, name) = root::split(path);
        let parent = self.made_folder(above, path)?;
        let stat = root::stat(&parent, name).map_err(|error| failure(path, error))?;
        if stat.is_some_and(|stat| !is_folder(&stat)) {
            unlinkat(&parent, os(name), AtFlags::empty()).map_err(|error| failure(path, error))?;
        }
        let folder = made_subfolder(&parent, name).map_err(|error| failure(path, error))?;
        match tree.root() {
            Some(node) => self.folder(&folder, path, node, tree, 0),
            None => Ok(()),
        }
    }

    /// Makes a folder hold just the names of its node, and notes the files that belong there.
    fn folder(
        &mut self,
        folder: &OwnedFd,
        path: &str,
        node: &Node,
        tree: &Tree,
        depth: usize,
    ) -> Result<(), RestoreError> {
        if depth == DEPTH_MAX {
            return Err(failure(path, Errno::NAMETOOLONG));
        }
        // First what goes, then what comes: on some file systems two names are one.
        for name in self.names(folder, path)? {
            let at = join(path, &name);
            let stat = root::stat(folder, &name).map_err(|error| failure(&at, error))?;
            let keeps = |stat: &Stat| match node.get(&name) {
                Some(Output::Folder { .. }) => is_folder(stat),
                Some(Output::File(_) | Output::Link { .. }) => !is_folder(stat),
                None => false,
            };
            if stat.is_some_and(|stat| !keeps(&stat)) && remove(folder, &name, &at, depth)? {
                self.restored.removed += 1;
            }
        }
        for (name, output) in node {
            let at = join(path, name);
            match output {
                Output::File(file) => self.want(at, *file),
                Output::Link { target } => self.link_in(folder, name, &at, target)?,
                Output::Folder { tree: below } => {
                    let folder = made_subfolder(folder, name).map_err(|e| failure(&at, e))?;
                    if let Some(node) = tree.node(below) {
                        self.folder(&folder, &at, node, tree, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn names(&self, folder: &OwnedFd, path: &str) -> Result<Vec<String>, RestoreError> {
        let names_max = self.workspace.cas.limits().outputs_max;
        names(folder, path, names_max).map_err(|error| RestoreError::Io {
            path: path.to_owned(),
            source: io::Error::other(error),
        })
    }

    fn link(&mut self, path: &str, target: &str) -> Result<(), RestoreError> {
        let (above, name) = root::split(path);
        let folder = self.made_folder(above, path)?;
        self.link_in(&folder, name, path, target)
    }

    fn link_in(
        &mut self,
        folder: &OwnedFd,
        name: &str,
        path: &str,
        target: &str,
    ) -> Result<(), RestoreError> {
        match readlinkat(folder, os(name), Vec::new()) {
            Ok(found) if found.as_bytes() == os(target).as_bytes() => {
                self.restored.kept += 1;
                return Ok(());
            }
            Ok(_) | Err(Errno::INVAL | Errno::NOENT) => {}
            Err(error) => return Err(failure(path, error)),
        }
        make_way(folder, name, path)?;
        match unlinkat(folder, os(name), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failure(path, error)),
        }
        symlinkat(os(target), folder, os(name)).map_err(|error| failure(path, error))?;
        self.restored.written += 1;
        Ok(())
    }

    fn made_folder(&self, folder: &str, path: &str) -> Result<OwnedFd, RestoreError> {
        let made = self.workspace.root.made_folder(folder);
        made.map_err(|error| failure(path, error))
    }

    /// Writes those files that do not stand already.
    fn files(mut self) -> Result<Restored, RestoreError> {
        let paths: Vec<&str> = self
            .files
            .iter()
            .map(|wanted| wanted.path.as_str())
            .collect();
        let found = self.workspace.look(&paths)?;
        let missing: Vec<&Wanted> = self
            .files
            .iter()
            .zip(&found)
            .filter(|(wanted, found)| !stands(&Output::File(wanted.file), found))
            .map(|(wanted, _)| wanted)
            .collect();
        let now = self.workspace.clock().map_err(|error| failure("", error))?;
        let write = |part: &[&Wanted]| {
            let mut writer = Writer::new(self.workspace);
            part.iter()
                .map(|wanted| writer.write(wanted, now))
                .collect::<Result<Vec<_>, _>>()
        };
        let written = in_threads(&missing, write)?;
        self.restored.kept += (self.files.len() - missing.len()) as u64;
        self.restored.written += missing.len() as u64;
        self.restored.bytes += missing.iter().map(|wanted| wanted.file.size).sum::<u64>();
        let young = missing.iter().map(|wanted| wanted.path.clone()).collect();
        self.workspace.learn(&written, young);
        Ok(self.restored)
    }
}

/// Writes files, with the folder of the last one kept open.
struct Writer<'a> {
    workspace: &'a Workspace,
    folder: Option<(&'a str, OwnedFd)>,
}

impl<'a> Writer<'a> {
    fn new(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            folder: None,
        }
    }

    fn write(&mut self, wanted: &'a Wanted, now: Now) -> Result<(PathKey, Known), RestoreError> {
        let path = wanted.path.as_str();
        let (above, name) = root::split(path);
        let folder = match self.folder.take() {
            Some((open, folder)) if open == above => folder,
            Some(_) | None => self
                .workspace
                .root
                .made_folder(above)
                .map_err(|error| failure(path, error))?,
        };
        self.put(&folder, name, wanted)?;
        let stat = root::stat(&folder, name).map_err(|error| failure(path, error))?;
        let signature = stat.as_ref().map(Signature::of);
        let signature = signature.ok_or_else(|| failure(path, Errno::NOENT))?;
        self.folder = Some((above, folder));
        let known = Known {
            signature,
            digest: wanted.file.digest,
            settled: signature.is_settled(&now),
        };
        Ok((self.workspace.keys.key(path), known))
    }

    fn put(&self, folder: &OwnedFd, name: &str, wanted: &Wanted) -> Result<(), RestoreError> {
        let path = wanted.path.as_str();
        let fail = |error: io::Error| failure(path, errno(&error));
        if self.overwritten(folder, name, wanted)? {
            return Ok(());
        }
        let stage = self.workspace.cas.blobs.stage();
        let mut staged = stage.file(wanted.file.executable).map_err(fail)?;
        self.fill(&mut staged.file, wanted)?;
        if wanted.file.executable {
            drain(&mut staged).map_err(fail)?;
        }
        let Some(from) = staged.path() else {
            return Ok(());
        };
        let moved = match renameat(CWD, from, folder, os(name)) {
            Err(Errno::ISDIR) => {
                make_way(folder, name, path)?;
                renameat(CWD, from, folder, os(name))
            }
            moved => moved,
        };
        match moved {
            Ok(()) => staged.moved(),
            // The store lies in another file system.
            Err(Errno::XDEV) => self.put_beside(folder, name, wanted)?,
            Err(error) => return Err(failure(path, error)),
        }
        Ok(())
    }

    /// Writes a small file over the one that stands there, where that is no program and has no
    /// other name: a new file in its place costs many times as much on a disk.
    ///
    /// Somebody who reads it meanwhile may see half of it, as with every program that writes its
    /// output; whoever is killed meanwhile leaves a file that is as wrong as it was before.
    fn overwritten(
        &self,
        folder: &OwnedFd,
        name: &str,
        wanted: &Wanted,
    ) -> Result<bool, RestoreError> {
        let path = wanted.path.as_str();
        let fail = |error: io::Error| failure(path, errno(&error));
        let stat = root::stat(folder, name).map_err(|error| failure(path, error))?;
        let Some(before) = stat.filter(|stat| stat.st_nlink == 1) else {
            return Ok(false);
        };
        let signature = Signature::of(&before);
        let small = wanted.file.size.max(signature.size) <= PIECE_BYTES as u64;
        let program = wanted.file.executable || signature.executable();
        if signature.kind() != FileType::RegularFile || program || !small {
            return Ok(false);
        }
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = openat(folder, os(name), flags, Mode::empty()) else {
            // It may not be written, but perhaps replaced.
            return Ok(false);
        };
        let bytes = self.workspace.cas.read(&wanted.file.digest);
        let bytes = bytes.map_err(|source| RestoreError::Content {
            path: path.to_owned(),
            source,
        })?;
        let file = File::from(file);
        file.write_all_at(&bytes, 0).map_err(fail)?;
        file.set_len(bytes.len() as u64).map_err(fail)?;
        Ok(true)
    }

    /// Writes a file in the folder it belongs to, and gives it its name when it is whole.
    fn put_beside(
        &self,
        folder: &OwnedFd,
        name: &str,
        wanted: &Wanted,
    ) -> Result<(), RestoreError> {
        let path = wanted.path.as_str();
        let part = format!(
            ".atelier-part-{}-{}",
            process::id(),
            Digest::of(path).short()
        );
        let written = self.write_part(folder, &part, wanted).and_then(|()| {
            make_way(folder, name, path)?;
            renameat(folder, &part, folder, os(name)).map_err(|error| failure(path, error))
        });
        if written.is_err() {
            // The first failure is the one to tell; the next restoration writes over what is left.
            let _ = unlinkat(folder, &part, AtFlags::empty());
        }
        written
    }

    fn write_part(
        &self,
        folder: &OwnedFd,
        part: &str,
        wanted: &Wanted,
    ) -> Result<(), RestoreError> {
        let path = wanted.path.as_str();
        match unlinkat(folder, part, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failure(path, error)),
        }
        let mode = if wanted.file.executable { 0o777 } else { 0o666 };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(folder, part, flags, Mode::from_raw_mode(mode));
        let mut file = File::from(file.map_err(|error| failure(path, error))?);
        self.fill(&mut file, wanted)?;
        if wanted.file.executable {
            let read = root::file(folder, part).map_err(|error| failure(path, error))?;
            wait_for_writers(file, &read).map_err(|error| failure(path, errno(&error)))?;
        }
        Ok(())
    }

    fn fill(&self, file: &mut File, wanted: &Wanted) -> Result<(), RestoreError> {
        let copied = self.workspace.cas.blobs.copy(&wanted.file.digest, file);
        copied.map(drop).map_err(|error| match error {
            CopyBlobError::Read(source) => RestoreError::Content {
                path: wanted.path.clone(),
                source,
            },
            CopyBlobError::Write(error) => failure(&wanted.path, errno(&error)),
        })
    }
}

/// Closes a new program for writing, everywhere.
fn drain(staged: &mut Staged) -> io::Result<()> {
    let Some(path) = staged.path() else {
        return Ok(());
    };
    let read = File::open(path)?;
    let write = std::mem::replace(&mut staged.file, read);
    wait_for_writers(write, &staged.file)
}

/// Closes a file and waits until no process has it open for writing any more.
///
/// A process that another thread is about to start holds everything this one has open until it
/// becomes its program; until then nobody could execute the new file. A lock goes with what is
/// open, so it is free when the last holder is gone.
fn wait_for_writers(write: File, read: &File) -> io::Result<()> {
    flock(&write, FlockOperation::LockExclusive)?;
    drop(write);
    for _ in 0..DRAIN_LOOKS_MAX {
        match flock(read, FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) => thread::yield_now(),
            locked => return Ok(locked?),
        }
    }
    // Who holds it for so long is no starting process; executing it will say so.
    Ok(())
}

/// Removes an empty folder that stands where a file or link belongs.
fn make_way(folder: &OwnedFd, name: &str, path: &str) -> Result<(), RestoreError> {
    let stat = root::stat(folder, name).map_err(|error| failure(path, error))?;
    if !stat.is_some_and(|stat| is_folder(&stat)) {
        return Ok(());
    }
    match unlinkat(folder, os(name), AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::NOTEMPTY | Errno::EXIST) => Err(RestoreError::FolderInTheWay(path.to_owned())),
        Err(error) => Err(failure(path, error)),
    }
}

/// Removes what stands at a name, with everything in it, and says whether there was something.
fn remove(folder: &OwnedFd, name: &str, path: &str, depth: usize) -> Result<bool, RestoreError> {
    let fail = |error| failure(path, error);
    match unlinkat(folder, os(name), AtFlags::empty()) {
        Ok(()) => return Ok(true),
        Err(Errno::NOENT) => return Ok(false),
        Err(Errno::ISDIR | Errno::PERM) if depth < DEPTH_MAX => {}
        Err(error) => return Err(fail(error)),
    }
    let inner = subfolder(folder, name).map_err(fail)?;
    let inside = names(&inner, path, usize::MAX - 1).map_err(|error| RestoreError::Io {
        path: path.to_owned(),
        source: io::Error::other(error),
    })?;
    for below in inside {
        remove(&inner, &below, &join(path, &below), depth + 1)?;
    }
    unlinkat(folder, os(name), AtFlags::REMOVEDIR).map_err(fail)?;
    Ok(true)
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

fn failure(path: &str, error: Errno) -> RestoreError {
    match error {
        Errno::NOSPC | Errno::DQUOT => RestoreError::NoSpace(path.to_owned()),
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV => RestoreError::NotAFolder(path.to_owned()),
        error => RestoreError::Io {
            path: path.to_owned(),
            source: error.into(),
        },
    }
}
