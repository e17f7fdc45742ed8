//! A little engine over a store, to see whether what comes out of it is ever wrong.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

use atelier_model::Digest;

use super::{Place, patterns, record};
use crate::{Found, Outcome};

/// Steps of a chain, each of which reads its own source and what the one before it made.
pub(super) const STEPS: usize = 6;

/// What was done for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Done {
    Skipped,
    Restored,
    Executed,
}

pub(super) fn source(step: usize) -> String {
    format!("src/{step}")
}

fn made(step: usize) -> String {
    format!("out/{step}")
}

/// What a step should make of what it reads: the half of its text that depends on the source only,
/// so that a change is not always seen further down.
fn text(step: usize, source: &str, before: &str) -> String {
    let seen = if step.is_multiple_of(2) { before } else { "" };
    format!("{step} {} {}\n", source.trim(), Digest::of(seen).short())
}

/// What all steps should make of some sources.
pub(super) fn expected(sources: &[String]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut before = String::new();
    for (step, source) in sources.iter().enumerate() {
        before = text(step, source, &before);
        files.insert(format!("{}/plain", made(step)), before.clone());
        files.insert(format!("{}/deep/tool", made(step)), source.clone());
    }
    files
}

pub(super) fn write_sources(place: &Place, sources: &[String]) {
    for (step, text) in sources.iter().enumerate() {
        place.write(&source(step), text);
    }
}

/// Brings all outputs up to date and says what that took.
pub(super) fn build(place: &Place) -> Vec<Done> {
    let done = (0..STEPS).map(|step| up_to_date(place, step)).collect();
    place.workspace.settle().unwrap();
    place.cas.save().unwrap();
    done
}

/// What stands, of all that steps make.
pub(super) fn standing(place: &Place) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for step in 0..STEPS {
        for name in ["plain", "deep/tool"] {
            let path = format!("{}/{name}", made(step));
            if let Ok(text) = fs::read_to_string(place.at(&path)) {
                files.insert(path, text);
            }
        }
    }
    files
}

fn up_to_date(place: &Place, step: usize) -> Done {
    let mut inputs = vec![source(step)];
    inputs.extend(step.checked_sub(1).map(|before| made(before) + "/plain"));
    let paths: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let leaves: Vec<String> = place
        .workspace
        .look(&paths)
        .unwrap()
        .into_iter()
        .map(|found| match found {
            Found::File { digest, .. } => digest.to_string(),
            Found::Link { .. }
            | Found::Folder
            | Found::Special
            | Found::Absent
            | Found::Outside => {
                panic!("{paths:?}: {found:?}")
            }
        })
        .collect();
    let descriptor = format!("{step} {}", leaves.join(" "));
    let key = Digest::of(&descriptor);
    if let Some(known) = place.cas.find(&key).unwrap() {
        if place.workspace.drift(&[&known.outputs]).unwrap()[0].is_empty() {
            return Done::Skipped;
        }
        match place.workspace.restore(&known.outputs) {
            Ok(_) => return Done::Restored,
            Err(error) => assert!(error.is_miss(), "{error:?}"),
        }
    }
    execute(place, step, &inputs);
    let outputs = place
        .workspace
        .collect(&patterns(&[&format!("{}/", made(step))]))
        .unwrap();
    let record = record(&step.to_string(), key, outputs);
    assert_eq!(record.outcome, Outcome::Passed);
    place.cas.append(&record, descriptor.as_bytes()).unwrap();
    Done::Executed
}

/// What the command of a step would do.
fn execute(place: &Place, step: usize, inputs: &[String]) {
    let source = place.read(&inputs[0]);
    let before = inputs
        .get(1)
        .map_or_else(String::new, |path| place.read(path));
    place.write(&(made(step) + "/plain"), &text(step, &source, &before));
    let tool = made(step) + "/deep/tool";
    place.write(&tool, &source);
    fs::set_permissions(place.at(&tool), fs::Permissions::from_mode(0o755)).unwrap();
}
