//! Template packs: one folder of files for each language and kind of project.

use include_dir::{Dir, include_dir};

use crate::{
    ScaffoldError,
    request::{Kind, Language, Words},
};

#[cfg(test)]
mod tests;

static FOLDERS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/packs");

/// Files that every pack shares, whatever its language.
const SHARED: &str = "shared";

/// One pack: a skeleton in one language for one kind of project.
#[derive(Debug)]
pub(crate) struct Pack {
    /// The language.
    pub language: Language,
    /// The kind of project.
    pub kind: Kind,
    /// How many tests the skeleton has.
    pub tests: u64,
    /// Prove that the sources are sound without running the tests, one after the other.
    pub build: &'static [&'static [&'static str]],
    /// Runs the tests.
    pub test: &'static [&'static str],
    /// Starts the program; empty where there is nothing to start.
    pub run: &'static [&'static str],
    /// Folder or file of the sources.
    pub sources: &'static str,
    /// Folder or file of the tests.
    pub tests_path: &'static str,
}

const CARGO_BUILD: &[&str] = &["cargo", "build", "--locked"];
const CARGO_TEST: &[&str] = &["cargo", "test", "--locked"];
const CARGO_RUN: &[&str] = &["cargo", "run", "--quiet", "--locked"];
const PYTHON_BUILD: &[&str] = &["python3", "-m", "compileall", "-q", "{{module}}", "tests"];
const PYTHON_TEST: &[&str] = &["python3", "-m", "unittest", "discover"];
const PYTHON_RUN: &[&str] = &["python3", "-m", "{{module}}"];
const NODE_TEST: &[&str] = &["node", "--test"];
const NODE_RUN: &[&str] = &["node", "src/main.js"];
const GO_BUILD: &[&str] = &["go", "vet", "./..."];
const GO_TEST: &[&str] = &["go", "test", "-json", "./..."];
const GO_RUN: &[&str] = &["go", "run", "."];

const CMAKE_BUILD: &[&[&str]] = &[
    &["cmake", "-S", ".", "-B", "build"],
    &["cmake", "--build", "build"],
];
const CTEST: &[&str] = &[
    "ctest",
    "--test-dir",
    "build",
    "--output-on-failure",
    "--no-tests=error",
];

/// Every pack, by language in the order users see them.
pub(crate) const PACKS: &[Pack] = &[
    Pack {
        language: Language::Rust,
        kind: Kind::CommandLine,
        tests: 12,
        build: &[CARGO_BUILD],
        test: CARGO_TEST,
        run: CARGO_RUN,
        sources: "src",
        tests_path: "tests",
    },
    Pack {
        language: Language::Rust,
        kind: Kind::Library,
        tests: 8,
        build: &[CARGO_BUILD],
        test: CARGO_TEST,
        run: &[],
        sources: "src",
        tests_path: "tests",
    },
    Pack {
        language: Language::Rust,
        kind: Kind::HttpService,
        tests: 21,
        build: &[CARGO_BUILD],
        test: CARGO_TEST,
        run: CARGO_RUN,
        sources: "src",
        tests_path: "tests",
    },
    Pack {
        language: Language::Python,
        kind: Kind::CommandLine,
        tests: 11,
        build: &[PYTHON_BUILD],
        test: PYTHON_TEST,
        run: PYTHON_RUN,
        sources: "{{module}}",
        tests_path: "tests",
    },
    Pack {
        language: Language::Python,
        kind: Kind::Library,
        tests: 8,
        build: &[PYTHON_BUILD],
        test: PYTHON_TEST,
        run: &[],
        sources: "{{module}}",
        tests_path: "tests",
    },
    Pack {
        language: Language::Python,
        kind: Kind::HttpService,
        tests: 14,
        build: &[PYTHON_BUILD],
        test: PYTHON_TEST,
        run: PYTHON_RUN,
        sources: "{{module}}",
        tests_path: "tests",
    },
    Pack {
        language: Language::JavaScript,
        kind: Kind::CommandLine,
        tests: 11,
        build: &[&["node", "--check", "src/cli.js"]],
        test: NODE_TEST,
        run: NODE_RUN,
        sources: "src",
        tests_path: "test",
    },
    Pack {
        language: Language::JavaScript,
        kind: Kind::Library,
        tests: 8,
        build: &[&["node", "src/index.js"]],
        test: NODE_TEST,
        run: &[],
        sources: "src",
        tests_path: "test",
    },
    Pack {
        language: Language::JavaScript,
        kind: Kind::HttpService,
        tests: 13,
        build: &[&["node", "--check", "src/server.js"]],
        test: NODE_TEST,
        run: NODE_RUN,
        sources: "src",
        tests_path: "test",
    },
    Pack {
        language: Language::Go,
        kind: Kind::CommandLine,
        tests: 10,
        build: &[GO_BUILD],
        test: GO_TEST,
        run: GO_RUN,
        sources: "cli.go",
        tests_path: "cli_test.go",
    },
    Pack {
        language: Language::Go,
        kind: Kind::Library,
        tests: 8,
        build: &[GO_BUILD],
        test: GO_TEST,
        run: &[],
        sources: "label.go",
        tests_path: "label_test.go",
    },
    Pack {
        language: Language::Go,
        kind: Kind::HttpService,
        tests: 11,
        build: &[GO_BUILD],
        test: GO_TEST,
        run: GO_RUN,
        sources: "routes.go",
        tests_path: "routes_test.go",
    },
    Pack {
        language: Language::C,
        kind: Kind::CommandLine,
        tests: 9,
        build: CMAKE_BUILD,
        test: CTEST,
        run: &["./build/{{name}}"],
        sources: "src",
        tests_path: "tests",
    },
    Pack {
        language: Language::C,
        kind: Kind::Library,
        tests: 7,
        build: CMAKE_BUILD,
        test: CTEST,
        run: &[],
        sources: "src",
        tests_path: "tests",
    },
    Pack {
        language: Language::JavaScript,
        kind: Kind::WebPage,
        tests: 10,
        build: &[&["node", "--check", "src/page.js"]],
        test: NODE_TEST,
        run: &[],
        sources: "src",
        tests_path: "test",
    },
];

/// One file of a pack with every placeholder filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackFile {
    /// Where it goes, relative to the project's root.
    pub path: String,
    /// Its content.
    pub content: String,
}

impl Pack {
    /// The pack of a language and a kind; web pages have one pack whatever the language.
    pub(crate) fn find(language: Language, kind: Kind) -> Result<&'static Self, ScaffoldError> {
        PACKS
            .iter()
            .find(|pack| pack.kind == kind && (pack.language == language || kind == Kind::WebPage))
            .ok_or_else(|| {
                let (language, noun) = (language.name(), kind.noun());
                ScaffoldError::NoPack(format!("the kind of project `{noun}` in {language}"))
            })
    }

    /// The name of the pack's folder.
    pub(crate) fn folder(&self) -> String {
        match self.kind {
            Kind::WebPage => self.kind.word().to_owned(),
            Kind::CommandLine | Kind::Library | Kind::HttpService => {
                format!("{}-{}", self.language.folder(), self.kind.word())
            }
        }
    }

    /// The files of the skeleton, in the order of their paths.
    pub(crate) fn files(&self, words: &Words) -> Vec<PackFile> {
        let folders = [
            SHARED.to_owned(),
            self.language.folder().to_owned(),
            self.folder(),
        ];
        let mut files = Vec::new();
        for folder in folders {
            if let Some(dir) = FOLDERS.get_dir(&folder) {
                collect(dir, &folder, words, &mut files);
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

/// Adds every file below a pack's folder, each with its real path and its placeholders filled.
fn collect(dir: &Dir<'_>, folder: &str, words: &Words, files: &mut Vec<PackFile>) {
    for file in dir.files() {
        let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) else {
            continue;
        };
        let inside = path.strip_prefix(folder).unwrap_or(path);
        files.push(PackFile {
            path: real_path(&words.fill(inside)),
            content: words.fill(text),
        });
    }
    for below in dir.dirs() {
        collect(below, folder, words, files);
    }
}

/// The path a template stands for: `_` at the start of a part is a dot, so that dot files of a
/// template never act on this repository.
fn real_path(template: &str) -> String {
    template
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_prefix('_') {
            Some(rest) if !rest.starts_with('_') => format!(".{rest}"),
            _ => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("/")
}
