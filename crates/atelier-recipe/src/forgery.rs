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
        pattern: r"(?m)^[ \t]*\[\[?(?:lib|test|bin)\]\]?[^\n]*(?:\n(?:[^\[\n][^\n]*)?)*?\n[ \t]*harness[ \t]*=[ \t]*false|^[ \t]*\[(?:lib|package)\][^\n]*(?:\n(?:[^\[\n][^\n]*)?)*?\n[ \t]*(?:test|autotests)[ \t]*=[ \t]*false",
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
        pattern: r#""(?:pre|post)?test"\s*:\s*"[^"]*(?:\|\|\s*(?:(?:true|:)\s*["&;|]|exit\s+0|(?:echo|printf|cd)\b[^"&;|]*")|;\s*(?:true|:|exit\s+0|(?:echo|printf|cd)\b[^"&;|]*)\s*"|"\s*(?:true|:|exit 0)\s*")|"(?:pre|post)?test"\s*:\s*"\s*(?:true|:|echo|exit\s+0|printf)\b"#,
        words: "lets the tests pass whatever they show",
    },
    Forgery {
        names: &["*package.json"],
        pattern: r#""(?:pre|post)?test"\s*:\s*"[^"]*\s(?:--test-(?:name|skip)-pattern|--testNamePattern|-t|-g|--grep|--fgrep|--invert)\b"#,
        words: "chooses among the tests by their names",
    },
    Forgery {
        names: &[
            "*package.json",
            "*jest.config.js",
            "*jest.config.ts",
            "*jest.config.mjs",
        ],
        pattern: r#"moduleNameMapper["']?\s*:\s*\{[^}]*["']\^?(?:\\?\.){1,2}/\w"#,
        words: "puts another file in the place of one that tests are about",
    },
    Forgery {
        names: &["*package.json"],
        pattern: r#""(?:jest|vitest|mocha|chai|expect|ava|tap|uvu|jasmine|sinon|@jest/[\w-]+|@vitest/[\w-]+|@playwright/test)"\s*:\s*"(?:file:|link:|portal:|\.{0,2}/)"#,
        words: "puts another library in the place of the one that compares",
    },
    Forgery {
        names: &["*Cargo.toml"],
        pattern: r"(?m)^\s*(?:pretty_assertions|similar-asserts|insta|proptest|quickcheck|rstest|test-case|assert_matches|assert_cmd|expect-test|trybuild)\s*=\s*\{[^}\n]*\bpath\s*=",
        words: "puts another library in the place of the one that compares",
    },
    Forgery {
        names: &[
            "*pyproject.toml",
            "*requirements.txt",
            "*requirements-dev.txt",
            "*requirements-test.txt",
            "*setup.cfg",
        ],
        pattern: r#"(?m)^\s*["']?(?:pytest(?:-[\w-]+)?|hypothesis|nose2?|unittest2|syrupy)["']?(?:\[[^\]\n]*\])?\s*(?:=\s*\{[^}\n]*\bpath\s*=|@\s*(?:file:|\.{0,2}/))"#,
        words: "puts another library in the place of the one that compares",
    },
    Forgery {
        names: &["*Gemfile"],
        pattern: r#"(?m)^\s*gem[\s(]+["'](?:minitest|rspec[\w-]*|test-unit|mocha|shoulda[\w-]*)["'][^\n]*\bpath(?::|\s*=>)"#,
        words: "puts another library in the place of the one that compares",
    },
    Forgery {
        names: &["*Makefile", "*makefile", "*GNUmakefile"],
        pattern: r"(?m)^(?:test|check)\s*:[^\n]*\n\t[@-]*(?:true|:|echo|printf|exit\s+0)\b|^\t[^\n]*\b(?:ctest|pytest|unittest|\w*test\w*)\b[^\n]*\|\|\s*(?:true|:|exit\s+0|(?:echo|printf)\b[^\n;&|]*$)|^(?:test|check)\s*:[^\n]*\n(?:\t[^\n]*\n)*?\t@?-|^\.IGNORE\s*:|^MAKEFLAGS\s*[+:?]?=[^\n]*(?:\s-\w*i|--ignore-errors)",
        words: "lets the tests pass whatever they show",
    },
    Forgery {
        names: &[
            "*Makefile",
            "*makefile",
            "*GNUmakefile",
            "*CMakeLists.txt",
            "*meson.build",
        ],
        pattern: r"(?m)^\s*(?:override\s+|export\s+)?C(?:PP|XX)?FLAGS\s*[+?:]*=[^\n]*-D\s*NDEBUG\b|\badd_(?:compile_)?(?:definitions|options)\s*\([^)]*\bNDEBUG\b",
        words: "compiles assertions away",
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
        pattern: r"--collect-only|--co\b|--deselect|--ignore(?:-glob)?\b|-p\s+no:(?:python|unittest|doctest|terminal)\b|collect_ignore|\bpytest11\b|\bpytest_(?:collection_modifyitems|ignore_collect|runtest\w+|pyfunc_call|make_collect_report|pycollect_\w+|itemcollected|collection_finish|report_teststatus|cmdline_main|terminal_summary|sessionfinish|unconfigure)\b|\boption\.(?:keyword|markexpr|deselect|ignore\w*|collectonly)\s*=[^=]|\bPYTEST_ADDOPTS\b",
        words: "decides which tests run, or what they report",
    },
    Forgery {
        names: &["*build.gradle", "*build.gradle.kts"],
        pattern: r"\bignoreFailures\s*(?:=\s*|\.?set\(\s*)?true\b|(?s)\b(?:test|Test>?(?:\(\))?)\s*\{[^}]*\b(?:enabled\s*=\s*false|onlyIf\s*\{\s*false)",
        words: "lets the tests pass whatever they show",
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
/// Libraries that compare, as folders of theirs are named where packages are kept with a project.
const COMPARING: [&str; 16] = [
    "testify",
    "go-cmp",
    "gomega",
    "ginkgo",
    "quicktest",
    "minitest",
    "rspec",
    "rspec-core",
    "rspec-expectations",
    "test-unit",
    "phpunit",
    "pytest",
    "jest",
    "vitest",
    "chai",
    "mocha",
];
/// Folders in which packages are kept with a project.
const KEPT: [&str; 3] = ["vendor", "third_party", "vendored"];
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
    if let Some(library) = kept_library(&parts) {
        return Some(format!(
            "it changes `{library}`, by which tests compare: leave it as it is"
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

/// The library that compares whose kept copy a path lies in.
fn kept_library<'a>(parts: &[&'a str]) -> Option<&'a str> {
    let kept = parts.iter().position(|part| KEPT.contains(part))?;
    let below = parts.iter().skip(kept + 1);
    below.copied().find(|part| COMPARING.contains(part))
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
