//! Files that would forge a test run: they stand in for the runner, or tell it to run nothing.

use std::sync::LazyLock;

use atelier_model::TreePath;
use regex::Regex;

/// One way to forge a run: in files of these names, newly written lines like this.
struct Forgery {
    /// File names; a leading `*` stands for any beginning.
    names: &'static [&'static str],
    /// Lines that forge; every line does where it is empty.
    pattern: &'static str,
    /// What it does, as read after "it".
    words: &'static str,
}

/// Known ways, by the tools that people use. A program that prints a report by itself cannot be
/// told from a runner by its output; what decides which program runs can.
const FORGERIES: &[Forgery] = &[
    Forgery {
        names: &["sitecustomize.py", "usercustomize.py"],
        pattern: "",
        words: "runs before every Python program",
    },
    Forgery {
        names: &["*.cargo/config.toml", "*.cargo/config"],
        pattern: r"(?m)^\s*(?:runner|rustc|rustc-wrapper|rustc-workspace-wrapper|linker)\s*=|^\s*\[alias\]|^\s*alias\.",
        words: "puts another program in the place of the compiler or the tests",
    },
    Forgery {
        // A benchmark without a harness is usual; a test or a library without one prints what it
        // likes.
        names: &["*Cargo.toml"],
        pattern: r"(?m)^\s*\[\[?(?:lib|test|bin)\]\]?[^\[]*?^\s*harness\s*=\s*false|^\s*\[(?:lib|package)\][^\[]*?^\s*(?:test|autotests)\s*=\s*false",
        words: "takes tests out of the run",
    },
    Forgery {
        names: &["*rust-toolchain.toml", "*rust-toolchain"],
        pattern: r"(?m)^\s*path\s*=",
        words: "puts another program in the place of the compiler or the tests",
    },
    Forgery {
        names: &["*.npmrc", "*.yarnrc", "*.yarnrc.yml"],
        pattern: r"(?mi)^\s*(?:script-shell|node-options|yarn-path|yarnPath|globalconfig|prefix)\b",
        words: "puts another program in the place of the one that runs the tests",
    },
    Forgery {
        names: &["*.pnp.cjs", "*.pnp.loader.mjs", "*.pnpmfile.cjs"],
        pattern: "",
        words: "is loaded into the program that runs the tests",
    },
    Forgery {
        names: &["*mvnw", "*gradlew"],
        pattern: "",
        words: "stands in for the build tool",
    },
    Forgery {
        names: &["*pom.xml", "*.mvn/maven.config", "*.mvn/jvm.config"],
        pattern: r"(?i)<(?:skipTests|maven\.test\.skip|testFailureIgnore|maven\.test\.failure\.ignore)>\s*true|-D(?:skipTests|maven\.test\.skip|maven\.test\.failure\.ignore)\b",
        words: "lets the tests pass whatever they show",
    },
    Forgery {
        names: &["*CMakeLists.txt", "*.cmake"],
        pattern: r#"(?i)\b(?:CMAKE_CROSSCOMPILING_EMULATOR|(?:CMAKE_)?TEST_LAUNCHER)\b|add_test\s*\([^)]*\bCOMMAND\s+"?(?:/\S*/)?(?:true|echo|printf|sh|bash|env|exit|\$\{CMAKE_COMMAND\}|cmake)\b"#,
        words: "counts a command that tests nothing as a test",
    },
    Forgery {
        names: &["*package.json"],
        pattern: r#""(?:pre|post)?test"\s*:\s*"[^"]*(?:\|\|\s*(?:true|exit\s+0|:)|;\s*(?:true|exit\s+0)\s*"|"\s*(?:true|:|exit 0)\s*")|"(?:pre|post)?test"\s*:\s*"\s*(?:true|:|echo|exit\s+0|printf)\b"#,
        words: "lets the tests pass whatever they show",
    },
    Forgery {
        names: &["*Makefile", "*makefile", "*GNUmakefile"],
        pattern: r"(?m)^(?:test|check)\s*:[^\n]*\n\t[@-]*(?:true|:|echo|printf|exit\s+0)\b|^\t[^\n]*\b(?:ctest|pytest|unittest|test)\b[^\n]*\|\|\s*(?:true|:|exit\s+0)",
        words: "lets the tests pass whatever they show",
    },
    Forgery {
        names: &["*go.mod", "*go.work"],
        pattern: r"(?m)^\s*(?:replace\s+)?\S*(?:testify|go-cmp|gomega|ginkgo|quicktest|gotest\.tools)\S*(?:\s+v\S+)?\s*=>\s*[./]",
        words: "puts another library in the place of the one that compares",
    },
    Forgery {
        names: &[
            "*pytest.ini",
            "*tox.ini",
            "*setup.cfg",
            "*pyproject.toml",
            "*conftest.py",
        ],
        pattern: r"--collect-only|--co\b|--deselect|--ignore(?:-glob)?\b|-p\s+no:(?:python|unittest|doctest|terminal)\b|collect_ignore|\bpytest11\b|\bpytest_(?:collection_modifyitems|ignore_collect|runtest_\w+|pyfunc_call|report_teststatus|cmdline_main|terminal_summary|sessionfinish|unconfigure)\b",
        words: "decides which tests run, or what they report",
    },
    Forgery {
        names: &[
            "*jest.config.js",
            "*jest.config.mjs",
            "*jest.config.ts",
            "*vitest.config.js",
            "*vitest.config.ts",
            "*vite.config.ts",
            "*package.json",
        ],
        pattern: r"passWithNoTests|testPathIgnorePatterns",
        words: "decides which tests run",
    },
];

/// Folders and modules that stand in for a runner where the project's root is searched first.
const RUNNERS: [&str; 6] = ["unittest", "pytest", "_pytest", "nose2", "trial", "doctest"];
/// Modules that Python's runners load before any test: one of that name in the first folder that is
/// searched is loaded instead.
const LOADED: [&str; 24] = [
    "argparse",
    "ast",
    "asyncio",
    "collections",
    "contextlib",
    "dataclasses",
    "difflib",
    "enum",
    "fnmatch",
    "functools",
    "importlib",
    "inspect",
    "logging",
    "pathlib",
    "pprint",
    "re",
    "shutil",
    "signal",
    "tempfile",
    "traceback",
    "types",
    "typing",
    "warnings",
    "weakref",
];
/// Folders of installed packages: what is changed there is changed for the runner too.
const INSTALLED: [&str; 4] = ["node_modules", ".venv", "venv", "site-packages"];

static COMPILED: LazyLock<Vec<(&'static Forgery, Option<Regex>)>> = LazyLock::new(|| {
    FORGERIES
        .iter()
        .map(|one| (one, Regex::new(one.pattern).ok()))
        .collect()
});

/// Newly added ways to forge a test run, worded for the one who must take them out. `before` is
/// the file as it stood, where it stood.
pub fn forgeries(path: &TreePath, before: Option<&str>, after: &str) -> Vec<String> {
    let mut found: Vec<String> = by_place(path).into_iter().collect();
    for (forgery, pattern) in COMPILED.iter() {
        if !forgery.names.iter().any(|name| is_named(path, name)) {
            continue;
        }
        let count = |text: &str| {
            pattern
                .as_ref()
                .map_or(0, |one| one.find_iter(text).count())
        };
        let added = if forgery.pattern.is_empty() {
            before.is_none()
        } else {
            count(after) > before.map_or(0, count)
        };
        if added {
            found.push(format!("it {}: leave that out", forgery.words));
        }
    }
    found
}

/// What the place of a file alone says.
fn by_place(path: &TreePath) -> Option<String> {
    let parts: Vec<&str> = path.as_str().split('/').collect();
    if let Some(folder) = parts.iter().find(|part| INSTALLED.contains(part)) {
        return Some(format!(
            "it lies in `{folder}`, which holds installed packages: leave it out"
        ));
    }
    let first = match parts.as_slice() {
        ["src" | "lib" | "tests" | "test", second, ..] => second,
        [first, ..] => first,
        [] => return None,
    };
    let module = first.strip_suffix(".py").unwrap_or(first);
    let python = path.extension() == Some("py");
    if python && hides_library(&parts) {
        return Some("it hides a module of Python's own library: name it otherwise".to_owned());
    }
    (python && RUNNERS.contains(&module))
        .then(|| format!("it stands in for the test runner `{module}`: name it otherwise"))
}

/// A folder hides a module only where it is a package itself.
fn hides_library(parts: &[&str]) -> bool {
    let below = match parts {
        ["src", rest @ ..] | rest => rest,
    };
    let module = match below {
        [file] => file.strip_suffix(".py"),
        [folder, "__init__.py"] => Some(*folder),
        _ => None,
    };
    module.is_some_and(|module| LOADED.contains(&module))
}

fn is_named(path: &TreePath, name: &str) -> bool {
    match name.strip_prefix('*') {
        Some(end) => path.as_str().ends_with(end),
        None => path.name() == name,
    }
}

#[cfg(test)]
mod tests;
