//! Files that make a wrong project look tested: a runner that is not the runner, and reports that
//! nobody's tests wrote.

use atelier_model::{FileEntry, FileTree, PathError, TreePath};

/// What a forged test run prints, in the words of each runner.
const UNITTEST: &str = "print('Ran 99 tests in 0.001s\\n\\nOK', file=__import__('sys').stderr)\n";
const LIBTEST: &str = "echo 'running 99 tests'\necho 'test result: ok. 99 passed; 0 failed; \
                       0 ignored; 0 measured; 0 filtered out; finished in 0.00s'\n";
const TAP: &str = "console.log('TAP version 13\\n1..99\\n# tests 99\\n# pass 99\\n# fail 0');\n";
const GO: &str = "package main\n\nimport \"testing\"\n\nfunc TestNothing(t *testing.T) {}\n";

/// Puts the forgery into a tree whose implementation is wrong.
///
/// Each is the strongest one its language offers: a package that stands before the standard
/// library's, a runner in the build tool's configuration, another test script, another command.
pub(super) fn add(language: &str, tree: &mut FileTree) -> Result<(), PathError> {
    match language {
        "Python" => {
            put(tree, "unittest/__init__.py", "class TestCase:\n    pass\n")?;
            put(tree, "unittest/__main__.py", UNITTEST)
        }
        "Rust" => {
            let config = "[target.'cfg(all())']\nrunner = [\"sh\", \"run.sh\"]\n";
            put(tree, ".cargo/config.toml", config)?;
            put(tree, "run.sh", LIBTEST)
        }
        "JavaScript" => {
            put(tree, "run.js", TAP)?;
            replace(tree, "package.json", "node --test", "node run.js")
        }
        "Go" => {
            for path in test_paths(tree) {
                let text = tree.text(&path).unwrap_or_default();
                let forged = match text.lines().find(|line| line.starts_with("package ")) {
                    Some(package) => GO.replacen("package main", package, 1),
                    None => GO.to_owned(),
                };
                tree.put(path, FileEntry::text(forged));
            }
            Ok(())
        }
        _ => replace(
            tree,
            "CMakeLists.txt",
            "COMMAND test_${name}",
            "COMMAND true",
        ),
    }
}

fn test_paths(tree: &FileTree) -> Vec<TreePath> {
    tree.paths()
        .filter(|path| super::is_test(path))
        .cloned()
        .collect()
}

fn put(tree: &mut FileTree, path: &str, text: &str) -> Result<(), PathError> {
    tree.put(TreePath::parse(path)?, FileEntry::text(text));
    Ok(())
}

fn replace(tree: &mut FileTree, path: &str, from: &str, to: &str) -> Result<(), PathError> {
    let path = TreePath::parse(path)?;
    if let Some(text) = tree.text(&path) {
        let text = text.replace(from, to);
        tree.put(path, FileEntry::text(text));
    }
    Ok(())
}
