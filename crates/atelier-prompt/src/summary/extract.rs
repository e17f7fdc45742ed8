//! A summary out of a text's own words.

use std::collections::BTreeSet;

use atelier_model::Summary;

use super::render;
use crate::tokens;

/// Sentences at the beginning that say what a text is about.
const GOAL_SENTENCES_MAX: usize = 3;
/// Characters of one sentence; a longer one is cut.
const SENTENCE_CHARS_MAX: usize = 300;
/// Words that make a sentence a rule.
const RULES: [&str; 16] = [
    "must",
    "never",
    "always",
    "only",
    "exactly",
    "shall",
    "required",
    "forbidden",
    "maximum",
    "minimum",
    "at most",
    "at least",
    "may not",
    "not allowed",
    "no more than",
    "default",
];

/// What a text says of itself: its first sentences, its rules, and its names, in at most
/// `tokens_max` tokens. Names go first where there is no room, then the last rules.
pub fn extract(text: &str, tokens_max: usize) -> Summary {
    let sentences = sentences(text);
    let goal: Vec<&str> = sentences
        .iter()
        .take(GOAL_SENTENCES_MAX)
        .map(String::as_str)
        .collect();
    let rules = sentences.iter().skip(goal.len());
    let mut summary = Summary {
        goal: goal.join(" "),
        constraints: rules.filter(|one| is_rule(one)).cloned().collect(),
        names: names(text),
        ..Summary::default()
    };
    while tokens::estimate(&render(&summary)) > tokens_max {
        let shorter = summary.names.pop().or_else(|| summary.constraints.pop());
        if shorter.is_none() {
            break;
        }
    }
    summary
}

/// The sentences and list items of the prose, in their order; what stands in fences is none.
fn sentences(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut is_fenced = false;
    let mut is_open = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            is_fenced = !is_fenced;
            is_open = false;
            continue;
        }
        if is_fenced || line.is_empty() || line.starts_with(['|', '<']) {
            is_open = false;
            continue;
        }
        let item = line.trim_start_matches(['#', '-', '*', '+', '>', ' ']);
        let begins_anew = item.len() != line.len();
        for (at, sentence) in split(item).into_iter().enumerate() {
            let goes_on = at == 0 && is_open && !begins_anew;
            match all.last_mut().filter(|_| goes_on) {
                Some(last) => {
                    last.push(' ');
                    last.push_str(sentence);
                }
                None => all.push(sentence.to_owned()),
            }
        }
        is_open = !line.starts_with('#') && !line.ends_with(['.', '!', '?', ':']);
    }
    all.into_iter().map(cut).collect()
}

/// A line at the ends of its sentences.
fn split(line: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut rest = line;
    while let Some(at) = [". ", "! ", "? "]
        .iter()
        .filter_map(|end| rest.find(end))
        .min()
    {
        let (sentence, after) = rest.split_at(at + 1);
        sentences.push(sentence.trim());
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        sentences.push(rest);
    }
    sentences
}

fn cut(sentence: String) -> String {
    match sentence.char_indices().nth(SENTENCE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &sentence[..at]),
        None => sentence,
    }
}

fn is_rule(sentence: &str) -> bool {
    let sentence = sentence.to_lowercase();
    let words = || sentence.split(|c: char| !c.is_alphanumeric());
    RULES.iter().any(|rule| {
        let is_phrase = rule.contains(' ');
        (is_phrase && sentence.contains(rule)) || (!is_phrase && words().any(|word| word == *rule))
    })
}

/// What stands in backticks, each once.
fn names(text: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let spans = code_spans(text).filter(|span| span.len() <= SENTENCE_CHARS_MAX);
    let fresh = spans.filter(|span| seen.insert(*span));
    fresh.map(|span| format!("`{span}`")).collect()
}

/// What stands in single backticks on one line.
pub(super) fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("```"));
    lines.flat_map(|line| {
        let parts = line.split('`').collect::<Vec<_>>();
        // What follows the last backtick of an odd number is no span.
        let closed = parts.len().saturating_sub(1) / 2 * 2;
        let spans = parts.into_iter().take(closed).skip(1).step_by(2);
        spans.filter(|span| !span.trim().is_empty())
    })
}
