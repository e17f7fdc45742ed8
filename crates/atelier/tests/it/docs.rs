//! Documents that claim something of their project: drift is found, citations that moved are
//! repaired, and what holds is left alone.

use std::fs;

use serde_json::Value;

use crate::world::{World, repository};

const SOURCE: &str = "pub fn area(side: u64) -> u64 {\n    side * side\n}\n\npub fn edge(area: u64) -> u64 {\n    area.isqrt()\n}\n";

/// A project whose only document is right.
fn project() -> World {
    let world = World::offline();
    world.git(&["init", "-q", "-b", "main"]);
    world.write("src/shapes.rs", SOURCE);
    world.write("Makefile", "test:\n\tcargo test\n");
    world.write(
        "docs/guide.md",
        "# Guide\n\n`src/shapes.rs` has `area()`; see [the rules](../Makefile).\n\n```sh\nmake \
         test\n```\n",
    );
    world.write("README.md", "Read [the guide](docs/guide.md).\n");
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "feat: shapes"]);
    world
}

/// Kind and claim of everything that does not hold.
fn drift(world: &World, code: i32) -> Vec<String> {
    let lines = world.run(&["--json", "docs", "check"]).expect(code).json();
    let told = lines.iter().filter(|line| line["type"] == "drift");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    told.map(|line| format!("{} {}", text(&line["kind"]), text(&line["claim"])))
        .collect()
}

#[test]
fn what_holds_is_left_alone_and_every_kind_of_drift_is_found() {
    let world = project();
    assert_eq!(drift(&world, 0), [""; 0]);
    let ended = world.run(&["docs", "check"]).expect(0);
    assert_eq!(ended.stdout, "5 claims in 2 documents: all hold\n");

    world.write("src/shapes.rs", SOURCE.replace("area(side", "surface(side"));
    world.write("src/other.rs", "");
    world.write("Makefile", "check:\n\tcargo test\n");
    let source = fs::read_to_string(world.folder().join("src/shapes.rs")).unwrap();
    world.write("src/shapes.rs", source.replace("area", "size"));
    assert_eq!(drift(&world, 13), ["symbol area()", "command make test"]);

    fs::remove_file(world.folder().join("src/shapes.rs")).unwrap();
    fs::remove_file(world.folder().join("docs/guide.md")).unwrap();
    assert_eq!(drift(&world, 13), ["path docs/guide.md"]);
    let ended = world.run(&["docs", "check"]).expect(13);
    assert!(
        ended
            .stdout
            .starts_with("path     README.md:1  `docs/guide.md` is not there\n"),
        "{}",
        ended.all()
    );
}

#[test]
fn citations_that_moved_are_repaired_and_others_are_told() {
    let world = project();
    let lines = |text: &str| world.write("docs/cited.md", text);
    // Written without a digest, it claims that the lines are there, and no more.
    lines("Areas: [[src/shapes.rs#L1-L3]].\n");
    assert_eq!(drift(&world, 0), [""; 0]);
    let digest = atelier_model::Digest::of("pub fn area(side: u64) -> u64 {\n    side * side\n}");
    let digest = &digest.to_string()[..8];
    lines(&format!("Areas: [[src/shapes.rs#L1-L3@{digest}]].\n"));
    assert_eq!(drift(&world, 0), [""; 0]);

    world.write("src/shapes.rs", format!("//! Shapes.\n\n{SOURCE}"));
    assert_eq!(drift(&world, 13).len(), 1);
    world.run(&["docs", "check", "--fix"]).expect(0);
    let repaired = fs::read_to_string(world.folder().join("docs/cited.md")).unwrap();
    assert_eq!(
        repaired,
        format!("Areas: [[src/shapes.rs#L3-L5@{digest}]].\n")
    );
    assert_eq!(drift(&world, 0), [""; 0]);

    world.write(
        "src/shapes.rs",
        SOURCE.replace("side * side", "side.pow(2)"),
    );
    world.run(&["docs", "check", "--fix"]).expect(13);
    let left = fs::read_to_string(world.folder().join("docs/cited.md")).unwrap();
    assert_eq!(left, repaired, "what changed is for a person to judge");
}

#[test]
fn headings_options_and_files_of_commands_are_claims() {
    let world = project();
    world.write(
        "pyproject.toml",
        "[project]\nname = \"shapes\"\n\n[project.scripts]\nshapes = \"shapes:main\"\n",
    );
    world.write("shapes.py", "OPTIONS = ['--edge']\n");
    let says = |text: &str| world.write("docs/more.md", text);
    says(
        "[it](guide.md#guide)\n\n```sh\ngit clone https://example.com/a/docs.git\ncd docs\ncd src\ncd \
         ..\nshapes --edge=2\nmake test\n```\n",
    );
    assert_eq!(drift(&world, 0), [""; 0]);
    says(
        "[it](guide.md#gone)\n\n```sh\nshapes --corner\npip install -r dev.txt\n```\n\n\
         [lines](../src/shapes.rs#L70)\n",
    );
    let expected = [
        "path guide.md#gone",
        "command shapes --corner",
        "command pip install -r dev.txt",
        "path ../src/shapes.rs#L70",
    ];
    assert_eq!(drift(&world, 13), expected);
    // What a change log says was once so.
    world.write("docs/more.md", "");
    world.write("CHANGELOG.md", "- `src/gone.rs` went, see [it](gone.md)\n");
    assert_eq!(drift(&world, 0), [""; 0]);
}

#[test]
fn documents_are_named_and_listed() {
    let world = project();
    let ended = world.run(&["docs", "list"]).expect(0);
    assert_eq!(
        ended.stdout,
        "README.md  1 claim\ndocs/guide.md  4 claims\n"
    );
    world.write("docs/guide.md", "`src/gone.rs`\n");
    world.run(&["docs", "check", "README.md"]).expect(0);
    world.run(&["docs", "check", "docs"]).expect(13);
    world
        .run(&["docs", "check", "docs/none.md"])
        .expect_failure(2, "docs/none.md");
}

#[test]
fn our_own_documents_hold() {
    let mut command = World::offline().command(&["docs", "check"]);
    command.current_dir(repository());
    let ended = crate::world::end(command);
    assert_eq!(ended.code, Some(0), "{}", ended.all());
}
