//! What fences hold, and what packing keeps.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::{prelude::*, test_runner::RngSeed};

use super::{Block, Compression, Packed, clean, data, fence, pack, repeated, squeeze};
use crate::tokens;

fn block(id: &str, priority: i32, required: bool, rungs: &[usize]) -> Block {
    Block {
        id: id.to_owned(),
        rungs: rungs.iter().map(|size| "x".repeat(*size)).collect(),
        priority,
        required,
    }
}

fn rungs(packed: &Packed) -> Vec<(&str, Option<usize>)> {
    packed
        .manifest
        .iter()
        .map(|used| (used.id.as_str(), used.rung))
        .collect()
}

#[test]
fn tokens_are_estimated_and_bounded() {
    assert_eq!(
        [
            tokens::estimate(""),
            tokens::estimate("abc"),
            tokens::estimate(&"x".repeat(350))
        ],
        [0, 1, 100]
    );
    assert_eq!(tokens::most("é"), 2);
}

#[test]
fn a_fence_is_longer_than_any_in_its_text() {
    assert_eq!(fence("rust", "a\n"), "```rust\na\n```");
    assert_eq!(fence("", ""), "```\n```");
    assert_eq!(fence("", "```\na\n```"), "````\n```\na\n```\n````");
    assert_eq!(fence("", "   `````x"), "``````\n   `````x\n``````");
}

#[test]
fn material_stands_under_its_label() {
    assert_eq!(
        data("src/a.rs", "x\n"),
        "### File: `src/a.rs`\n\n```rust\nx\n```"
    );
    assert_eq!(
        data("a.py (first 40 lines)", "x"),
        "### File: `a.py` (first 40 lines)\n\n```python\nx\n```"
    );
    assert_eq!(data("a`\n# b", "x"), "### File: `a# b`\n\n```\nx\n```");
    assert_eq!(data("Makefile", "x"), "### File: `Makefile`\n\n```\nx\n```");
}

#[test]
fn hidden_characters_are_dropped_and_text_stays() {
    assert_eq!(
        clean("a\u{202e}b\u{200d}c\u{e0061}\u{1b}[0m\r\n\td é 漢"),
        "abc[0m\n\td é 漢"
    );
}

#[test]
fn what_matters_most_is_packed_in_full() {
    let blocks = vec![
        block("b", 1, false, &[700, 70]),
        block("a", 5, false, &[700, 70]),
        block("c", 1, true, &[700, 70]),
    ];
    assert_eq!(
        rungs(&pack(blocks.clone(), 1000)),
        [("a", Some(0)), ("b", Some(0)), ("c", Some(0))]
    );
    assert_eq!(
        rungs(&pack(blocks.clone(), 260)),
        [("a", Some(0)), ("b", Some(1)), ("c", Some(1))]
    );
    assert_eq!(
        rungs(&pack(blocks.clone(), 60)),
        [("a", Some(1)), ("b", None), ("c", Some(1))]
    );
    assert_eq!(
        rungs(&pack(blocks, 0)),
        [("a", None), ("b", None), ("c", Some(1))]
    );
    assert_eq!(pack(Vec::new(), 10), Packed::default());
    assert_eq!(
        rungs(&pack(vec![block("none", 1, true, &[])], 10)),
        [("none", None)]
    );
}

#[test]
fn blanks_that_tell_nothing_are_squeezed() {
    for (text, squeezed) in [
        ("", ""),
        ("\n\n", ""),
        ("a", "a"),
        ("\n\na  \n\t\n\n\nb\t\n\n", "a\n\nb\n"),
        ("    a\n", "    a\n"),
    ] {
        assert_eq!(squeeze(text), squeezed, "{text:?}");
        assert_eq!(squeeze(squeezed), squeezed);
    }
}

#[test]
fn repeated_texts_name_the_first_of_their_like() {
    let texts = [
        "long enough",
        "x",
        "long enough",
        "x",
        "other text",
        "long enough",
    ];
    assert_eq!(
        repeated(&texts, 5).into_iter().collect::<Vec<_>>(),
        [(2, 0), (5, 0)]
    );
}

#[test]
fn compressions_are_words() {
    for compression in [Compression::Off, Compression::Safe] {
        assert_eq!(compression.to_string().parse(), Ok(compression));
    }
    let refused = "most".parse::<Compression>().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "understand the compression `most`: it is off or safe"
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_text_leaves_its_fence(text in "[`~\\na-c \\u{200b}]{0,60}") {
        let fenced = fence("x", &text);
        let marks: String = fenced.chars().take_while(|c| *c == '`').collect();
        let body: Vec<&str> = fenced.lines().skip(1).collect();
        let (last, inside) = body.split_last().unwrap();
        prop_assert_eq!(*last, marks.as_str());
        prop_assert!(inside.iter().all(|line| !line.trim_start().starts_with(&marks)));
    }

    #[test]
    fn a_pack_keeps_its_budget_whatever_the_order(
        sizes in prop::collection::vec((0..2000_usize, 0..300_usize, -3..3_i32, any::<bool>()), 0..12),
        tokens_max in 0..3000_usize,
        turn in any::<prop::sample::Index>(),
    ) {
        let blocks: Vec<Block> = sizes
            .iter()
            .enumerate()
            .map(|(at, (full, short, priority, required))| {
                block(&format!("b{at}"), *priority, *required, &[*full, *short])
            })
            .collect();
        let packed = pack(blocks.clone(), tokens_max);
        let least: usize = blocks
            .iter()
            .filter(|block| block.required)
            .map(|block| tokens::estimate(&block.rungs[1]) + 1)
            .sum();
        prop_assert!(tokens::estimate(&packed.text) <= tokens_max.max(least));
        let mut turned = blocks.clone();
        if !turned.is_empty() {
            turned.rotate_left(turn.index(blocks.len()));
        }
        prop_assert_eq!(pack(turned, tokens_max), packed);
    }
}
