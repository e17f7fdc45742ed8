//! True changes of random files, written in every form with harmless noise, come out exactly.

use atelier_model::{FileEntry, FileTree, Limits, TreePath};

use super::{
    author::{self, FORMS, Form},
    dice::{Dice, every, share},
    world::{self, Coding, Ends, File},
};
use crate::{apply, parse};

/// What rightly keeps a true reply from being applied: a hunk moved to another depth may stand
/// elsewhere if its marks count as indentation, and a short fence before one without a label may
/// hold it.
const DOUBTS: [&str; 2] = [
    "can be read in several ways",
    "cannot be told where the file ends",
];

/// What is wrong with the outcome of a reply that must be applied.
fn check(reply: &str, before: &FileTree, expected: &[File]) -> Option<String> {
    let limits = Limits::default();
    let outcome = parse(reply, &limits)
        .map_err(|error| error.to_string())
        .and_then(|set| apply(&set, before, &limits).map_err(|error| error.to_string()));
    let shown = |said: &str| {
        Some(format!(
            "{said}\n--- reply ---\n{reply}\n--- before ---\n{}",
            show(before)
        ))
    };
    let applied = match outcome {
        Ok(applied) => applied,
        Err(said) if DOUBTS.iter().any(|doubt| said.contains(doubt)) => return None,
        Err(said) => return shown(&format!("refused: {said}")),
    };
    let same = expected.len() == applied.tree.len()
        && expected.iter().all(|file| {
            applied
                .tree
                .get(&file.tree_path())
                .is_some_and(|entry| file.is(entry))
        });
    if same {
        return None;
    }
    shown(&format!(
        "other than expected:\n{}\nexpected:\n{}",
        show(&applied.tree),
        show(&world::tree(expected))
    ))
}

pub(super) fn show(tree: &FileTree) -> String {
    let shown = |(path, file): (&TreePath, &FileEntry)| {
        format!("[{path}] {:?}", String::from_utf8_lossy(&file.bytes))
    };
    tree.iter().map(shown).collect::<Vec<_>>().join("\n")
}

/// Blocks that change a file in this form, each of its changes typed more or less carefully.
fn blocks(form: Form, file: &File, dice: &mut Dice) -> (Vec<String>, File) {
    let count = dice.within(1..4);
    let hunks = file.hunks(count, dice);
    let changed = file.changed(&hunks);
    let mut typed: Vec<_> = hunks
        .iter()
        .map(|hunk| author::careless(hunk, dice))
        .collect();
    dice.shuffle(&mut typed);
    let blocks = if typed.is_empty() {
        Vec::new()
    } else {
        author::changes(form, file, &typed, dice)
    };
    (blocks, changed)
}

fn one_form(form: Form, cases: u64) {
    every(cases, |dice| {
        let files = world::files(false, dice);
        let mut all = Vec::new();
        let mut expected = Vec::new();
        for file in &files {
            let (blocks, changed) = blocks(form, file, dice);
            all.extend(blocks);
            expected.push(changed);
        }
        if all.is_empty() {
            return None;
        }
        dice.shuffle(&mut all);
        let reply = author::reply(&all, dice);
        check(&reply, &world::tree(&files), &expected)
    });
}

#[test]
fn true_replacements_come_out_exactly() {
    one_form(Form::Replace, share(10));
}

#[test]
fn true_patches_come_out_exactly() {
    one_form(Form::Patch, share(10));
}

#[test]
fn true_diffs_come_out_exactly() {
    one_form(Form::Diff, share(10));
}

#[test]
fn true_json_edits_come_out_exactly() {
    one_form(Form::Json, share(10));
}

#[test]
fn true_edits_in_mixed_forms_come_out_exactly() {
    every(share(10), |dice| {
        let files = world::files(false, dice);
        let mut all = Vec::new();
        let mut expected = Vec::new();
        for file in &files {
            if writable(file) && dice.one_in(4) {
                let other = File::draw(file.path, true, dice);
                let changed = file.holding(&other);
                all.push(author::whole(file.path, &other.text(), dice));
                expected.push(changed);
                continue;
            }
            let form = dice.pick(&FORMS);
            let (blocks, changed) = blocks(form, file, dice);
            all.extend(blocks);
            expected.push(changed);
        }
        if all.is_empty() {
            return None;
        }
        dice.shuffle(&mut all);
        let reply = author::reply(&all, dice);
        check(&reply, &world::tree(&files), &expected)
    });
}

#[test]
fn a_reply_that_is_applied_twice_changes_nothing_more() {
    every(share(6), |dice| {
        let file = File::draw("src/main.rs", false, dice);
        let form = dice.pick(&FORMS);
        let (blocks, changed) = blocks(form, &file, dice);
        if blocks.is_empty() {
            return None;
        }
        let reply = author::reply(&blocks, dice);
        let once = world::tree(&[changed]);
        let limits = Limits::default();
        let twice = apply(&parse(&reply, &limits).ok()?, &once, &limits).ok()?;
        let same = twice.tree == once;
        (!same).then(|| {
            format!(
                "{}\n--- reply ---\n{reply}\n--- before ---\n{}",
                show(&twice.tree),
                show(&once)
            )
        })
    });
}

/// Whether a whole new content keeps the manner of a file without doubt.
fn writable(file: &File) -> bool {
    file.ends != Ends::Mixed && file.coding != Coding::Latin1 && !file.is_open()
}
