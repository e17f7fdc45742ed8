//! Commands, requirements and settings that cannot be used.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use atelier_testkit::{Dialect, Mode, Script, chain};

use crate::world::{World, end};

#[test]
fn a_command_nobody_knows_is_a_usage_error() {
    let world = World::offline();
    for args in [
        &[][..],
        &["frob"],
        &["build", "--frob", "x"],
        &["--color", "pink", "status"],
        &["task"],
        &["log", "--after", "many"],
        &["build", "-f", "a.md", "and words"],
    ] {
        let ended = world.run(args).expect(2);
        assert_eq!(ended.stdout, "", "{args:?}");
        assert!(
            ended.stderr.contains("Usage") || ended.stderr.contains("error"),
            "{args:?}"
        );
    }
}

#[test]
fn a_requirement_must_say_something() {
    let world = World::offline();
    for args in [
        &["build"][..],
        &["build", ""],
        &["build", " \n "],
        &["plan", "  "],
    ] {
        world.run(args).expect_failure(2, "empty");
    }
    world
        .run_with(&["build", "-"], b" \n")
        .expect_failure(2, "empty");
    world
        .run(&["build", "--dry-run", ""])
        .expect_failure(2, "empty");
}

#[test]
fn a_requirement_has_a_limit_that_is_told() {
    let world = World::offline();
    let long = "a small tool in Python. ".repeat(2_750);
    assert!(long.len() > 65_536);
    world
        .run_with(&["plan", "-"], long.as_bytes())
        .expect_failure(2, "65536");
    let fits = &long[..60_000];
    world.run_with(&["plan", "-"], fits.as_bytes()).expect(0);
}

#[test]
fn a_requirement_is_text() {
    let world = World::offline();
    world
        .run_with(&["build", "-"], b"a tool \xff\xfe")
        .expect_failure(2, "UTF-8");
    world.write("bad.md", b"a tool \xff\xfe");
    world
        .run(&["build", "-f", "bad.md"])
        .expect_failure(2, "bad.md");
    let mut command = world.command(&["build"]);
    command.arg(OsStr::from_bytes(b"a tool \xff"));
    end(command).expect(2);
}

#[test]
fn a_requirement_file_must_be_there() {
    let world = World::offline();
    world
        .run(&["build", "-f", "nothing.md"])
        .expect_failure(2, "nothing.md");
}

#[test]
fn a_requirement_comes_from_standard_input() {
    let fixture = chain(1).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    world
        .run_with(&["plan", "-"], fixture.requirement.as_bytes())
        .expect(0);
    let shown = world.run(&["show", "requirement"]).expect(0);
    assert_eq!(shown.stdout.trim(), fixture.requirement.trim());
}

#[test]
fn a_folder_must_be_there_to_read_and_is_made_to_build() {
    let world = World::offline();
    world
        .run(&["-C", "nowhere", "status"])
        .expect_failure(2, "nowhere");
    world
        .run(&["-C", "new", "plan", "a tool in Python"])
        .expect(0);
    assert!(world.folder().join("new/.git").is_dir());
    world.write("file.txt", "no folder\n");
    world
        .run(&["-C", "file.txt", "build", "x"])
        .expect_failure(2, "file.txt");
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    let world = World::offline();
    let ended = world.run(&["-c", "stages.code.modle=x", "build", "x"]);
    ended.expect_failure(2, "stages.code.model");
    // What is wrong is told also where nothing reads it.
    let ended = world.run(&["-c", "stages.code.modle=x", "completion", "bash"]);
    ended.expect_failure(2, "stages.code.model");
    world.write("atelier.toml", "[limits]\natempts_max = 3\n");
    let ended = world
        .run(&["build", "x"])
        .expect_failure(3, "limits.attempts_max");
    assert!(
        ended.line("error: ").contains("atelier.toml"),
        "{}",
        ended.all()
    );
}

#[test]
fn a_value_that_does_not_fit_says_what_would() {
    let world = World::offline();
    for (setting, wanted) in [
        ("limits.attempts_max=-1", "whole number"),
        ("budget=much", "dollars"),
        ("approval=sometimes", "never, plan or task"),
        ("stream=maybe", "true or false"),
    ] {
        world
            .run(&["-c", setting, "build", "x"])
            .expect_failure(2, wanted);
        let (key, value) = setting.split_once('=').unwrap();
        world
            .run(&["config", "set", "--", key, value])
            .expect_failure(2, wanted);
    }
    for option in [
        ["--budget", "nonsense"],
        ["--budget", "+nonsense"],
        ["--budget-tokens", "many"],
        ["--budget-calls", "few"],
        ["--budget-wall", "long"],
        ["--approval", "sometimes"],
        ["--jobs", "all"],
    ] {
        for command in [&["build", "x"][..], &["resume"], &["change", "x"]] {
            let option = [&[command[0]], &option[..], &command[1..]].concat();
            let ended = world.run(&option);
            ended.expect_failure(2, option[1].trim_start_matches('+'));
        }
    }
    world.write("atelier.toml", "budget = \"much\"\n");
    world.run(&["build", "x"]).expect_failure(3, "dollars");
    world.write("atelier.toml", "model = \n");
    world.run(&["build", "x"]).expect_failure(3, "atelier.toml");
}

#[test]
fn a_variable_that_means_nothing_is_a_warning() {
    let world = World::offline();
    let mut command = world.command(&["plan", "a tool in Python"]);
    command.env("ATELIER_MODLE", "x");
    let ended = end(command).expect(0);
    assert!(ended.stderr.contains("ATELIER_MODLE"), "{}", ended.all());
}

#[test]
fn a_provider_without_key_model_or_name_is_told_before_anything_happens() {
    let world = World::offline();
    let model = ["--model", "m"];
    let build = ["build", "x"];
    for (args, code, cause) in [
        (&["--provider", "openai", "--model", "m"][..], 3, "key"),
        (&["--provider", "anthropic", "--model", "m"], 3, "key"),
        (&["--provider", "openai"], 3, "no model"),
        (&["--provider", "nobody", "--model", "m"], 2, "nobody"),
        (&["--base-url", "no address", "--model", "m"], 2, "base_url"),
        (
            &["--provider", "openai", "--base-url", "http://example.com"],
            3,
            "model",
        ),
    ] {
        let args = [args, &build].concat();
        world.run(&args).expect_failure(code, cause);
    }
    assert_eq!(
        std::fs::read_dir(world.folder()).unwrap().count(),
        0,
        "nothing was made"
    );
    let plain = ["--provider", "openai", "--base-url", "http://example.com"];
    let args = [&plain[..], &model, &["-c", "key=sk-1"], &build].concat();
    world.run(&args).expect_failure(3, "http");
}

#[test]
fn a_budget_needs_a_price() {
    let world = World::with(Script::new(Mode::Oracle), Dialect::OpenAi);
    let args = [
        "--base-url",
        "https://models.invalid",
        "build",
        "--budget",
        "1",
        "x",
    ];
    world.run(&args).expect_failure(3, "price");
    assert_eq!(world.server().request_count(), 0);
}
