//! The blocks of an archive of every answer of a state, a page after the other.

use atelier_archive::{ArchiveBuilder, Block, Cid};
use atelier_model::{ArchiveKind, Digest};
use atelier_seal::SealKey;
use atelier_store::{Store, StoreError};

/// An archive that is being made.
pub(crate) struct Making {
    builder: ArchiveBuilder,
    kinds: std::slice::Iter<'static, ArchiveKind>,
    kind: Option<ArchiveKind>,
    after: Option<Digest>,
}

impl Making {
    /// An empty one; with a key, a sealed one.
    pub(crate) fn new(key: Option<SealKey>) -> Self {
        let mut kinds = ArchiveKind::ALL.iter();
        Self {
            builder: ArchiveBuilder::new(key),
            kind: kinds.next().copied(),
            kinds,
            after: None,
        }
    }

    /// The blocks of the next page; `None` where all answers are in it.
    pub(crate) async fn next(&mut self, store: &Store) -> Result<Option<Vec<Block>>, StoreError> {
        while let Some(kind) = self.kind {
            let page = store.archive_page(kind, self.after.as_ref()).await?;
            if let Some(last) = page.last() {
                self.after = Some(last.entry.key);
                let add = |builder: &mut ArchiveBuilder| -> Vec<Block> {
                    let mut blocks = Vec::new();
                    for answer in &page {
                        blocks.extend(builder.add(&answer.entry, &answer.body));
                    }
                    blocks
                };
                return Ok(Some(add(&mut self.builder)));
            }
            self.after = None;
            self.kind = self.kinds.next().copied();
        }
        Ok(None)
    }

    /// How many answers are in it.
    pub(crate) fn count(&self) -> u64 {
        self.builder.count()
    }

    /// Its root and its last blocks.
    pub(crate) fn finish(self) -> (Cid, Vec<Block>) {
        self.builder.finish()
    }
}
