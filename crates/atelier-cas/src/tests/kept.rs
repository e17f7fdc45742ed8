//! What stood at the end of a check: seen again as long as nothing of it has changed, and never after.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use atelier_model::{Digest, RootPattern};

use super::{Place, patterns, record};
use crate::{Outputs, Standing, Survey};

const NOTES: &[u8] = b"all is well";

fn key() -> Digest {
    Digest::of("this choice")
}

/// A workspace with everything that a step can read or make.
fn place() -> (Place, Outputs) {
    let place = Place::new();
    place.write("src/a", "a");
    place.write("src/b", "b");
    place.write("src/deep/c", "c");
    place.write(".gitignore", "ignored/\n");
    place.write("ignored/d", "d");
    symlink("a", place.at("src/link")).unwrap();
    place.write("out/file", "made");
    place.write("tree/inside", "made");
    let outputs = place
        .workspace
        .collect(&patterns(&["out/file", "tree/"]))
        .unwrap();
    place
        .cas
        .append(&record("s", Digest::of("k"), outputs.clone()), b"from")
        .unwrap();
    (place, outputs)
}

fn read() -> Vec<Vec<RootPattern>> {
    let named = patterns(&["src/a", "src/link", "nowhere"]);
    let found = patterns(&["src/**", "ignored/", "gone/"]);
    vec![named, found]
}

fn seen(place: &Place, outputs: &Outputs) -> Standing {
    let survey = Survey::default();
    let mut standing = Standing::default();
    for inputs in place.workspace.inputs(&survey, &read()).unwrap() {
        for input in &inputs {
            standing.add_input(input);
        }
    }
    standing.add_outputs(outputs);
    standing.add_survey(&survey);
    standing
}

fn kept() -> Place {
    let (place, outputs) = place();
    let standing = seen(&place, &outputs);
    let workspace = &place.workspace;
    assert!(workspace.keep_standing(&key(), &standing, NOTES).unwrap());
    place
}

fn stands(place: &Place) -> bool {
    match place.workspace.standing(&key()) {
        Some(notes) => {
            assert_eq!(notes, NOTES);
            true
        }
        None => false,
    }
}

#[test]
fn what_stands_is_seen_again_by_another_process() {
    let place = kept();
    assert!(stands(&place));
    assert!(stands(&place.again()));
}

#[test]
fn another_choice_is_not_this_one() {
    let place = kept();
    assert_eq!(place.workspace.standing(&Digest::of("another")), None);
}

/// What somebody does to a workspace.
type Change = fn(&Place);

#[test]
fn every_change_is_seen() {
    let changes: [(&str, Change); 16] = [
        ("an input", |place| place.write("src/a", "A")),
        ("an input of a pattern", |place| place.write("src/b", "B")),
        ("a mode", |place| {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(place.at("src/a"), mode).unwrap();
        }),
        ("an input that is gone", |place| {
            fs::remove_file(place.at("src/deep/c")).unwrap();
        }),
        ("an input that is new", |place| {
            place.write("src/deep/n", "n");
        }),
        ("a named input that is new", |place| {
            place.write("nowhere", "n");
        }),
        ("a named folder that is new", |place| {
            place.write("gone/n", "n");
        }),
        ("an ignored input", |place| place.write("ignored/d", "D")),
        ("an ignored input that is new", |place| {
            place.write("ignored/n", "n");
        }),
        ("what git leaves out", |place| {
            place.write(".gitignore", "ignored/\ndeep/\n");
        }),
        ("a link", |place| {
            fs::remove_file(place.at("src/link")).unwrap();
            symlink("b", place.at("src/link")).unwrap();
        }),
        ("a folder in the place of a file", |place| {
            fs::remove_file(place.at("src/a")).unwrap();
            fs::create_dir(place.at("src/a")).unwrap();
        }),
        ("an output", |place| place.write("out/file", "mad!")),
        ("an output that is gone", |place| {
            fs::remove_file(place.at("out/file")).unwrap();
        }),
        ("an output in a folder", |place| {
            place.write("tree/inside", "mad!");
        }),
        ("a stranger in a folder of outputs", |place| {
            place.write("tree/stranger", "s");
        }),
    ];
    for (what, change) in changes {
        let place = kept();
        change(&place);
        assert!(!stands(&place), "{what}");
        assert!(!stands(&place.again()), "{what}");
    }
}

#[test]
fn what_is_recorded_afterwards_makes_it_worthless() {
    let place = kept();
    let failed = record("s", Digest::of("k"), Outputs::default());
    place.cas.append(&failed, b"from").unwrap();
    assert!(!stands(&place));
}

#[test]
fn what_changed_while_it_was_looked_at_is_not_kept() {
    let (place, outputs) = place();
    let mut standing = seen(&place, &outputs);
    place.write("src/a", "other");
    let survey = Survey::default();
    for input in place.workspace.inputs(&survey, &read()).unwrap().concat() {
        standing.add_input(&input);
    }
    let workspace = &place.workspace;
    assert!(!workspace.keep_standing(&key(), &standing, NOTES).unwrap());
}

#[test]
fn what_was_to_change_may_have_changed() {
    let (place, outputs) = place();
    let mut standing = seen(&place, &outputs);
    place.write("out/file", "made anew");
    let outputs = place
        .workspace
        .collect(&patterns(&["out/file", "tree/"]))
        .unwrap();
    standing.forget(|path| path == "out/file");
    standing.add_outputs(&outputs);
    let workspace = &place.workspace;
    assert!(workspace.keep_standing(&key(), &standing, NOTES).unwrap());
    assert!(stands(&place));
}

#[test]
fn a_flipped_bit_or_a_torn_end_is_a_miss() {
    let place = kept();
    let file = place.cas.folder().join("standing").join(key().to_string());
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&file, &flipped).unwrap();
        assert!(!stands(&place), "a bit of byte {at}");
        fs::write(&file, &whole[..at]).unwrap();
        assert!(!stands(&place), "{at} bytes");
    }
    fs::write(&file, &whole).unwrap();
    assert!(stands(&place));
}

#[test]
fn files_of_choices_nobody_makes_any_more_go() {
    let (place, outputs) = place();
    for choice in 0..20 {
        let key = Digest::of(format!("choice {choice}"));
        let standing = seen(&place, &outputs);
        let workspace = &place.workspace;
        assert!(workspace.keep_standing(&key, &standing, NOTES).unwrap());
    }
    let files = fs::read_dir(place.cas.folder().join("standing")).unwrap();
    assert_eq!(files.count(), 16);
}
