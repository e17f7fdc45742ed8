//! Whether a content is all of a file, or only what its author took the trouble to write.

use std::collections::BTreeSet;

use super::Trouble;

/// Lines that a file has at least before a part of it can be told from a new version.
const EXCERPT_OF_LINES_MIN: usize = 20;
/// Signs of a line that is a mark rather than content.
const MARKS_MIN: usize = 4;
/// Lines that a listing has at least before their numbers can be told from content.
const LISTED_MIN: usize = 3;
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
/// How comments begin, and lines of dots in brackets, which are written in their place.
const COMMENTS: [&str; 11] = [
    "//", "#", "--", "/*", "<!--", "{/*", ";", "%", "[...", "(...", "<...",
];
const LEFT_OUT_BYTES_MAX: usize = 120;
/// What a comment without dots speaks of where it stands for lines left out: of the others, of a
/// part of a file, and of its not being changed.
const OTHERS: [&str; 7] = [
    "rest of",
    "remaining",
    "remainder of",
    "other",
    "existing",
    "everything",
    "all of",
];
const PARTS: [&str; 16] = [
    "file",
    "code",
    "class",
    "function",
    "method",
    "module",
    "script",
    "import",
    "content",
    "document",
    "implementation",
    "test",
    "line",
    "body",
    "logic",
    "else",
];
const UNCHANGED: [&str; 9] = [
    "same",
    "unchanged",
    "as before",
    "as is",
    "as it was",
    "as they were",
    "omitted",
    "no change",
    "not changed",
];
/// Whole comments that say the same.
const BARE: [&str; 22] = [
    "same as before",
    "unchanged",
    "as before",
    "no changes",
    "no change",
    "existing code",
    "existing code here",
    "your existing code",
    "your existing code here",
    "previous code",
    "previous code here",
    "other code here",
    "unchanged code",
    "remaining code",
    "remaining code here",
    "rest of code",
    "rest of the code",
    "rest of file",
    "rest of the file",
    "omitted for brevity",
    "code omitted",
    "code omitted for brevity",
];
/// Words that, in a comment that begins with dots, say the same.
const ELIDED: [&str; 8] = [
    "rest", "keep", "kept", "same", "other", "remain", "existing", "omit",
];
const SILENT_BYTES_MAX: usize = 60;

/// Refuses a content that is not all of a file.
pub(super) fn refuse_part(content: &str, before: &str, prose: bool) -> Result<(), Trouble> {
    let lines: Vec<&str> = content.lines().collect();
    let old: Vec<&str> = before.lines().collect();
    let known = |line: &str| before.lines().any(|other| other.trim() == line.trim());
    if let Some(at) = left_out(&lines, known, prose) {
        let line = lines[at].trim();
        return Err(Trouble::new(
            format!(
                "line {} of the content, `{line}`, stands for lines left out",
                at + 1
            ),
            "send the file complete, or change it with SEARCH/REPLACE blocks",
        ));
    }
    if is_excerpt(content, before) || is_middle(content, before) {
        return Err(Trouble::new(
            "the content looks like an excerpt of the file rather than all of it",
            "send the file complete, or change it with SEARCH/REPLACE blocks",
        ));
    }
    let wrapped = !prose && is_wrapped(&lines) && !is_wrapped(&old);
    if !before.is_empty() && (wrapped || is_edit(&lines, known) || is_listing(&lines, &old)) {
        return Err(Trouble::new(
            "the content is no file: it has the marks of an edit, or numbers before its lines",
            "send the file complete, without either, or change it with SEARCH/REPLACE blocks",
        ));
    }
    if content.trim().is_empty() && !before.trim().is_empty() {
        return Err(Trouble::new(
            "the content is empty, and the file is not",
            "remove the file if it is to go, or send its content",
        ));
    }
    Ok(())
}

/// Whether a content divides itself into what to find and what to put there, by marks that no form
/// knows.
fn is_edit(lines: &[&str], known: impl Fn(&str) -> bool) -> bool {
    let word = |line: &str| {
        let word = line.trim_matches(|c: char| !c.is_alphanumeric());
        word.to_ascii_lowercase()
    };
    let of = |line: &str, mark: char| line.len() >= MARKS_MIN && line.chars().all(|c| c == mark);
    let mut new = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| !known(line));
    let mut words = new.clone();
    words.any(|line| word(line) == "search") && words.any(|line| word(line) == "replace")
        || new.any(|line| of(line, '<'))
            && new.any(|line| of(line, '='))
            && new.any(|line| of(line, '>'))
}

/// Whether a content is a fenced block, a patch or a hunk rather than what stands in it.
fn is_wrapped(lines: &[&str]) -> bool {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return false;
    };
    let fenced = first.starts_with("```") && last.trim_end() == "```" && lines.len() > 1;
    fenced || first.starts_with("*** Begin Patch") || first.starts_with("@@ -")
}

/// Whether every line of a content begins with its number, and those of the file do not.
fn is_listing(lines: &[&str], old: &[&str]) -> bool {
    let number = |line: &str| -> Option<usize> {
        let line = line.trim_start();
        let end = line.find(|c: char| !c.is_ascii_digit())?;
        line[..end].parse().ok()
    };
    let counts = |lines: &[&str]| {
        let first = lines.first().and_then(|line| number(line));
        let rest = || lines.iter().enumerate();
        first.is_some_and(|first| rest().all(|(at, line)| number(line) == Some(first + at)))
    };
    lines.len() >= LISTED_MIN && counts(lines) && !counts(old)
}

/// The first of some new lines that stands for others, unless it is `known` as a line of the file.
pub(super) fn left_out(lines: &[&str], known: impl Fn(&str) -> bool, prose: bool) -> Option<usize> {
    let mut before = "";
    for (at, line) in lines.iter().enumerate() {
        let dots = matches!(line.trim(), "..." | "…");
        // In some languages dots are the body of a function, or what follows its description.
        let body = [":", "\"\"\"", "'''"]
            .iter()
            .any(|end| before.ends_with(end));
        if (stands_for_others(line) || dots && !body && !prose) && !known(line) {
            return Some(at);
        }
        if !line.trim().is_empty() {
            before = line.trim_end();
        }
    }
    None
}

/// Whether a content is lines of a file that follow each other there, neither the first nor the
/// last among them.
fn is_middle(content: &str, before: &str) -> bool {
    let new: Vec<&str> = full_lines(content).collect();
    let old: Vec<&str> = full_lines(before).collect();
    let ends = old.len().saturating_sub(1);
    let inside = old.get(1..ends).unwrap_or_default();
    !new.is_empty() && inside.windows(new.len()).any(|there| there == new)
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
    let comment = COMMENTS.iter().any(|mark| line.starts_with(mark));
    if !comment || line.len() > LEFT_OUT_BYTES_MAX {
        return false;
    }
    let lower = line.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    let bare = matches!(
        line,
        "// ..." | "# ..." | "/* ... */" | "<!-- ... -->" | "-- ..."
    );
    if line.contains("...") || line.contains('…') {
        let text = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '.' && c != '…');
        let opens = text.starts_with("...") || text.starts_with('…');
        return bare || says(&LEFT_OUT) || opens && says(&ELIDED);
    }
    let said = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let said = said.strip_prefix("the ").unwrap_or(said);
    let others = OTHERS.iter().any(|start| said.starts_with(start));
    let silent = others && says(&PARTS) && says(&UNCHANGED);
    said.len() <= SILENT_BYTES_MAX && (silent || BARE.contains(&said))
}
