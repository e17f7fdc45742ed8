//! Whether two answers to one question say the same.

use std::collections::BTreeMap;

/// Bytes of an answer that are compared.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Words up to which an answer counts as short: there every word decides.
const SHORT_WORDS_MAX: usize = 12;

/// The least share of words that short and long answers have in common.
const SHARED_SHORT_MIN: f64 = 0.6;
const SHARED_LONG_MIN: f64 = 0.35;

/// The least share of numbers that answers have in common, where they have any.
const NUMBERS_MIN: f64 = 0.5;

/// Words that say nothing of what an answer is.
const EMPTY: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "is", "it", "its", "of",
    "on", "or", "that", "the", "this", "to", "was", "were", "which", "with", "you", "your",
];

/// Words that turn an answer round.
const TURNING: &[&str] = &[
    "no", "not", "never", "none", "nothing", "cannot", "without", "false",
];

/// Whether two answers agree: most words and numbers in common, and neither denies what the other
/// says. Two honest answers in quite different words count as a disagreement, which costs no more
/// than a question.
pub fn agrees(left: &str, right: &str) -> bool {
    let (left, right) = (Answer::of(left), Answer::of(right));
    if left.words == right.words && left.numbers == right.numbers {
        return true;
    }
    let is_short = left.length.min(right.length) <= SHORT_WORDS_MAX;
    let least = if is_short {
        SHARED_SHORT_MIN
    } else {
        SHARED_LONG_MIN
    };
    let has_numbers = !left.numbers.is_empty() || !right.numbers.is_empty();
    let numbers_min = if is_short { 1.0 } else { NUMBERS_MIN };
    shared(&left.words, &right.words) >= least
        && (!has_numbers || shared(&left.numbers, &right.numbers) >= numbers_min)
        && (!is_short || left.turns == right.turns)
}

/// An answer as counts of its words and numbers.
#[derive(Debug, Default)]
struct Answer {
    words: BTreeMap<String, usize>,
    numbers: BTreeMap<String, usize>,
    turns: usize,
    length: usize,
}

impl Answer {
    fn of(text: &str) -> Self {
        let mut answer = Self::default();
        let end = text.floor_char_boundary(ANSWER_BYTES_MAX);
        let apart = |c: char| !c.is_alphanumeric() && !"'’._+-".contains(c);
        for word in text[..end].split(apart) {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            let lower = word.to_lowercase();
            let turns = TURNING.contains(&lower.as_str()) || lower.ends_with("n't");
            if turns {
                answer.turns += 1;
            } else if word.is_empty() || EMPTY.contains(&lower.as_str()) {
                continue;
            }
            answer.length += 1;
            let side = if word.contains(|c: char| c.is_ascii_digit()) {
                &mut answer.numbers
            } else {
                &mut answer.words
            };
            *side.entry(lower).or_default() += 1;
        }
        answer
    }
}

/// The share of words that two answers have in common, 0 to 1.
fn shared(left: &BTreeMap<String, usize>, right: &BTreeMap<String, usize>) -> f64 {
    let common: usize = left
        .iter()
        .map(|(word, count)| right.get(word).map_or(0, |there| *count.min(there)))
        .sum();
    let all: usize = left.values().sum::<usize>() + right.values().sum::<usize>() - common;
    if all == 0 {
        return 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
    let share = common as f64 / all as f64;
    share
}

#[cfg(test)]
mod tests;
