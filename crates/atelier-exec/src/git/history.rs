//! Questions about commits that are there.

use atelier_model::Timestamp;

use super::{Git, GitError, accept, unexpected};

/// One commit of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its id.
    pub commit: String,
    /// The ids of its parents.
    pub parents: Vec<String>,
    /// The id of its tree.
    pub tree: String,
    /// When it was committed.
    pub at: Timestamp,
    /// Its author, as `name <address>`.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// Its whole message, trailers included.
    pub message: String,
}

/// How much changed between two commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeSize {
    /// Files that differ.
    pub files: u64,
    /// Lines that are new.
    pub added: u64,
    /// Lines that are gone.
    pub deleted: u64,
}

impl Git {
    /// Whether `ancestor` is `commit` or can be reached from it.
    pub fn is_ancestor(&self, ancestor: &str, commit: &str) -> Result<bool, GitError> {
        let args = ["merge-base", "--is-ancestor", ancestor, commit];
        self.try_text(&args).map(|yes| yes.is_some())
    }

    /// The id of a commit's tree: equal for commits with the same files.
    pub fn tree_id(&self, commit: &str) -> Result<String, GitError> {
        self.resolve(&format!("{commit}^{{tree}}"))
    }

    /// The whole id of the commit that a revision names.
    pub fn commit_id(&self, revision: &str) -> Result<String, GitError> {
        self.resolve(&format!("{revision}^{{commit}}"))
    }

    fn resolve(&self, revision: &str) -> Result<String, GitError> {
        let args = ["rev-parse", "--verify", "--end-of-options", revision];
        self.text(&args).map(|text| text.trim_end().to_owned())
    }

    /// The whole message of a commit.
    pub fn message(&self, commit: &str) -> Result<String, GitError> {
        let entries = self.log(commit, 1)?;
        let first = entries.into_iter().next();
        first
            .map(|entry| entry.message)
            .ok_or_else(|| unexpected("log"))
    }

    /// At most `entries_max` commits of a range such as `main..atelier/x`, newest first.
    pub fn log(&self, range: &str, entries_max: usize) -> Result<Vec<LogEntry>, GitError> {
        let count = format!("--max-count={entries_max}");
        let text = self.text(&[
            "log",
            "-z",
            "--no-color",
            "--topo-order",
            "--format=format:%H%n%P%n%T%n%ct%n%an <%ae>%n%B",
            &count,
            "--end-of-options",
            range,
            "--",
        ])?;
        let entries = text.split('\0').filter(|entry| !entry.is_empty());
        entries
            .map(|entry| log_entry(entry).ok_or_else(|| unexpected("log")))
            .collect()
    }

    /// What changed from `from` (`None`: from nothing) to `to`, as a patch.
    pub fn diff_text(&self, from: Option<&str>, to: &str) -> Result<String, GitError> {
        let from = match from {
            Some(commit) => commit.to_owned(),
            None => self.empty_tree()?,
        };
        self.text(&[
            "diff",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--end-of-options",
            &from,
            to,
            "--",
        ])
    }

    /// How much changed from `from` (`None`: from nothing) to `to`. Lines of files that are no text
    /// are not counted.
    pub fn change_size(&self, from: Option<&str>, to: &str) -> Result<ChangeSize, GitError> {
        let from = match from {
            Some(commit) => commit.to_owned(),
            None => self.empty_tree()?,
        };
        let text = self.text(&[
            "diff",
            "--numstat",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--end-of-options",
            &from,
            to,
            "--",
        ])?;
        let mut size = ChangeSize::default();
        for entry in text.split('\0').filter(|entry| !entry.is_empty()) {
            let mut columns = entry.split('\t');
            let mut count = || columns.next().and_then(|count| count.parse::<u64>().ok());
            size.files += 1;
            size.added += count().unwrap_or(0);
            size.deleted += count().unwrap_or(0);
        }
        Ok(size)
    }

    /// A commit for people: message, counts and patch.
    pub fn show_text(&self, commit: &str) -> Result<String, GitError> {
        self.text(&[
            "show",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--stat",
            "--patch",
            "--end-of-options",
            commit,
            "--",
        ])
    }

    /// The id of the tree without files, which depends on the repository's kind of digest.
    pub(super) fn empty_tree(&self) -> Result<String, GitError> {
        if let Some(tree) = self.known.empty_tree.get() {
            return Ok(tree.clone());
        }
        let output = self.output(&["mktree"], &[])?;
        let tree = accept("mktree", output)?.trim_end().to_owned();
        Ok(self.known.empty_tree.get_or_init(|| tree).clone())
    }
}

fn log_entry(text: &str) -> Option<LogEntry> {
    let mut lines = text.splitn(6, '\n');
    let commit = lines.next()?.to_owned();
    let parents = lines.next()?.split_ascii_whitespace();
    let parents = parents.map(str::to_owned).collect();
    let tree = lines.next()?.to_owned();
    let seconds: i64 = lines.next()?.parse().ok()?;
    let author = lines.next()?.to_owned();
    let message = lines.next()?.to_owned();
    let subject = message.lines().next().unwrap_or("").to_owned();
    Some(LogEntry {
        commit,
        parents,
        tree,
        at: Timestamp::from_millis(seconds.saturating_mul(1000)),
        author,
        subject,
        message,
    })
}
