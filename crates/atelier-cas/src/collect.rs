//! Taking in what a step made.

use std::{fs::File, io, os::fd::OwnedFd};

use atelier_model::{Digest, PatternForm, RootPattern};
use rustix::{
    fs::{Dir, FileType, Stat, fstat, readlinkat},
    io::Errno,
};

use crate::{
    blobs::PutBlobError,
    digests::{Known, PathKey},
    outputs::{DEPTH_MAX, FileOutput, Node, Output, Outputs, Tree},
    patterns::{Globs, PatternError, Rule},
    root::{self, os},
    signature::{Now, Signature},
    workspace::{READINGS_MAX, Workspace, digest_of},
};

/// Why the outputs of a step could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A named output is not there.
    #[error("find the output `{0}`: the step did not make it")]
    Absent(String),
    /// The path is no path below the root, or the root itself.
    #[error("take in the output `{0}`: it is not a plain path below the root")]
    NotBelow(String),
    /// A folder was named, and something else stands there.
    #[error("take in the output `{0}`: it is no folder")]
    NotAFolder(String),
    /// A device, a pipe or a socket.
    #[error("take in the output `{0}`: it is neither a file nor a link nor a folder")]
    Special(String),
    /// A name or the target of a link holds a character that stands for a byte that is no text.
    #[error("take in the output `{0}`: a name or a link in it has a character above U+10FEFF")]
    NotText(String),
    /// A symbolic link on the way leads out of the workspace.
    #[error("take in the output `{0}`: a symbolic link on the way leads out of the folder")]
    Outside(String),
    /// Something still writes it.
    #[error("take in the output `{0}`: it changes while it is read")]
    Changing(String),
    /// Folders lie deeper than are entered.
    #[error("take in the output `{0}`: its folders are more than {DEPTH_MAX} deep")]
    TooDeep(String),
    /// There are more outputs than are taken in.
    #[error("take in more than {outputs_max} outputs of one step")]
    TooMany {
        /// The limit.
        outputs_max: usize,
    },
    /// A pattern could not be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The store did not take a content.
    #[error("take in the output `{path}`")]
    Put {
        /// The path below the root.
        path: String,
        /// Why.
        #[source]
        source: PutBlobError,
    },
    /// Something could not be read.
    #[error("take in the output `{path}`")]
    Io {
        /// The path below the root.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl CollectError {
    /// Whether the store is full: the step itself did what it should.
    pub fn is_full(&self) -> bool {
        matches!(
            self,
            Self::Put {
                source: PutBlobError::NoSpace,
                ..
            }
        )
    }
}

impl Workspace {
    /// Takes in everything that patterns name: contents into the store, and what they are.
    ///
    /// A path must be there and stands for whatever it is; a folder must be there and counts with
    /// all that is in it; a glob names files and links, and may name none. What git leaves out
    /// counts like everything else. Excluded patterns leave out files of globs.
    pub fn collect(&self, patterns: &[RootPattern]) -> Result<Outputs, CollectError> {
        self.gather(patterns, Keeping::Store)
    }

    /// What [`collect`](Self::collect) would say, without taking anything into the store.
    pub fn describe(&self, patterns: &[RootPattern]) -> Result<Outputs, CollectError> {
        self.gather(patterns, Keeping::Nothing)
    }

    fn gather(&self, patterns: &[RootPattern], keeping: Keeping) -> Result<Outputs, CollectError> {
        let globs = Globs::default();
        let excluded = globs.rules(patterns, true)?;
        let mut collector = Collector::new(self, keeping);
        let mut outputs = Outputs::default();
        for pattern in patterns.iter().filter(|pattern| !pattern.excluded) {
            if pattern.form == PatternForm::Glob {
                let rule = globs.rule(pattern)?;
                collector.glob(&rule, &excluded, &mut outputs)?;
            } else {
                let output = collector.named(&pattern.text, pattern.form)?;
                put(&mut outputs, &pattern.text, output)?;
            }
        }
        collector.finish();
        Ok(outputs)
    }
}

/// Whether contents are kept while they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    Store,
    Nothing,
}

/// Looks at outputs one by one.
pub(crate) struct Collector<'a> {
    workspace: &'a Workspace,
    keeping: Keeping,
    /// The time before the first file was read.
    now: Option<Now>,
    left: usize,
    learnt: Vec<(PathKey, Known)>,
    unsettled: Vec<String>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(workspace: &'a Workspace, keeping: Keeping) -> Self {
        Self {
            workspace,
            keeping,
            now: None,
            left: workspace.cas.limits().outputs_max,
            learnt: Vec::new(),
            unsettled: Vec::new(),
        }
    }

    /// Keeps what was learnt about files.
    pub(crate) fn finish(self) {
        self.workspace.learn(&self.learnt, self.unsettled);
    }

    fn named(&mut self, path: &str, form: PatternForm) -> Result<Output, CollectError> {
        if !root::is_below(path) {
            return Err(CollectError::NotBelow(path.to_owned()));
        }
        let (folder, name) = root::split(path);
        let absent = || CollectError::Absent(path.to_owned());
        let folder = match self.workspace.root.folder(folder) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Err(absent()),
            folder => folder.map_err(|error| io(path, error))?,
        };
        let stat = root::stat(&folder, name).map_err(|error| io(path, error))?;
        let stat = stat.ok_or_else(absent)?;
        if form == PatternForm::Folder && !is_folder(&stat) {
            return Err(CollectError::NotAFolder(path.to_owned()));
        }
        self.entry(&folder, name, path, &stat, 0)
    }

    fn glob(
        &mut self,
        rule: &Rule,
        excluded: &[Rule],
        outputs: &mut Outputs,
    ) -> Result<(), CollectError> {
        let folder = match self.workspace.root.folder(&rule.base) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            folder => folder.map_err(|error| io(&rule.base, error))?,
        };
        let take = |path: &str| rule.matches(path) && !excluded.iter().any(|no| no.matches(path));
        self.glob_folder(&folder, &rule.base, 0, &take, outputs)
    }

    fn glob_folder(
        &mut self,
        folder: &OwnedFd,
        at: &str,
        depth: usize,
        take: &dyn Fn(&str) -> bool,
        outputs: &mut Outputs,
    ) -> Result<(), CollectError> {
        for name in names(folder, at, self.left)? {
            let path = join(at, &name);
            if at.is_empty() && matches!(name.as_str(), ".git" | ".atelier") {
                continue;
            }
            let stat = root::stat(folder, &name).map_err(|error| io(&path, error))?;
            match stat {
                Some(stat) if is_folder(&stat) => {
                    if depth == DEPTH_MAX {
                        return Err(CollectError::TooDeep(path));
                    }
                    let below = root::subfolder(folder, &name).map_err(|e| io(&path, e))?;
                    self.glob_folder(&below, &path, depth + 1, take, outputs)?;
                }
                Some(stat) if take(&path) => {
                    let output = self.entry(folder, &name, &path, &stat, depth)?;
                    put(outputs, &path, output)?;
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &OwnedFd,
        name: &str,
        path: &str,
        stat: &Stat,
        depth: usize,
    ) -> Result<Output, CollectError> {
        self.left = self.left.checked_sub(1).ok_or(CollectError::TooMany {
            outputs_max: self.workspace.cas.limits().outputs_max,
        })?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(folder, name, path, stat).map(Output::File),
            FileType::Symlink => {
                let target = readlinkat(folder, os(name), Vec::new()).map_err(|e| io(path, e))?;
                let target = root::text(target.as_bytes());
                let target = target.ok_or_else(|| CollectError::NotText(path.to_owned()))?;
                Ok(Output::Link { target })
            }
            FileType::Directory => {
                let below = root::subfolder(folder, name).map_err(|error| io(path, error))?;
                self.folder(&below, path, depth)
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Err(CollectError::Special(path.to_owned())),
        }
    }

    fn folder(
        &mut self,
        folder: &OwnedFd,
        path: &str,
        depth: usize,
    ) -> Result<Output, CollectError> {
        let mut tree = Tree::default();
        self.node(folder, path, depth, &mut tree)?;
        let bytes = tree.to_bytes();
        let tree = match self.keeping {
            Keeping::Store => self.workspace.cas.put_bytes(&bytes).map_err(|source| {
                let path = path.to_owned();
                CollectError::Put { path, source }
            })?,
            Keeping::Nothing => Digest::of(&bytes),
        };
        Ok(Output::Folder { tree })
    }

    /// Adds a folder to a tree, after all folders in it.
    pub(crate) fn node(
        &mut self,
        folder: &OwnedFd,
        path: &str,
        depth: usize,
        tree: &mut Tree,
    ) -> Result<Output, CollectError> {
        if depth == DEPTH_MAX {
            return Err(CollectError::TooDeep(path.to_owned()));
        }
        let mut node = Node::new();
        for name in names(folder, path, self.left)? {
            let at = join(path, &name);
            let stat = root::stat(folder, &name).map_err(|error| io(&at, error))?;
            let output = match stat {
                Some(stat) if is_folder(&stat) => {
                    let below = root::subfolder(folder, &name).map_err(|e| io(&at, e))?;
                    self.node(&below, &at, depth + 1, tree)?
                }
                Some(stat) => self.entry(folder, &name, &at, &stat, depth)?,
                None => return Err(CollectError::Changing(at)),
            };
            node.insert(name, output);
        }
        Ok(Output::Folder {
            tree: tree.add(node),
        })
    }

    fn file(
        &mut self,
        folder: &OwnedFd,
        name: &str,
        path: &str,
        stat: &Stat,
    ) -> Result<FileOutput, CollectError> {
        let key = self.workspace.keys.key(path);
        let signature = Signature::of(stat);
        let known = self.workspace.cas.digests.look(|known| known(key));
        if let Some(known) = known
            && known.settled
            && known.signature == signature
            && (self.keeping == Keeping::Nothing
                || self.workspace.cas.size(&known.digest) == Some(signature.size))
        {
            return Ok(output(&known));
        }
        let now = self.now(path)?;
        for _ in 0..READINGS_MAX {
            let file = root::file(folder, name).map_err(|error| io(path, error))?;
            let before = Signature::of(&fstat(&file).map_err(|error| io(path, error))?);
            let (digest, size) = self.content(&file, path)?;
            let after = Signature::of(&fstat(&file).map_err(|error| io(path, error))?);
            if before == after && size == after.size {
                let known = Known {
                    signature: after,
                    digest,
                    settled: after.is_settled(&now),
                };
                self.learnt.push((key, known));
                if !known.settled {
                    self.unsettled.push(path.to_owned());
                }
                return Ok(output(&known));
            }
        }
        Err(CollectError::Changing(path.to_owned()))
    }

    fn now(&mut self, path: &str) -> Result<Now, CollectError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let now = self.workspace.clock().map_err(|error| io(path, error))?;
        Ok(*self.now.insert(now))
    }

    fn content(&self, file: &File, path: &str) -> Result<(Digest, u64), CollectError> {
        match self.keeping {
            Keeping::Store => {
                self.workspace
                    .cas
                    .put_file(file)
                    .map_err(|source| CollectError::Put {
                        path: path.to_owned(),
                        source,
                    })
            }
            Keeping::Nothing => digest_of(file)
                .map(|(digest, signature, _)| (digest, signature.size))
                .map_err(|error| io(path, error)),
        }
    }
}

fn output(known: &Known) -> FileOutput {
    FileOutput {
        digest: known.digest,
        size: known.signature.size,
        executable: known.signature.executable(),
    }
}

pub(crate) fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_dir()
}

/// The names in a folder, in order.
pub(crate) fn names(
    folder: &OwnedFd,
    path: &str,
    names_max: usize,
) -> Result<Vec<String>, CollectError> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder).map_err(|error| io(path, error))? {
        let entry = entry.map_err(|error| io(path, error))?;
        let name = root::text(entry.file_name().to_bytes());
        let name = name.ok_or_else(|| CollectError::NotText(path.to_owned()))?;
        if matches!(name.as_str(), "." | "..") {
            continue;
        }
        if names.len() > names_max {
            return Err(CollectError::TooMany {
                outputs_max: names_max,
            });
        }
        names.push(name);
    }
    names.sort_unstable();
    Ok(names)
}

fn put(outputs: &mut Outputs, path: &str, output: Output) -> Result<(), CollectError> {
    outputs
        .put(path, output)
        .map_err(|error| CollectError::NotBelow(error.0))
}

pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

pub(crate) fn io(path: &str, error: Errno) -> CollectError {
    if error == Errno::XDEV {
        CollectError::Outside(path.to_owned())
    } else {
        CollectError::Io {
            path: path.to_owned(),
            source: error.into(),
        }
    }
}
