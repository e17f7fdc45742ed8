//! Files that steps left behind without anybody having said so: no inputs while nobody changes them.

use std::collections::{BTreeMap, BTreeSet};

use atelier_cas::{Cas, Found, Input, LookError, Outcome, Outputs, Record, RecordError, Workspace};
use atelier_model::{Digest, Timestamp};

/// The name of no step, under which they are remembered.
const NAME: &str = " made";
/// Files that are remembered.
const FILES_MAX: usize = 100_000;

/// Paths and digests of such files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Made(BTreeMap<String, Digest>);

impl Made {
    /// What was remembered.
    pub(crate) fn load(cas: &Cas) -> Result<Self, RecordError> {
        let last = cas.last(NAME)?;
        let bytes = last.and_then(|last| last.descriptor).unwrap_or_default();
        // Unreadable, it costs executing steps again.
        Ok(Self(serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// Whether a path holds what a step left there.
    pub(crate) fn is(&self, path: &str, digest: &Digest) -> bool {
        self.0.get(path) == Some(digest)
    }

    /// Forgets files that somebody has changed since: they are inputs from now on.
    pub(crate) fn forget_changed(&mut self, workspace: &Workspace) -> Result<(), LookError> {
        let paths: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let found = workspace.look(&paths)?;
        let mut found = found.into_iter();
        self.0.retain(|_, known| {
            let same = |found| matches!(found, Found::File { digest, .. } if digest == *known);
            found.next().is_some_and(same)
        });
        Ok(())
    }

    /// Takes in what steps have left since there were the paths of `before`, and forgets what is gone.
    /// Says whether that is anything new.
    pub(crate) fn learn(
        &mut self,
        before: &BTreeSet<String>,
        after: Vec<Input>,
        is_output: impl Fn(&str) -> bool,
    ) -> bool {
        let left = |input: Input| {
            let new = !before.contains(&input.path);
            let kept = (new || self.0.contains_key(&input.path)) && !is_output(&input.path);
            let Found::File { digest, .. } = input.found else {
                return None;
            };
            kept.then_some((input.path, digest))
        };
        let now: BTreeMap<_, _> = after.into_iter().filter_map(left).take(FILES_MAX).collect();
        let differs = now != self.0;
        self.0 = now;
        differs
    }

    /// Remembers them.
    pub(crate) fn save(&self, cas: &Cas, when: Timestamp) -> Result<(), RecordError> {
        let bytes = serde_json::to_vec(&self.0).unwrap_or_default();
        let record = Record {
            key: Digest::of(&bytes),
            step: NAME.to_owned(),
            outcome: Outcome::Failed,
            exit: None,
            when,
            duration_us: 0,
            rss_bytes_max: 0,
            log: None,
            outputs: Outputs::default(),
        };
        cas.append(&record, &bytes)
    }
}
