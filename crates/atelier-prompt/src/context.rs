//! Files and documents for a prompt: made harmless, and packed into a token budget.

mod pack;
#[cfg(test)]
mod tests;

pub use pack::{Block, BlockUse, Packed, pack};

/// Lines of a file that its shortened form shows.
const HEAD_LINES: usize = 40;
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

/// A file as models are shown it: its path, then its whole text in a fence.
pub fn file(path: &str, text: &str) -> String {
    let path = clean(path).replace(['`', '\n'], "");
    format!("### File: `{path}`\n\n{}", fence(info(&path), text))
}

/// A file in forms that get shorter: whole, its first lines, its name and size.
pub fn file_rungs(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let shown = clean(path).replace(['`', '\n'], "");
    let mut rungs = vec![file(path, text)];
    if lines > HEAD_LINES * 2 {
        let head: Vec<_> = text.lines().take(HEAD_LINES).collect();
        let head = fence(info(&shown), &head.join("\n"));
        rungs.push(format!(
            "### File: `{shown}` (the first {HEAD_LINES} of {lines} lines)\n\n{head}"
        ));
    }
    rungs.push(format!("### File: `{shown}` ({lines} lines, not shown)"));
    rungs
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
