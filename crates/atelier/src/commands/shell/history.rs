//! The lines of earlier sessions, one file a project, without those that hold secrets.

use std::path::PathBuf;

use reedline::{
    FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery,
};

/// Lines that are kept.
const LINES_MAX: usize = 1_000;
/// How keys of well-known providers begin.
const KEY_STARTS: [&str; 4] = ["sk-", "AIza", "gsk_", "xai-"];

/// A history that never sees a secret.
pub(super) struct Discreet(FileBackedHistory);

impl Discreet {
    /// Opens or creates the file; `None` where that fails.
    pub(super) fn open(file: PathBuf) -> Option<Self> {
        FileBackedHistory::with_file(LINES_MAX, file).ok().map(Self)
    }
}

/// Whether a line sets a key, or looks as if it held one.
pub(super) fn holds_secret(line: &str) -> bool {
    let words = shell_words::split(line)
        .unwrap_or_else(|_| line.split_whitespace().map(str::to_owned).collect());
    let set = words.iter().position(|word| word == "set");
    let sets = set.is_some_and(|at| {
        words
            .iter()
            .skip(at)
            .any(|word| crate::config::is_secret(word))
    });
    let assigns = words.iter().any(|word| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| crate::config::is_secret(name) || name.ends_with("_API_KEY"))
    });
    let looks = words
        .iter()
        .flat_map(|word| word.split(['=', ' ', ',']))
        .any(|part| KEY_STARTS.iter().any(|start| part.starts_with(start)));
    sets || assigns || looks
}

impl History for Discreet {
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        if holds_secret(&item.command_line) {
            Ok(item)
        } else {
            self.0.save(item)
        }
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.0.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.0.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.0.search(query)
    }

    fn update(
        &mut self,
        id: HistoryItemId,
        updater: &dyn Fn(HistoryItem) -> HistoryItem,
    ) -> Result<()> {
        self.0.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.0.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.0.delete(id)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.0.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.0.session()
    }
}
