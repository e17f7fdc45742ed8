//! Files and documents for a prompt: made harmless, and packed into a token budget.

mod compress;
mod pack;
#[cfg(test)]
mod tests;

pub use compress::{Compression, UnknownCompression, repeated, squeeze};
pub use pack::{Block, BlockUse, Packed, pack};

/// The shortest fence.
const FENCE_MIN: usize = 3;

/// Drops the characters that hide text from a reader but not from a model: control and
/// bidirectional marks, zero-width and tag characters. Tabs and line breaks stay.
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .filter(|c| !hidden(*c))
        .collect()
}

fn hidden(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\n' | '\t');
    control
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A text inside a fence of backticks longer than any in it, so that it cannot close the fence.
pub fn fence(info: &str, text: &str) -> String {
    let text = clean(text);
    let longest = text
        .lines()
        .map(|line| {
            line.trim_start()
                .bytes()
                .take_while(|byte| *byte == b'`')
                .count()
        })
        .max()
        .unwrap_or(0);
    let marks = "`".repeat(FENCE_MIN.max(longest + 1));
    let text = text.trim_end_matches('\n');
    let gap = if text.is_empty() { "" } else { "\n" };
    format!("{marks}{info}\n{text}{gap}{marks}")
}

/// A piece of material as models are shown it: a heading with its label, then its text in a fence.
///
/// The label is a path, perhaps with a remark, as in `src/a.rs (first 40 lines)`.
pub fn data(label: &str, text: &str) -> String {
    let label = clean(label).replace(['`', '\n'], "");
    let (path, remark) = match label.split_once(" (") {
        Some((path, remark)) => (path, format!(" ({remark}")),
        None => (label.as_str(), String::new()),
    };
    format!("### File: `{path}`{remark}\n\n{}", fence(info(path), text))
}

/// The word that names a file's language in a fence.
fn info(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, extension)) = name.rsplit_once('.') else {
        return "";
    };
    match extension {
        "rs" => "rust",
        "py" => "python",
        "js" | "mjs" | "cjs" => "javascript",
        "ts" | "mts" | "cts" => "typescript",
        "md" => "markdown",
        "yml" => "yaml",
        "sh" => "bash",
        "h" => "c",
        "cc" | "cxx" | "hpp" => "cpp",
        other if other.bytes().all(|byte| byte.is_ascii_alphanumeric()) => other,
        _ => "",
    }
}
