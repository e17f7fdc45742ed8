//! Checks that look only at the steps that a change concerns, beside checks that look at all of them.

use std::{collections::BTreeMap, fs};

use super::{
    chances::{Chance, rounds},
    mill::{Checked, Mill, at_levels, standing, step},
};

/// So many that a check of a few of them need not look at all.
const STEPS: usize = 120;
/// Checks until nothing is left to do, at most: a step may change what another has read.
const CHECKS_MAX: usize = 8;

/// Each step reads a source and what one before it made. Remarks change nothing; a line with a mark is
/// a command, which does what no step says that it does.
fn mill(level: &'static str, seed: u64) -> Mill {
    let mut chance = Chance::new(seed);
    let mut mill = Mill::new(level);
    for at in 0..STEPS {
        let mut reads = vec![format!("src/{at}.in")];
        mill.write(&reads[0], format!("content {at}\n"));
        if at > 0 && chance.below(3) > 0 {
            reads.push(format!("out/{}", chance.below(at)));
        }
        let script = format!(
            "sed -n 's/^!//p' src/{at}.in > .own{at}; sh -e .own{at} || exit 3; rm .own{at}; \
             grep -hv '^[#!]' {} | cksum > out/{at}",
            reads.join(" ")
        );
        let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
        let named = step(&format!("s{at}"), &script);
        mill.steps
            .push(named.reads(&reads).writes(&[&format!("out/{at}")]));
    }
    mill
}

/// What happens to a file: its new content, or its end.
type Changes = BTreeMap<String, Option<String>>;

/// A change of a few files, and whether a step will change what others read.
fn changes(chance: &mut Chance) -> (Changes, bool) {
    let mut changes = Changes::new();
    let mut strays = false;
    for _ in 0..=chance.below(3).saturating_sub(1) {
        let at = chance.below(STEPS);
        let source = |more: String| {
            (
                format!("src/{at}.in"),
                Some(format!("{more}content {at}\n")),
            )
        };
        let (path, content) = match chance.below(12) {
            0..=4 => source(format!("# remark {}\n", chance.below(1_000_000))),
            5 | 6 => source(format!("more {}\n", chance.below(1_000_000))),
            7 => source(String::new()),
            8 => source("!false\n".to_owned()),
            9 => {
                strays = true;
                let other = chance.below(STEPS);
                source(format!("!echo stray {other} from {at} > src/{other}.in\n"))
            }
            10 => (format!("out/{at}"), None),
            _ => (format!("out/{at}"), Some("tampered\n".to_owned())),
        };
        changes.insert(path, content);
    }
    (changes, strays)
}

fn apply(mill: &Mill, changes: &Changes) {
    for (path, content) in changes {
        match content {
            Some(content) => mill.write(path, content),
            None => drop(fs::remove_file(mill.path(path))),
        }
    }
}

/// Forgets that everything stood.
fn forget(mill: &Mill) {
    let _ = fs::remove_dir_all(mill.store().join("v1/standing"));
}

/// All that can be executed is: what a failure ends is a matter of time.
fn check(mill: &Mill) -> Checked {
    mill.check_with(&["--keep-going"])
}

/// Whether a check looked at some steps and not at all of them.
fn is_narrow(checked: &Checked) -> bool {
    let examined = checked.sum()["examined"].as_u64().unwrap();
    (1..STEPS as u64).contains(&examined)
}

/// What was executed, and how it all ended.
fn done(checked: &Checked) -> (Option<i32>, Vec<&String>) {
    let executed = |word: &str| matches!(word, "ran" | "failed");
    let steps = checked.steps.iter().filter(|(_, word)| executed(word));
    (checked.ended.code, steps.map(|(step, _)| step).collect())
}

/// Checks both until nothing is left to do, and says how often one looked at some steps alone.
fn settled(narrow: &Mill, whole: &Mill, strays: bool) -> usize {
    let mut narrowed = 0;
    for turn in 0..CHECKS_MAX {
        forget(whole);
        let (few, all) = (check(narrow), check(whole));
        narrowed += usize::from(is_narrow(&few));
        assert!(!is_narrow(&all));
        let (few_done, all_done) = (done(&few), done(&all));
        if !strays {
            let told = format!("{}{}", few.ended.all(), all.ended.all());
            assert_eq!(few_done, all_done, "{told}");
        }
        let idle = few_done.1.is_empty() && all_done.1.is_empty();
        // What has failed is executed each time.
        if idle || turn > 0 && few.ended.code != Some(0) {
            return narrowed;
        }
    }
    panic!("after {CHECKS_MAX} checks there is something to do");
}

/// Sources as they were before they failed.
fn healed(changes: &Changes) -> Changes {
    let sources = changes.iter().filter(|(path, _)| path.starts_with("src/"));
    let text = |text: &String| text.replace("!false\n", "");
    sources
        .map(|(path, content)| (path.clone(), content.as_ref().map(text)))
        .collect()
}

#[test]
fn a_look_at_a_few_steps_finds_what_a_look_at_all_finds() {
    at_levels(&["none", "light"], |narrow| {
        let level = narrow.level;
        let (narrow, whole) = (mill(level, 11), mill(level, 11));
        for mill in [&narrow, &whole] {
            assert_eq!(mill.check().ended.code, Some(0));
            assert_eq!(mill.check().sum()["examined"], STEPS);
        }
        let mut chance = Chance::new(if level == "none" { 5 } else { 6 });
        let mut narrowed = 0;
        for round in 0..rounds(12) {
            let (changes, strays) = changes(&mut chance);
            eprintln!("round {round}: {changes:?}");
            for mill in [&narrow, &whole] {
                apply(mill, &changes);
            }
            narrowed += settled(&narrow, &whole, strays);
            if check(&narrow).ended.code != Some(0) {
                let whole_again = healed(&changes);
                for mill in [&narrow, &whole] {
                    apply(mill, &whole_again);
                }
                narrowed += settled(&narrow, &whole, strays);
            }
            for folder in ["src", "out"] {
                let stands = |mill: &Mill| standing(&mill.path(folder));
                assert_eq!(stands(&narrow), stands(&whole), "{folder}");
            }
        }
        assert!(narrowed > rounds(12) / 4, "{narrowed} checks were narrow");
    });
}
