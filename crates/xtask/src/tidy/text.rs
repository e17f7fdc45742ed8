//! Rules about the text of files: headers, names, places of tests, words.

use crate::tidy::sources::Files;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "service", "util", "utils",
];

/// Places outside the project, written in two parts so that this file names none.
const OUTSIDE: &[&str] = &[concat!("/", "work/")];

/// Packages in `Cargo.lock`. Lower it when it falls; raise it only with a reason in the commit.
const PACKAGES_MAX: usize = 420;

/// Adds a line for every file whose text or name breaks a rule.
pub(crate) fn check(files: &Files, broken: &mut Vec<String>) {
    for (path, text) in files.rust() {
        broken.extend(header(text).map(|why| format!("{path}: {why}")));
        broken.extend(empty_name(path).map(|name| format!("{path}: `{name}` says nothing")));
        if text
            .lines()
            .any(|line| line.trim_start().starts_with(concat!("mod tests", " {")))
        {
            broken.push(format!("{path}: tests live in a file of their own"));
        }
    }
    for (path, text) in &files.texts {
        for place in OUTSIDE.iter().filter(|place| names(text, place)) {
            broken.push(format!(
                "{path}: names a place outside the project, {place}"
            ));
        }
    }
    let packages = files.text("Cargo.lock").matches("\n[[package]]").count();
    if packages > PACKAGES_MAX {
        broken.push(format!(
            "Cargo.lock: {packages} packages, at most {PACKAGES_MAX}"
        ));
    }
}

/// Why a file does not begin with one sentence about itself.
fn header(text: &str) -> Option<&'static str> {
    if text.starts_with("// Generated") {
        return None;
    }
    let lines = text.lines().map_while(|line| line.strip_prefix("//! "));
    let sentence = lines.collect::<Vec<_>>().join(" ");
    if sentence.is_empty() {
        return Some("does not begin with a sentence about itself (`//! …`)");
    }
    if !sentence.ends_with('.') {
        return Some("begins with something that is no whole sentence");
    }
    let ends = sentence
        .match_indices(". ")
        .map(|(at, _)| &sentence[at + 2..]);
    let mut next = ends.filter(|rest| rest.starts_with(char::is_uppercase));
    next.next()
        .map(|_| "begins with more than one sentence; leave an empty `//!` line after it")
}

fn empty_name(path: &str) -> Option<&str> {
    let (_, below) = path.split_once("/src/")?;
    let parts = below
        .split('/')
        .map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let mut empty = parts.filter(|part| EMPTY_NAMES.contains(part));
    empty.next()
}

/// Whether a text names a place, and not a longer path that only contains its name.
fn names(text: &str, place: &str) -> bool {
    let part_of_path = |c: char| c.is_alphanumeric() || "._-*{}$".contains(c);
    let mut found = text.match_indices(place);
    found.any(|(at, _)| !text[..at].ends_with(part_of_path))
}

#[cfg(test)]
mod tests;
