//! Selections of Python's runners.

use atelier_model::{FileTree, TreePath};

use super::{Named, Place};

/// Switches of `unittest` that change what is printed, or when it stops.
const UNITTEST_SWITCHES: &[&str] = &[
    "-b",
    "-c",
    "-f",
    "-q",
    "-v",
    "--buffer",
    "--catch",
    "--failfast",
    "--quiet",
    "--verbose",
];
/// Switches of `pytest` of that kind.
const PYTEST_SWITCHES: &[&str] = &[
    "-q",
    "-s",
    "-v",
    "-vv",
    "-x",
    "--quiet",
    "--verbose",
    "--exitfirst",
    "--color=no",
    "--no-header",
    "--tb=short",
];
/// Where `pytest` is told which tests to leave out.
const PYTEST_SETTINGS: [&str; 4] = ["pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini"];
/// What it is told that with.
const PYTEST_LIMITS: [&str; 6] = [
    "testpaths",
    "norecursedirs",
    "addopts",
    "python_files",
    "python_functions",
    "python_classes",
];

/// `unittest tests.test_a tests.test_b.Case.test_one`.
pub(super) fn of_unittest(arguments: &[String], place: Place<'_>) -> Option<Vec<Named>> {
    let mut named = Vec::new();
    for word in arguments {
        if UNITTEST_SWITCHES.contains(&word.as_str()) {
            continue;
        }
        if word.starts_with('-') || word == "discover" {
            return None;
        }
        let is_path = word.contains('/') || is_python(word);
        named.push(if is_path {
            place.file(word)?
        } else {
            module(word, place)?
        });
    }
    (!named.is_empty()).then_some(named)
}

/// The file of a module, of a class in it, or of a test of that.
fn module(name: &str, place: Place<'_>) -> Option<Named> {
    let parts: Vec<&str> = name.split('.').collect();
    for end in (1..=parts.len()).rev() {
        let path = place.path(&format!("{}.py", parts[..end].join("/")))?;
        if place.tree.contains(&path) {
            return Some(Named::File(path));
        }
    }
    // A package of the project that does not speak of the module has none of that name.
    let (folder, rest) = name.rsplit_once('.')?;
    let init = place.path(&format!("{}/__init__.py", folder.replace('.', "/")))?;
    let silent = !place.tree.text(&init)?.contains(rest);
    silent.then_some(Named::Missing)
}

/// Whether `unittest discover` finds the tests of these files.
pub(super) fn discovers(
    whole: &[String],
    _: &[String],
    files: &[TreePath],
    place: Place<'_>,
) -> bool {
    let Some((discover, options)) = whole.split_first() else {
        return false;
    };
    let (mut start, mut top, mut pattern) = ("", None, "test*.py");
    for pair in options.chunks(2) {
        match pair {
            [option, value] if option == "-s" => start = value,
            [option, value] if option == "-t" => top = Some(value.as_str()),
            [option, value] if option == "-p" => pattern = value,
            _ => return false,
        }
    }
    let is_plain = discover == "discover" && top.is_none_or(|top| top == ".");
    is_plain
        && files
            .iter()
            .all(|file| is_found(file, start, pattern, place))
}

fn is_found(file: &TreePath, start: &str, pattern: &str, place: Place<'_>) -> bool {
    let below = |path: &str| -> Option<String> {
        if start.is_empty() {
            return Some(path.to_owned());
        }
        Some(path.strip_prefix(start)?.strip_prefix('/')?.to_owned())
    };
    let Some(path) = place.below(file).and_then(below) else {
        return false;
    };
    let (name, fits) = (file.name(), pattern.split_once('*'));
    let fits = fits.is_some_and(|(start, end)| {
        name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
    });
    // Only packages are gone into, and none that says for itself which tests it has.
    let mut folder = file.parent();
    for _ in path.matches('/') {
        let init = folder
            .as_ref()
            .and_then(|folder| TreePath::parse(&format!("{folder}/__init__.py")).ok());
        let text = init.and_then(|init| place.tree.text(&init));
        if text.is_none_or(|text| text.contains("load_tests")) {
            return false;
        }
        folder = folder.and_then(|folder| folder.parent());
    }
    let init = TreePath::parse(&format!("{}__init__.py", slashed(start)));
    let init = init.ok().and_then(|init| place.path(init.as_str()));
    let own = init.and_then(|init| place.tree.text(&init));
    let says_itself = |text: &str| text.contains("load_tests");
    fits && !own.is_some_and(says_itself) && !place.tree.text(file).is_some_and(says_itself)
}

fn slashed(folder: &str) -> String {
    if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/")
    }
}

/// Whether a word is a path of a Python file; imports mind the case.
fn is_python(word: &str) -> bool {
    word.strip_suffix(".py").is_some()
}

/// `pytest -q tests/test_a.py tests/test_b.py::test_one`.
pub(super) fn of_pytest(arguments: &[String], place: Place<'_>) -> Option<Vec<Named>> {
    let mut named = Vec::new();
    for word in arguments {
        if PYTEST_SWITCHES.contains(&word.as_str()) {
            continue;
        }
        let path = word.split("::").next().unwrap_or(word);
        if word.starts_with('-') || !is_python(path) {
            return None;
        }
        named.push(place.file(path)?);
    }
    (!named.is_empty()).then_some(named)
}

/// Whether `pytest` without paths collects the tests of these files.
pub(super) fn collects(
    whole: &[String],
    _: &[String],
    files: &[TreePath],
    place: Place<'_>,
) -> bool {
    let mut words = whole.iter();
    while let Some(word) = words.next() {
        let known = PYTEST_SWITCHES.contains(&word.as_str());
        let no_cache = word == "-p"
            && words
                .as_slice()
                .first()
                .is_some_and(|w| w == "no:cacheprovider");
        if no_cache {
            words.next();
        } else if !known {
            return false;
        }
    }
    let collected = |file: &TreePath| {
        let name = file.name();
        let hidden = file.as_str().split('/').any(|part| part.starts_with('.'));
        !hidden && (name.starts_with("test_") || name.ends_with("_test.py"))
    };
    !is_limited(place.tree) && files.iter().all(collected)
}

/// Whether the project says which tests `pytest` is to run.
fn is_limited(tree: &FileTree) -> bool {
    tree.iter().any(|(path, file)| {
        let text = || file.as_text().unwrap_or_default();
        if path.name() == "conftest.py" {
            return text().contains("ignore") || text().contains("deselect");
        }
        let decides = PYTEST_SETTINGS.contains(&path.name());
        decides && PYTEST_LIMITS.iter().any(|limit| text().contains(limit))
    })
}
