//! Blocks of text into a token budget, deterministically.

use serde::{Deserialize, Serialize};

use crate::tokens;

/// One piece of context, in forms that get shorter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Unique name, such as a path.
    pub id: String,
    /// Its forms from full to shortest.
    pub rungs: Vec<String>,
    /// Higher comes first, in the packing and in the text.
    pub priority: i32,
    /// Whether its shortest form must be there, whatever the budget.
    pub required: bool,
}

/// How a block was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockUse {
    /// The block.
    pub id: String,
    /// The form that was taken, 0 for the full one; `None` where it was left out.
    pub rung: Option<usize>,
    /// Its estimated tokens.
    pub tokens: usize,
}

/// Packed context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packed {
    /// The text.
    pub text: String,
    /// What became of each block, in the order of the text.
    pub manifest: Vec<BlockUse>,
}

/// Between two blocks.
const GAP: &str = "\n\n";

/// Packs blocks into a budget of estimated tokens.
///
/// Blocks are taken by priority, then id. Each required block first gets its shortest form; then
/// each block in turn gets the longest form that still fits. The text never exceeds the budget
/// unless the shortest forms of the required blocks alone do.
pub fn pack(mut blocks: Vec<Block>, tokens_max: usize) -> Packed {
    blocks.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.id.cmp(&b.id)));
    let cost = |text: &str| tokens::estimate(text) + tokens::estimate(GAP);
    let costs: Vec<Vec<usize>> = blocks
        .iter()
        .map(|block| block.rungs.iter().map(|rung| cost(rung)).collect())
        .collect();
    let mut chosen: Vec<Option<usize>> = blocks
        .iter()
        .map(|block| {
            block
                .required
                .then(|| block.rungs.len().checked_sub(1))
                .flatten()
        })
        .collect();
    let price = |index: usize, rung: Option<usize>| rung.map_or(0, |rung| costs[index][rung]);
    let mut used: usize = (0..blocks.len())
        .map(|index| price(index, chosen[index]))
        .sum();
    for index in 0..blocks.len() {
        let held = price(index, chosen[index]);
        let room = tokens_max.saturating_sub(used - held);
        if let Some(rung) = costs[index].iter().position(|cost| *cost <= room) {
            used = used - held + costs[index][rung];
            chosen[index] = Some(rung);
        }
    }
    let texts: Vec<&str> = blocks
        .iter()
        .zip(&chosen)
        .filter_map(|(block, rung)| rung.map(|rung| block.rungs[rung].as_str()))
        .collect();
    let manifest = (0..blocks.len())
        .map(|index| BlockUse {
            id: blocks[index].id.clone(),
            rung: chosen[index],
            tokens: price(index, chosen[index]),
        })
        .collect();
    Packed {
        text: texts.join(GAP),
        manifest,
    }
}
