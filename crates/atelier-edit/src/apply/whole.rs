//! Whether a content is all of a file, or only what its author took the trouble to write.

use std::collections::BTreeSet;

use super::Trouble;

/// Lines that a file has at least before a part of it can be told from a new version.
const EXCERPT_OF_LINES_MIN: usize = 20;
/// Words that, beside an ellipsis in a comment, say that lines were left out.
const LEFT_OUT: [&str; 12] = [
    "existing",
    "rest of",
    "remaining",
    "unchanged",
    "same as",
    "as before",
    "previous code",
    "other code",
    "omitted",
    "code here",
    "stays the same",
    "remains the same",
];
const COMMENTS: [&str; 8] = ["//", "#", "--", "/*", "<!--", "{/*", ";", "%"];
const LEFT_OUT_BYTES_MAX: usize = 120;

/// Refuses a content that is not all of a file.
pub(super) fn refuse_part(content: &str, before: &str) -> Result<(), Trouble> {
    let known = |line: &str| before.lines().any(|other| other.trim() == line.trim());
    let mut numbered = content.lines().zip(1..);
    if let Some((line, number)) = numbered.find(|(line, _)| stands_for_others(line) && !known(line))
    {
        let line = line.trim();
        return Err(Trouble::new(
            format!("line {number} of the content, `{line}`, stands for lines left out"),
            "send the file complete, or change it with SEARCH/REPLACE blocks",
        ));
    }
    if is_excerpt(content, before) {
        return Err(Trouble::new(
            "the content looks like an excerpt of the file rather than all of it",
            "send the file complete, or change it with SEARCH/REPLACE blocks",
        ));
    }
    Ok(())
}

/// Whether a content is some lines of a file, perhaps changed a little, that begin in its middle.
fn is_excerpt(content: &str, before: &str) -> bool {
    let old: BTreeSet<&str> = full_lines(before).collect();
    let (new, size) = (full_lines(content).count(), full_lines(before).count());
    let known = full_lines(content)
        .filter(|line| old.contains(line))
        .count();
    size >= EXCERPT_OF_LINES_MIN
        && new * 2 < size
        && known * 5 >= new * 4
        && full_lines(content).next() != full_lines(before).next()
}

fn full_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Whether a line is a comment that stands for lines left out.
pub(super) fn stands_for_others(line: &str) -> bool {
    let line = line.trim();
    let dots = line.contains("...") || line.contains('…');
    if !dots || line.len() > LEFT_OUT_BYTES_MAX {
        return false;
    }
    let comment = COMMENTS.iter().any(|mark| line.starts_with(mark));
    let lower = line.to_ascii_lowercase();
    let bare = matches!(
        line,
        "// ..." | "# ..." | "/* ... */" | "<!-- ... -->" | "-- ..."
    );
    comment && (bare || LEFT_OUT.iter().any(|words| lower.contains(words)))
}
