//! The names of files in the heads of diffs.

/// The name in a line such as `--- a/src/a.rs`, without what follows it; `None` for no file.
pub(super) fn named(text: &str) -> Name {
    let text = text.trim();
    let text = match text.split_once('\t') {
        Some((name, _)) => name.trim_end(),
        None => without_date(text),
    };
    if text == "/dev/null" {
        Name::Nothing
    } else {
        Name::File(unquoted(text))
    }
}

/// What the head of a diff names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// No file: it is new or removed.
    Nothing,
    /// This file.
    File(String),
}

/// A name without the date that may follow it after a blank.
fn without_date(text: &str) -> &str {
    let dated = |at: usize| {
        let date = text.get(at + 1..).unwrap_or_default().trim_start();
        let shape = b"dddd-dd-dd ";
        date.len() >= shape.len()
            && date.bytes().zip(shape).all(|(byte, kind)| match kind {
                b'd' => byte.is_ascii_digit(),
                _ => byte == *kind,
            })
    };
    let end = text
        .match_indices(' ')
        .map(|(at, _)| at)
        .find(|at| dated(*at));
    text.get(..end.unwrap_or(text.len()))
        .unwrap_or(text)
        .trim_end()
}

/// A name without the quotes and escapes that git puts where it has unusual characters.
pub(super) fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let Some(inner) = inner else {
        return text.to_owned();
    };
    let mut bytes = Vec::new();
    let mut rest = inner.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    if let Some(digit @ b'0'..=b'7') = rest.peek().copied() {
                        value = value * 8 + u32::from(digit - b'0');
                        rest.next();
                    }
                }
                bytes.push(u8::try_from(value).unwrap_or(b'?'));
            }
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'a') => bytes.push(7),
            Some(b'b') => bytes.push(8),
            Some(b'f') => bytes.push(12),
            Some(b'v') => bytes.push(11),
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The two names in `diff --git a/x b/x`.
pub(super) fn pair(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('"') {
        let end = closing_quote(rest)?;
        let first = unquoted(text.get(..end + 2)?);
        return Some((first, unquoted(rest.get(end + 1..)?.trim())));
    }
    if let Some((first, second)) = text.split_once(" \"") {
        return Some((first.to_owned(), unquoted(&format!("\"{second}"))));
    }
    // Names may have blanks; both are the same but for their first part.
    let halves = text
        .match_indices(' ')
        .map(|(at, _)| (&text[..at], &text[at + 1..]));
    let alike = halves.clone().find(|(first, second)| {
        let (first, second) = stripped(first, second);
        first == second
    });
    let only = || {
        let mut halves = halves;
        halves.next().filter(|_| halves.next().is_none())
    };
    alike
        .or_else(only)
        .map(|(first, second)| (first.to_owned(), second.to_owned()))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// Two names without the letters that git puts before them, such as `a/` and `b/`.
pub(super) fn stripped<'a>(old: &'a str, new: &'a str) -> (&'a str, &'a str) {
    let pairs = [
        ("a/", "b/"),
        ("i/", "w/"),
        ("c/", "i/"),
        ("c/", "w/"),
        ("o/", "w/"),
        ("1/", "2/"),
    ];
    pairs
        .iter()
        .flat_map(|(first, second)| [(first, second), (second, first)])
        .find_map(|(first, second)| Some((old.strip_prefix(first)?, new.strip_prefix(second)?)))
        .unwrap_or((old, new))
}

/// One name without the letter that git puts before it.
pub(super) fn stripped_alone<'a>(name: &'a str, letters: &[&str]) -> &'a str {
    letters
        .iter()
        .find_map(|letter| name.strip_prefix(letter))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests;
