//! Changes written down as a model would write them, in every form and in many manners.

use super::{
    dice::Dice,
    world::{File, Hunk, plain},
};

/// A form of edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Replace,
    Patch,
    Diff,
    Json,
}

pub(super) const FORMS: [Form; 4] = [Form::Replace, Form::Patch, Form::Diff, Form::Json];

/// What a model may say between its edits.
const PROSE: &[&str] = &[
    "Now the next change.\n",
    "I keep `main.rs` as it is; only the value changes, see above.\n",
    "1. Change the value.\n2. Run the tests.\n",
    "Run it like this:\n\n```bash\nmake test\n```\n",
    "## Notes\n\nNothing else uses it — “really” nothing.\n",
    "The result looks like\n\n```\nvalue: 3\n```\n\nand stays so.\n",
    "> Why this way?\n\nBecause it is shorter.\n",
    "---\n",
    "The answer of the service:\n\n```json\n{\"name\": \"x\", \"size\": 3}\n```\n",
];
const THINKING: &[&str] = &[
    "<think>\nShould I send `a.py` whole?\n\n```python\nx = 1\n```\nNo.\n</think>\n\n",
    "<thinking>*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** End Patch</thinking>\n",
];

/// A reply with these blocks, in this order, and other things around them.
pub(super) fn reply(blocks: &[String], dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.one_in(6) {
        text.push_str(dice.pick(THINKING));
    }
    for block in blocks {
        if dice.one_in(3) {
            text.push('\n');
            text.push_str(dice.pick(PROSE));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(block);
    }
    if dice.one_in(3) {
        text.push('\n');
        text.push_str(dice.pick(PROSE));
    }
    if dice.one_in(8) {
        text = text.replace('\n', "\r\n");
    }
    text
}

/// A change as somebody types it who is careless about what does not matter: blanks at line ends,
/// typographic characters, the indentation of the whole.
pub(super) fn careless(hunk: &Hunk, dice: &mut Dice) -> Hunk {
    let mut typed = hunk.clone();
    let (blanks, simple) = (dice.one_in(3), dice.one_in(3));
    let found = [&mut typed.before, &mut typed.removed, &mut typed.after];
    for line in found.into_iter().flatten() {
        if simple {
            *line = plain(line);
        }
        if blanks && !line.trim().is_empty() && dice.one_in(2) {
            *line = format!("{}{}", line.trim_end(), dice.pick(&["", " ", "  "]));
        }
    }
    if dice.one_in(4) {
        shifted(&typed, dice)
    } else {
        typed
    }
}

/// A change with all of its lines indented more, or less.
fn shifted(hunk: &Hunk, dice: &mut Dice) -> Hunk {
    let depth = |line: &String| line.len() - line.trim_start().len();
    let full = |lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .filter(|line| !line.trim().is_empty())
            .cloned()
            .collect()
    };
    let least = |lines: &[String]| full(lines).iter().map(depth).min().unwrap_or(0);
    let (old, new) = (hunk.finds(), hunk.puts());
    let spare = least(&old);
    // New lines that lie less deep than all that is found cannot be moved with it.
    if least(&new) < spare && !full(&new).is_empty() {
        return hunk.clone();
    }
    let more = if spare == 0 || dice.one_in(2) {
        dice.pick(&["    ", "  ", "\t"])
    } else {
        ""
    };
    let same = |line: &String| line.starts_with(&full(&old)[0][..spare]);
    if more.is_empty() && !full(&old).iter().chain(&full(&new)).all(same) {
        return hunk.clone();
    }
    let shift = |lines: &[String]| -> Vec<String> {
        let turned = |line: &String| match line.trim() {
            "" => line.clone(),
            _ if more.is_empty() => line[spare..].to_owned(),
            _ => format!("{more}{line}"),
        };
        lines.iter().map(turned).collect()
    };
    Hunk {
        start: hunk.start,
        before: shift(&hunk.before),
        removed: shift(&hunk.removed),
        added: shift(&hunk.added),
        after: shift(&hunk.after),
    }
}

/// Blocks that make these changes of a file.
pub(super) fn changes(form: Form, file: &File, hunks: &[Hunk], dice: &mut Dice) -> Vec<String> {
    let path = file.path;
    match form {
        Form::Replace => hunks.iter().map(|hunk| replace(path, hunk, dice)).collect(),
        Form::Json if dice.one_in(2) => {
            let all: Vec<_> = hunks.iter().map(|hunk| json(path, hunk, dice)).collect();
            let list = format!("[\n{}\n]", all.join(",\n"));
            let body = dice.pick(&["LIST", "{\"edits\": LIST}"]);
            vec![fenced("json", &body.replace("LIST", &list), dice)]
        }
        Form::Json => {
            let all = hunks
                .iter()
                .map(|hunk| json(path, hunk, dice))
                .collect::<Vec<_>>();
            all.iter().map(|one| fenced("json", one, dice)).collect()
        }
        Form::Patch => vec![envelope(&updated(path, None, hunks, dice), dice)],
        Form::Diff => vec![patched(&headers(path, dice), file, hunks, dice)],
    }
}

/// A block that gives a file its content.
pub(super) fn whole(path: &str, content: &str, dice: &mut Dice) -> String {
    let head = match dice.below(4) {
        0 => format!("{path}\n"),
        1 => format!("**{path}**:\n"),
        2 => format!("#### `{path}`\n\n"),
        _ => format!("### File: `{path}`\n\n"),
    };
    head + &fenced("text", content.strip_suffix('\n').unwrap_or(content), dice)
}

fn fenced(info: &str, body: &str, dice: &mut Dice) -> String {
    let fence = dice.pick(&["```", "````", "~~~", "``````"]);
    let info = if info == "json" || dice.one_in(2) {
        info
    } else {
        ""
    };
    let gap = if body.is_empty() { "" } else { "\n" };
    format!("{fence}{info}\n{body}{gap}{fence}\n")
}

pub(super) fn text(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

fn replace(path: &str, hunk: &Hunk, dice: &mut Dice) -> String {
    let count = dice.within(5..13);
    let (open, close) = dice.pick(&[("<", ">"), ("<", ">"), ("<", ">"), ("-", "+")]);
    let body = format!(
        "{} SEARCH\n{}{}\n{}{} REPLACE",
        open.repeat(count),
        text(&hunk.finds()),
        "=".repeat(count),
        text(&hunk.puts()),
        close.repeat(count),
    );
    match dice.below(4) {
        0 => fenced("", &format!("{path}\n{body}"), dice),
        1 => format!("**{path}**\n{body}\n"),
        2 => format!("### File: `{path}`\n\n{}", fenced("text", &body, dice)),
        _ => format!("{path}\n{}", fenced("rust", &body, dice)),
    }
}

fn json(path: &str, hunk: &Hunk, dice: &mut Dice) -> String {
    let (old, new) = (text(&hunk.finds()), text(&hunk.puts()));
    let telling = |text: &str| !text.is_empty() && !text.ends_with("\n\n") && text != "\n";
    let bare = telling(&old) && telling(&new) && dice.one_in(3);
    let shown = |text: &str| {
        let text = if bare {
            text.strip_suffix('\n').unwrap_or(text)
        } else {
            text
        };
        quoted(text)
    };
    let (before, after) = dice.pick(&[
        ("old", "new"),
        ("old_string", "new_string"),
        ("search", "replace"),
    ]);
    format!(
        "{{\"path\": {}, \"{before}\": {}, \"{after}\": {}}}",
        quoted(path),
        shown(&old),
        shown(&new)
    )
}

/// A text as JSON writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c => {
                assert!(!c.is_control(), "{c:?}");
                out.push(c);
            }
        }
    }
    out.push('"');
    out
}

/// The lines of a hunk with their marks.
fn marked(hunk: &Hunk) -> Vec<String> {
    let with = |mark: char, lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| format!("{mark}{line}\n")).collect()
    };
    [
        with(' ', &hunk.before),
        with('-', &hunk.removed),
        with('+', &hunk.added),
        with(' ', &hunk.after),
    ]
    .concat()
}

/// The part of an envelope that changes a file, and moves it.
pub(super) fn updated(path: &str, to: Option<&str>, hunks: &[Hunk], dice: &mut Dice) -> String {
    let moved = to
        .map(|to| format!("*** Move to: {to}\n"))
        .unwrap_or_default();
    let mut out = format!("*** Update File: {path}\n{moved}");
    for hunk in hunks {
        let head = match dice.below(4) {
            0 => format!("@@ -{},4 +{},4 @@\n", hunk.start + 1, hunk.start + 1),
            _ => "@@\n".to_owned(),
        };
        out.push_str(&head);
        out.extend(marked(hunk));
    }
    out
}

/// An envelope around some parts.
pub(super) fn envelope(parts: &str, dice: &mut Dice) -> String {
    let body = format!("*** Begin Patch\n{parts}*** End Patch");
    match dice.below(4) {
        0 => fenced("", &body, dice),
        1 => fenced("sh", &format!("apply_patch <<'EOF'\n{body}\nEOF"), dice),
        _ => format!("{body}\n"),
    }
}

/// The header lines of a diff that changes a file.
fn headers(path: &str, dice: &mut Dice) -> String {
    match dice.below(4) {
        0 => format!(
            "diff --git a/{path} b/{path}\nindex 1a2b3c4..5d6e7f8 100644\n--- a/{path}\n+++ b/{path}\n"
        ),
        1 => format!("--- {path}\n+++ {path}\n"),
        2 => format!("--- {path}\t2024-05-01 10:00:00\n+++ {path}\t2024-05-01 10:02:00\n"),
        _ => format!("--- a/{path}\n+++ b/{path}\n"),
    }
}

/// A diff with these header lines.
pub(super) fn patched(headers: &str, file: &File, hunks: &[Hunk], dice: &mut Dice) -> String {
    let mut hunks = hunks.to_vec();
    hunks.sort_by_key(|hunk| hunk.start);
    let manner = dice.below(6);
    let open = dice.one_in(2) && file.is_open();
    let mut out = headers.to_owned();
    let mut offset: isize = 0;
    for hunk in &hunks {
        let (old, new) = (hunk.finds().len(), hunk.puts().len());
        let first = hunk.start + 1;
        let head = match manner {
            0 => "@@ @@\n".to_owned(),
            1 => "@@ ... @@\n".to_owned(),
            2 => format!("@@ -{},{old} +{},{new} @@\n", first + 1000, first + 1000),
            _ => format!(
                "@@ -{first},{old} +{},{new} @@\n",
                first.saturating_add_signed(offset)
            ),
        };
        out.push_str(&head);
        offset += new.cast_signed() - old.cast_signed();
        out.push_str(&lines(hunk, open && hunk.end() == file.lines.len()));
    }
    let body = out.strip_suffix('\n').unwrap_or(&out).to_owned();
    if manner > 2 && dice.one_in(3) {
        return format!("{body}\n");
    }
    fenced("diff", &body, dice)
}

/// The lines of a hunk; where the file ends in it without a line break, that is said, if it stays
/// so.
fn lines(hunk: &Hunk, open: bool) -> String {
    let mut lines = marked(hunk);
    let said = "\\ No newline at end of file\n".to_owned();
    let kept = hunk.before.len() + hunk.removed.len();
    if open && !hunk.after.is_empty() {
        lines.push(said);
    } else if open && !hunk.removed.is_empty() && !hunk.added.is_empty() {
        lines.push(said.clone());
        lines.insert(kept, said);
    }
    lines.concat()
}
