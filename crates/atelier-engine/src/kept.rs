//! What must be as it was after checks ran: the names of tests, and what tests expect.

use std::collections::BTreeSet;

use atelier_model::{CheckOutcome, CheckResult, Evidence, FileTree, Task, TreePath};

use crate::{BuildError, Ctx, conclude::of_reason, report};

/// Names that a reason lists.
const NAMES_SHOWN: usize = 5;

/// The names of tests that passed in the build steps of some evidence.
pub(crate) async fn names_of(
    ctx: &Ctx,
    evidence: &Evidence,
) -> Result<BTreeSet<String>, BuildError> {
    let mut names = BTreeSet::new();
    let steps = evidence
        .checks
        .iter()
        .filter(|one| one.tests.is_some() && !report::is_criterion(&one.name));
    for step in steps {
        let output = ctx
            .store
            .blob_fetch(&step.output)
            .await?
            .unwrap_or_default();
        names.extend(atelier_recipe::passed_names(&String::from_utf8_lossy(
            &output,
        )));
    }
    Ok(names)
}

/// Tests that passed before under a name that none has now; `None` where all are there.
pub(crate) fn names_lost(before: &BTreeSet<String>, now: &BTreeSet<String>) -> Option<CheckResult> {
    // A runner that names nothing now says nothing; how many tests there are is counted elsewhere.
    if now.is_empty() {
        return None;
    }
    let lost: Vec<&str> = before.difference(now).map(String::as_str).collect();
    if lost.is_empty() {
        return None;
    }
    let shown = lost.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>();
    let more = lost.len().saturating_sub(NAMES_SHOWN);
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    Some(CheckResult {
        name: "tests kept".to_owned(),
        command: "compare the names of the tests".to_owned(),
        outcome: CheckOutcome::Failed,
        ..of_reason(format!(
            "tests that passed before are gone: {}{more}",
            shown.join(", ")
        ))
    })
}

/// Whether a task changed tests that it owns: their names are its own.
pub(crate) fn owns_changed_tests(task: &Task, before: &FileTree, after: &FileTree) -> bool {
    let changes = before.changes_to(after);
    let own = |path: &TreePath| {
        let named = task.owns.iter().chain(&task.outputs);
        named
            .map(|name| name.trim_start_matches("./").trim_end_matches('/'))
            .any(|name| path.is_within(name))
    };
    changes
        .keys()
        .any(|path| before.contains(path) && atelier_recipe::is_test_path(path) && own(path))
}

#[cfg(test)]
mod tests;
