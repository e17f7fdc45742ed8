//! Every pack is written to disk and built, tested, run and format-checked by its real toolchain.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and this one needs the outside world"
)]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use atelier_model::{Ask, BasicPlan, Check, Design, DetailedPhase, Digest, RunId, Stage, Step};
use regex::Regex;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn answer(stage: Stage, facts: Value) -> String {
    let ask = Ask {
        stage,
        run: RunId::from_text("run"),
        task: None,
        messages: Vec::new(),
        schema: None,
        template: stage.name().to_owned(),
        template_version: Digest::of(b""),
        attempt: 1,
        facts,
    };
    atelier_scaffold::answer(&ask).unwrap()
}

fn artifact<T: DeserializeOwned>(stage: Stage, facts: Value) -> T {
    let reply = answer(stage, facts);
    let json = reply.strip_prefix("```json\n").unwrap();
    serde_json::from_str(json.strip_suffix("\n```\n").unwrap()).unwrap()
}

/// The steps of the whole plan for a requirement in an empty folder, with its design.
fn steps(requirement: &str) -> (Design, Vec<Step>) {
    let design: Design = artifact(Stage::Design, json!({"requirement": requirement}));
    let plan: BasicPlan = artifact(
        Stage::Plan,
        json!({"requirement": requirement, "design": design}),
    );
    let steps = plan.phases.iter().flat_map(|phase| {
        let facts = json!({"requirement": requirement, "design": design, "plan": plan, "phase": phase.number});
        artifact::<DetailedPhase>(Stage::Detail, facts).steps
    });
    let steps = steps.collect();
    (design, steps)
}

/// Writes the files of a code reply below a folder.
fn write_files(reply: &str, root: &Path) {
    let mut lines = reply.lines();
    while let Some(line) = lines.next() {
        let Some(path) = line.strip_prefix("### File: `") else {
            continue;
        };
        let path = root.join(path.strip_suffix('`').unwrap());
        let fence: String = lines
            .next()
            .unwrap()
            .chars()
            .take_while(|c| *c == '`')
            .collect();
        let content: Vec<&str> = lines.by_ref().take_while(|line| *line != fence).collect();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.join("\n") + "\n").unwrap();
    }
}

/// A command in a folder, as offline as its tool can be told to be.
fn command(root: &Path, argv: &[&str]) -> Command {
    let (program, arguments) = argv.split_first().unwrap();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root)
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", root.join("target"))
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-buildvcs=false")
        .env_remove("NODE_TEST_CONTEXT");
    command
}

/// Runs a command to its end.
fn run(root: &Path, argv: &[&str]) -> Output {
    command(root, argv).output().unwrap_or_else(|error| {
        let program = argv[0];
        panic!("{program} does not start ({error}); `cargo xtask test` installs what tests need")
    })
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

/// Tests that ran and passed, as the runner's own report says.
fn tests_passed(argv: &[String], report: &str) -> u64 {
    let number = |text: &str| {
        text.split_whitespace()
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let after = |mark: &str| -> u64 {
        let found = report
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix(mark));
        found.map(number).sum()
    };
    match argv[0].as_str() {
        "cargo" => after("test result: ok. "),
        "python3" => after("Ran "),
        "node" => after("# pass ") + after("ℹ pass "),
        "ctest" => {
            let summary = report.lines().find(|line| line.contains("% tests passed"));
            summary
                .unwrap()
                .rsplit(' ')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        }
        "go" => report
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|event| event["Action"] == "pass" && event["Test"].is_string())
            .count() as u64,
        other => panic!("no report of {other} is known"),
    }
}

/// Connections that are tried before a server counts as not coming up.
const CONNECTS_MAX: u32 = 600;

/// What a server answers to a request for a path; it finds its port in `PORT`.
fn ask_server(root: &Path, start: &[String], path: &str) -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut server = command(root, &start.iter().map(String::as_str).collect::<Vec<_>>())
        .env("PORT", port.to_string())
        .process_group(0)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stream = (0..CONNECTS_MAX).find_map(|_| {
        let connected = TcpStream::connect(("127.0.0.1", port)).ok();
        if connected.is_none() {
            thread::sleep(Duration::from_millis(100));
        }
        connected
    });
    let mut answer = String::new();
    if let Some(stream) = &mut stream {
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        stream.read_to_string(&mut answer).unwrap();
    }
    let group = format!("-{}", server.id());
    let killed = Command::new("kill")
        .args(["-TERM", "--", &group])
        .status()
        .unwrap();
    server.wait().unwrap();
    assert!(
        stream.is_some() && killed.success(),
        "{start:?} does not listen on PORT"
    );
    answer
}

/// Whether a text matches what a criterion expects of the output.
fn check_output(place: &str, step: &Step, index: usize, text: &str) {
    if let Some(pattern) = &step.acceptance[index].expect.output {
        let matches = Regex::new(pattern).unwrap().is_match(text);
        assert!(matches, "{place}: {pattern}\n{text}");
    }
}

/// Checks a criterion as the engine would.
fn check_criterion(root: &Path, step: &Step, index: usize) {
    let criterion = &step.acceptance[index];
    let place = format!("{} {}", step.number, criterion.id);
    match &criterion.check {
        Check::Command { argv, cwd } => {
            assert_eq!(*cwd, None);
            let parts: Vec<&str> = argv.iter().map(String::as_str).collect();
            let output = run(root, &parts);
            let report = text(&output);
            let expected = criterion.expect.exit.unwrap_or(0);
            assert_eq!(
                output.status.code(),
                Some(expected),
                "{place}: {argv:?}\n{report}"
            );
            check_output(&place, step, index, &report);
            if let Some(least) = criterion.expect.tests_min {
                assert_eq!(
                    tests_passed(argv, &report),
                    least,
                    "{place}: {argv:?}\n{report}"
                );
            }
        }
        Check::File { path, contains } => {
            let content = fs::read_to_string(root.join(path)).expect(path);
            let wanted = contains.as_deref().unwrap_or_default();
            assert!(content.contains(wanted), "{place}: {path} lacks {wanted:?}");
        }
        Check::Http { start, path, .. } => {
            let answer = ask_server(root, start, path);
            assert!(answer.split(' ').nth(1) == Some("200"), "{place}: {answer}");
            check_output(&place, step, index, &answer);
        }
        Check::Regex { .. } | Check::Human { .. } => panic!("{place}: no pack has such a check"),
    }
}

/// Lays a project out, holds every criterion against it, and checks its format.
fn check(requirement: &str, language: &str, kind: &str, format: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (design, steps) = steps(requirement);
    let stack = &design.technology_stack;
    assert_eq!(
        (stack.language.as_str(), stack.kind.as_str()),
        (language, kind)
    );
    for step in &steps {
        let facts = json!({"requirement": requirement, "design": design, "step": step});
        write_files(&answer(Stage::Code, facts), root);
        for index in 0..step.acceptance.len() {
            check_criterion(root, step, index);
        }
    }
    if !format.is_empty() {
        let output = run(root, format);
        let report = text(&output);
        assert!(output.status.success(), "{format:?}\n{report}");
        assert_eq!(report.trim(), "", "{format:?}");
    }
}

const RUSTFMT: &[&str] = &["cargo", "fmt", "--check"];
const GOFMT: &[&str] = &["gofmt", "-l", "."];
/// Every module compiles, and no warning is hidden.
const PYTHON: &[&str] = &["python3", "-W", "error", "-m", "compileall", "-q", "."];

fn requirement(language: &str, noun: &str, name: &str) -> String {
    format!(
        "Build a {noun} in {language} called `{name}` that keeps \"lists\" of <things> & counts \\ them.\n\n\
         - add a thing: `add {{name}}`\n- 删除 a thing 🎉\n\n```\n# no feature\n```\n"
    )
}

#[test]
fn a_rust_command_line_program() {
    let requirement = requirement("Rust", "command-line tool", "Test");
    check(&requirement, "Rust", "command-line", RUSTFMT);
}

#[test]
fn a_rust_library() {
    let requirement = requirement("Rust", "library", "a-very-long-name-for-a-small-box");
    check(&requirement, "Rust", "library", RUSTFMT);
}

#[test]
fn a_rust_http_service() {
    let requirement = requirement("Rust", "HTTP service", "self");
    check(&requirement, "Rust", "http-service", RUSTFMT);
}

#[test]
fn the_rust_packs_pass_clippy() {
    for noun in ["command-line tool", "library", "HTTP service"] {
        let folder = tempfile::tempdir().unwrap();
        let requirement = requirement("Rust", noun, "things");
        let (design, steps) = steps(&requirement);
        let facts = json!({"requirement": requirement, "design": design, "step": steps[0]});
        write_files(&answer(Stage::Code, facts), folder.path());
        let clippy = [
            "cargo",
            "clippy",
            "--locked",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        let output = run(folder.path(), &clippy);
        assert!(output.status.success(), "{noun}\n{}", text(&output));
    }
}

#[test]
fn a_python_command_line_program() {
    let requirement = requirement("Python", "command-line tool", "json");
    check(&requirement, "Python", "command-line", PYTHON);
}

#[test]
fn a_python_library() {
    let requirement = requirement("Python", "library", "class");
    check(&requirement, "Python", "library", PYTHON);
}

#[test]
fn a_python_http_service() {
    let requirement = requirement("Python", "HTTP service", "1st");
    check(&requirement, "Python", "http-service", PYTHON);
}

#[test]
fn a_node_command_line_program() {
    let requirement = requirement("TypeScript", "command-line tool", "http");
    check(&requirement, "JavaScript", "command-line", &[]);
}

#[test]
fn a_node_library() {
    let requirement = requirement("JavaScript", "library", "node_modules");
    check(&requirement, "JavaScript", "library", &[]);
}

#[test]
fn a_node_http_service() {
    let requirement = requirement("Node.js", "HTTP service", "Café Olé");
    check(&requirement, "JavaScript", "http-service", &[]);
}

#[test]
fn a_static_web_page() {
    let requirement = requirement("HTML", "web page", "Jane Doe");
    check(&requirement, "JavaScript", "web-page", &[]);
}

#[test]
fn a_go_command_line_program() {
    let requirement = requirement("Go", "command-line tool", "main");
    check(&requirement, "Go", "command-line", GOFMT);
}

#[test]
fn a_go_library() {
    let requirement = requirement("Go", "library", "range");
    check(&requirement, "Go", "library", GOFMT);
}

#[test]
fn a_go_http_service() {
    let requirement = requirement("Go", "HTTP service", "two-words");
    check(&requirement, "Go", "http-service", GOFMT);
}

#[test]
fn a_c_command_line_program() {
    let requirement = requirement("C", "command-line tool", "all");
    check(&requirement, "C", "command-line", &[]);
}

#[test]
fn a_c_library() {
    let requirement = requirement("C", "library", "auto");
    check(&requirement, "C", "library", &[]);
}
