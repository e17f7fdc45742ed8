//! Bits that flip in the store: it may cost work, never a wrong result.

use std::{fs, path::PathBuf, thread};

use super::{
    chances::{Chance, STEPS, edit, project, rounds},
    mill::Mill,
};

/// Flips in each store where time is short.
const FLIPS: usize = 10;

#[test]
fn a_bit_that_flips_anywhere_in_the_store_gives_no_wrong_result() {
    thread::scope(|scope| {
        for (seed, level) in [(11, "light"), (12, "strong")] {
            scope.spawn(move || flip_again_and_again(level, seed));
        }
    });
}

fn flip_again_and_again(level: &'static str, seed: u64) {
    let mill = project(level, seed);
    let mut chance = Chance::new(seed);
    assert_eq!(mill.check().ended.code, Some(0));
    let (mut executed, mut restored) = (0, 0);
    for round in 0..rounds(2 * FLIPS).div_ceil(2) {
        let flipped = flip(&mill, &mut chance);
        match chance.below(3) {
            0 => fs::remove_dir_all(mill.path("out")).unwrap(),
            1 => edit(&mill, &mut chance),
            _ => {
                let at = chance.below(STEPS);
                let path = mill.path(&format!("out/{at}"));
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
        }
        let checked = mill.check();
        let told = checked.ended.all();
        assert_eq!(checked.ended.code, Some(0), "{}: {told}", flipped.display());
        let right = mill.by_shell();
        assert_eq!(
            mill.standing(),
            right,
            "round {round}, {}",
            flipped.display()
        );
        let count = |word: &str| checked.steps.values().filter(|one| **one == word).count();
        executed += count("ran");
        restored += count("restored");
    }
    eprintln!("{level}: {restored} steps were restored, {executed} executed");
    assert!(restored > 0, "the store was of use");
}

/// Flips one bit of one file of the store.
fn flip(mill: &Mill, chance: &mut Chance) -> PathBuf {
    let mut files = Vec::new();
    let mut open = vec![mill.store()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if fs::metadata(&path).unwrap().len() > 0 {
                files.push(path);
            }
        }
    }
    files.sort();
    // Logs are few beside contents, and matter as much.
    let (contents, logs): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|path| path.components().any(|part| part.as_os_str() == "blobs"));
    let chosen = if chance.below(3) == 0 {
        &logs
    } else {
        &contents
    };
    let path = chance.one_of(chosen).clone();
    let mut bytes = fs::read(&path).unwrap();
    let at = chance.below(bytes.len());
    bytes[at] ^= 1 << chance.below(8);
    fs::write(&path, bytes).unwrap();
    path
}
