//! Every place of some items within others, in linear time.

/// Where in `text` all items of `pattern` stand one after another, overlapping places included.
///
/// Each mismatch falls back to the longest beginning of the pattern that still fits (the way of
/// Knuth, Morris and Pratt), so that no item of the text is looked at twice.
pub(super) fn starts<T: PartialEq>(text: &[T], pattern: &[T]) -> impl Iterator<Item = usize> {
    let falls = falls(pattern);
    let mut fit = 0;
    text.iter().enumerate().filter_map(move |(at, item)| {
        while fit > 0 && (fit == pattern.len() || pattern[fit] != *item) {
            fit = falls[fit - 1];
        }
        if pattern.get(fit) == Some(item) {
            fit += 1;
        }
        (fit > 0 && fit == pattern.len()).then(|| at + 1 - fit)
    })
}

/// For each beginning of a pattern, the length of the longest shorter one that also ends it.
fn falls<T: PartialEq>(pattern: &[T]) -> Vec<usize> {
    let mut falls = vec![0; pattern.len()];
    let mut fit = 0;
    for at in 1..pattern.len() {
        while fit > 0 && pattern[fit] != pattern[at] {
            fit = falls[fit - 1];
        }
        if pattern[fit] == pattern[at] {
            fit += 1;
        }
        falls[at] = fit;
    }
    falls
}
