//! JSON as people write it in settings: with comments, and commas before what closes.

use serde_json::Value;

/// The value of a text that is JSON, or becomes so without comments and idle commas.
pub(crate) fn value(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}');
    let strict = serde_json::from_str(text);
    strict.or_else(|_| serde_json::from_str(&plain(text))).ok()
}

/// The text without comments and without commas that nothing follows.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' => string_end(rest),
            '/' if rest.starts_with("//") => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = rest[2..].split_once("*/").map_or("", |(_, after)| after);
                continue;
            }
            _ => first.len_utf8(),
        };
        if matches!(first, ']' | '}') {
            let kept = plain.trim_end();
            if kept.ends_with(',') {
                plain.truncate(kept.len() - 1);
            }
        }
        plain.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    plain
}

/// Where the string at the start of a text ends.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
