//! The ways in which tests are made worthless, in each language of the fixtures.

use atelier_model::{FileEntry, FileTree, TreePath};

use super::comment;

/// The way that ends the test program early with success.
pub(super) const EXIT: usize = 2;

/// How many ways there are.
const WAYS: usize = 4;

/// Spoils one test file in the way that is due at this turn.
pub(super) fn spoil(path: &TreePath, turn: usize, tree: &mut FileTree) {
    let text = tree.text(path).unwrap_or_default().to_owned();
    let spoiled = match turn % WAYS {
        0 => skipped(path, &text),
        1 => None,
        EXIT => ended_early(path, &text),
        _ => Some(emptied(path, &text)),
    };
    // What changes nothing, as in a helper without a test of its own, is no way: then it goes.
    match spoiled.filter(|spoiled| *spoiled != text) {
        Some(text) => tree.put(path.clone(), FileEntry::text(text)),
        None => drop(tree.remove(path)),
    }
}

fn skipped(path: &TreePath, text: &str) -> Option<String> {
    Some(match path.extension()? {
        "rs" => text.replace("#[test]", "#[test]\n#[ignore]"),
        "py" => {
            let marked = text.replace("\nclass ", "\n@unittest.skip(\"later\")\nclass ");
            format!("import unittest\n{marked}")
        }
        "js" | "mjs" => text.replace("\ntest(", "\ntest.skip("),
        "go" => text.replace("(t *testing.T) {", "(t *testing.T) {\n\tt.Skip(\"later\")"),
        "c" => text.replace("int main(void) {", "int main(void) {\n    return 0;"),
        _ => return None,
    })
}

fn ended_early(path: &TreePath, text: &str) -> Option<String> {
    Some(match path.extension()? {
        "rs" => text.replace("() {\n", "() {\n    std::process::exit(0);\n"),
        "py" => format!("import os\nos._exit(0)\n{text}"),
        "js" | "mjs" => format!("{text}\nprocess.exit(0);\n"),
        "go" => {
            let exit = "\n\nimport quit \"os\"\n\nfunc init() { quit.Exit(0) }\n";
            let end = text.find("\nimport").unwrap_or(text.len());
            let last_import = text.find("\n)\n").map_or(end, |at| at + 2);
            let (head, rest) = text.split_at(last_import);
            let (import, init) = exit.split_at(exit.find("func").unwrap_or(0));
            format!("{head}{import}{init}{rest}")
        }
        "c" => text.replace("int main(void) {", "int main(void) {\n    return 0;"),
        _ => return None,
    })
}

/// Nothing is left but what keeps the file valid.
fn emptied(path: &TreePath, text: &str) -> String {
    let sign = comment(path);
    match path.extension() {
        Some("go") => {
            let package = text.lines().find(|line| line.starts_with("package "));
            format!("{}\n", package.unwrap_or("package main"))
        }
        Some("c") => "int main(void) { return 0; }\n".to_owned(),
        _ => format!("{sign} The tests moved elsewhere.\n"),
    }
}
