//! Summaries of documents: headings with the first sentence under each.

use atelier_prompt::tokens;

use crate::markdown::{Fences, Line, heading};

/// One heading with the first sentence below it.
struct Entry {
    level: usize,
    heading: String,
    sentence: String,
}

/// Headings and first sentences of a document, in at most `tokens_max` tokens as
/// [`atelier_prompt::tokens::estimate`] counts them.
///
/// Where they do not fit, the sentences below the deepest headings go first, then those headings
/// themselves, and so on upwards; last, entries are cut off at the end.
pub fn summary(text: &str, tokens_max: usize) -> String {
    let entries = entries(text);
    for depth in (1..=6).rev() {
        for sentences in [depth, depth - 1] {
            let shown = outline(&entries, depth, sentences);
            if tokens::estimate(&shown) <= tokens_max {
                return shown;
            }
        }
    }
    let mut out = String::new();
    for line in outline(&entries, 1, 0).split_inclusive('\n') {
        if tokens::estimate(&out) + tokens::estimate(line) > tokens_max {
            break;
        }
        out.push_str(line);
    }
    out
}

/// The entries down to heading level `depth`, with sentences down to level `sentences`.
fn outline(entries: &[Entry], depth: usize, sentences: usize) -> String {
    let mut out = String::new();
    for entry in entries.iter().filter(|entry| entry.level <= depth) {
        let sentence = if entry.level <= sentences {
            entry.sentence.as_str()
        } else {
            ""
        };
        for part in [entry.heading.as_str(), sentence] {
            if !part.is_empty() {
                out.push_str(part);
                out.push('\n');
            }
        }
    }
    out
}

/// The headings of a text; what stands before the first one belongs to an entry without heading.
fn entries(text: &str) -> Vec<Entry> {
    let mut fences = Fences::default();
    let mut comment = false;
    let mut all = vec![Entry {
        level: 1,
        heading: String::new(),
        sentence: String::new(),
    }];
    let mut ended = false;
    for line in text.lines() {
        let prose = fences.next(line) == Line::Text;
        let hidden = comment || line.trim_start().starts_with("<!--");
        comment = hidden && !line.contains("-->");
        let Some(last) = all.last_mut() else {
            return all;
        };
        if !prose || hidden {
            ended |= !last.sentence.is_empty();
        } else if let Some((level, title)) = heading(line) {
            let heading = format!("{} {title}", "#".repeat(level));
            all.push(Entry {
                level,
                heading,
                sentence: String::new(),
            });
            ended = false;
        } else if !ended {
            ended = extend(&mut last.sentence, line.trim());
        }
    }
    all
}

/// Adds a line to a sentence; whether the sentence is complete now.
fn extend(sentence: &mut String, line: &str) -> bool {
    let table = line.starts_with('|');
    if line.is_empty() || table {
        return !sentence.is_empty();
    }
    if !sentence.is_empty() {
        sentence.push(' ');
    }
    let end = [". ", "! ", "? "]
        .iter()
        .filter_map(|mark| line.find(mark))
        .min();
    match end {
        Some(at) => sentence.push_str(&line[..=at]),
        None => sentence.push_str(line),
    }
    end.is_some() || line.ends_with(['.', '!', '?', ':', '。', '！', '？'])
}
