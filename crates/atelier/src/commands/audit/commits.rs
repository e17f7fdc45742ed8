//! What the project's commits say of its audit log, compared with the log.

use std::collections::BTreeSet;

use atelier_model::{AuditReport, Checkpoint, Tampering};
use atelier_store::Store;

use crate::{app::Place, cli_error::CliError};

/// Commits looked at on each branch.
const COMMITS_MAX: usize = 200;
/// Runs whose branches are looked at.
const RUNS_MAX: u32 = 20;

/// The state of a log that a commit names.
struct Named {
    commit: String,
    size: u64,
    root: String,
    origin: String,
}

/// Adds what contradicts the commits of the project's branches. What another log said, such as
/// that of somebody the repository was cloned from, is no business of this one.
pub(super) async fn compare(
    place: &Place,
    store: &Store,
    report: &mut AuditReport,
) -> Result<(), CliError> {
    let first = store.audit_rows(0, 1).await.unwrap_or_default();
    let Some(origin) = first.first().map(|row| row.leaf.to_string()) else {
        return Ok(());
    };
    for named in named(place, store).await? {
        if !origin.starts_with(&named.origin) || !report.is_intact() {
            continue;
        }
        if named.size > report.entries {
            let (first, last) = (report.entries + 1, named.size);
            report.tamperings.push(Tampering::Truncated { first, last });
        } else if store.audit_root(named.size).await?.to_string() != named.root {
            report.tamperings.push(Tampering::CopyDiffers {
                first: 1,
                last: named.size,
                place: format!("commit {}", named.commit),
            });
        }
    }
    Ok(())
}

/// Every state that is named on the user's branch and on those of the newest runs.
async fn named(place: &Place, store: &Store) -> Result<Vec<Named>, CliError> {
    let Some(git) = &place.git else {
        return Ok(Vec::new());
    };
    let runs = store.run_list(RUNS_MAX).await?;
    let branches = runs.iter().filter_map(|run| run.trunk.clone());
    let tips: BTreeSet<String> = branches.chain(["HEAD".to_owned()]).collect();
    let mut named = Vec::new();
    for tip in tips {
        // A branch that is gone, or a repository without a commit, says nothing.
        let commits = git.log(&tip, COMMITS_MAX).unwrap_or_default();
        named.extend(commits.iter().filter_map(|commit| {
            let mut lines = commit.message.lines();
            lines.find_map(|line| read(line, &commit.commit))
        }));
    }
    Ok(named)
}

fn read(line: &str, commit: &str) -> Option<Named> {
    let said = line.strip_prefix(Checkpoint::TRAILER)?.strip_prefix(": ")?;
    let mut parts = said.split(' ');
    let (size, root, origin) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Named {
        commit: commit.get(..12)?.to_owned(),
        size: size.parse().ok()?,
        root: root.to_owned(),
        origin: origin.to_owned(),
    })
}
