//! `cargo xtask gen`: reference pages, written by the program they describe.

use std::{fs, path::Path};

use crate::process::{Problem, cargo, output};

/// What to do with a page that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write it.
    Write,
    /// Fail and name it.
    Compare,
}

/// Each page with the topic that `atelier reference` prints it for.
const PAGES: &[(&str, &str)] = &[
    ("cli", "docs/reference/cli.md"),
    ("configuration", "docs/reference/configuration.md"),
    ("report", "docs/reference/report.schema.json"),
];

/// Builds the program and lets it print its reference pages.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<(), Problem> {
    cargo(root, &["build", "--quiet", "--package", "atelier"])?;
    let mut stale = Vec::new();
    for (topic, page) in PAGES {
        let run = [
            "run",
            "--quiet",
            "--package",
            "atelier",
            "--",
            "reference",
            topic,
        ];
        let text = output(root, "cargo", &run)?;
        let path = root.join(page);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        match mode {
            Mode::Compare => stale.push(*page),
            Mode::Write => {
                let file = |error| Problem::File(path.clone(), error);
                fs::create_dir_all(path.parent().unwrap_or(root)).map_err(file)?;
                fs::write(&path, text).map_err(file)?;
                println!("xtask: wrote {page}");
            }
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(Problem::Stale(stale))
    }
}
