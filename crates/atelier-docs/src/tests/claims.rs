//! Claims of documents: what counts as one, drift of every kind, and citations that moved.

use std::fmt::Write as _;

use atelier_model::{FileEntry, FileTree, TreePath};

use super::tree;
use crate::claims::{ClaimKind, Project, check};

const FILES: &[(&str, &str)] = &[
    (
        "Makefile",
        "VERSION := 1\n.PHONY: test\nall: test\ntest: build\n\tpytest\nbuild:\n\ttrue\n",
    ),
    (
        "package.json",
        r#"{"scripts": {"lint": "eslint .", "test": "node --test"}}"#,
    ),
    (
        "justfile",
        "alias t := test\nfmt:\n  black .\nserve port='80':\n  run\n",
    ),
    ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
    (
        "crates/core/Cargo.toml",
        "[package]\nname = \"my-core\"\n\n[[bin]]\nname = \"tool\"\n",
    ),
    (
        "crates/core/src/lib.rs",
        "pub struct Span { pub minutes: u64 }\n\nimpl Span {\n    pub fn read_text(text: &str) -> Self {\n        Self { minutes: text.len() as u64 }\n    }\n}\n\npub enum Unit { Hour, Day }\n",
    ),
    ("scripts/release.sh", "echo release\n"),
    ("requirements.txt", "pytest\n"),
    (".env.example", "PORT=1\n"),
    (
        "pyproject.toml",
        "[project]\nname = \"app\"\n\n[project.scripts]\napp-tool = \"app.main:start_all\"\n",
    ),
    (
        "tests/test_main.py",
        "LEVEL_MAX = '--dry-run'\n\n\ndef test_start():\n    pass\n",
    ),
    ("web/package.json", r#"{"scripts": {"dev": "vite"}}"#),
    ("web/src/chart.ts", "export function renderChart() {}\n"),
    ("app/__init__.py", ""),
    ("app/main.py", "def start_all():\n    pass\n"),
    (
        "docs/guide/first-run.md",
        "# First run\n\nBy hand\n-------\n\n## Steps\n\n## Steps\n\n### `app-tool` & [more](x.md)\n\n\
         <a id=\"old\"></a>\n\n```\n# no heading\n```\n",
    ),
    ("docs/guide/README.md", "# Guide\n"),
    ("go.mod", "module a\n"),
    ("cmd/tool/main.go", "package main\n\nfunc main() {}\n"),
];

/// The drift of a document, as `line kind claim: problem`.
fn drift(text: &str) -> Vec<String> {
    let files = tree(FILES);
    let checked = check(
        &"docs/guide/page.md".parse::<TreePath>().unwrap(),
        text,
        &Project::of(&files),
    );
    let told = checked.drift.iter().map(|one| {
        format!(
            "{} {} {}: {}",
            one.line,
            one.kind.word(),
            one.claim,
            one.problem
        )
    });
    told.collect()
}

fn claims(text: &str) -> usize {
    let files = tree(FILES);
    let document = "docs/guide/page.md".parse::<TreePath>().unwrap();
    check(&document, text, &Project::of(&files)).claims
}

#[track_caller]
fn holds(text: &str) {
    assert_eq!(drift(text), [""; 0], "{text}");
    assert!(claims(text) > 0, "nothing is claimed: {text}");
}

#[track_caller]
fn drifts(text: &str, expected: &str) {
    assert_eq!(drift(text), [expected], "{text}");
}

#[track_caller]
fn claims_nothing(text: &str) {
    assert_eq!(claims(text), 0, "{text}: {:?}", drift(text));
}

#[test]
fn paths_are_there_or_not() {
    for text in [
        "[run](first-run.md) and [run](./first-run.md#top)",
        "[root](../../Makefile) and [folder](../guide)",
        "[without its ending](first-run)",
        "`crates/core/src/lib.rs` and `crates/core/` and `core/src/lib.rs`",
        "`crates/core/src/lib.rs:3`",
        "[run]: first-run.md",
    ] {
        holds(text);
    }
    drifts("[gone](gone.md)", "1 path gone.md: is not there");
    drifts(
        "x\n[gone](../gone/a.md#b)",
        "2 path ../gone/a.md#b: is not there",
    );
    drifts(
        "`crates/core/src/gone.rs`",
        "1 path crates/core/src/gone.rs: is not there",
    );
    drifts("`docs/gone/`", "1 path docs/gone/: is not there");
    drifts("[run]: gone.md", "1 path gone.md: is not there");
}

#[test]
fn what_belongs_elsewhere_claims_nothing() {
    for text in [
        "`src/main.rs` of your project, `and/or`, `text/html`, `/etc/hosts`, `~/.config/x.toml`",
        "[site](https://example.com/a.md), [mail](mailto:a@example.com), [here](#top), [abs](/a)",
        "`crates/NAME/src/lib.rs`, `crates/<name>/a.rs`, `crates/*/Cargo.toml`, `crates/{a,b}.rs`",
        "`git commit` and `npm install` and `cargo install thing` and `make -j4 gone`",
        "`Vec::new`, `tokio::spawn`, `std::fs::read`, `HashMap`, `useEffect()`",
        "```rust\nlet a = \"crates/gone.rs\";\n```",
        "`crates/core/src/NAME.rs`, `crates/LANGUAGE-KIND/`, `cargo test -p CRATE`",
        "[[nodiscard]] and [[some page]]",
        "```sh\ncd elsewhere\n./run\npython app.py\n```",
    ] {
        claims_nothing(text);
    }
}

#[test]
fn commands_name_what_the_project_has() {
    for text in [
        "`make test` and `make build`",
        "```sh\n$ make all && npm run lint # both\nnpm test\n```",
        "`just fmt` and `just t`",
        "`cargo test -p my-core` and `cargo run --bin tool`",
        "```console\n$ ./scripts/release.sh 1.0\n$ sh scripts/release.sh\n```",
        "`python -m app.main` and `go run ./cmd/tool` and `go test ./...`",
        "```sh\ncd crates/core\nmake test\n```",
    ] {
        holds(text);
    }
    drifts(
        "`make deploy`",
        "1 command make deploy: names a target that the makefile does not have: `deploy`",
    );
    drifts(
        "```sh\nnpm run build\n```",
        "2 command npm run build: names a script that `package.json` does not have: `build`",
    );
    drifts(
        "`just deploy`",
        "1 command just deploy: names a recipe that the justfile does not have: `deploy`",
    );
    drifts(
        "```bash\nRUST_LOG=debug cargo test -p my-gone -- --nocapture\n```",
        "2 command RUST_LOG=debug cargo test -p my-gone -- --nocapture: names what the workspace \
         does not have: `-p my-gone`",
    );
    drifts(
        "```sh\n./scripts/gone.sh\n```",
        "2 command ./scripts/gone.sh: names a file that is not there: `./scripts/gone.sh`",
    );
    drifts(
        "```sh\npython -m app.gone\n```",
        "2 command python -m app.gone: names a module that is not there: `app.gone`",
    );
    drifts(
        "`go run ./cmd/gone`",
        "1 command go run ./cmd/gone: names a package that is not there: `./cmd/gone`",
    );
}

#[test]
fn symbols_are_defined_or_used() {
    for text in [
        "`crates/core/src/lib.rs` has `read_text` and `Span::read_text` and `read_text()`",
        "[[app/main.py]]: `start_all()`",
        "`Span::minutes` and `Unit::Day`",
    ] {
        holds(text);
    }
    let gone = "is neither defined nor used in the sources";
    drifts(
        "`crates/core/src/lib.rs` has `write_text`",
        &format!("1 symbol write_text: {gone}"),
    );
    drifts("`Span::gone`", &format!("1 symbol Span::gone: {gone}"));
    drifts(
        "| [[app/main.py]] | `stop_all()` |",
        &format!("1 symbol stop_all(): {gone}"),
    );
}

#[test]
fn names_of_one_word_and_constants_are_symbols_beside_a_source() {
    holds("`web/src/chart.ts` has `renderChart`; `tests/test_main.py` has `LEVEL_MAX`");
    let gone = "is neither defined nor used in the sources";
    drifts(
        "`web/src/chart.ts` has `renderTable`",
        &format!("1 symbol renderTable: {gone}"),
    );
    drifts(
        "`tests/test_main.py` has `LEVEL_MIN`",
        &format!("1 symbol LEVEL_MIN: {gone}"),
    );
    drifts(
        "`Span.released`",
        &format!("1 symbol Span.released: {gone}"),
    );
    for text in [
        "`Span.toml` and `Unit.java`",
        "`app/main.py` reads the environment variable `APP_LEVEL`",
        "`somewhereElse` and `LEVEL_MIN`",
    ] {
        assert_eq!(drift(text), [""; 0], "{text}");
    }
}

#[test]
fn what_was_need_not_be_there_now() {
    let files = tree(FILES);
    let text = "`Span::gone` of `app/gone.py` went, see [it](gone.md). [[app/gone.py#L1]]\n";
    for (name, expected) in [
        ("CHANGELOG.md", 1),
        ("release_notes.md", 1),
        ("NOTES.md", 4),
    ] {
        let document: TreePath = name.parse().unwrap();
        let found = check(&document, text, &Project::of(&files)).drift;
        assert_eq!(found.len(), expected, "{name}: {found:?}");
    }
    // Links to names are followed by what documents sources.
    assert_eq!(drift("[a span](Span) [a licence](LICENSE)").len(), 1);
}

#[test]
fn links_lead_to_headings_and_lines_that_are_there() {
    for text in [
        "[a](first-run.md#first-run) [b](first-run.md#steps) [c](first-run.md#steps-1)",
        "[a](first-run.md#app-tool--more) [b](first-run.md#old) [c](first-run.md#by-hand)",
        "# Here we are\n\n[a](#here-we-are) [b](#top) [c](#)",
        "[a](../../app/main.py#L1-L2) [b](first-run.md#L1)",
        "<a href=\"first-run.md#steps\">steps</a>",
    ] {
        holds(text);
    }
    let heading = "names a heading that is not there";
    drifts(
        "[a](first-run.md#stairs)",
        &format!("1 path first-run.md#stairs: {heading}: `#stairs`"),
    );
    drifts(
        "[a](first-run.md#steps-2)",
        &format!("1 path first-run.md#steps-2: {heading}: `#steps-2`"),
    );
    drifts(
        "[a](first-run.md#no-heading)",
        &format!("1 path first-run.md#no-heading: {heading}: `#no-heading`"),
    );
    drifts(
        "# Here\n[a](#there)",
        &format!("2 path #there: {heading}: `#there`"),
    );
    drifts(
        "[a](../../app/main.py#L3)",
        "1 path ../../app/main.py#L3: names lines of a file that has 2",
    );
    drifts("<img src=\"none.png\">", "1 path none.png: is not there");
}

#[test]
fn files_that_commands_are_given_are_there() {
    for text in [
        "```sh\npip install -r requirements.txt\ncp .env.example .env\npytest tests/test_main.py::test_start -q\n```",
        "```sh\ncd web && npm run dev\ncd ..\nsh scripts/release.sh\n```",
        "```sh\ngit clone https://example.com/me/app.git\ncd app\npip install -r requirements.txt\n```",
        "```sh\nnpm --prefix web run dev\npython -m pytest tests/test_main.py\napp-tool --dry-run --help\n```",
    ] {
        holds(text);
    }
    for (command, problem) in [
        (
            "pip install -r requirements-dev.txt",
            "names a file that is not there: `requirements-dev.txt`",
        ),
        (
            "cp .env.sample .env",
            "names a file that is not there: `.env.sample`",
        ),
        (
            "pytest tests/test_gone.py -q",
            "names a file that is not there: `tests/test_gone.py`",
        ),
        (
            "pytest tests/test_main.py::test_gone",
            "names a test that `tests/test_main.py` does not have: `test_gone`",
        ),
        (
            "docker build -f docker/Dockerfile.prod .",
            "names a file that is not there: `docker/Dockerfile.prod`",
        ),
        (
            "npm --prefix web run serve",
            "names a script that `package.json` does not have: `serve`",
        ),
        (
            "app-tool --backwards",
            "names an option that no source of `app-tool` has: `--backwards`",
        ),
    ] {
        let expected = format!("2 command {command}: {problem}");
        drifts(&format!("```sh\n{command}\n```"), &expected);
    }
}

/// A source of many functions, no two alike.
fn source(functions: usize) -> String {
    (0..functions).fold(String::new(), |mut out, number| {
        _ = write!(
            out,
            "pub fn function_{number}(value: u64) -> u64 {{\n    value * {number} + {}\n}}\n\n",
            number * 7
        );
        out
    })
}

fn document() -> TreePath {
    "docs/a.md".parse().unwrap()
}

fn with(path: &str, text: String) -> FileTree {
    let mut files = FileTree::default();
    files.put(path.parse().unwrap(), FileEntry::text(text));
    files
}

/// A citation of each function, pinned to what it says.
fn citing(path: &str, text: &str, functions: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    (0..functions).fold(String::new(), |mut out, number| {
        let first = number * 4;
        let digest = crate::claims::digest_of(&lines[first..first + 3]);
        _ = writeln!(
            out,
            "Number {number}: [[{path}#L{}-L{}@{digest}]].",
            first + 1,
            first + 3
        );
        out
    })
}

#[test]
fn citations_that_moved_are_found_again() {
    let before = source(100);
    let cited = citing("src/a.rs", &before, 100);
    let files = with("src/a.rs", before.clone());
    assert_eq!(check(&document(), &cited, &Project::of(&files)).drift, []);
    let shifted = format!(
        "//! A head.\n\n{}",
        before.replace("pub fn function_50", "// Half.\npub fn function_50")
    );
    for (path, text) in [
        ("src/a.rs", shifted.clone()),
        ("src/renamed.rs", before),
        ("lib/b.rs", shifted),
    ] {
        let files = with(path, text.clone());
        let project = Project::of(&files);
        let checked = check(&document(), &cited, &project);
        assert!(
            checked.drift.iter().all(|one| one.repair.is_some()),
            "{:?}",
            checked.drift
        );
        let repaired = checked.repaired.unwrap();
        assert_eq!(check(&document(), &repaired, &project).drift, []);
        // Each names the lines of its own function.
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in repaired.lines().enumerate() {
            let at = line
                .split("#L")
                .nth(1)
                .and_then(|rest| rest.split('-').next());
            let first: usize = at.unwrap().parse().unwrap();
            assert!(
                lines[first - 1].contains(&format!("function_{number}(")),
                "{line}"
            );
        }
    }
}

#[test]
fn citations_whose_text_changed_or_is_everywhere_are_not_mended() {
    let before = source(20);
    let cited = citing("src/a.rs", &before, 20);
    let files = with("src/a.rs", before.replace("value *", "value +"));
    let checked = check(&document(), &cited, &Project::of(&files));
    assert_eq!(checked.drift.len(), 20);
    assert!(
        checked
            .drift
            .iter()
            .all(|one| one.repair.is_none() && one.kind == ClaimKind::Citation)
    );
    let twice = format!("// Moved.\n{before}{before}");
    let checked = check(&document(), &cited, &Project::of(&with("src/a.rs", twice)));
    assert!(
        checked
            .drift
            .iter()
            .all(|one| one.problem.contains("2 places")),
        "{:?}",
        checked.drift
    );
    let files = with("src/b.rs", "fn other() {}\n".to_owned());
    let checked = check(&document(), &cited, &Project::of(&files));
    assert_eq!(checked.drift.len(), 20);
    assert!(checked.repaired.is_none());
}

#[test]
fn a_hundred_of_each_kind_of_drift_are_all_found() {
    let mut files = tree(FILES);
    let body = source(100);
    files.put(
        "crates/core/src/many.rs".parse().unwrap(),
        FileEntry::text(body.clone()),
    );
    let mut right = String::new();
    for number in 0..100 {
        let path: TreePath = format!("crates/core/src/m{number}.rs").parse().unwrap();
        files.put(
            path.clone(),
            FileEntry::text(format!("pub fn unique_{number}() {{}}\n")),
        );
        _ = writeln!(
            right,
            "`{path}` has `unique_{number}()`.\n\n`make t{number}`\n"
        );
    }
    right.push_str(&citing("crates/core/src/many.rs", &body, 100));
    let targets = (0..100).fold(String::new(), |mut out, number| {
        _ = writeln!(out, "t{number}:\n\ttrue");
        out
    });
    files.put("Makefile".parse().unwrap(), FileEntry::text(targets));
    assert_eq!(check(&document(), &right, &Project::of(&files)).drift, []);

    let count = |text: &str, files: &FileTree, kind: ClaimKind| {
        let checked = check(&document(), text, &Project::of(files));
        checked.drift.iter().filter(|one| one.kind == kind).count()
    };
    let gone = |text: &str, from: &str, to: &str| text.replace(from, to);
    assert_eq!(
        count(&gone(&right, "src/m", "src/gone"), &files, ClaimKind::Path),
        100
    );
    assert_eq!(
        count(
            &gone(&right, "unique_", "vanished_"),
            &files,
            ClaimKind::Symbol
        ),
        100
    );
    assert_eq!(
        count(
            &gone(&right, "make t", "make gone"),
            &files,
            ClaimKind::Command
        ),
        100
    );
    let changed = FileEntry::text(body.replace("value *", "value -"));
    files.put("crates/core/src/many.rs".parse().unwrap(), changed);
    assert_eq!(count(&right, &files, ClaimKind::Citation), 100);
}
