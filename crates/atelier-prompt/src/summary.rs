//! Summaries of long texts: when one is worth an ask, what a model's may not say, and the extract
//! that stands in for it.

mod extract;
mod passages;
#[cfg(test)]
mod tests;

use atelier_model::Summary;

pub use extract::extract;
pub use passages::passages;

use crate::tokens;

/// Tokens of a text below which it is never summarised: it is shown as it is.
pub const SOURCE_TOKENS_MIN: usize = 2_000;
/// Tokens of a summary, as a model is told.
pub const SUMMARY_TOKENS_MAX: usize = 600;
/// Tokens of a summary that is still taken: models count badly.
const TAKEN_TOKENS_MAX: usize = SUMMARY_TOKENS_MAX * 3 / 2;
/// What a token of an answer costs, in tokens of a prompt: about as much as most price lists say.
const ANSWER_WEIGHT: usize = 5;
/// Digits of a number that is looked for in the text; shorter ones are words as often as figures.
const DIGITS_MIN: usize = 2;

/// What a model's summary does not fulfil. The message reads after "failed to ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SummaryFault {
    /// It does not say what the text is about.
    #[error("find in the summary what the text is about")]
    NoGoal,
    /// It is too long to be one.
    #[error("use a summary of {tokens} tokens where {tokens_max} are the most")]
    TooLong {
        /// Its tokens.
        tokens: usize,
        /// The most.
        tokens_max: usize,
    },
    /// It says something that the text does not.
    #[error("find `{0}`, which the summary names, in the text")]
    Invented(String),
}

/// Whether a summary is worth being asked for: a text of so many tokens is background of `uses`
/// prompts, in each of which `shown` tokens would stand in its place.
pub fn pays(source_tokens: usize, shown_tokens: usize, uses: usize) -> bool {
    let without = source_tokens.saturating_mul(uses);
    let asked = source_tokens.saturating_add(SUMMARY_TOKENS_MAX * ANSWER_WEIGHT);
    let with = shown_tokens.saturating_mul(uses).saturating_add(asked);
    source_tokens >= SOURCE_TOKENS_MIN && with < without
}

/// What keeps a model's summary from being used: a summary may leave out, never add.
pub fn fault(summary: &Summary, text: &str) -> Option<SummaryFault> {
    if summary.goal.trim().is_empty() {
        return Some(SummaryFault::NoGoal);
    }
    let shown = render(summary);
    let tokens = tokens::estimate(&shown);
    if tokens > TAKEN_TOKENS_MAX {
        let tokens_max = TAKEN_TOKENS_MAX;
        return Some(SummaryFault::TooLong { tokens, tokens_max });
    }
    let names = summary.names.iter().map(|name| bare(name));
    let mut said = names
        .chain(extract::code_spans(&shown))
        .chain(figures(&shown));
    said.find(|said| !said.is_empty() && !text.contains(said))
        .map(|said| SummaryFault::Invented(said.to_owned()))
}

/// A name without what only surrounds it.
fn bare(name: &str) -> &str {
    name.trim().trim_matches('`')
}

/// The numbers in a text, as they are written.
fn figures(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let runs = text.split(move |c: char| !is_part(c));
    let trimmed = runs.map(|run| run.trim_matches(|c: char| !c.is_ascii_digit()));
    trimmed.filter(|run| run.bytes().filter(u8::is_ascii_digit).count() >= DIGITS_MIN)
}

/// A summary as it stands in a prompt.
pub fn render(summary: &Summary) -> String {
    let mut text = summary.goal.trim().to_owned();
    let lists = [
        ("Decisions", &summary.decisions),
        ("What must hold", &summary.constraints),
        ("Names", &summary.names),
        ("Left open", &summary.open),
    ];
    for (title, items) in lists {
        if items.is_empty() {
            continue;
        }
        text.push_str("\n\n");
        text.push_str(title);
        text.push(':');
        for item in items {
            text.push_str("\n- ");
            text.push_str(&item.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    text
}
