//! Search-and-replace blocks computed from two versions of a file.

#[cfg(test)]
mod tests;

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

/// One block: lines that stand in the file once, and the lines that take their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) search: String,
    pub(super) replace: String,
}

/// Lines of context around a change that are tried, least first.
const CONTEXTS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// The blocks that turn `old` into `new` when they are applied one after another; `None` where
/// no context makes each of them unambiguous.
pub(super) fn between(old: &str, new: &str) -> Option<Vec<Block>> {
    if !old.ends_with('\n') || !new.ends_with('\n') || has_marker(old) || has_marker(new) {
        return None;
    }
    let old_lines: Vec<_> = old.split_inclusive('\n').collect();
    let new_lines: Vec<_> = new.split_inclusive('\n').collect();
    let ops = capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines);
    CONTEXTS.iter().find_map(|context| {
        let groups = group_diff_ops(ops.clone(), *context);
        let blocks: Vec<_> = groups
            .iter()
            .filter_map(|group| block(group, &old_lines, &new_lines))
            .collect();
        leads_to(old, new, &blocks).then_some(blocks)
    })
}

fn has_marker(text: &str) -> bool {
    let marker = |line: &str| {
        ["<<<<<", "=====", ">>>>>"]
            .iter()
            .any(|m| line.starts_with(m))
    };
    text.lines().any(marker)
}

fn block(group: &[DiffOp], old: &[&str], new: &[&str]) -> Option<Block> {
    let (first, last) = (group.first()?, group.last()?);
    Some(Block {
        search: old[first.old_range().start..last.old_range().end].concat(),
        replace: new[first.new_range().start..last.new_range().end].concat(),
    })
}

fn leads_to(old: &str, new: &str, blocks: &[Block]) -> bool {
    let mut text = old.to_owned();
    for block in blocks {
        let found = text.find(&block.search);
        if block.search.is_empty() || found.is_none() || found != text.rfind(&block.search) {
            return false;
        }
        text = text.replacen(&block.search, &block.replace, 1);
    }
    text == new
}
