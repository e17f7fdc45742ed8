//! Replies damaged at random: what is applied is exactly what was meant, whatever is refused.

use atelier_model::{FileEntry, FileTree, Limits, TreePath};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, RngSeed},
};

use super::outcome;
use crate::{apply, parse};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(2),
        ..ProptestConfig::default()
    }
}

const FRAGMENTS: &[&str] = &[
    "<<<<<<< SEARCH",
    "<<<<< SEARCH",
    "------- SEARCH",
    "=======",
    "======",
    ">>>>>>> REPLACE",
    "+++++++ REPLACE",
    "```",
    "````",
    "```rust",
    "```rust src/a.rs",
    "~~~",
    "src/a.rs",
    "### File: `src/a.rs`",
    "**a.py**:",
    "# a.py",
    "*** Delete File: src/a.rs",
    "### Delete: `b.py`",
    "*** Begin Patch",
    "<think>",
    "</think>",
    "fn a() {",
    "    x",
    "\tx",
    "}",
    "",
    "  ",
    "...",
    "é“x”",
    "\u{feff}a",
    "../b",
    "a.py",
    "1. `a.py`",
    "   ```",
    "@@ -1 +1 @@",
    "--- a",
    "+++ b",
    "```title=\"",
    "`",
    "``",
    "\u{0}",
];

fn soup() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        8 => prop::sample::select(FRAGMENTS).prop_map(str::to_owned),
        1 => "[ -~\u{a0}-\u{2030}]{0,12}",
    ];
    let end = prop_oneof![8 => Just("\n"), 1 => Just("\r\n")];
    prop::collection::vec((line, end), 0..40)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

fn tree_of(files: &[(&str, &str)]) -> FileTree {
    files
        .iter()
        .map(|(path, text)| (TreePath::parse(path).unwrap(), FileEntry::text(*text)))
        .collect()
}

/// A file whose every line differs from every other, and an edit of some of its lines.
#[derive(Debug, Clone)]
struct Edit {
    file: Vec<String>,
    range: std::ops::Range<usize>,
    new: Vec<String>,
}

impl Edit {
    fn text(&self) -> String {
        joined(&self.file)
    }

    fn expected(&self) -> Vec<String> {
        let mut file = self.file.clone();
        file.splice(self.range.clone(), self.new.iter().cloned());
        file
    }

    fn reply(&self, damage: impl Fn(usize, &str) -> String) -> String {
        let lines = |lines: &[String]| -> String {
            lines
                .iter()
                .enumerate()
                .map(|(at, line)| damage(at, line) + "\n")
                .collect()
        };
        format!(
            "src/a.rs\n```\n<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n```\n",
            lines(&self.file[self.range.clone()]),
            lines(&self.new)
        )
    }

    /// Applies the damaged reply: the new lines, or `None` where it was refused.
    fn apply(&self, reply: &str) -> Option<Vec<String>> {
        let before = tree_of(&[("src/a.rs", &self.text()), ("b.txt", "stays\n")]);
        let after = outcome(reply, &before).ok()?;
        assert_eq!(
            after.text(&TreePath::parse("b.txt").unwrap()),
            Some("stays\n")
        );
        let text = after
            .text(&TreePath::parse("src/a.rs").unwrap())
            .unwrap()
            .to_owned();
        Some(text.lines().map(str::to_owned).collect())
    }
}

fn joined(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

fn edit() -> impl Strategy<Value = Edit> {
    let shape = prop::collection::vec((0..4_usize, 0..6_u8), 2..24);
    (
        shape,
        any::<prop::sample::Index>(),
        1..6_usize,
        prop::collection::vec(0..4_u8, 6),
    )
        .prop_map(|(shape, start, size, changes)| {
            let file: Vec<String> = shape
                .iter()
                .enumerate()
                .map(|(number, (depth, kind))| match kind {
                    0 if number > 0 => String::new(),
                    1 => format!("{}call(\"{number}\", 'a' - b)", "    ".repeat(*depth)),
                    _ => format!("{}line_{number} = {number}", "    ".repeat(*depth)),
                })
                .collect();
            let start = start.index(file.len());
            let range = start..(start + size).min(file.len());
            let mut new = Vec::new();
            for (line, change) in file[range.clone()].iter().zip(&changes) {
                match change {
                    0 => new.push(line.clone()),
                    1 if !line.is_empty() => new.push(format!("{line} + changed")),
                    2 => {
                        let depth = line.len() - line.trim_start().len();
                        new.push(line.clone());
                        new.push(format!("{}added_{}", " ".repeat(depth), new.len()));
                    }
                    _ => {}
                }
            }
            Edit { file, range, new }
        })
}

fn without_blanks(lines: &[String]) -> Vec<&str> {
    lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.trim().is_empty())
        .collect()
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn nothing_panics_and_nothing_leaves_the_tree_half_changed(reply in soup()) {
        let limits = Limits::default();
        let before = tree_of(&[("src/a.rs", "fn a() {\n    x\n}\n"), ("a.py", "x\n"), ("b.py", "")]);
        if let Ok(changes) = parse(&reply, &limits) {
            let paths = changes.paths().len();
            if let Ok(applied) = apply(&changes, &before, &limits) {
                let touched = applied.written.len() + applied.deleted.len();
                prop_assert_eq!(touched, before.changes_to(&applied.tree).len());
                prop_assert_eq!(touched + applied.unchanged.len(), paths);
            }
        }
    }

    #[test]
    fn an_undamaged_edit_is_applied_exactly(edit in edit()) {
        let blank = edit.file[edit.range.clone()].iter().all(String::is_empty);
        let after = edit.apply(&edit.reply(|_, line| line.to_owned()));
        if blank {
            prop_assert_eq!(after, None);
        } else {
            prop_assert_eq!(after, Some(edit.expected()));
        }
    }

    #[test]
    fn blanks_at_line_ends_never_place_an_edit_wrongly(edit in edit(), mask in any::<u32>()) {
        let damaged = edit.reply(|at, line| {
            let blanks = if mask >> (at % 32) & 1 == 1 { "  " } else { "" };
            format!("{line}{blanks}")
        });
        if let Some(after) = edit.apply(&damaged) {
            let bare = |lines: &[String]| -> Vec<String> {
                lines.iter().map(|line| line.trim_end().to_owned()).collect()
            };
            prop_assert_eq!(bare(&after), bare(&edit.expected()));
        }
    }

    #[test]
    fn another_indentation_never_places_an_edit_wrongly(edit in edit(), deeper in any::<bool>(), tabs in any::<bool>()) {
        let damaged = edit.reply(|_, line| {
            let body = line.trim_start();
            let depth = (line.len() - body.len()) / 4;
            let depth = if deeper { depth + 1 } else { depth };
            let unit = if tabs { "\t" } else { "    " };
            if body.is_empty() { String::new() } else { format!("{}{body}", unit.repeat(depth)) }
        });
        if let Some(after) = edit.apply(&damaged) {
            prop_assert_eq!(after, edit.expected());
        }
    }

    #[test]
    fn typographic_characters_never_place_an_edit_wrongly(edit in edit()) {
        let typed = |line: &str| line.replace('"', "\u{201d}").replace('\'', "\u{2019}").replace(" - ", " \u{2013} ");
        let mut theirs = edit.clone();
        theirs.file.iter_mut().for_each(|line| *line = typed(line));
        let expected: Vec<String> = edit.expected().iter().map(|line| typed(line)).collect();
        if let Some(after) = theirs.apply(&edit.reply(|_, line| line.to_owned())) {
            prop_assert_eq!(after, expected);
        }
    }

    #[test]
    fn blank_lines_never_place_an_edit_wrongly(edit in edit(), mask in any::<u32>()) {
        let damaged = edit.reply(|at, line| {
            let extra = if mask >> (at % 32) & 1 == 1 { "\n" } else { "" };
            format!("{extra}{line}")
        });
        if let Some(after) = edit.apply(&damaged) {
            let expected = edit.expected();
            prop_assert_eq!(without_blanks(&after), without_blanks(&expected));
        }
    }

    #[test]
    fn a_search_that_is_not_there_changes_nothing(edit in edit(), at in any::<prop::sample::Index>()) {
        let size = edit.range.len();
        let victim = at.index(size);
        prop_assume!(!edit.file[edit.range.start + victim].is_empty());
        let mut damaged = edit.clone();
        damaged.file[edit.range.start + victim].push_str("_otherwise");
        let reply = damaged.reply(|_, line| line.to_owned());
        // The new lines may stand there already; then nothing changes.
        if let Some(after) = edit.apply(&reply) {
            prop_assert_eq!(after, edit.file);
        }
    }

    #[test]
    fn any_whole_file_survives_its_fence(lines in prop::collection::vec("[ -~é]{0,20}", 0..12)) {
        let text = joined(&lines);
        let longest = lines
            .iter()
            .map(|line| line.trim_start().bytes().take_while(|byte| *byte == b'`').count())
            .max()
            .unwrap_or(0);
        let fence = "`".repeat(4.max(longest + 1));
        let reply = format!("### File: `docs/a.txt`\n\n{fence}\n{text}{fence}\n");
        let after = outcome(&reply, &FileTree::default());
        match after {
            Ok(after) => prop_assert_eq!(after.text(&TreePath::parse("docs/a.txt").unwrap()), Some(text.as_str())),
            Err(said) => prop_assert!(said.contains("lines left out") || said.contains("a diff"), "{}", said),
        }
    }
}
