//! Agents: who does a task, who follows, what reviews find, and the files they share.

use std::{collections::BTreeSet, fs};

use atelier_testkit::{Dialect, Script, wide};
use serde_json::{Value, json};

use crate::{
    replay,
    world::{World, count, oracle},
};

/// A file of an answer.
fn file(path: &str, text: &str) -> String {
    format!("### File: `{path}`\n\n```\n{text}\n```\n\n")
}

fn edits(files: &[(&str, &str)]) -> String {
    let files: String = files.iter().map(|(path, text)| file(path, text)).collect();
    format!("## Implementation Steps\n\n1. Write it.\n\n## Edits\n\n{files}")
}

fn findings(found: &[(&str, &str)]) -> String {
    let found: Vec<Value> = found
        .iter()
        .map(|(weight, problem)| json!({"weight": weight, "file": "", "problem": problem}))
        .collect();
    json!({"summary": "The module was read.", "findings": found}).to_string()
}

/// A world of these answers, whose agents are committed.
fn world(script: Script, agents: &[&[&str]]) -> World {
    let world = World::with(script, Dialect::OpenAi)
        .in_folder("one")
        .with_commit();
    for add in agents {
        world.run(&[&["agent", "add"], *add].concat()).expect(0);
    }
    commit(&world, "chore: agents");
    world
}

fn commit(world: &World, subject: &str) {
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", subject]);
}

fn read(world: &World, path: &str) -> String {
    fs::read_to_string(world.folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Attempts that were begun at a task.
fn attempts(events: &[Value], task: &str) -> usize {
    let own: Vec<Value> = events
        .iter()
        .filter(|event| event["task"] == task)
        .cloned()
        .collect();
    count(&own, "attempt.started")
}

const SCRIBE: [&str; 13] = [
    "scribe",
    "--goal",
    "Tell what a module does.",
    "--prompt",
    "One paragraph, no praise.",
    "--writes",
    "docs/**",
    "--no-tests",
    "--output",
    "docs/{task}.md",
    "--takes=notes/**",
    "--by",
    "standin-small",
];
const FOLLOWED: [&str; 5] = ["code", "--goal", "Write code.", "--then", "scribe"];

#[test]
fn agents_are_listed_shown_and_added() {
    let world = World::offline().with_commit();
    let listed = world.run(&["agent", "list"]).expect(0);
    for name in ["code", "documentation", "review", "test"] {
        assert!(listed.stdout.contains(name), "{}", listed.all());
    }
    let json = world.run(&["--json", "agent", "list"]).expect(0).json();
    assert_eq!(json.len(), 4);
    assert!(json.iter().all(|agent| agent["own"] == false));
    let shown = world.run(&["agent", "show", "review"]).expect(0);
    assert!(
        shown.stdout.contains("answers  findings"),
        "{}",
        shown.all()
    );
    // What it is told stands there line by line.
    assert!(
        shown
            .stdout
            .contains("\n- Matters of taste are no findings."),
        "{}",
        shown.all()
    );
    world
        .run(&["agent", "show", "nobody"])
        .expect_failure(2, "code, documentation, review, test");
    let added = world
        .run(&[&["agent", "add"], &SCRIBE[..]].concat())
        .expect(0);
    assert_eq!(added.stdout.trim(), ".codex/agents/scribe.md");
    let scribe = world
        .run(&["--json", "agent", "show", "scribe"])
        .expect(0)
        .json();
    assert_eq!(scribe[0]["writes"], json!(["docs/**"]));
    assert_eq!(scribe[0]["own"], true);
    assert!(read(&world, ".codex/AGENTS.md").contains("| `scribe` | Tell what a module does. |"));
    world
        .run(&["agent", "add", "scribe", "--goal", "Again."])
        .expect_failure(2, "is there already");
    world
        .run(&["agent", "add", "other"])
        .expect_failure(2, "--goal");
    world
        .run(&["agent", "add", "../x", "--goal", "Out."])
        .expect_failure(2, "name it `../x`");
    world
        .run(&["agent", "add", "last", "--goal", "x", "--then", "nobody"])
        .expect_failure(2, "find the agent `nobody`");
    assert!(!world.folder().join(".codex/agents/last.md").exists());
}

#[test]
fn agents_in_a_circle_are_refused_before_anything_is_asked() {
    let fixture = wide(1).unwrap();
    let world = World::with(oracle(&fixture), Dialect::OpenAi).with_commit();
    let agent = |name: &str, then: &str| {
        let text = format!("+++\nname = \"{name}\"\ngoal = \"x\"\nthen = \"{then}\"\n+++\n");
        world.write(&format!(".codex/agents/{name}.md"), text);
    };
    agent("one", "two");
    agent("two", "one");
    commit(&world, "chore: agents");
    world
        .run(&["build", &fixture.requirement])
        .expect_failure(3, "one → two → one is a circle");
    assert_eq!(world.server().request_count(), 0);
}

#[test]
fn a_task_is_followed_by_an_agent_that_writes_what_it_may() {
    let fixture = wide(1).unwrap();
    let told = edits(&[
        ("docs/1.1.md", "# The first link\n\nIt is the first."),
        ("chain/link_001.py", "raise SystemExit(1)"),
        (
            ".codex/agents/scribe.md",
            "+++\nname = \"scribe\"\ngoal = \"All.\"\n+++",
        ),
    ]);
    let script = oracle(&fixture)
        .with_answer("# EXECUTE TASK t1.1-scribe", &told)
        .with_answer(
            "# EXECUTE TASK t1.2-scribe",
            &edits(&[("docs/1.2.md", "# Link\n\nA link.")]),
        );
    let world = world(script, &[&SCRIBE, &FOLLOWED]);
    world.run(&["build", &fixture.requirement]).expect(0);
    assert!(read(&world, "docs/1.1.md").contains("It is the first."));
    assert!(!read(&world, "chain/link_001.py").contains("SystemExit"));
    assert!(!read(&world, ".codex/agents/scribe.md").contains("All."));
    let asked = world.server().requests();
    let model = |model: &str| {
        asked
            .iter()
            .filter(|one| one.body["model"] == model)
            .count()
    };
    assert_eq!(model("standin-small"), 2, "both tasks of the scribe");
    let events = world.events();
    let dropped: Vec<&Value> = events
        .iter()
        .filter(|one| one["type"] == "tests.restored")
        .collect();
    let said = dropped[0]["files"].to_string();
    assert!(
        said.contains("the agent `scribe` does not write it"),
        "{said}"
    );
    assert!(said.contains("who works on the project"), "{said}");

    let log: Value = serde_json::from_str(&read(&world, ".codex/TASK-LOG.json")).unwrap();
    let done: Vec<(&str, &str)> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["task_id"].as_str().unwrap(),
                one["agent"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(done.len(), 4, "{log}");
    assert!(done.contains(&("t1.1", "code")) && done.contains(&("t1.1-scribe", "scribe")));
    assert!(
        log[0]["output_files"].to_string().contains("chain/"),
        "{log}"
    );
    assert_eq!(log[0]["date"].as_str().unwrap().len(), 10);
    for path in ["PRD.md", "ARCHITECTURE.md", "PROPOSED-TASKS.md"] {
        assert!(
            read(&world, &format!(".codex/{path}")).contains("atelier:begin"),
            "{path}"
        );
    }
    world.run(&["docs", "check"]).expect(0);
    world.run(&["verify"]).expect(0);
    replay::check(world);
}

#[test]
fn what_a_review_finds_goes_back_or_is_proposed_and_what_is_ticked_becomes_a_task_once() {
    let fixture = wide(1).unwrap();
    let must = findings(&[
        ("must", "Zero is not handled."),
        ("should", "Name it better."),
    ]);
    let note = edits(&[("notes.txt", "better named")]);
    let script = oracle(&fixture)
        .with_answer("## To be mended", &findings(&[]))
        .with_answer("# REVIEW TASK t1.1-review", &must)
        .with_answer("# REVIEW TASK", &findings(&[]))
        .with_answer("# EXECUTE TASK u1", &note);
    let code = ["code", "--goal", "Write code.", "--then", "review"];
    let world = world(script, &[&code]);
    world.run(&["build", &fixture.requirement]).expect(0);
    let events = world.events();
    assert_eq!(attempts(&events, "t1.1"), 2);
    assert_eq!(attempts(&events, "t1.1-review"), 2);
    assert_eq!(attempts(&events, "t1.2"), 1);
    let review = read(&world, ".codex/reviews/1.1.md");
    assert!(review.contains("Nothing was found."), "{review}");
    let proposed = read(&world, ".codex/PROPOSED-TASKS.md");
    assert!(proposed.contains("- [ ] Name it better.\n"), "{proposed}");
    world.run(&["docs", "check"]).expect(0);

    let ticked = proposed.replace("- [ ] Name it better.", "- [x] Name it better.");
    world.write(".codex/PROPOSED-TASKS.md", ticked);
    let said = world.run(&["task", "sync"]).expect(0);
    assert!(
        said.all().contains("only what is committed"),
        "{}",
        said.all()
    );
    commit(&world, "docs: tick a proposal");
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(read(&world, "notes.txt"), "better named\n");
    let proposed = read(&world, ".codex/PROPOSED-TASKS.md");
    assert!(
        proposed.contains("- [x] Name it better. (task u1)\n"),
        "{proposed}"
    );
    let asked = world.server().request_count();
    world.run(&["build", &fixture.requirement]).expect(0);
    world.run(&["resume"]).expect(0);
    assert_eq!(world.server().request_count(), asked);
    assert_eq!(attempts(&world.events(), "u1"), 1);
    world.run(&["verify"]).expect(0);
    replay::check(world);
}

#[test]
fn a_task_is_given_to_an_agent() {
    let fixture = wide(1).unwrap();
    let script = oracle(&fixture).with_answer(
        "# EXECUTE TASK u1",
        &edits(&[("docs/use.md", "# Use\n\nUse it.")]),
    );
    let world = world(script, &[&SCRIBE]);
    world.run(&["build", &fixture.requirement]).expect(0);
    let goal = [
        "agent",
        "run",
        "scribe",
        "Tell how to use it",
        "--output",
        "docs/use.md",
    ];
    world.run(&goal).expect(0);
    assert!(read(&world, "docs/use.md").contains("Use it."));
    let log: Value = serde_json::from_str(&read(&world, ".codex/TASK-LOG.json")).unwrap();
    let last = log.as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["task_id"].as_str(), last["agent"].as_str()),
        (Some("u1"), Some("scribe"))
    );

    // Somebody takes an entry out: that is told, and what is there stays.
    let cut = json!([log[0]]).to_string();
    world.write(".codex/TASK-LOG.json", &cut);
    commit(&world, "chore: cut the log");
    world
        .run(&[
            "task",
            "add",
            "Tell more",
            "--agent",
            "scribe",
            "--output",
            "docs/use.md",
        ])
        .expect(0);
    let ended = world.run(&["resume"]);
    let warned = world.events();
    let warned: Vec<&Value> = warned
        .iter()
        .filter(|one| one["type"] == "warning")
        .collect();
    let said = |one: &&&Value| {
        one["message"]
            .to_string()
            .contains("was changed or cut by hand")
    };
    assert_eq!(
        warned.iter().filter(said).count(),
        1,
        "{warned:?} {}",
        ended.all()
    );
}

/// The files of the result, but for those that name the run.
fn files(world: &World) -> Vec<String> {
    let listed = world.git(&["ls-tree", "-r", "HEAD"]);
    let of_run = |line: &&str| line.ends_with("TASK-LOG.json") || line.ends_with("atelier.lock");
    let lines = listed.lines().filter(|line| !of_run(line));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_run_with_reviews_that_is_killed_comes_to_the_same_files_and_asks_nothing_twice() {
    let fixture = wide(1).unwrap();
    let must = findings(&[
        ("must", "Zero is not handled."),
        ("should", "Name it better."),
    ]);
    let built = |killed_at: Option<usize>| {
        let script = oracle(&fixture)
            .with_answer("## To be mended", &findings(&[]))
            .with_answer("# REVIEW TASK t1.1-review", &must)
            .with_answer("# REVIEW TASK", &findings(&[]));
        let code = ["code", "--goal", "Write code.", "--then", "review"];
        let world = world(script, &[&code]);
        let build = ["build", "-j", "1", &fixture.requirement];
        match killed_at {
            Some(times) => {
                let mut child = world.start(&build);
                world.wait_for(&mut child, "task.committed", times);
                child.kill().unwrap();
                child.wait().unwrap();
                world.run(&build).expect(0);
            }
            None => {
                world.run(&build).expect(0);
            }
        }
        let events = world.events();
        // One that was under way when the process died is begun again.
        let reviewed = attempts(&events, "t1.1-review");
        assert!((2..=3).contains(&reviewed), "killed at {killed_at:?}");
        let asked = world.server().requests();
        let unique: BTreeSet<_> = asked.iter().map(|one| &one.digest).collect();
        // The one ask that was under way when the process died may be asked again.
        assert!(asked.len() - unique.len() <= usize::from(killed_at.is_some()));
        files(&world)
    };
    let whole = built(None);
    for times in 1..=4 {
        assert_eq!(built(Some(times)), whole, "killed at commit {times}");
    }
}
