//! Damaged replies: what is applied is what was meant or what the damaged reply says by the letter;
//! everything else is refused.

use super::{
    author::{self, FORMS, Form},
    dice::{Dice, every, share},
    outcome,
    truth::show,
    world::{self, File, Hunk, full, plain},
};

/// What is wrong if a reply comes out as none of these states of one file.
fn only(reply: &str, before: &[File], allowed: &[Vec<File>]) -> Option<String> {
    let tree = world::tree(before);
    let after = outcome(reply, &tree).ok()?;
    let is = |files: &Vec<File>| {
        files.len() == after.len()
            && files.iter().all(|file| {
                after
                    .get(&file.tree_path())
                    .is_some_and(|entry| file.is(entry))
            })
    };
    if allowed.iter().any(is) {
        return None;
    }
    let allowed: Vec<String> = allowed
        .iter()
        .map(|files| show(&world::tree(files)))
        .collect();
    Some(format!(
        "wrong:\n{}\n--- reply ---\n{reply}\n--- before ---\n{}\n--- allowed ---\n{}",
        show(&after),
        show(&tree),
        allowed.join("\n")
    ))
}

/// A file, one change of it, and the form it is to be written in.
fn one_change(dice: &mut Dice) -> Option<(File, Hunk, Form)> {
    let file = File::draw("src/main.rs", true, dice);
    let hunk = file.hunks(1, dice).pop()?;
    let form = dice.pick(&FORMS);
    Some((file, hunk, form))
}

fn written(form: Form, file: &File, hunk: &Hunk, dice: &mut Dice) -> String {
    author::changes(form, file, std::slice::from_ref(hunk), dice).concat()
}

/// Changes some lines: leaves one out, writes one twice, turns two round, or writes one otherwise.
fn harm(lines: &mut Vec<String>, dice: &mut Dice) {
    if lines.is_empty() {
        return;
    }
    let at = dice.below(lines.len());
    match dice.below(5) {
        0 => {
            lines.remove(at);
        }
        1 => lines.insert(at, lines[at].clone()),
        2 if at > 0 => lines.swap(at - 1, at),
        3 => lines.insert(at, format!("{}_otherwise", lines[at])),
        _ => lines[at].push_str("_otherwise"),
    }
}

/// Whether some lines stand in others one after the other.
fn stands(lines: &[String], within: &[String]) -> bool {
    lines.is_empty() || within.windows(lines.len()).any(|window| window == lines)
}

/// What is wrong with a reply that makes one harmed change of a file: it must be refused, or do
/// what was meant, or do by the letter what it says, or nothing where that is done already. Blank
/// lines count only where the others are those that were meant.
fn misplaced(
    form: Form,
    file: &File,
    meant: &Hunk,
    harmed: &Hunk,
    dice: &mut Dice,
) -> Option<String> {
    let reply = written(form, file, harmed, dice);
    let before = world::tree(std::slice::from_ref(file));
    let after = outcome(&reply, &before).ok()?;
    let lines: Vec<String> = after
        .text(&file.tree_path())?
        .lines()
        .map(str::to_owned)
        .collect();
    let lines = full(&lines);
    let expected = file.changed(std::slice::from_ref(meant));
    let here = full(&file.texts());
    let done = stands(&full(&harmed.puts()), &here) && lines == here;
    let right =
        done || lines == full(&expected.texts()) || file.to_the_letter(harmed).contains(&lines);
    (!right).then(|| {
        format!(
            "{}\n--- reply ---\n{reply}\n--- before ---\n{}--- meant ---\n{}",
            show(&after),
            show(&before),
            show(&world::tree(&[expected]))
        )
    })
}

#[test]
fn altered_lines_are_never_placed_wrongly() {
    every(share(12), |dice| {
        let (file, hunk, form) = one_change(dice)?;
        let mut harmed = hunk.clone();
        match dice.below(4) {
            0 => harm(&mut harmed.before, dice),
            1 => harm(&mut harmed.removed, dice),
            2 => harm(&mut harmed.added, dice),
            _ => harm(&mut harmed.after, dice),
        }
        misplaced(form, &file, &hunk, &harmed, dice)
    });
}

#[test]
fn half_an_edit_on_one_side_only_is_never_placed_wrongly() {
    every(share(8), |dice| {
        let (file, hunk, _) = one_change(dice)?;
        let form = dice.pick(&[Form::Replace, Form::Json]);
        // As both sides are written out, either may be harmed without the other.
        let mut sides = Hunk {
            start: hunk.start,
            before: Vec::new(),
            removed: hunk.finds(),
            added: hunk.puts(),
            after: Vec::new(),
        };
        if dice.one_in(2) {
            harm(&mut sides.removed, dice);
        } else {
            harm(&mut sides.added, dice);
        }
        misplaced(form, &file, &hunk, &sides, dice)
    });
}

/// Several files with changes, and each block with the state of all files once it and those before
/// it are applied.
fn blocks(dice: &mut Dice) -> (Vec<File>, Vec<(String, Vec<File>)>) {
    let files = world::files(true, dice);
    let mut all: Vec<(usize, Vec<Hunk>, Form)> = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let form = dice.pick(&FORMS);
        let count = dice.within(1..3);
        let hunks = file.hunks(count, dice);
        if form == Form::Replace {
            all.extend(hunks.into_iter().map(|hunk| (at, vec![hunk], form)));
        } else if !hunks.is_empty() {
            all.push((at, hunks, form));
        }
    }
    dice.shuffle(&mut all);
    let mut done: Vec<Vec<Hunk>> = vec![Vec::new(); files.len()];
    let mut blocks = Vec::new();
    for (at, hunks, form) in all {
        let texts = author::changes(form, &files[at], &hunks, dice);
        // Of several blocks each makes one of the changes.
        let parts = if texts.len() == hunks.len() {
            1
        } else {
            hunks.len()
        };
        for (text, part) in texts.into_iter().zip(hunks.chunks(parts)) {
            done[at].extend(part.iter().cloned());
            let state = files
                .iter()
                .zip(&done)
                .map(|(file, hunks)| file.changed(hunks))
                .collect();
            blocks.push((text, state));
        }
    }
    (files, blocks)
}

/// Whether a block has an end of its own, so that it is seen if it is cut off.
fn has_end(block: &str) -> bool {
    !block.starts_with("---") && !block.starts_with("diff")
}

#[test]
fn a_reply_that_is_cut_off_is_refused_or_says_what_is_left() {
    every(share(12), |dice| {
        let (files, blocks) = blocks(dice);
        if blocks.is_empty() || !blocks.iter().all(|(text, _)| has_end(text)) {
            return None;
        }
        let texts: Vec<&str> = blocks.iter().map(|(text, _)| text.as_str()).collect();
        let reply = texts.join("\n");
        let end = dice.below(reply.len());
        let cut = (0..=end)
            .rev()
            .find(|at| reply.is_char_boundary(*at))
            .unwrap_or(0);
        // All blocks that are there whole, or but for the end of the last one's last line.
        let mut allowed = vec![files.clone()];
        let mut start = 0;
        for (text, after) in &blocks {
            let last_line = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
            if cut > start + last_line {
                allowed = if cut < start + text.trim_end().len() {
                    vec![allowed.remove(0), after.clone()]
                } else {
                    vec![after.clone()]
                };
            }
            start += text.len() + 1;
        }
        only(&reply[..cut], &files, &allowed)
    });
}

/// Whether a line belongs to the form of a reply rather than to a file.
fn is_structure(line: &str) -> bool {
    let marks = [
        "```",
        "~~~",
        "***",
        "---",
        "+++",
        "@@",
        "<<<<<",
        ">>>>>",
        "=====",
        "###",
        "**",
        "diff",
        "index",
        "EOF",
        "apply_patch",
        "[",
        "]",
    ];
    let path = line.contains('/') && !line.starts_with('{');
    path || line == "a.py" || marks.iter().any(|mark| line.starts_with(mark))
}

/// Whether a reply comes out as meant but for blank lines. Two hunks that became one by the loss of
/// the line between them replace the blank lines between them as well.
fn differs_in_blanks_only(reply: &str, before: &[File], meant: &[File]) -> bool {
    outcome(reply, &world::tree(before)).is_ok_and(|after| {
        meant.iter().all(|file| {
            let text = after.text(&file.tree_path()).unwrap_or_default();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            full(&lines) == full(&file.texts())
        })
    })
}

#[test]
fn a_lost_or_doubled_line_between_edits_is_never_misread() {
    every(share(12), |dice| {
        let (files, blocks) = blocks(dice);
        let (_, last) = blocks.last()?;
        let texts: Vec<&str> = blocks.iter().map(|(text, _)| text.as_str()).collect();
        let reply = texts.join("\n");
        let mut lines: Vec<&str> = reply.lines().collect();
        let structure: Vec<usize> = (0..lines.len())
            .filter(|at| is_structure(lines[*at]))
            .collect();
        let at = structure[dice.below(structure.len())];
        let line = lines[at];
        let doubled = dice.one_in(3);
        if doubled {
            lines.insert(at, line);
        } else {
            lines.remove(at);
        }
        let reply = lines.join("\n") + "\n";
        let wrong = only(&reply, &files, std::slice::from_ref(last))?;
        if line.starts_with("@@") && differs_in_blanks_only(&reply, &files, last) {
            return None;
        }
        let done = if doubled { "doubled" } else { "lost" };
        Some(format!("{done}: {line}\n{wrong}"))
    });
}

#[test]
fn lines_that_stand_twice_are_refused_with_their_numbers() {
    every(share(5), |dice| {
        let file = File::draw("src/main.rs", true, dice);
        let texts = file.texts();
        let size = dice.within(1..4).min(texts.len());
        let start = dice.below(texts.len() - size + 1);
        let wanted = &texts[start..start + size];
        if full(wanted).is_empty() {
            return None;
        }
        let places: Vec<usize> = (0..=texts.len() - size)
            .filter(|at| &texts[*at..*at + size] == wanted)
            .collect();
        if places.len() < 2 {
            return None;
        }
        let hunk = Hunk {
            start,
            before: Vec::new(),
            removed: wanted.to_vec(),
            added: vec!["something_new_here".to_owned()],
            after: Vec::new(),
        };
        let form = dice.pick(&[Form::Replace, Form::Json]);
        let said = match outcome(
            &written(form, &file, &hunk, dice),
            &world::tree(std::slice::from_ref(&file)),
        ) {
            Ok(after) => return Some(format!("applied: {}", show(&after))),
            Err(said) => said,
        };
        let told = places
            .iter()
            .take(10)
            .all(|at| said.contains(&(at + 1).to_string()));
        (!told).then(|| format!("{places:?} are not told: {said}"))
    });
}

#[test]
fn a_path_that_is_not_there_is_refused() {
    every(share(3), |dice| {
        let (file, hunk, form) = one_change(dice)?;
        let elsewhere = File {
            path: "src/other.rs",
            ..file.clone()
        };
        let reply = written(form, &elsewhere, &hunk, dice);
        outcome(&reply, &world::tree(&[file]))
            .ok()
            .map(|after| format!("applied: {}\n{reply}", show(&after)))
    });
}

#[test]
fn another_indentation_or_other_blank_lines_never_place_an_edit_wrongly() {
    every(share(8), |dice| {
        let (file, hunk, form) = one_change(dice)?;
        let deeper = dice.below(3);
        let unit = dice.pick(&["\t", "    ", "  "]);
        let turn = |line: &String| {
            let body = line.trim_start();
            let indent = &line[..line.len() - body.len()];
            let depth = indent.len() / file.unit.len() + deeper;
            if body.is_empty() {
                String::new()
            } else {
                unit.repeat(depth) + &plain(body)
            }
        };
        let mut typed = Hunk {
            start: hunk.start,
            before: hunk.before.iter().map(turn).collect(),
            removed: hunk.removed.iter().map(turn).collect(),
            added: hunk.added.iter().map(turn).collect(),
            after: hunk.after.iter().map(turn).collect(),
        };
        if dice.one_in(3) {
            typed.before.retain(|line| !line.is_empty());
            typed.after.insert(0, String::new());
        }
        misplaced(form, &file, &hunk, &typed, dice)
    });
}
