//! The pieces pages are made of.

use std::fmt::Write as _;

use crate::{Mark, words::many};

/// Rows that a table shows at once.
pub(super) const ROWS_SHOWN: usize = 25;
/// Rows that a table holds, those that unfold included.
pub(super) const ROWS_MAX: usize = 500;

/// The text as it may stand in HTML, within an attribute too.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A word in a coloured box.
pub(super) fn badge(mark: Mark, word: &str) -> String {
    let tone = match mark {
        Mark::Good => "ok",
        Mark::Bad => "bad",
        Mark::Strong | Mark::Faint => "rest",
    };
    format!("<span class=\"badge {tone}\">{}</span>", escaped(word))
}

/// A number with its name and a note.
pub(super) fn tile(text: &mut String, name: &str, value: &str, note: &str) {
    let _ = writeln!(
        text,
        "<div class=\"tile\"><span>{name}</span><strong>{}</strong><small>{}</small></div>",
        escaped(value),
        escaped(note)
    );
}

/// A column of a table.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    /// The class of its cells.
    class: &'static str,
}

/// A column of texts.
pub(super) const fn words(name: &'static str) -> Column {
    Column { name, class: "w" }
}

/// A column of words that are never broken.
pub(super) const fn short(name: &'static str) -> Column {
    Column { name, class: "s" }
}

pub(super) const fn number(name: &'static str) -> Column {
    Column { name, class: "n" }
}

/// A table; its cells are HTML already. What is beyond the first rows unfolds, what is beyond the
/// maximum is counted.
pub(super) fn table(
    text: &mut String,
    columns: &[Column],
    rows: impl ExactSizeIterator<Item = Vec<String>>,
    what: &str,
) {
    let all = rows.len();
    let mut rows = rows.take(ROWS_MAX);
    part(text, columns, rows.by_ref().take(ROWS_SHOWN));
    if all > ROWS_SHOWN {
        let more = many((all - ROWS_SHOWN) as u64, what);
        let _ = writeln!(text, "<details><summary>{more} more</summary>");
        part(text, columns, rows);
        if all > ROWS_MAX {
            let left = many((all - ROWS_MAX) as u64, what);
            let _ = writeln!(text, "<p>{left} more in the JSON report.</p>");
        }
        text.push_str("</details>\n");
    }
}

/// Rows with their heads; a column without a word in it is left out.
fn part(text: &mut String, columns: &[Column], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.collect();
    let is_used = |place: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(place));
        cells.any(|cell| !cell.is_empty())
    };
    let used: Vec<(usize, &Column)> = columns
        .iter()
        .enumerate()
        .filter(|(place, _)| is_used(*place))
        .collect();
    text.push_str("<table><thead><tr>");
    for (_, column) in &used {
        let _ = write!(text, "<th class=\"{}\">{}", column.class, column.name);
    }
    text.push_str("</thead><tbody>\n");
    for row in &rows {
        text.push_str("<tr>");
        for (place, column) in &used {
            cell(text, column, row.get(*place).map_or("", String::as_str));
        }
        text.push('\n');
    }
    text.push_str("</tbody></table>\n");
}

fn cell(text: &mut String, column: &Column, told: &str) {
    let class = if told.is_empty() {
        "none"
    } else {
        column.class
    };
    let _ = write!(text, "<td class=\"{class}\"");
    if column.class == "n" {
        let _ = write!(text, " data-name=\"{}\"", column.name);
    }
    let _ = write!(text, ">{told}");
}
