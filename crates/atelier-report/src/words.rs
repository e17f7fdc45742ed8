//! Numbers and times as people read them.

use atelier_model::MicroUsd;

/// Letters of one line of a text of others.
pub(crate) const LINE_CHARS_MAX: usize = 400;
/// Letters of a text of several lines.
pub(crate) const TEXT_CHARS_MAX: usize = 16_384;

/// A number with its thousands apart: `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and what it counts: `1 task`, `12 tasks`, `2 tries`.
pub(crate) fn many(number: u64, one: &str) -> String {
    let number = (number, count(number));
    match (number, one.strip_suffix('y')) {
        ((1, number), _) => format!("{number} {one}"),
        ((_, number), Some(stem)) => format!("{number} {stem}ies"),
        ((_, number), None) => format!("{number} {one}s"),
    }
}

/// Milliseconds in words: `430 ms`, `12.3 s`, `4 min 5 s`, `2 h 10 min`, `3 days 4 h`.
pub fn duration(ms: u64) -> String {
    const DAY: u64 = 86_400_000;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        3_600_000..DAY => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
        _ => {
            let days = ms / DAY;
            let plural = if days == 1 { "" } else { "s" };
            format!("{days} day{plural} {} h", ms % DAY / 3_600_000)
        }
    }
}

/// Money as on a bill.
pub fn money(micro_usd: u64) -> String {
    MicroUsd(micro_usd).to_string()
}

/// A word of a stored value as people read it: `no_tests` is `no tests`.
pub(crate) fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

/// How a workflow stands to the steps of its project.
pub(crate) fn workflow_words(state: &str) -> &str {
    match state {
        "missing" => "not there yet; `atelier ci generate` writes it",
        "current" => "has the steps of the project",
        "outdated" => {
            "no longer has the steps of the project; `atelier ci generate` writes it anew"
        }
        "edited" => "written here and changed by hand; `atelier ci check` tells where it differs",
        "foreign" => "the project's own",
        other => other,
    }
}

/// The first characters of a commit's id.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// An instant to the second, as people read it: `2026-01-31 12:30:05 UTC`.
pub(crate) fn instant(at: &str) -> String {
    match (at.get(..10), at.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => at.to_owned(),
    }
}

/// A text of others as one line without control characters, cut where it is long.
pub(crate) fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    cut(&harmless(&words.join(" ")), LINE_CHARS_MAX)
}

/// A text of others with its lines, without other control characters, cut where it is long.
pub(crate) fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| harmless(line.trim_end())).collect();
    cut(lines.join("\n").trim(), TEXT_CHARS_MAX)
}

/// Without what would steer a terminal or turn the direction of writing.
fn harmless(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| !steers(*c))
        .collect()
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// How many times as much: `2.4` of 24 and 10; none where there is nothing to compare with.
pub(crate) fn times(whole: u64, part: u64) -> Option<String> {
    let tenths = whole.saturating_mul(10).checked_div(part)?;
    Some(format!("{}.{}", tenths / 10, tenths % 10))
}

#[cfg(test)]
mod tests;
