//! Reports that real runners printed, in `fixtures/reports`, and what may be read from a part of one.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its fixtures"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use proptest::{prelude::*, sample::Index};

use super::{ReportFormat, read_report, recognise_tests};

const FORMATS: [ReportFormat; 31] = [
    ReportFormat::Cargo,
    ReportFormat::Unittest,
    ReportFormat::Pytest,
    ReportFormat::NodeTest,
    ReportFormat::Vitest,
    ReportFormat::Jest,
    ReportFormat::Mocha,
    ReportFormat::Go,
    ReportFormat::Ctest,
    ReportFormat::Surefire,
    ReportFormat::Junit,
    ReportFormat::Tap,
    ReportFormat::Minitest,
    ReportFormat::Rspec,
    ReportFormat::Phpunit,
    ReportFormat::Exunit,
    ReportFormat::Nim,
    ReportFormat::Meson,
    ReportFormat::Automake,
    ReportFormat::Zig,
    ReportFormat::Bun,
    ReportFormat::Deno,
    ReportFormat::Dotnet,
    ReportFormat::Swift,
    ReportFormat::Dart,
    ReportFormat::Sbt,
    ReportFormat::Terraform,
    ReportFormat::Tasty,
    ReportFormat::Clojure,
    ReportFormat::JunitConsole,
    ReportFormat::Any,
];

struct Case {
    folder: PathBuf,
    format: ReportFormat,
    output: String,
    files: Vec<(String, Vec<u8>)>,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/reports");
    let mut folders: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders.into_iter().map(case).collect()
}

fn case(folder: PathBuf) -> Case {
    let format = fs::read_to_string(folder.join("format.txt")).unwrap();
    let mut files = Vec::new();
    if let Ok(entries) = fs::read_dir(folder.join("files")) {
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((name, fs::read(path).unwrap()));
        }
    }
    files.sort();
    Case {
        format: serde_json::from_value(format.trim().into()).unwrap(),
        output: fs::read_to_string(folder.join("output.txt")).unwrap(),
        files,
        folder,
    }
}

#[test]
fn every_captured_report_is_read_exactly() {
    let cases = cases();
    assert!(cases.len() >= 90, "only {} reports were found", cases.len());
    for case in cases {
        let read = read_report(&case.format, &case.output, &case.files);
        let read = serde_json::to_string_pretty(&read).unwrap() + "\n";
        let expected = case.folder.join("expected.json");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &read).unwrap();
        }
        assert_eq!(
            read,
            fs::read_to_string(&expected).unwrap(),
            "{}",
            case.folder.display()
        );
    }
}

fn passed(case: &Case, format: ReportFormat, output: &str) -> u64 {
    read_report(&format, output, &case.files).map_or(0, |counts| counts.passed)
}

/// The text without the lines between two of them.
fn cut(text: &str, from: Index, to: Index) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (from, to) = (from.index(lines.len() + 1), to.index(lines.len() + 1));
    let (before, after) = (&lines[..from.min(to)], &lines[from.max(to)..]);
    before.concat() + &after.concat()
}

/// The text up to a place, which may be within a line.
fn head(text: &str, end: Index) -> &str {
    let end = end.index(text.len() + 1);
    let end = (0..=end)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap();
    &text[..end]
}

static CASES: OnceLock<Vec<Case>> = OnceLock::new();

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_report_that_is_cut_never_has_more_passes(which: Index, from: Index, to: Index) {
        let all = CASES.get_or_init(cases);
        let case = which.get(all);
        let whole = passed(case, case.format, &case.output);
        let part = cut(&case.output, from, to);
        for output in [&part, head(&case.output, from)] {
            let found = passed(case, case.format, output);
            prop_assert!(found <= whole, "{}: {found} of {whole}", case.folder.display());
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text: String, format in 0..FORMATS.len(), bytes: Vec<u8>) {
        let files = [("report.xml".to_owned(), bytes)];
        read_report(&FORMATS[format], &text, &files);
    }

    #[test]
    fn any_mixture_of_report_lines_is_read_without_a_panic(picks in prop::collection::vec(any::<(Index, Index)>(), 0..40)) {
        let cases = CASES.get_or_init(cases);
        let lines = picks.iter().filter_map(|(case, line)| {
            let lines: Vec<&str> = cases[case.index(cases.len())].output.lines().collect();
            (!lines.is_empty()).then(|| lines[line.index(lines.len())])
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        for format in FORMATS {
            read_report(&format, &text, &[]);
        }
    }
}

fn check(command: &str, expected: Option<ReportFormat>) {
    let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
    assert_eq!(recognise_tests(&argv), expected, "{command}");
}

#[test]
fn test_runners_are_recognised() {
    check("cargo test", Some(ReportFormat::Cargo));
    check("cargo +stable test -p x", Some(ReportFormat::Cargo));
    check("cargo nextest run", Some(ReportFormat::Cargo));
    check("python3 -m unittest discover", Some(ReportFormat::Unittest));
    check(
        ".venv/bin/python -B -m pytest -q",
        Some(ReportFormat::Pytest),
    );
    check("pytest tests", Some(ReportFormat::Pytest));
    check("uv run pytest", Some(ReportFormat::Pytest));
    check("uv run python -m unittest", Some(ReportFormat::Unittest));
    check("node --test", Some(ReportFormat::NodeTest));
    check("npm test", Some(ReportFormat::Any));
    check("npm --prefix web run test:unit", Some(ReportFormat::Any));
    check("npm run test:unit -- --ci", Some(ReportFormat::Any));
    check("npx --no-install vitest run", Some(ReportFormat::Vitest));
    check("pnpm exec jest", Some(ReportFormat::Jest));
    check("go test ./...", Some(ReportFormat::Go));
    check("ctest --test-dir build", Some(ReportFormat::Ctest));
    check("mvn -B test", Some(ReportFormat::Surefire));
    check("make test", Some(ReportFormat::Any));
    check("env PORT=1 make check", Some(ReportFormat::Any));
    check("bats tests", Some(ReportFormat::Tap));
}

#[test]
fn a_shell_line_is_read_as_the_runner_in_it() {
    let shell = |line: &str| recognise_tests(&["sh".into(), "-c".into(), line.into()]);
    assert_eq!(shell("cd web && npx jest"), Some(ReportFormat::Jest));
    assert_eq!(shell("cargo test && npm test"), Some(ReportFormat::Any));
    assert_eq!(
        shell("PYTHONPATH=src python3 -m unittest"),
        Some(ReportFormat::Unittest)
    );
    assert_eq!(shell("echo fine"), None);
    assert_eq!(shell("sh -c 'sh -c pytest'"), None);
}

#[test]
fn what_runs_no_tests_is_no_runner() {
    check("cargo build", None);
    check("cargo test --no-run", None);
    check("python3 main.py", None);
    check("node index.js", None);
    check("npm run build", None);
    check("go vet ./...", None);
    check("mvn -DskipTests package", None);
    check("make", None);
    check("pytest --collect-only", None);
    assert_eq!(recognise_tests(&[]), None);
}

#[test]
fn a_test_cannot_print_itself_a_better_report() {
    let real = "Ran 0 tests in 0.000s\n\nOK\n";
    let printed = "Ran 9 tests in 0.001s\n\nOK\n";
    for output in [format!("{printed}{real}"), format!("{real}{printed}")] {
        let counts = read_report(&ReportFormat::Unittest, &output, &[]).unwrap();
        assert_eq!(counts.executed(), 0);
    }
}

#[test]
fn silence_is_unknown_and_not_success() {
    for format in FORMATS {
        assert_eq!(read_report(&format, "", &[]), None, "{format:?}");
        assert_eq!(read_report(&format, "all good\n", &[]), None, "{format:?}");
    }
}

/// What a program prints must not overflow a sum.
#[test]
fn absurd_numbers_are_no_report() {
    let most = u64::MAX;
    for output in [
        format!(
            "test result: ok. {most} passed; {most} failed; {most} ignored; {most} measured; 0 filtered out; finished in 0.00s\n"
        ),
        format!(
            "Ran {most} tests in 0.001s\n\nFAILED (failures={most}, errors={most}, skipped={most})\n"
        ),
        format!("{most} passed, {most} failed in 0.01s\n{most} passed, {most} xpassed in 0.01s\n"),
        format!(
            "# tests {most}\n# pass {most}\n# fail {most}\n# cancelled {most}\n# skipped {most}\n# todo {most}\n# duration_ms 1\n"
        ),
        format!("Tests: {most} passed, {most} failed, {most} skipped, {most} total\n"),
        format!("      Tests  {most} failed | {most} passed ({most})\n"),
        format!("1..{most}\n1..{most}\nok 1\n"),
        format!("100% tests passed, {most} tests failed out of {most}\n"),
        format!("{most} Tests {most} Failures {most} Ignored\n"),
        format!("Tests run: {most}, Failures: {most}, Errors: {most}, Skipped: {most}\n"),
    ] {
        for format in FORMATS {
            let executed = read_report(&format, &output, &[]).map_or(0, |counts| counts.executed());
            assert!(executed <= 1, "{format:?}: {output}");
        }
    }
}
