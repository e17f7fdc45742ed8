//! The files of the trunk's newest commits, kept between tasks.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use atelier_model::FileTree;

use crate::{BuildError, Ctx};

/// Commits whose files are kept: tasks that run at once began at several.
const TREES_MAX: usize = 4;

/// The files of the trunk's newest commits, so that they are not read again for every task.
#[derive(Debug, Default)]
pub(crate) struct Trunk(Mutex<VecDeque<(String, Arc<FileTree>)>>);

impl Trunk {
    pub(crate) fn tree_at(
        &self,
        ctx: &Ctx,
        commit: Option<&str>,
    ) -> Result<Arc<FileTree>, BuildError> {
        let Some(commit) = commit else {
            return Ok(Arc::default());
        };
        if let Some(tree) = self.kept(commit) {
            return Ok(tree);
        }
        let tree = Arc::new(ctx.git.tree_of(commit, &ctx.limits)?);
        self.keep(commit.to_owned(), Arc::clone(&tree));
        Ok(tree)
    }

    fn kept(&self, commit: &str) -> Option<Arc<FileTree>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(at, _)| at == commit);
        found.map(|(_, tree)| Arc::clone(tree))
    }

    pub(crate) fn keep(&self, commit: String, tree: Arc<FileTree>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((commit, tree));
        kept.truncate(TREES_MAX);
    }
}
