//! Prose with headings and lists: a requirement that is still to be planned.

use crate::{Import, ImportError};

/// Reads a requirement.
pub(crate) fn read(text: &str) -> Result<Import, ImportError> {
    let text = text.replace("\r\n", "\n").trim().to_owned();
    if text.is_empty() {
        return Err(ImportError::Missing("a requirement".to_owned()));
    }
    let statements = statements(&text);
    Ok(Import::Requirement { text, statements })
}

/// How many items of lists there are outside of fences; paragraphs where there is no list.
fn statements(text: &str) -> usize {
    let mut fenced = false;
    let mut items = 0;
    let mut paragraphs = 0;
    let mut blank = true;
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") || line.starts_with("~~~") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        items += usize::from(is_item(line));
        let begins = blank && !line.is_empty() && !line.starts_with('#');
        paragraphs += usize::from(begins);
        blank = line.is_empty();
    }
    if items > 0 { items } else { paragraphs }
}

fn is_item(line: &str) -> bool {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered =
        digits.len() < line.len() && (digits.starts_with(". ") || digits.starts_with(") "));
    numbered || ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
}
