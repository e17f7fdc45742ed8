//! Every text of `fixtures/outline`, and bounds on texts that nobody would write.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its cases are files"
)]

use std::{env, fmt::Write as _, fs, path::PathBuf};

use atelier_model::TreePath;

use crate::{Fault, LANGUAGES, broken, check};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/outline")
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn said(faults: &[Fault]) -> Vec<String> {
    faults
        .iter()
        .map(|fault| format!("{fault} | {}", fault.text))
        .collect()
}

/// The sources of a language by name.
fn sources(language: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(fixtures().join(language)).unwrap();
    let mut sources: Vec<(String, String)> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "faults.txt")
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    sources.sort();
    sources
}

/// What is found in the sources of a language, as `faults.txt` has it.
fn found(language: &str) -> String {
    let mut all = String::new();
    for (name, text) in sources(language) {
        let faults = check(&path(&name), &text).unwrap_or_default();
        let wrong = name.starts_with("broken-");
        assert_eq!(!faults.is_empty(), wrong, "{language}/{name}: {faults:?}");
        for fault in said(&faults) {
            writeln!(all, "{name}: {fault}").unwrap();
        }
    }
    all
}

#[test]
fn every_language_reads_its_sources_and_finds_their_faults() {
    for language in LANGUAGES {
        let expected = fixtures().join(language.name).join("faults.txt");
        let found = found(language.name);
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap();
        assert_eq!(found, expected, "{}", language.name);
        assert!(!found.is_empty(), "{} has no broken source", language.name);
    }
}

#[test]
fn every_folder_of_sources_belongs_to_a_language() {
    for entry in fs::read_dir(fixtures()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(LANGUAGES.iter().any(|one| one.name == name), "{name}");
    }
}

#[test]
fn each_cut_of_a_source_is_read_without_harm() {
    for language in LANGUAGES {
        for (name, text) in sources(language.name) {
            let cuts = text.char_indices().map(|(at, _)| &text[..at]);
            for (count, cut) in cuts.enumerate().filter(|(count, _)| count % 7 == 0) {
                let faults = check(&path(&name), cut).unwrap_or_default();
                let lines = cut.matches('\n').count() + 1;
                for fault in &faults {
                    assert!(
                        (1..=lines).contains(&fault.line) && !fault.said.is_empty(),
                        "{name} cut at {count}: {fault:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_file_is_broken_only_if_it_could_be_read_before() {
    let at = path("a.py");
    let (good, bad) = ("x = (1, 2)\n", "x = (1, 2\n");
    assert_eq!(broken(&at, Some(good), bad).len(), 1);
    assert_eq!(broken(&at, None, bad).len(), 1, "a new file");
    assert_eq!(broken(&at, Some(bad), "y = (\n"), [], "broken before");
    assert_eq!(broken(&at, Some(bad), good), []);
    assert_eq!(broken(&path("a.txt"), Some(good), bad), [], "no language");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_faults() {
    let text = "\u{feff}fn main() {\r\n    let a = [1];\r\n}\r\n";
    assert_eq!(check(&path("a.rs"), text), Some(Vec::new()));
    let faults = check(&path("a.rs"), &text.replace("];", ";")).unwrap();
    assert_eq!(
        said(&faults),
        ["line 2, column 13: `[` is never closed | let a = [1;"]
    );
}

#[test]
fn columns_are_counted_in_characters() {
    let faults = check(&path("a.js"), "const größe = 'äöü' + (1;\n").unwrap();
    assert_eq!(faults[0].column, 23, "{faults:?}");
}

#[test]
fn files_that_may_hold_more_than_their_name_says_are_not_judged() {
    for name in [
        "tsconfig.json",
        "web/tsconfig.app.json",
        ".vscode/settings.json",
        "types/index.d.ts",
    ] {
        assert_eq!(check(&path(name), "{ // }"), None, "{name}");
    }
    assert!(check(&path("config.json"), "{ // }").is_some());
}

#[test]
fn texts_beyond_the_bounds_are_not_judged() {
    let many_lines = "x = 1\n".repeat(20_000);
    let one_line = format!("x = [{}", "1, ".repeat(2_000));
    let deep = "[\n".repeat(300);
    for text in [many_lines, one_line, deep] {
        assert_eq!(check(&path("a.py"), &text), None);
    }
}

#[test]
fn tangled_texts_end_in_bounded_work() {
    let parts = [
        "(", "[{", "<", "f(", "\"", "'", "`${", "- [", "{\"a\":", "<a ", "/*", "if(", "#if\n",
    ];
    for language in LANGUAGES {
        let name = format!("a.{}", language.extensions[0]);
        for part in parts {
            let text = format!("{part}\n").repeat(300);
            let faults = check(&path(&name), &text).unwrap_or_default();
            assert!(faults.len() <= 3, "{name} {part}");
        }
    }
}

mod reduce;
