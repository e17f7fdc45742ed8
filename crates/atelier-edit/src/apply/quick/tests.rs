//! The quick way comes to the same as the slow one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use atelier_model::{FileEntry, FileTree, Limits, TreePath};

use super::super::{Applied, ApplyError, Protection, Stage, staged};
use crate::change::{Change, ChangeSet, Edit, Hints, Split};

const CASES: u64 = 20_000;
/// Lines that look alike, stand for others, are blank in some way or close what others opened.
const LINES: [&str; 24] = [
    "let total = price * count;",
    "let total = price * count;",
    "    let total = price * count;",
    "let name = compute(1);",
    "a",
    "b",
    "aa",
    "",
    "",
    " ",
    "\t",
    "}",
    "    }",
    "\u{200b}",
    "é – ü",
    "\u{feff}x",
    "...",
    "// ... existing code ...",
    "# rest of the file unchanged",
    "# Title",
    "fn work() {",
    "let total = price * count; ",
    "x\u{a0}= \u{201c}y\u{201d}",
    "=======",
];

/// Chance that can be repeated, after Steele, Lea and Flood's `SplitMix`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn line(&mut self) -> String {
        if self.one_in(3) {
            LINES[self.below(LINES.len())].to_owned()
        } else {
            format!("    step_{} = next(value);", self.below(40))
        }
    }

    fn lines(&mut self, most: usize) -> Vec<String> {
        (0..self.below(most + 1)).map(|_| self.line()).collect()
    }
}

/// A file: mostly plain, now and then with other line ends, a mark, another encoding or no end.
fn file(lines: &[String], dice: &mut Dice) -> Vec<u8> {
    let carriage = dice.one_in(10);
    let mut bytes = Vec::new();
    if dice.one_in(15) {
        bytes.extend_from_slice("\u{feff}".as_bytes());
    }
    for (at, line) in lines.iter().enumerate() {
        bytes.extend_from_slice(line.as_bytes());
        if at + 1 < lines.len() || !dice.one_in(5) {
            let end: &[u8] = if carriage && dice.one_in(2) {
                b"\r\n"
            } else {
                b"\n"
            };
            bytes.extend_from_slice(end);
        }
    }
    match dice.below(30) {
        0 => bytes.push(0xe9),
        1 => bytes.push(0),
        _ => {}
    }
    bytes
}

/// Lines of a file, mostly as they are, and what to put there.
fn split(lines: &[String], dice: &mut Dice) -> (String, String) {
    let start = dice.below(lines.len() + 1);
    let end = start + dice.below((lines.len() - start).min(5) + 1);
    let mut search = lines[start..end].to_vec();
    let mut replace = search.clone();
    for _ in 0..=dice.below(2) {
        let at = dice.below(replace.len() + 1);
        match dice.below(4) {
            0 if at < replace.len() => replace[at] = dice.line(),
            1 if at < replace.len() => drop(replace.remove(at)),
            2 => replace = dice.lines(5),
            // What stands beside the place is put there once more.
            3 if start > 0 => replace.insert(0, lines[start - 1].clone()),
            _ => replace.insert(at, dice.line()),
        }
    }
    if dice.one_in(8) && !search.is_empty() {
        let at = dice.below(search.len());
        search[at] = dice.line();
    }
    let open = [dice.one_in(15), dice.one_in(15)];
    let [search, replace] = [(search, open[0]), (replace, open[1])].map(|(lines, open)| {
        let end = if dice.one_in(30) { "\r\n" } else { "\n" };
        let text: String = lines.iter().flat_map(|line| [line.as_str(), end]).collect();
        if open {
            text.trim_end_matches('\n').to_owned()
        } else {
            text
        }
    });
    (search, replace)
}

fn hints(lines: &[String], dice: &mut Dice) -> Hints {
    let mut hints = Hints::default();
    if dice.one_in(6) {
        hints.line = Some(dice.below(lines.len() + 2));
    }
    if dice.one_in(20) {
        hints.scopes.push(dice.line());
    }
    hints.at_end = dice.one_in(20);
    hints.inline = dice.one_in(10);
    hints.sequence = dice.one_in(6).then_some(1);
    hints
}

fn change(lines: &[String], dice: &mut Dice) -> Change {
    match dice.below(40) {
        0 => return Change::Delete { holding: None },
        1 => return Change::Mode { executable: true },
        2 => return Change::Move { to: path("c.rs") },
        3 => {
            return Change::Create {
                content: lines.join("\n") + "\n",
            };
        }
        4 => {
            return Change::Write {
                content: dice.lines(9).join("\n"),
            };
        }
        _ => {}
    }
    let (search, replace) = split(lines, dice);
    let other = dice.one_in(15).then(|| split(lines, dice));
    let otherwise = other.map(|(search, replace)| Split { search, replace });
    Change::Replace {
        search,
        replace,
        otherwise: otherwise.into_iter().collect(),
        hints: hints(lines, dice),
    }
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn case(dice: &mut Dice) -> (FileTree, ChangeSet) {
    let paths = [path("a.rs"), path("b.md")];
    let mut tree = FileTree::default();
    let mut edits = Vec::new();
    for path in &paths {
        let lines: Vec<String> = dice.lines(30);
        let bytes = file(&lines, dice);
        tree.put(
            path.clone(),
            FileEntry {
                bytes,
                executable: false,
            },
        );
        let mut last = None;
        for _ in 0..dice.below(4) {
            // Now and then an edit is written twice.
            let change = match last.take() {
                Some(last) if dice.one_in(6) => last,
                _ => change(&lines, dice),
            };
            last = Some(change.clone());
            let block = edits.len() + 1;
            edits.push(Edit {
                path: path.clone(),
                block,
                line: block,
                format: "test",
                change,
            });
        }
    }
    (tree, ChangeSet { edits })
}

fn outcome(
    changes: &ChangeSet,
    tree: &FileTree,
    lone: BTreeSet<&TreePath>,
) -> Result<Applied, ApplyError> {
    let stage = Stage::new(changes, tree).taking_for_lone(lone);
    staged(stage, changes, &Limits::default(), &Protection::default())
}

#[test]
fn the_quick_way_comes_to_the_same_as_the_slow_one() {
    let (mut quick, mut followed, mut applied) = (0, 0, 0);
    for seed in 0..CASES {
        let (tree, changes) = case(&mut Dice(seed));
        let slow = outcome(&changes, &tree, BTreeSet::new());
        let all: BTreeSet<_> = changes.edits.iter().map(|edit| &edit.path).collect();
        assert_eq!(
            slow,
            outcome(&changes, &tree, all.clone()),
            "case {seed}: {changes:?}"
        );
        let usual = super::super::apply(&changes, &tree, &Limits::default());
        assert_eq!(slow, usual, "case {seed}: {changes:?}");
        let mut stage = Stage::new(&changes, &tree).taking_for_lone(all);
        let mut before = 0;
        for at in 0..changes.edits.len() {
            stage.edit(at);
            followed += usize::from(stage.quick() < before);
            quick += usize::from(stage.quick() > before);
            before = stage.quick();
        }
        applied += usize::from(slow.is_ok());
    }
    let drawn = usize::try_from(CASES).unwrap();
    assert!(quick > drawn / 5, "{quick} quick edits");
    assert!(
        followed > drawn / 20,
        "{followed} quick edits followed by others"
    );
    assert!(applied > drawn / 20, "{applied} cases applied");
}

#[test]
fn an_edit_of_a_plain_file_is_quick() {
    let mut tree = FileTree::default();
    let text: String = (0..100)
        .flat_map(|number| ["line ".to_owned(), number.to_string(), "\n".to_owned()])
        .collect();
    tree.put(path("a.rs"), FileEntry::text(text.clone()));
    let changes = ChangeSet {
        edits: vec![Edit {
            path: path("a.rs"),
            block: 1,
            line: 1,
            format: "test",
            change: Change::Replace {
                search: "line 40\nline 41\n".to_owned(),
                replace: "line 40\nnew\n".to_owned(),
                otherwise: Vec::new(),
                hints: Hints::default(),
            },
        }],
    };
    let mut stage = Stage::new(&changes, &tree);
    assert_eq!(stage.edit(0), None);
    assert_eq!(stage.quick(), 1);
    let after = stage.after();
    let expected = text.replace("line 41\n", "new\n");
    assert_eq!(after[&path("a.rs")], Some(FileEntry::text(expected)));
}
