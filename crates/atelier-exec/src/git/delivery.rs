//! Handing the verified branch over to the user's own.

use super::{Git, GitError, Head, branch_ref};

/// Whether the user's branch took the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The user's branch stands at the work's newest commit.
    FastForwarded {
        /// The user's branch.
        branch: String,
    },
    /// Nothing of the user's was touched.
    Left {
        /// Why.
        reason: String,
        /// The command that takes the work.
        command: String,
    },
}

impl Git {
    /// Fast-forwards the user's branch to `branch`, if that is harmless.
    ///
    /// It is when `base_branch` is checked out, still stands at `base_commit` (or, for `None`,
    /// has no commit yet), no file git knows is changed, and no other file would be overwritten.
    pub fn deliver(
        &self,
        branch: &str,
        base_branch: Option<&str>,
        base_commit: Option<&str>,
    ) -> Result<Delivery, GitError> {
        let head = self.head()?;
        if let Some(left) = self.unfit(branch, base_branch, base_commit, &head)? {
            return Ok(left);
        }
        let full = branch_ref(branch);
        let args = [
            "merge",
            "--ff-only",
            "--no-overwrite-ignore",
            "--quiet",
            &full,
        ];
        match self.text(&args) {
            Ok(_) => Ok(Delivery::FastForwarded {
                branch: head.branch.unwrap_or_default(),
            }),
            Err(GitError::Refused { message, .. }) => Ok(Delivery::Left {
                reason: format!("git refused to fast-forward: {}", one_line(&message)),
                command: format!("git merge {branch}"),
            }),
            Err(other) => Err(other),
        }
    }

    fn unfit(
        &self,
        branch: &str,
        base_branch: Option<&str>,
        base_commit: Option<&str>,
        head: &Head,
    ) -> Result<Option<Delivery>, GitError> {
        let Some(base) = base_branch else {
            return Ok(Some(Delivery::Left {
                reason: "no branch was checked out when the run began".to_owned(),
                command: format!("git merge {branch}"),
            }));
        };
        if head.branch.as_deref() != Some(base) {
            return Ok(Some(Delivery::Left {
                reason: format!("the branch `{base}` is not checked out any more"),
                command: format!("git switch {base} && git merge {branch}"),
            }));
        }
        if head.commit.as_deref() != base_commit {
            return Ok(Some(Delivery::Left {
                reason: format!("the branch `{base}` has moved since the run began"),
                command: format!("git merge {branch}"),
            }));
        }
        let dirty = self.dirty_tracked()?;
        Ok(dirty.first().map(|path| Delivery::Left {
            reason: match dirty.len() {
                1 => format!("`{path}` has changes that are not committed"),
                more => {
                    format!("{more} files have changes that are not committed, such as `{path}`")
                }
            },
            command: format!("git merge --ff-only {branch}"),
        }))
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
