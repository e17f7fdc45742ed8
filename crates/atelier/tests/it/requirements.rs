//! Five requirements as users write them, from the words to a verified branch.

use std::{fs, path::Path};

use atelier_testkit::{Dialect, EditForm, Fixture, Mode, Script};

use crate::world::World;

/// Documents every finished project has.
const DOCUMENTS: [&str; 5] = [
    "docs/DESIGN.md",
    "docs/DEVPLAN.md",
    "ARCHITECTURE.md",
    "PROGRESS.md",
    "HANDOFF.md",
];

/// Trailers every commit of a task has.
const TRAILERS: [&str; 7] = [
    "Atelier-Run",
    "Atelier-Task",
    "Atelier-Model",
    "Atelier-Prompt",
    "Atelier-Reply",
    "Atelier-Evidence",
    "Atelier-Cost",
];

#[test]
fn a_python_library_is_built() {
    check("python-intervals", Dialect::OpenAi, EditForm::Mixed);
}

#[test]
fn a_rust_program_is_built() {
    check(
        "rust-duplicates",
        Dialect::Anthropic,
        EditForm::SearchReplace,
    );
}

#[test]
fn a_node_service_is_built() {
    check("node-shortener", Dialect::Responses, EditForm::Whole);
}

#[test]
fn a_go_program_is_built() {
    check("go-logstat", Dialect::Anthropic, EditForm::Mixed);
}

#[test]
fn a_c_library_is_built() {
    check("c-ringlog", Dialect::Gemini, EditForm::SearchReplace);
}

/// Builds a fixture with a good model and looks at everything that comes out.
fn check(name: &str, dialect: Dialect, form: EditForm) {
    let fixture = Fixture::named(name).unwrap();
    let script = Script::new(Mode::Oracle)
        .with_fixture(fixture.clone())
        .with_form(form);
    let world = World::with(script, dialect);
    let file = Fixture::folder().join(name).join("requirement.md");

    let ended = world
        .run(&["build", "-f", &file.to_string_lossy()])
        .expect(0);

    assert_eq!(world.server().violations(), Vec::<String>::new());
    let branch = world.branch();
    assert_eq!(
        world.git(&["rev-parse", "main"]),
        world.git(&["rev-parse", &branch])
    );
    assert_eq!(
        world.git(&["status", "--porcelain"]),
        "",
        "the checkout holds the result"
    );
    check_commits(&world, &branch, fixture.steps().count());
    let checkout = world.clone_of(&branch);
    for (path, file) in fixture.tree().iter() {
        let built = fs::read(checkout.join(path.as_str())).unwrap();
        assert_eq!(built, file.bytes, "{path} is what the model wrote");
    }
    check_documents(&checkout);
    let language = &fixture.design.technology_stack.language;
    let printed = world.build_by_hand(&checkout, language);
    check_verdict(&world, &ended.stdout, executed(language, &printed));
}

/// How many tests a toolchain says it ran; `None` where it says only that all is well.
fn executed(language: &str, printed: &str) -> Option<u64> {
    let (before, after) = match language {
        "Python" => ("Ran ", " test"),
        "Rust" => ("test result: ok. ", " passed"),
        "JavaScript" => (" pass ", "\n"),
        "C" => (" tests failed out of ", "\n"),
        _ => return None,
    };
    let numbers = printed.split(before).skip(1);
    let numbers = numbers.filter_map(|rest| rest.split(after).next()?.parse::<u64>().ok());
    Some(numbers.sum())
}

fn check_commits(world: &World, branch: &str, tasks: usize) {
    let commits = world.git(&["rev-list", branch]);
    let mut of_tasks = 0;
    for commit in commits.lines() {
        let message = world.git(&["log", "-1", "--format=%B", commit]);
        let keys = world.git(&["log", "-1", "--format=%(trailers:keyonly)", commit]);
        let has = |trailer: &&str| keys.lines().any(|key| key == *trailer);
        if has(&"Atelier-Task") {
            of_tasks += 1;
            let missing: Vec<_> = TRAILERS.iter().filter(|one| !has(one)).collect();
            assert!(missing.is_empty(), "no {missing:?} in: {message}");
        } else {
            // What is left is the last description of the whole project.
            assert!(message.starts_with("docs: "), "{message}");
            assert!(has(&"Atelier-Run") && has(&"Atelier-Evidence"), "{message}");
        }
        let subject = message.lines().next().unwrap();
        let kind = subject.split([':', '(']).next().unwrap();
        let known = [
            "feat", "fix", "docs", "test", "chore", "refactor", "build", "ci", "perf",
        ];
        assert!(known.contains(&kind), "no conventional subject: {subject}");
    }
    assert_eq!(of_tasks, tasks, "a commit a task");
}

fn check_documents(checkout: &Path) {
    for path in DOCUMENTS {
        let text = fs::read_to_string(checkout.join(path)).unwrap();
        assert!(text.len() > 100, "{path} says something: {text}");
        for citation in citations(&text) {
            check_citation(checkout, path, &citation);
        }
    }
}

/// What stands between `[[` and `]]`, with the escapes of Markdown undone.
fn citations(text: &str) -> Vec<String> {
    let after = text.split("[[").skip(1);
    after
        .filter_map(|rest| rest.split_once("]]"))
        .map(|(citation, _)| citation.replace('\\', ""))
        .collect()
}

fn check_citation(checkout: &Path, document: &str, citation: &str) {
    let cited = citation.split('@').next().unwrap_or(citation);
    let (path, lines) = cited.split_once("#L").unwrap_or((cited, ""));
    let text = fs::read_to_string(checkout.join(path));
    let text = text.unwrap_or_else(|error| panic!("{document} cites {citation}: {error}"));
    if let Some(last) = lines.rsplit("-L").next().filter(|last| !last.is_empty()) {
        let last: usize = last.parse().unwrap();
        assert!(last <= text.lines().count(), "{document} cites {citation}");
    }
}

/// The verdict counts what the project's own toolchain counts.
fn check_verdict(world: &World, stdout: &str, executed: Option<u64>) {
    let events = world.events();
    let verdict = events
        .iter()
        .rfind(|event| event["type"] == "run.verified")
        .unwrap();
    assert_eq!(verdict["passed"], true);
    let tests = verdict["tests"].as_u64().unwrap();
    assert!(tests > 0);
    assert_eq!(
        executed.unwrap_or(tests),
        tests,
        "tests by the toolchain, and by the verdict"
    );
    assert!(stdout.contains(&format!("{tests} tests")), "{stdout}");
    assert_eq!(events.last().unwrap()["type"], "run.finished");
    assert_eq!(events.last().unwrap()["exit_code"], 0);
}
