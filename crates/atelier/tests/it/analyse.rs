//! `atelier analyse`: what several tools find, in one report.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::json;

use crate::world::World;

/// Built here so that no scanner of this repository takes it for one.
fn token() -> String {
    format!("ghp_{}", "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8")
}

fn project() -> World {
    let world = World::offline();
    world.git(&["init", "-q", "-b", "main"]);
    world.write("app.py", "print(x)\n");
    world.write(
        "conf/app.toml",
        format!("name = \"a\"\ntoken = \"{}\"\n", token()),
    );
    world.write("Dockerfile", "FROM debian\n");
    world
}

/// A program of the project's own that prints this report.
fn program(world: &World, path: &str, report: &str) {
    world.write(
        path,
        format!("#!/bin/sh\ncat <<'END'\n{report}\nEND\nexit 1\n"),
    );
    let file = world.folder().join(path);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

const RUFF: &str = r#"[{"code":"F821","filename":"app.py","fix":null,"location":{"row":1,"column":7},"message":"Undefined name `x`"}]"#;

#[test]
fn one_report_has_what_all_of_them_found_the_most_severe_first() {
    let world = project();
    program(&world, ".venv/bin/ruff", RUFF);
    let ended = world.run(&["analyse", "--only", "ruff,secrets"]).expect(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].contains("conf/app.toml:2"), "{}", ended.all());
    assert!(lines[0].starts_with("high"), "{}", ended.all());
    assert!(
        lines[2].contains("app.py:1  Undefined name `x`"),
        "{}",
        ended.all()
    );
    assert_eq!(
        lines.last(),
        Some(&"2 tools: 1 high, 1 medium"),
        "{}",
        ended.all()
    );
    assert!(!ended.all().contains(&token()), "{}", ended.all());
}

#[test]
fn programs_get_objects_and_may_fail_on_a_severity() {
    let world = project();
    program(&world, ".venv/bin/ruff", RUFF);
    let args = ["analyse", "--json", "--only", "ruff", "--fail-on"];
    let told = world
        .run(&[&args[..], &["medium"]].concat())
        .expect(13)
        .json();
    assert_eq!(told[0]["severity"], json!("medium"));
    assert_eq!(
        (&told[0]["path"], &told[0]["line"]),
        (&json!("app.py"), &json!(1))
    );
    assert_eq!(
        told[1]["findings"],
        json!({"low": 0, "medium": 1, "high": 0, "critical": 0})
    );
    world.run(&[&args[..], &["high"]].concat()).expect(0);
}

#[test]
fn a_tool_that_is_missing_or_breaks_is_told_and_no_failure() {
    let world = project();
    program(
        &world,
        ".venv/bin/ruff",
        "error: the settings cannot be read",
    );
    let mut command = world.command(&["analyse", "--json", "--only", "ruff,hadolint"]);
    command.env("PATH", "/usr/bin:/bin");
    let told = crate::world::end(command).expect(0).json();
    let of = |name: &str| told.iter().find(|line| line["tool"] == name).unwrap();
    assert_eq!(of("ruff")["type"], json!("tool_failed"));
    assert_eq!(
        of("ruff")["why"],
        json!("it ended without a report: error: the settings cannot be read")
    );
    assert_eq!(of("hadolint")["type"], json!("tool_missing"));
    assert_eq!(of("hadolint")["finds"], json!("doubtful container files"));
    assert!(
        of("hadolint")["remedy"]
            .as_str()
            .unwrap()
            .contains("install it")
    );
}

#[test]
fn a_tool_that_nobody_knows_is_refused() {
    let world = project();
    world
        .run(&["analyse", "--only", "lint-o-matic"])
        .expect_failure(2, "lint-o-matic");
}
