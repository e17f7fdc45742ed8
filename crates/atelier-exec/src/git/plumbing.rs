//! Git's plumbing, kept running: objects are read and written without a process for each of them.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::{Git, GitError, LIMITS, command, unexpected, worktree::at};
use crate::host::{Coprocess, HostError};

/// Processes of one tool that wait for the next request; those beyond are ended.
const IDLE_MAX: usize = 4;
/// How long a process is kept. What it has seen of settings and alternates is no older.
const AGE_MAX: Duration = Duration::from_mins(10);
/// Objects that are asked for in one request.
const OBJECTS_AT_ONCE: usize = 1_000;
/// Hexadecimal digits of an id, by the repository's kind of digest.
const ID_CHARS: [usize; 2] = [40, 64];

/// What a process of git is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    /// Reads objects.
    Contents,
    /// Reads of what kind objects are, and how large.
    Sizes,
    /// Writes files.
    Blobs,
    /// Writes folders.
    Trees,
    /// Writes commits.
    Commits,
}

impl Tool {
    /// Subcommands and options with which git answers each request at once.
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Contents => &["cat-file", "--batch"],
            Self::Sizes => &["cat-file", "--batch-check"],
            Self::Blobs => &["hash-object", "-w", "--no-filters", "--stdin-paths"],
            Self::Trees => &["mktree", "-z", "--batch"],
            Self::Commits => &[
                "hash-object",
                "-t",
                "commit",
                "-w",
                "--no-filters",
                "--stdin-paths",
            ],
        }
    }

    /// The subcommand, as errors name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Contents | Self::Sizes => "cat-file",
            Self::Blobs | Self::Commits => "hash-object",
            Self::Trees => "mktree",
        }
    }
}

/// Processes of git that wait for a request. They end with the last handle of the repository.
#[derive(Debug, Default)]
pub(super) struct Plumbing {
    idle: Mutex<BTreeMap<Tool, Vec<Kept>>>,
}

/// A process that is kept.
#[derive(Debug)]
struct Kept {
    process: Coprocess,
    /// When a pack came or went last, before it was started. It takes an object for stored that was
    /// in a pack which it has seen.
    packs: Option<SystemTime>,
}

impl Plumbing {
    /// The process that was used last: the others may rest until they are too old.
    fn take(&self, tool: Tool, packs: Option<SystemTime>) -> Option<Kept> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tool = idle.get_mut(&tool)?;
        of_tool.retain(|kept| kept.packs == packs && kept.process.age() < AGE_MAX);
        of_tool.pop()
    }

    fn give_back(&self, tool: Tool, kept: Kept) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tool = idle.entry(tool).or_default();
        if of_tool.len() < IDLE_MAX {
            of_tool.push(kept);
        }
    }
}

/// What an object is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) id: String,
    /// `blob`, `tree`, `commit` or `tag`.
    pub(super) kind: String,
    pub(super) bytes: usize,
}

/// An object with what it holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) fact: Fact,
    pub(super) content: Vec<u8>,
}

/// What git answered; `None` for what nobody expects of it.
type Answer<T> = Result<Option<T>, HostError>;

impl Git {
    /// What is named, in order; `None` where the repository has nothing of that name.
    pub(super) fn objects(&self, names: &[&str]) -> Result<Vec<Option<Object>>, GitError> {
        self.look_up(Tool::Contents, names, |git| {
            let fact = match fact(&git.line()?) {
                Ok(Some(fact)) => fact,
                Ok(None) => return Ok(Some(None)),
                Err(Strange) => return Ok(None),
            };
            let content = git.bytes(fact.bytes)?;
            let is_whole = git.bytes(1)? == b"\n";
            Ok(is_whole.then_some(Some(Object { fact, content })))
        })
    }

    /// Of what kind and size is what is named, in order; `None` where the repository has nothing of
    /// that name.
    pub(super) fn facts(&self, names: &[&str]) -> Result<Vec<Option<Fact>>, GitError> {
        self.look_up(Tool::Sizes, names, |git| Ok(fact(&git.line()?).ok()))
    }

    /// Writes a folder of entries `mode kind id<TAB>name<NUL>`, in any order, and returns its id.
    pub(super) fn tree_put(&self, entries: &[u8]) -> Result<String, GitError> {
        let request = [entries, b"\0"].concat();
        self.ask(Tool::Trees, &request, |git| Ok(id(&git.line()?)))
    }

    fn look_up<T>(
        &self,
        tool: Tool,
        names: &[&str],
        read: impl Fn(&mut Coprocess) -> Answer<T>,
    ) -> Result<Vec<T>, GitError> {
        if let Some(name) = names.iter().find(|name| name.contains('\n')) {
            return Err(GitError::NoCommit((*name).to_owned()));
        }
        let mut found = Vec::with_capacity(names.len());
        for some in names.chunks(OBJECTS_AT_ONCE) {
            let request = lines(some);
            found.extend(self.ask(tool, request.as_bytes(), |git| {
                each(some.len(), || read(git))
            })?);
        }
        Ok(found)
    }

    /// Sends a request to a kept process and reads the answer, which must be all that it wrote.
    fn ask<T>(
        &self,
        tool: Tool,
        request: &[u8],
        read: impl Fn(&mut Coprocess) -> Answer<T>,
    ) -> Result<T, GitError> {
        let exchange = |mut asked: Kept| -> Answer<T> {
            asked.process.send(request)?;
            let answer = read(&mut asked.process)?;
            if answer.is_none() || !asked.process.settle() {
                return Ok(None);
            }
            self.plumbing.give_back(tool, asked);
            Ok(answer)
        };
        let mut answered = match self.plumbing.take(tool, self.packs()) {
            Some(kept) => exchange(kept),
            None => exchange(self.tool_start(tool)?),
        };
        // It may have been killed while it waited, or know of packs and folders that are gone.
        // Requests can be repeated: an object that is there is written no second time.
        if let Err(HostError::Ended { .. } | HostError::Exchange { .. }) = answered {
            answered = exchange(self.tool_start(tool)?);
        }
        match answered {
            Ok(answer) => answer.ok_or_else(|| unexpected(tool.name())),
            Err(HostError::Ended { message, .. }) => Err(GitError::Refused {
                operation: tool.name().to_owned(),
                message,
            }),
            Err(error) => Err(error.into()),
        }
    }

    fn tool_start(&self, tool: Tool) -> Result<Kept, GitError> {
        let packs = self.packs();
        let place = match tool {
            Tool::Contents | Tool::Sizes => self.root.clone(),
            // What is to be written lies there.
            Tool::Blobs | Tool::Trees | Tool::Commits => self.own_folder()?,
        };
        let mut asked = command();
        asked
            .arg("--git-dir")
            .arg(&self.repository)
            // Git stays where it is started, whatever the repository's settings say.
            .arg("--work-tree")
            .arg(&place)
            .args(tool.args())
            .current_dir(&place)
            // Each answer is wanted before the next request.
            .env("GIT_FLUSH", "1");
        let process = Coprocess::start(&mut asked, LIMITS)?;
        Ok(Kept { process, packs })
    }

    /// When a pack of the repository came or went last; nothing where that cannot be seen.
    fn packs(&self) -> Option<SystemTime> {
        let folder = self.common_dir.join("objects").join("pack");
        fs::metadata(folder).and_then(|found| found.modified()).ok()
    }
}

/// A throwaway folder for what git is to write: it reads files, so that their size does not matter.
pub(super) struct Desk<'a> {
    git: &'a Git,
    folder: TempDir,
    /// The folder's name, as git sees it from where it stands.
    name: String,
}

impl<'a> Desk<'a> {
    pub(super) fn new(git: &'a Git) -> Result<Self, GitError> {
        let all = git.own_folder()?;
        let folder = tempfile::Builder::new()
            .prefix(".commit-")
            .tempdir_in(&all)
            .map_err(|source| at(&all, source))?;
        let name = folder.path().file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(Self { git, folder, name })
    }

    /// Stores contents as objects and returns their ids, in order.
    pub(super) fn write<'c>(
        &self,
        tool: Tool,
        contents: impl Iterator<Item = &'c [u8]>,
    ) -> Result<Vec<String>, GitError> {
        let mut names = Vec::new();
        for (number, content) in contents.enumerate() {
            let path = self.folder.path().join(number.to_string());
            fs::write(&path, content).map_err(|source| at(&path, source))?;
            names.push(format!("{}/{number}", self.name));
        }
        let mut ids = Vec::with_capacity(names.len());
        for some in names.chunks(OBJECTS_AT_ONCE) {
            let request = lines(some);
            ids.extend(self.git.ask(tool, request.as_bytes(), |git| {
                each(some.len(), || Ok(id(&git.line()?)))
            })?);
        }
        Ok(ids)
    }
}

fn lines(names: &[impl AsRef<str>]) -> String {
    let mut lines = String::new();
    for name in names {
        lines.push_str(name.as_ref());
        lines.push('\n');
    }
    lines
}

/// Reads so many parts of an answer.
fn each<T>(count: usize, mut read: impl FnMut() -> Answer<T>) -> Answer<Vec<T>> {
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        let Some(one) = read()? else {
            return Ok(None);
        };
        found.push(one);
    }
    Ok(Some(found))
}

/// Git answered in a way nobody expects of it.
#[derive(Debug, PartialEq, Eq)]
struct Strange;

/// Reads `id kind size`; nothing for `what was asked missing` and its like.
fn fact(line: &[u8]) -> Result<Option<Fact>, Strange> {
    let line = String::from_utf8_lossy(line);
    if [" missing", " ambiguous"]
        .iter()
        .any(|end| line.ends_with(end))
    {
        return Ok(None);
    }
    let columns: Vec<&str> = line.split(' ').collect();
    let [name, kind, bytes] = columns[..] else {
        return Err(Strange);
    };
    Ok(Some(Fact {
        id: id(name.as_bytes()).ok_or(Strange)?,
        kind: kind.to_owned(),
        bytes: bytes.parse().map_err(|_| Strange)?,
    }))
}

/// Reads the whole id of an object.
fn id(text: &[u8]) -> Option<String> {
    let is_id = ID_CHARS.contains(&text.len()) && text.iter().all(u8::is_ascii_hexdigit);
    is_id.then(|| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests;
