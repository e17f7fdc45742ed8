//! Every command as a person or a program uses it: what it prints, where, and how it ends.

use std::fs;

use atelier_testkit::{Dialect, Fixture, Mode, Script, StageSeen, chain, repo_snapshot};
use serde_json::Value;

use crate::world::{KEY, World, count, end};

/// A finished project of two tasks.
fn built() -> (World, Fixture) {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    world.run(&["build", &fixture.requirement]).expect(0);
    (world, fixture)
}

#[test]
fn a_finished_run_can_be_read() {
    let (world, fixture) = built();
    let says = |args: &[&str], wanted: &[&str]| {
        let ended = world.run(args).expect(0);
        for word in wanted {
            assert!(
                ended.stdout.contains(word),
                "{args:?}: no `{word}`: {}",
                ended.all()
            );
        }
        assert_eq!(ended.stderr, "", "{args:?}");
        ended.stdout
    };
    says(&["status"], &["done", "t1.1", "t1.2", "Add link 2"]);
    says(&["status", "--all"], &["done", "Write a Python package"]);
    says(&["task", "list"], &["t1.1", "t1.2"]);
    says(&["task", "show", "t1.2"], &["Add link 2", "done"]);
    says(&["show", "requirement"], &[fixture.requirement.trim()]);
    says(
        &["show", "design"],
        &["Each module is computed from the one before it."],
    );
    says(&["show", "plan"], &["Add link 1", "Add link 2"]);
    says(&["show", "handoff"], &["python3 -m unittest"]);
    says(
        &["show", "t1.1"],
        &["Add link 1", "python3 -m unittest tests.test_link_001"],
    );
    says(&["diff"], &["chain/link_001.py", "chain/link_002.py"]);
    let one = says(&["diff", "t1.2"], &["chain/link_002.py"]);
    assert!(!one.contains("+++ b/chain/link_001.py"), "{one}");
    let log = says(&["log"], &["run.created", "task.committed", "run.finished"]);
    let after = says(&["log", "--after", "5"], &["run.finished"]);
    assert_eq!(after.lines().count() + 5, log.lines().count());
    let last = says(&["log", "-n", "3"], &["run.finished"]);
    assert_eq!(last.lines().count(), 3);
    assert!(log.ends_with(&last), "{log}\n{last}");
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let (world, _) = built();
    world.run(&["show", "t9.9"]).expect_failure(2, "t1.1, t1.2");
    world.run(&["diff", "t9.9"]).expect_failure(2, "t9.9");
    world
        .run(&["task", "show", "t9.9"])
        .expect_failure(2, "t9.9");
    world
        .run(&["task", "retry", "t1.1"])
        .expect_failure(2, "done");
    for command in ["status", "log", "resume", "run"] {
        world.run(&[command, "NORUN"]).expect_failure(2, "NORUN");
    }
    world.run(&["run"]).expect_failure(2, "planned");
}

#[test]
fn commands_that_read_say_where_nothing_was_built() {
    let world = World::offline();
    for args in [
        &["status"][..],
        &["log"],
        &["show"],
        &["diff"],
        &["task", "list"],
        &["task", "show", "t1.1"],
    ] {
        world.run(args).expect_failure(2, "find a project");
    }
    assert_eq!(
        fs::read_dir(world.folder()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[test]
fn every_line_of_json_is_an_event_and_the_last_tells_the_end() {
    let fixture = chain(1).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    let lines = world
        .run(&["--json", "build", &fixture.requirement])
        .expect(0)
        .json();
    check_events(&lines, 0);
    let numbers: Vec<u64> = lines
        .iter()
        .map(|line| line["seq"].as_u64().unwrap())
        .collect();
    let all: Vec<u64> = (1..=lines.len() as u64).collect();
    assert_eq!(numbers, all, "numbers without a gap");
    assert_eq!(lines, world.events(), "`log` tells the same");

    let again = world
        .run(&["--json", "build", &fixture.requirement])
        .expect(0)
        .json();
    let last = again.last().unwrap();
    assert_eq!(
        (&last["type"], &last["exit_code"]),
        (&"run.finished".into(), &0.into())
    );
}

#[test]
fn json_of_a_failure_ends_with_its_code() {
    let fixture = chain(1).unwrap();
    let world = World::with(Script::new(Mode::Unauthorized), Dialect::Anthropic);
    let lines = world
        .run(&["--json", "build", &fixture.requirement])
        .expect(3)
        .json();
    check_events(&lines, 3);
}

fn check_events(lines: &[Value], code: i32) {
    for line in lines {
        assert_eq!(line["v"], 1, "{line}");
        assert!(line["seq"].is_u64(), "{line}");
        assert!(
            line["at"].as_str().is_some_and(|at| at.ends_with('Z')),
            "{line}"
        );
        assert!(line["type"].is_string(), "{line}");
    }
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "run.finished");
    assert_eq!(last["exit_code"], code);
    assert_eq!(count(lines, "run.finished"), 1);
}

#[test]
fn other_commands_speak_json_too() {
    let (world, _) = built();
    for args in [
        &["--json", "status"][..],
        &["--json", "status", "--all"],
        &["--json", "task", "list"],
        &["--json", "show", "plan"],
        &["--json", "show", "design"],
        &["--json", "show", "handoff"],
        &["--json", "show", "t1.1"],
        &["--json", "config", "show"],
    ] {
        let ended = world.run(args).expect(0);
        let whole = serde_json::from_str::<Value>(&ended.stdout).is_ok();
        assert!(
            whole || !ended.json().is_empty(),
            "{args:?}: {}",
            ended.all()
        );
    }
}

#[test]
fn quiet_says_the_answer_and_nothing_else() {
    let fixture = chain(1).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    let ended = world
        .run(&["--quiet", "build", &fixture.requirement])
        .expect(0);
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.all());
    assert_eq!(ended.stderr, "", "{}", ended.all());
    world
        .run(&["--quiet", "show", "t9.9"])
        .expect_failure(2, "t9.9");
}

#[test]
fn colour_is_for_terminals_and_those_who_want_it() {
    let (world, _) = built();
    let plain = world.run(&["status"]).expect(0);
    assert!(!plain.all().contains('\u{1b}'), "{}", plain.all());
    let coloured = world.run(&["--color", "always", "status"]).expect(0);
    assert!(coloured.stdout.contains('\u{1b}'), "{}", coloured.all());
    let mut command = world.command(&["--color", "auto", "status"]);
    command.env("NO_COLOR", "1");
    let ended = end(command).expect(0);
    assert_eq!(ended.stdout, plain.stdout);
}

#[test]
fn completions_are_printed_for_every_shell() {
    let world = World::offline();
    for shell in ["bash", "zsh", "fish"] {
        let ended = world.run(&["completion", shell]).expect(0);
        for command in ["doctor", "resume", "task"] {
            assert!(ended.stdout.contains(command), "{shell}: {}", ended.all());
        }
    }
    world.run(&["completion", "cobol"]).expect(2);
}

#[test]
fn the_version_and_the_help_are_answers() {
    let world = World::offline();
    let version = world.run(&["--version"]).expect(0);
    assert_eq!(
        version.stdout,
        concat!("atelier ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let help = world.run(&["--help"]).expect(0);
    for word in ["build", "resume", "--json", "Exit codes"] {
        assert!(help.stdout.contains(word), "{}", help.all());
    }
    assert_eq!(help.stderr, "");
}

#[test]
fn doctor_finds_the_model_and_never_prints_the_key() {
    let fixture = chain(1).unwrap();
    for dialect in Dialect::ALL {
        let world = World::oracle(&fixture, dialect);
        let lines = world.run(&["doctor", "--json"]).expect(0).json();
        assert!(
            lines
                .iter()
                .all(|line| line["v"] == 1 && line["type"] == "finding")
        );
        let groups = |name: &str| lines.iter().any(|line| line["group"] == name);
        for group in ["machine", "toolchain", "models"] {
            assert!(groups(group), "no finding of the group {group}");
        }
        assert!(world.server().model_lists() > 0, "{lines:?}");
        assert_eq!(world.server().request_count(), 0);
        assert_eq!(world.server().violations(), Vec::<String>::new());
    }
}

#[test]
fn doctor_says_what_to_do_about_a_refused_key() {
    let world = World::with(Script::new(Mode::Unauthorized), Dialect::OpenAi);
    let ended = world.run(&["doctor", "--json"]).expect(3);
    let problem = ended
        .json()
        .into_iter()
        .find(|line| line["state"] == "problem");
    let problem = problem.expect("there is a problem");
    assert_ne!(problem["remedy"], "", "{problem}");
}

#[test]
fn configuration_shows_where_each_value_came_from() {
    let world = World::with(Script::new(Mode::Oracle), Dialect::OpenAi);
    world.write(
        "atelier.toml",
        "# mine\nbudget = \"1.50\"\n[stages.code]\nmodel = \"strong\"\n",
    );
    let ended = world
        .run(&["--model", "flagged", "config", "show"])
        .expect(0);
    let line = |key: &str| {
        let found = ended
            .stdout
            .lines()
            .find(|line| line.starts_with(&format!("{key} = ")));
        found
            .unwrap_or_else(|| panic!("no {key}: {}", ended.all()))
            .to_owned()
    };
    assert!(line("model").contains("--model"), "{}", line("model"));
    assert!(
        line("provider").contains("ATELIER_PROVIDER"),
        "{}",
        line("provider")
    );
    assert!(
        line("budget").contains("atelier.toml"),
        "{}",
        line("budget")
    );
    assert!(line("stages.code.model").contains("strong"));
    assert!(line("approval").contains("default"), "{}", line("approval"));
    assert!(
        !line("key").contains(&KEY[4..KEY.len() - 4]),
        "{}",
        line("key")
    );
}

#[test]
fn a_value_is_written_and_comments_stay() {
    let world = World::offline();
    world.write("atelier.toml", "# mine\nbudget = \"1.50\" # enough\n");
    world
        .run(&["config", "set", "limits.attempts_max", "5"])
        .expect(0);
    world.run(&["config", "set", "budget", "2"]).expect(0);
    let text = fs::read_to_string(world.folder().join("atelier.toml")).unwrap();
    assert!(
        text.contains("# mine") && text.contains("attempts_max = 5"),
        "{text}"
    );
    let shown = world.run(&["config", "show"]).expect(0);
    assert!(
        shown.stdout.contains("limits.attempts_max = 5"),
        "{}",
        shown.all()
    );
    assert!(shown.stdout.contains("budget = 2"), "{}", shown.all());

    let wrong = world.run(&["config", "set", "limits.atempts_max", "5"]);
    wrong.expect_failure(2, "limits.attempts_max");
    world
        .run(&["config", "set", "budget", "much"])
        .expect_failure(2, "dollars");
    let unchanged = fs::read_to_string(world.folder().join("atelier.toml")).unwrap();
    assert_eq!(unchanged, text);
}

#[test]
fn a_plan_is_executed_when_it_is_approved() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    let ended = world.run(&["plan", &fixture.requirement]).expect(0);
    assert!(ended.stdout.contains("Add link 2"), "{}", ended.all());
    assert!(ended.stdout.contains("Estimate"), "{}", ended.all());
    let planning = world.server().request_count();
    assert_eq!(count(&world.events(), "task.committed"), 0);

    world.run(&["plan", &fixture.requirement]).expect(0);
    assert_eq!(
        world.server().request_count(),
        planning,
        "the plan is there already"
    );
    world.run(&["run"]).expect(0);
    check_asked_once(&world);
}

#[test]
fn without_a_terminal_an_approval_waits_for_a_person() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    let waits = world.run(&["build", "--approval", "plan", &fixture.requirement]);
    waits.expect_failure(10, "approval");
    assert_eq!(count(&world.events(), "approval.asked"), 1);
    assert_eq!(count(&world.events(), "task.committed"), 0);
    world.run(&["run"]).expect(0);
    check_asked_once(&world);
}

#[test]
fn a_task_that_needs_approval_waits_and_goes_on_with_yes() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    world.run(&["plan", &fixture.requirement]).expect(0);
    world
        .run(&["run", "--approval", "task"])
        .expect_failure(10, "t1.1");
    assert_eq!(count(&world.events(), "task.committed"), 0);
    world.run(&["resume", "--yes"]).expect(0);
    assert_eq!(count(&world.events(), "approval.given"), 2);
    check_asked_once(&world);
}

/// No question was asked twice.
#[track_caller]
fn check_asked_once(world: &World) {
    let seen = world.server().requests();
    let mut digests: Vec<_> = seen.iter().map(|seen| &seen.digest).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), seen.len());
    assert_eq!(world.server().violations(), Vec::<String>::new());
}

#[test]
fn a_dry_run_asks_nobody_and_leaves_no_trace() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    let ended = world
        .run(&["build", "--dry-run", &fixture.requirement])
        .expect(0);
    for word in ["# DESIGN", "Estimate", "Nothing was asked"] {
        assert!(ended.stdout.contains(word), "{}", ended.all());
    }
    world
        .run(&["--json", "build", "--dry-run", &fixture.requirement])
        .expect(0)
        .json();
    assert_eq!(
        fs::read_dir(world.folder()).unwrap().count(),
        0,
        "nothing was made"
    );
    assert_eq!(world.server().request_count(), 0);

    let world = world.with_commit();
    let before = repo_snapshot(world.folder()).unwrap();
    world
        .run(&["build", "--dry-run", &fixture.requirement])
        .expect(0);
    assert_eq!(repo_snapshot(world.folder()).unwrap(), before);
    assert!(!world.folder().join(".atelier").exists());
}

#[test]
fn a_failed_task_is_retried_by_a_better_model() {
    let fixture = chain(2).unwrap();
    let mut world = World::with(
        Script::new(Mode::FailThenFix).with_fixture(fixture.clone()),
        Dialect::OpenAi,
    )
    .with_commit();
    let build = ["-c", "limits.attempts_max=1", "build", &fixture.requirement];
    let ended = world.run(&build).expect_failure(13, "finish task t1.1");
    assert!(
        ended.line("hint: ").contains("atelier task retry"),
        "{}",
        ended.all()
    );
    let shown = world.run(&["show", "t1.1"]).expect(0);
    assert!(shown.stdout.contains("failed"), "{}", shown.all());

    world.now_with(Script::new(Mode::Oracle).with_fixture(fixture));
    world.run(&["task", "retry", "t1.1"]).expect(0);
    let asked: Vec<_> = world
        .server()
        .requests()
        .into_iter()
        .map(|seen| seen.stage)
        .collect();
    let planning = |stage: &StageSeen| !matches!(stage, StageSeen::Code { .. } | StageSeen::Docs);
    assert!(
        !asked.iter().any(planning),
        "the plan is not asked again: {asked:?}"
    );
}

/// An answer that writes one file.
fn note() -> Script {
    let text = "## Edits\n\n### File: `NOTES.txt`\n\n```\nremember the milk\n```\n";
    let answers = vec![atelier_testkit::Answer::Text(text.to_owned())];
    Script::new(Mode::Scripted(answers))
}

#[test]
fn a_task_of_ones_own_is_added_and_executed() {
    let (mut world, _) = built();
    world.now_with(note());
    let add = ["task", "add", "Write the note", "--output", "NOTES.txt"];
    // What two criteria ask for alike is executed once for both.
    let once = "sh -c 'echo again >> told; test $(wc -l < told) = 1'";
    let proofs = [
        "--accept",
        "grep milk NOTES.txt",
        "--accept",
        once,
        "--accept",
        once,
    ];
    let add = [&add[..], &proofs].concat();
    let ended = world.run(&add).expect(0);
    assert!(ended.stdout.starts_with("u1 of run "), "{}", ended.all());
    world.run(&["task", "execute", "u1"]).expect(0);
    let text = fs::read_to_string(world.folder().join("NOTES.txt")).unwrap();
    assert_eq!(text, "remember the milk\n");
    world
        .run(&["task", "add", "x", "--accept", "un'closed"])
        .expect_failure(2, "un'closed");
    world.run(&["task", "add"]).expect(2);
}

#[test]
fn the_shell_reads_commands_from_a_pipe() {
    let (mut world, _) = built();
    world.now_with(note());
    let script = "# a comment\n\nlist\nnew-task 'Write the note' --output NOTES.txt --accept \
                  'grep milk NOTES.txt'\nexecute-task u1\ndocs\nopen NOTES.txt\nstatus\nexit\nfrob\n";
    let ended = world.run_with(&["shell"], script.as_bytes()).expect(0);
    for word in ["t1.2", "u1 of run", "docs/DESIGN.md", "remember the milk"] {
        assert!(ended.stdout.contains(word), "no `{word}`: {}", ended.all());
    }
    world.run_with(&["shell"], b"frob\n").expect(2);
    world
        .run_with(&["shell"], b"open nothing.txt\n")
        .expect_failure(2, "nothing.txt");
    world
        .run_with(&["shell"], b"show 'unclosed\n")
        .expect_failure(2, "quotes");
    world.run_with(&["shell"], b"").expect(0);
}

#[test]
fn init_makes_a_project_of_an_empty_folder_and_of_a_full_one() {
    let world = World::offline();
    world.run(&["init", "--offline"]).expect(0);
    assert!(world.folder().join("atelier.toml").is_file());
    world.git(&["rev-parse", "--git-dir"]);
    world.run(&["init", "--offline"]).expect(0);

    let world = world.in_folder("full");
    fs::remove_dir_all(world.home.project().join(".git")).unwrap();
    world.write("src/notes.txt", "notes\n");
    world.write("run.sh", "#!/bin/sh\n");
    world.run(&["init", "--offline"]).expect(0);
    let listed = world.git(&["ls-tree", "-r", "--name-only", "HEAD"]);
    assert_eq!(listed, "atelier.toml\nrun.sh\nsrc/notes.txt");
    let status = world.git(&["status", "--porcelain"]);
    assert_eq!(status, "");
}
