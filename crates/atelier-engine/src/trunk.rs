//! The trunk's files, kept between tasks.

use std::sync::{Arc, Mutex, PoisonError};

use atelier_model::FileTree;

use crate::{BuildError, Ctx};

/// The files of the trunk's newest commit, so that they are not read again for every task.
#[derive(Debug, Default)]
pub(crate) struct Trunk(Mutex<Option<(String, Arc<FileTree>)>>);

impl Trunk {
    pub(crate) fn tree_at(
        &self,
        ctx: &Ctx,
        commit: Option<&str>,
    ) -> Result<Arc<FileTree>, BuildError> {
        let Some(commit) = commit else {
            return Ok(Arc::default());
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, tree)) = &*kept
            && at == commit
        {
            return Ok(tree.clone());
        }
        let tree = Arc::new(ctx.git.tree_of(commit, &ctx.limits)?);
        *kept = Some((commit.to_owned(), tree.clone()));
        Ok(tree)
    }

    pub(crate) fn keep(&self, commit: String, tree: FileTree) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((commit, Arc::new(tree)));
    }
}
