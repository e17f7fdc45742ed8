//! `atelier ci`: pipelines out of steps, and nobody's work lost.

use std::fs;

use crate::world::World;

const GITHUB: &str = ".github/workflows/check.yml";
const GITLAB: &str = ".gitlab-ci.yml";

fn go_project() -> World {
    let world = World::offline();
    world.write("go.mod", "module example.com/todo\n\ngo 1.24\n");
    world.write("main.go", "package main\n\nfunc main() {}\n");
    world.write(
        "main_test.go",
        "package main\n\nimport \"testing\"\n\nfunc TestIt(t *testing.T) {}\n",
    );
    world.git(&["init", "-q", "-b", "main"]);
    world
}

fn text(world: &World, path: &str) -> String {
    fs::read_to_string(world.folder().join(path)).unwrap()
}

#[test]
fn a_pipeline_is_written_and_found_current() {
    let world = go_project();
    let missing = world
        .run(&["ci", "check"])
        .expect_failure(13, "the pipelines");
    assert!(missing.stdout.contains("missing"), "{}", missing.all());
    world.run(&["ci", "generate"]).expect(0);
    let first = text(&world, GITHUB);
    assert!(first.contains("go test -json ./..."), "{first}");
    assert!(first.contains("go-version-file: go.mod"), "{first}");
    assert!(!world.folder().join(GITLAB).exists());
    world.run(&["ci", "check"]).expect(0);
    world.run(&["ci", "generate"]).expect(0);
    assert_eq!(text(&world, GITHUB), first);
    // Once it has both, both are meant.
    world.run(&["ci", "generate", "--gitlab"]).expect(0);
    let told = world.run(&["ci", "check", "--json"]).expect(0).json();
    let states: Vec<_> = told
        .iter()
        .map(|line| (&line["forge"], &line["state"]))
        .collect();
    assert_eq!(
        states,
        [
            (&"github".into(), &"current".into()),
            (&"gitlab".into(), &"current".into())
        ]
    );
}

#[test]
fn a_changed_step_is_told_with_the_difference() {
    let world = go_project();
    world
        .run(&["ci", "generate", "--github", "--gitlab"])
        .expect(0);
    world.write(
        "atelier.toml",
        "[steps.test]\nargv = [\"go\", \"test\", \"-race\", \"./...\"]\n",
    );
    let told = world
        .run(&["ci", "check"])
        .expect_failure(13, "the pipelines");
    assert!(told.stdout.contains("outdated"), "{}", told.all());
    assert!(
        told.stdout.contains("go test -race ./..."),
        "{}",
        told.all()
    );
    let before = text(&world, GITHUB);
    world.run(&["ci", "generate", "--check"]).expect(13);
    assert_eq!(text(&world, GITHUB), before);
    // What was written here and left alone is replaced without asking.
    world.run(&["ci", "generate"]).expect(0);
    assert!(text(&world, GITHUB).contains("go test -race ./..."));
    assert!(text(&world, GITLAB).contains("go test -race ./..."));
}

#[test]
fn what_a_person_wrote_or_changed_is_kept() {
    let world = go_project();
    world.run(&["ci", "generate", "--github"]).expect(0);
    let edited = text(&world, GITHUB).replace("ubuntu-latest", "self-hosted");
    world.write(GITHUB, &edited);
    world
        .run(&["ci", "generate"])
        .expect_failure(15, "changed by hand");
    assert_eq!(text(&world, GITHUB), edited);
    world.run(&["ci", "generate", "--force"]).expect(0);
    assert!(!text(&world, GITHUB).contains("self-hosted"));

    let own = "test:\n  script: [make]\n";
    world.write(GITLAB, own);
    // Neither file is touched where one of them would be lost.
    world.write(
        "atelier.toml",
        "[steps.test]\nargv = [\"go\", \"test\", \"./...\"]\n",
    );
    let before = text(&world, GITHUB);
    world
        .run(&["ci", "generate"])
        .expect_failure(15, "not from here");
    assert_eq!(
        (text(&world, GITHUB), text(&world, GITLAB)),
        (before, own.to_owned())
    );
}

#[test]
fn a_folder_without_steps_has_no_pipeline() {
    let world = World::offline();
    world.git(&["init", "-q", "-b", "main"]);
    world
        .run(&["ci", "generate"])
        .expect_failure(2, "no recipe");
}
