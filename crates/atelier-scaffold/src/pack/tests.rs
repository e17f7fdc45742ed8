//! Which packs there are and what they are made of.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use atelier_model::TreePath;

use crate::{
    pack::{FOLDERS, PACKS, Pack},
    request::{Kind, Language, Request, Words},
};

fn words() -> Words {
    Words::of(&Request::read("A command-line tool called `fair-share`.\n- Split bills").unwrap())
}

fn paths(language: Language, kind: Kind) -> String {
    let pack = Pack::find(language, kind).unwrap();
    let paths: Vec<_> = pack
        .files(&words())
        .into_iter()
        .map(|file| file.path)
        .collect();
    paths.join(" ")
}

#[test]
fn every_language_has_every_kind_but_c_has_no_service() {
    for language in Language::ALL {
        for kind in Kind::ALL {
            let none = (language, kind) == (Language::C, Kind::HttpService);
            assert_eq!(
                Pack::find(language, kind).is_err(),
                none,
                "{language:?} {kind:?}"
            );
        }
    }
    assert_eq!(PACKS.len(), 15);
}

#[test]
fn every_folder_belongs_to_a_pack() {
    let used: BTreeSet<String> = PACKS
        .iter()
        .flat_map(|pack| [pack.folder(), pack.language.folder().to_owned()])
        .chain(["shared".to_owned()])
        .collect();
    let there: BTreeSet<String> = FOLDERS
        .dirs()
        .map(|dir| dir.path().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(used, there);
}

#[test]
fn every_file_is_text_at_a_portable_path_and_ends_with_a_line_break() {
    for pack in PACKS {
        let files = pack.files(&words());
        let unique: BTreeSet<_> = files.iter().map(|file| file.path.to_lowercase()).collect();
        assert_eq!(unique.len(), files.len(), "{}", pack.folder());
        for file in files {
            assert_eq!(TreePath::parse(&file.path).unwrap().as_str(), file.path);
            let whole = file.content.trim_start().ends_with('\n');
            assert!(whole && !file.content.contains('\r'), "{}", file.path);
            assert!(!file.path.contains("{{"), "{}", file.path);
            for key in ["name", "module", "package", "title", "summary", "tasks"] {
                assert!(
                    !file.content.contains(&format!("{{{{{key}")),
                    "{}",
                    file.path
                );
            }
        }
    }
}

#[test]
fn every_pack_has_what_a_project_needs_around_its_sources() {
    for pack in PACKS {
        let files = pack.files(&words());
        let content = |path: &str| {
            let found = files.iter().find(|file| file.path == path);
            found.map(|file| file.content.clone()).unwrap()
        };
        assert!(content("README.md").contains("\n## Test\n"));
        assert!(content("README.md").contains("\n- Split bills\n"));
        assert!(content("LICENSE").starts_with("MIT License\n"));
        assert!(!content(".gitignore").is_empty());
        check_workflow(&content(".github/workflows/ci.yml"));
    }
}

fn check_workflow(workflow: &str) {
    assert!(workflow.contains("\npermissions:\n  contents: read\n"));
    assert!(workflow.contains("\nconcurrency:\n"));
    assert!(workflow.contains("timeout-minutes:"));
    let actions: Vec<_> = workflow
        .lines()
        .filter_map(|l| l.split_once("uses: "))
        .collect();
    assert!(!actions.is_empty());
    for (_, action) in actions {
        let (pin, version) = action.split_once(" # v").unwrap();
        let digest = pin.split_once('@').unwrap().1;
        assert!(digest.len() == 40 && digest.chars().all(|c| c.is_ascii_hexdigit()));
        assert_eq!(version.split('.').count(), 3);
    }
}

#[test]
fn the_files_of_the_rust_packs() {
    let around = ".github/workflows/ci.yml .gitignore Cargo.lock Cargo.toml LICENSE README.md";
    let check =
        |kind, own: &str| assert_eq!(paths(Language::Rust, kind), format!("{around} {own}"));
    check(
        Kind::CommandLine,
        "src/args.rs src/commands.rs src/lib.rs src/main.rs tests/arguments.rs tests/program.rs",
    );
    check(Kind::Library, "src/label.rs src/lib.rs tests/label.rs");
    check(
        Kind::HttpService,
        "src/http.rs src/json.rs src/lib.rs src/main.rs src/router.rs src/server.rs src/signal.rs \
         tests/http.rs tests/router.rs tests/server.rs",
    );
}

#[test]
fn the_files_of_the_python_packs() {
    let around = ".github/workflows/ci.yml .gitignore LICENSE README.md";
    let check =
        |kind, own: &str| assert_eq!(paths(Language::Python, kind), format!("{around} {own}"));
    check(
        Kind::CommandLine,
        "fair_share/__init__.py fair_share/__main__.py fair_share/cli.py fair_share/commands.py \
         pyproject.toml tests/__init__.py tests/test_cli.py tests/test_program.py",
    );
    check(
        Kind::Library,
        "fair_share/__init__.py fair_share/label.py fair_share/py.typed pyproject.toml \
         tests/__init__.py tests/test_label.py",
    );
    check(
        Kind::HttpService,
        "fair_share/__init__.py fair_share/__main__.py fair_share/router.py fair_share/server.py \
         pyproject.toml tests/__init__.py tests/test_router.py tests/test_server.py",
    );
}

#[test]
fn the_files_of_the_node_packs() {
    let around = ".github/workflows/ci.yml .gitignore LICENSE README.md";
    let check = |kind, own: &str| {
        assert_eq!(paths(Language::JavaScript, kind), format!("{around} {own}"));
    };
    check(
        Kind::CommandLine,
        "package.json src/about.js src/cli.js src/commands.js src/main.js test/cli.test.js \
         test/program.test.js tsconfig.json",
    );
    check(
        Kind::Library,
        "package.json src/index.js src/label.js test/label.test.js tsconfig.json",
    );
    check(
        Kind::HttpService,
        "package.json src/about.js src/main.js src/router.js src/server.js test/router.test.js \
         test/server.test.js tsconfig.json",
    );
    check(
        Kind::WebPage,
        "icon.svg index.html package.json src/page.js src/sections.js style.css test/page.test.js \
         test/sections.test.js tsconfig.json",
    );
}

#[test]
fn the_files_of_the_go_packs() {
    let around = ".github/workflows/ci.yml .gitignore LICENSE README.md";
    let check = |kind, own: &str| assert_eq!(paths(Language::Go, kind), format!("{around} {own}"));
    check(
        Kind::CommandLine,
        "about.go cli.go cli_test.go go.mod main.go",
    );
    check(Kind::Library, "doc.go go.mod label.go label_test.go");
    check(
        Kind::HttpService,
        "go.mod main.go routes.go routes_test.go server.go server_test.go",
    );
}

#[test]
fn the_files_of_the_c_packs() {
    let check = |kind, own: &str| {
        let around = ".github/workflows/ci.yml .gitignore CMakeLists.txt LICENSE README.md";
        assert_eq!(paths(Language::C, kind), format!("{around} {own}"));
    };
    check(
        Kind::CommandLine,
        "src/about.c src/cli.c src/cli.h src/main.c tests/check.h tests/test_cli.c",
    );
    check(
        Kind::Library,
        "include/fair_share.h src/label.c tests/check.h tests/test_label.c",
    );
}
