//! Fences of which it can be told only from what follows whether they ended where they seemed to.

use super::{Fence, deletion, search_replace};
use crate::{header, parse::Lines};

/// A fenced file whose content may have gone on after its fence seemed to close.
#[derive(Debug)]
pub(crate) struct Doubt {
    /// The file as written.
    pub(crate) path: String,
    /// The fence.
    pub(crate) fence: Fence,
    /// Index of the line that seems to close it.
    pub(crate) end: usize,
    /// Whether the file has fences by nature.
    pub(crate) markdown: bool,
}

impl Doubt {
    /// Whether it is not certain where the fence ends: it is no longer than the fences its content
    /// may have, and what follows looks like more of the content.
    /// Fences of edits begin at `starts`.
    pub(crate) fn stands(&self, lines: Lines<'_>, starts: &[usize]) -> bool {
        let fence = &self.fence;
        if fence.is_long() {
            return false;
        }
        let start = self.end + 1;
        let mut before = "";
        let mut closings = 0;
        let mut labelled = 0;
        let mut glued = false;
        for (index, line) in lines.range(start..lines.count()).enumerate() {
            let labelled_edit =
                || fence.nests(line) && starts.binary_search(&(start + index)).is_ok();
            if is_next_block(line, before) || labelled_edit() {
                break;
            }
            if index == 0 {
                let heading = line.starts_with('#') || header::path_of(line).is_some();
                glued = !line.trim().is_empty() && !heading;
            }
            closings += usize::from(fence.closed_by(line));
            labelled += usize::from(fence.nests(line));
            // Only a file that has fences by nature needs all of them counted.
            if !self.markdown && (!glued || closings > 0) {
                break;
            }
            if !line.trim().is_empty() {
                before = line;
            }
        }
        if self.markdown {
            closings > labelled
        } else {
            glued && closings > 0
        }
    }
}

/// Whether a line begins another edit, so that what follows it is no longer in doubt.
fn is_next_block(line: &str, before: &str) -> bool {
    search_replace::opens_block(line)
        || deletion::deleted(line).is_some()
        || Fence::opened_by(line, 0).is_some_and(|(_, info)| {
            header::path_in_info(info).is_some() || header::path_of(before).is_some()
        })
}
