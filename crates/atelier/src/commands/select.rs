//! Which run or commit a person means.

use atelier_exec::Git;
use atelier_model::Run;
use atelier_store::Store;

use crate::cli_error::CliError;

/// Runs listed when a name fits none.
const LISTED_MAX: u32 = 5;

/// The run whose id begins so, or the newest.
pub(crate) async fn run(store: &Store, named: Option<&str>) -> Result<Run, CliError> {
    let newest = store.run_list(LISTED_MAX).await?;
    let Some(prefix) = named else {
        return newest.into_iter().next().ok_or(CliError::NoRun);
    };
    let mut found = store.run_find(&prefix.to_uppercase()).await?;
    if found.len() == 1 {
        return Ok(found.remove(0));
    }
    let known = if found.is_empty() { newest } else { found };
    Err(CliError::NotFound {
        what: "one run beginning with",
        name: prefix.to_owned(),
        known: known.into_iter().map(|run| run.id.to_string()).collect(),
    })
}

/// Makes sure that a revision names a commit, as git would say it less kindly.
pub(crate) fn commit(git: &Git, named: &str) -> Result<String, CliError> {
    git.commit_id(named).map_err(|_| CliError::NotFound {
        what: "the commit",
        name: named.to_owned(),
        known: Vec::new(),
    })
}
