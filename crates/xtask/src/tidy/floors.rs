//! Floors and rooms: which crate may import which, and which must stay pure.

use crate::tidy::sources::{Files, is_test};

/// What kind of room a crate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Pure functions of their arguments.
    Thinking,
    /// One kind of outside world behind plain methods.
    Hands,
    /// Decides the order of things.
    Directing,
    /// Never shipped.
    Developer,
}

/// A crate imports only from lower floors.
struct Room {
    name: &'static str,
    floor: u8,
    kind: Kind,
}

const fn room(name: &'static str, floor: u8, kind: Kind) -> Room {
    Room { name, floor, kind }
}

const ROOMS: &[Room] = &[
    room("atelier-model", 0, Kind::Thinking),
    room("atelier-seal", 0, Kind::Thinking),
    room("atelier-prompt", 1, Kind::Thinking),
    room("atelier-edit", 1, Kind::Thinking),
    room("atelier-outline", 1, Kind::Thinking),
    room("atelier-recipe", 1, Kind::Thinking),
    room("atelier-scaffold", 1, Kind::Thinking),
    room("atelier-guard", 1, Kind::Thinking),
    room("atelier-exchange", 1, Kind::Thinking),
    room("atelier-semantic", 1, Kind::Thinking),
    room("atelier-step", 1, Kind::Thinking),
    room("atelier-report", 1, Kind::Thinking),
    room("atelier-archive", 1, Kind::Thinking),
    room("atelier-cas", 1, Kind::Hands),
    room("atelier-store", 1, Kind::Hands),
    room("atelier-exec", 1, Kind::Hands),
    room("atelier-keys", 1, Kind::Hands),
    room("atelier-telemetry", 1, Kind::Hands),
    room("atelier-remote", 1, Kind::Hands),
    room("atelier-docs", 2, Kind::Thinking),
    room("atelier-llm", 2, Kind::Hands),
    room("atelier-plan", 3, Kind::Directing),
    room("atelier-build", 3, Kind::Directing),
    room("atelier-engine", 4, Kind::Directing),
    room("atelier-server", 6, Kind::Directing),
    room("atelier", 7, Kind::Directing),
    room("atelier-testkit", 8, Kind::Developer),
    room("xtask", 8, Kind::Developer),
];

/// Crates through which a thinking crate would reach the outside world.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio-util",
    "futures-util",
    "reqwest",
    "sqlx",
    "libsqlite3-sys",
    "rustix",
    "landlock",
    "tempfile",
    "ignore",
    "etcetera",
    "crossterm",
    "reedline",
    "rand",
    "getrandom",
    "axum",
    "clap",
];

/// Modules of the standard library that a thinking crate does not name outside its tests.
const IMPURE_PATHS: &[&str] = &[
    "std::fs",
    "std::env::",
    "std::process",
    "std::net",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::io::stdin",
    "std::io::stdout",
];

/// Adds a line for every crate without a floor, upward import and impure thinking crate.
pub(crate) fn check(files: &Files, broken: &mut Vec<String>) {
    for name in files.names_in("crates") {
        let manifest = format!("crates/{name}/Cargo.toml");
        let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
            broken.push(format!(
                "crates/{name}: has no floor in crates/xtask/src/tidy/floors.rs"
            ));
            continue;
        };
        for import in imports(files.text(&manifest)) {
            broken.extend(upward(room, import).map(|why| format!("{manifest}: {why}")));
            if room.kind == Kind::Thinking && IMPURE.contains(&import) {
                broken.push(format!(
                    "{manifest}: a thinking crate may not depend on {import}"
                ));
            }
        }
        if room.kind == Kind::Thinking {
            pure_sources(name, files, broken);
        }
    }
}

/// Crates that a manifest depends on at run time or build time.
fn imports(manifest: &str) -> Vec<&str> {
    let mut counts = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            counts = section.contains("dependencies") && !section.contains("dev-dependencies");
        } else if counts && let Some((name, _)) = line.split_once(['=', '.']) {
            names.push(name.trim());
        }
    }
    names
}

fn upward(room: &Room, import: &str) -> Option<String> {
    let other = ROOMS.iter().find(|other| other.name == import)?;
    (other.floor >= room.floor).then(|| {
        format!(
            "floor {} may not import {import}, floor {}",
            room.floor, other.floor
        )
    })
}

fn pure_sources(name: &str, files: &Files, broken: &mut Vec<String>) {
    let own_rules = format!("crates/{name}/clippy.toml");
    if files.texts.contains_key(&own_rules) {
        broken.push(format!(
            "{own_rules}: a thinking crate obeys the rules of the workspace"
        ));
    }
    let source = format!("crates/{name}/src/");
    for (path, text) in files.rust().filter(|(path, _)| path.starts_with(&source)) {
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code.filter(|_| !is_test(path)) {
            for outside in IMPURE_PATHS
                .iter()
                .filter(|outside| line.contains(**outside))
            {
                broken.push(format!("{path}: a thinking crate may not use {outside}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
