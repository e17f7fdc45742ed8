//! Text as the shell passes it on, with what is not known about it marked in place.
//!
//! A mark is a control character that no command line may carry itself, so that a text stays one
//! string through every expansion, pipe and further reading.

/// Any text at all.
pub(super) const UNKNOWN: char = '\0';
/// Any text that a pattern stands for, within one name.
pub(super) const ANY: char = '\u{1}';
/// Any character that a pattern stands for.
pub(super) const ONE: char = '\u{2}';
/// Any text that a program here printed or a file here holds.
pub(super) const LOCAL: char = '\u{3}';
/// Any text that was hidden by an encoding.
pub(super) const DECODED: char = '\u{4}';
/// Any text that the network sent.
pub(super) const NETWORK: char = '\u{5}';
/// Any text that is a secret.
pub(super) const SECRET: char = '\u{6}';

/// Whether the text carries marks that no command line may carry.
pub(super) fn has_marks(text: &str) -> bool {
    text.bytes().any(|byte| byte < 7)
}

/// The text without anything that could be taken for a mark.
pub(super) fn literal(text: &str) -> String {
    text.chars()
        .map(|letter| if letter < '\u{7}' { '\u{fffd}' } else { letter })
        .collect()
}

pub(super) fn is_unknown(letter: char) -> bool {
    matches!(letter, UNKNOWN | LOCAL | DECODED | NETWORK | SECRET)
}

/// Whether every character is known, patterns aside.
pub(super) fn is_known(text: &str) -> bool {
    !text.contains(is_unknown)
}

pub(super) fn has_pattern(text: &str) -> bool {
    text.contains([ANY, ONE])
}

/// The marks of where text came from, for text that is made of it.
pub(super) fn origins(text: &str) -> String {
    [LOCAL, DECODED, NETWORK, SECRET]
        .into_iter()
        .filter(|mark| text.contains(*mark))
        .collect()
}

/// Unknown text made from this.
pub(super) fn derived(text: &str) -> String {
    let mut made = origins(text);
    made.insert(0, UNKNOWN);
    made
}

/// Patterns outside of quotes become marks.
pub(super) fn with_patterns(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if marked.ends_with(ANY) => {}
            '*' => marked.push(ANY),
            // An address in brackets, not a set of letters.
            '[' if marked.ends_with("//") => marked.push('['),
            '?' => marked.push(ONE),
            '[' => match letters.as_str().find(']') {
                Some(end) if end > 0 => {
                    marked.push(ONE);
                    letters = letters.as_str()[end + 1..].chars();
                }
                _ => marked.push('['),
            },
            other => marked.push(other),
        }
    }
    marked
}

/// The text for people: marks become signs.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let mut shown: String = text
        .chars()
        .map(|letter| match letter {
            ANY => '*',
            ONE => '?',
            letter if is_unknown(letter) => '…',
            letter if letter.is_control() => ' ',
            letter => letter,
        })
        .take(SHOWN_CHARS_MAX)
        .collect();
    if text.chars().count() > SHOWN_CHARS_MAX {
        shown.push('…');
    }
    shown
}

/// Whether some name fits both the pattern (`*`, `**`, `?`) and the text with its marks.
///
/// As in the shell, a pattern in the text passes over neither a slash nor a leading dot.
pub(super) fn could_be(pattern: &str, text: &str) -> bool {
    if differs_early(pattern, text) {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // reached[t]: the pattern up to here fits the text up to t.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    pass_over_marks(&mut reached, &text);
    let mut at = 0;
    while at < pattern.len() {
        let is_deep = pattern[at..].starts_with(&['*', '*']);
        let mut next = vec![false; text.len() + 1];
        for t in 0..=text.len() {
            if pattern[at] == '*' {
                let goes_on = t > 0 && next[t - 1] && (is_deep || text[t - 1] != '/');
                next[t] |= reached[t] || goes_on;
                continue;
            }
            if !reached[t] {
                continue;
            }
            match (pattern[at], text.get(t).copied()) {
                (_, None) => {}
                (wanted, Some(ANY)) => {
                    let leads = t == 0 || text[t - 1] == '/';
                    if wanted != '/' && !(leads && wanted == '.') {
                        next[t] = true;
                        next[t + 1] = true;
                    }
                }
                (wanted, Some(found)) => {
                    let fits = wanted == found || wanted == '?' && found != '/';
                    next[t + 1] |= fits || found == ONE && wanted != '/';
                }
            }
        }
        reached = next;
        pass_over_marks(&mut reached, &text);
        at += if is_deep { 2 } else { 1 };
    }
    reached[text.len()]
}

/// Whether the two differ before either has a pattern: nearly every question ends here.
fn differs_early(pattern: &str, text: &str) -> bool {
    let (mut wanted, mut found) = (pattern.bytes(), text.bytes());
    loop {
        match (wanted.next(), found.next()) {
            (Some(b'*' | b'?'), _) | (_, Some(1 | 2)) | (None, None) => return false,
            (None, _) | (_, None) => return true,
            (Some(wanted), Some(found)) if wanted != found => return true,
            (Some(_), Some(_)) => {}
        }
    }
}

/// A pattern in the text may stand for nothing.
fn pass_over_marks(reached: &mut [bool], text: &[char]) {
    for t in 0..text.len() {
        if reached[t] && text[t] == ANY {
            reached[t + 1] = true;
        }
    }
}
