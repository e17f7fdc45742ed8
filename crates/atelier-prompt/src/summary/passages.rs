//! The passages of a text that concern a piece of work.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens;

/// Characters of a word that tells something; one with a digit in it may be shorter.
const WORD_CHARS_MIN: usize = 4;
/// Between passages that do not follow each other.
const GAP: &str = "\n\n…\n\n";

/// The paragraphs of a text that have most of their rarer words in common with `about`, in the
/// order of the text, within a budget of tokens.
pub fn passages(text: &str, about: &str, tokens_max: usize) -> String {
    let paragraphs = paragraphs(text);
    let words: Vec<BTreeSet<String>> = paragraphs.iter().map(|one| words(one)).collect();
    let mut held: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words.iter().flatten() {
        *held.entry(word).or_default() += 1;
    }
    let wanted = self::words(about);
    // A word is worth the more the fewer paragraphs have it; thousandths, so that no rounding
    // decides the order.
    let worth = |word: &String| {
        let held = held.get(word.as_str()).copied().unwrap_or(0);
        let is_rare = held > 0 && held * 3 <= paragraphs.len().max(3);
        if is_rare { 1_000 / held } else { 0 }
    };
    let mut ranked: Vec<(usize, usize)> = words
        .iter()
        .enumerate()
        .map(|(at, words)| (words.intersection(&wanted).map(worth).sum(), at))
        .filter(|(score, _)| *score > 0)
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut chosen = BTreeSet::new();
    let mut used = 0;
    for (_, at) in ranked {
        let cost = tokens::estimate(paragraphs[at]) + tokens::estimate(GAP);
        if used + cost <= tokens_max {
            used += cost;
            chosen.insert(at);
        }
    }
    let mut shown = String::new();
    let mut last = None;
    for at in chosen {
        match last {
            Some(before) if before + 1 == at => shown.push_str("\n\n"),
            Some(_) => shown.push_str(GAP),
            None => {}
        }
        shown.push_str(paragraphs[at]);
        last = Some(at);
    }
    shown
}

fn paragraphs(text: &str) -> Vec<&str> {
    let parts = text.split("\n\n").map(|part| part.trim_matches('\n'));
    parts.filter(|part| !part.trim().is_empty()).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let is_telling = |word: &&str| {
        word.chars().count() >= WORD_CHARS_MIN || word.contains(|c: char| c.is_ascii_digit())
    };
    words.filter(is_telling).map(str::to_lowercase).collect()
}
