//! Replies of all cases, mutated without any regard for sense: nothing panics, nothing leaves the
//! tree, and what is not named stays as it is.

use std::collections::BTreeSet;

use atelier_model::{FileEntry, FileTree, Limits, TreePath};

use super::{
    cases,
    dice::{Dice, every, share},
    truth::show,
};
use crate::{Glimpse, Stream, apply, parse};

/// Lines that mean something in some form.
const FRAGMENTS: &[&str] = &[
    "<<<<<<< SEARCH",
    "<<<<< SEARCH",
    "------- SEARCH",
    "=======",
    "======",
    ">>>>>>> REPLACE",
    "+++++++ REPLACE",
    ":start_line:3",
    "-------",
    "```",
    "````",
    "```rust",
    "```diff",
    "```json",
    "```rust src/a.rs",
    "~~~",
    "src/a.rs",
    "f.py",
    "### File: `src/a.rs`",
    "**a.py**:",
    "# a.py",
    "### Delete: `b.py`",
    "*** Begin Patch",
    "*** End Patch",
    "*** Update File: f.py",
    "*** Add File: g.py",
    "*** Delete File: src/a.rs",
    "*** Move to: h.py",
    "*** End of File",
    "@@",
    "@@ fn a() {",
    "@@ -1,2 +1,2 @@",
    "@@ -0,0 +1 @@",
    "@@@ -1 -1 +1 @@@",
    "diff --git a/f.py b/f.py",
    "--- a/f.py",
    "+++ b/f.py",
    "--- /dev/null",
    "+++ /dev/null",
    "new file mode 100755",
    "new file mode 120000",
    "deleted file mode 100644",
    "rename from f.py",
    "rename to g.py",
    "similarity index 100%",
    "Binary files a/x and b/x differ",
    "\\ No newline at end of file",
    "apply_patch <<'EOF'",
    "EOF",
    "{\"path\": \"f.py\", \"old\": \"a=1\\n\", \"new\": \"a=2\\n\"}",
    "{\"edits\": [",
    "]}",
    "{",
    "}",
    "# EXECUTE TASK 1.1: Do it",
    "### Step 1: Create `main.py`",
    "<think>",
    "</think>",
    "> quoted",
    "a=1",
    "+a=2",
    "-a=1",
    " a=1",
    "    x",
    "\tx",
    "",
    "  ",
    "...",
    "# ... existing code ...",
    "é“x”",
    "\u{feff}a",
    "\u{2028}",
    "../b",
    "/etc/passwd",
    ".git/config",
    "1. `a.py`",
    "   ```",
    "```title=\"",
    "`",
    "\u{0}",
    "\r",
];
/// Lines of a reply that is made of fragments alone.
const SOUP_LINES_MAX: usize = 40;
/// Bytes that the words about one problem may have.
const PROBLEM_BYTES_MAX: usize = 16 * 1024;

/// What is wrong with what becomes of a reply, whatever it says.
fn check(reply: &str, before: &FileTree) -> Option<String> {
    let limits = Limits::default();
    let whole = parse(reply, &limits);
    let set = match whole {
        Ok(set) => set,
        Err(error) => return too_long(&error.to_string(), reply.lines().count()),
    };
    let paths: BTreeSet<&TreePath> = set.paths().into_iter().collect();
    if let Some(path) = paths
        .iter()
        .find(|path| TreePath::parse(path.as_str()).as_ref() != Ok(**path))
    {
        return Some(format!("`{path}` is no path"));
    }
    let applied = match apply(&set, before, &limits) {
        Ok(applied) => applied,
        Err(error) => return too_long(&error.to_string(), error.problems.len()),
    };
    let changes = before.changes_to(&applied.tree);
    let touched: BTreeSet<&TreePath> = applied.written.iter().chain(&applied.deleted).collect();
    if touched != changes.keys().collect() {
        return Some(format!("said {touched:?}, changed {:?}", changes.keys()));
    }
    if let Some(path) = touched.iter().find(|path| !paths.contains(**path)) {
        return Some(format!("`{path}` was changed and no edit names it"));
    }
    let bytes = |tree: &FileTree| tree.iter().map(|(_, file)| file.bytes.len()).sum::<usize>();
    if bytes(&applied.tree) > bytes(before) + 2 * reply.len() * (1 + set.edits.len()) {
        return Some("the tree has more bytes than went into it".to_owned());
    }
    None
}

fn too_long(said: &str, problems: usize) -> Option<String> {
    (said.len() > PROBLEM_BYTES_MAX * problems.max(1))
        .then(|| format!("{} bytes of refusal", said.len()))
}

/// A reply with some of its lines or letters changed.
fn mutated(reply: &str, other: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = reply.split_inclusive('\n').map(str::to_owned).collect();
    let others: Vec<&str> = other.split_inclusive('\n').collect();
    for _ in 0..=dice.below(4) {
        let at = dice.below(lines.len() + 1);
        let to = (at + dice.below(6)).min(lines.len());
        match dice.below(9) {
            0 => drop(lines.drain(at..to)),
            1 => {
                let twice = lines[at..to].to_vec();
                lines.splice(at..at, twice);
            }
            2 => lines.insert(at, dice.pick(FRAGMENTS).to_owned() + "\n"),
            3 if at < lines.len() => lines[at] = dice.pick(FRAGMENTS).to_owned() + "\n",
            4 if !others.is_empty() => {
                let from = dice.below(others.len());
                let part = others[from..].iter().take(8).map(|line| (*line).to_owned());
                lines.splice(at..to, part);
            }
            5 => lines[at..to].reverse(),
            6 => lines.truncate(at),
            7 if at < lines.len() => lines[at] = typo(&lines[at], dice),
            _ => {
                let with = dice.pick(&["  ", "\t", "> ", "+", "-", " "]);
                lines[at..to]
                    .iter_mut()
                    .for_each(|line| line.insert_str(0, with));
            }
        }
    }
    lines.concat()
}

/// A line with one of its letters changed, lost or doubled.
fn typo(line: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = line.chars().collect();
    if letters.is_empty() {
        return String::new();
    }
    let at = dice.below(letters.len());
    match dice.below(3) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        _ => letters[at] = dice.pick(&['`', '=', '>', '<', '\r', '\0', 'é', '/', '.', ' ', '"']),
    }
    letters.into_iter().collect()
}

fn shown(wrong: Option<String>, reply: &str, before: &FileTree) -> Option<String> {
    Some(format!(
        "{}\n--- reply ---\n{reply}\n--- before ---\n{}",
        wrong?,
        show(before)
    ))
}

#[test]
fn mutated_replies_do_no_harm() {
    let seeds: Vec<(String, FileTree)> = cases::all()
        .iter()
        .map(|case| (case.reply.clone(), case.before()))
        .collect();
    every(share(12), |dice| {
        let (reply, before) = &seeds[dice.below(seeds.len())];
        let (other, _) = &seeds[dice.below(seeds.len())];
        let reply = mutated(reply, other, dice);
        shown(check(&reply, before), &reply, before)
    });
}

#[test]
fn mutated_replies_in_pieces_are_read_as_the_whole() {
    let seeds = cases::all();
    let limits = Limits::default();
    every(share(4), |dice| {
        let reply = &seeds[dice.below(seeds.len())].reply;
        let other = &seeds[dice.below(seeds.len())].reply;
        let reply = mutated(reply, other, dice);
        let mut stream = Stream::new(&limits);
        let mut seen = Vec::new();
        let mut rest = reply.as_str();
        while !rest.is_empty() {
            let size = dice.within(1..9) * dice.within(1..9);
            let end = (size..rest.len())
                .find(|at| rest.is_char_boundary(*at))
                .unwrap_or(rest.len());
            seen.extend(stream.push(&rest[..end]));
            rest = &rest[end..];
        }
        seen.extend(stream.end());
        let (streamed, whole) = (stream.finish(), parse(&reply, &limits));
        let complete = seen.into_iter().filter_map(|glimpse| match glimpse {
            Glimpse::Complete(edit) => Some(edit),
            Glimpse::Opened { .. } | Glimpse::Line(_) => None,
        });
        let told = whole
            .as_ref()
            .is_ok_and(|set| !complete.eq(set.edits.iter().cloned()));
        (streamed != whole || told).then(|| format!("{streamed:?}\n{whole:?}\n{reply}"))
    });
}

#[test]
fn lines_without_sense_do_no_harm() {
    let file = |path: &str, text: &str| (TreePath::parse(path).unwrap(), FileEntry::text(text));
    let before: FileTree = [
        file("f.py", "a=1\n    x\n"),
        file("src/a.rs", "fn a() {\n    x\n}\n"),
        file("b.py", ""),
    ]
    .into_iter()
    .collect();
    every(share(8), |dice| {
        let count = dice.below(SOUP_LINES_MAX);
        let reply: String = (0..count)
            .map(|_| dice.pick(FRAGMENTS).to_owned() + dice.pick(&["\n", "\n", "\n", "\r\n"]))
            .collect();
        shown(check(&reply, &before), &reply, &before)
    });
}
