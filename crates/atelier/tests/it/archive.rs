//! Answers leave a project as a file or through a node of IPFS, and answer in another one.

use std::{fs, path::PathBuf};

use atelier_archive::Cid;
use atelier_testkit::{Answer, Dialect, Fixture, Mode, Script, chain};
use serde_json::json;

use crate::{
    gateway::Gateway,
    node::Node,
    world::{Ended, World},
};

/// A world whose project has been built, and what it was built from.
fn built() -> (World, Fixture) {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    let world = world.in_folder("one").with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    assert!(world.server().request_count() > 3);
    (world, fixture)
}

/// Another machine with the same requirement and a model of its own.
fn elsewhere(fixture: &Fixture) -> World {
    World::oracle(fixture, Dialect::OpenAi)
        .in_folder("two")
        .with_commit()
}

/// Builds without asking the model.
#[track_caller]
fn builds_without_a_question(world: &World, fixture: &Fixture) {
    let asked = world.server().request_count();
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(world.server().request_count(), asked);
}

fn car(world: &World) -> PathBuf {
    world.home.path().join("answers.car")
}

fn export(world: &World, more: &[&str]) -> PathBuf {
    let file = car(world);
    let path = file.to_str().unwrap();
    let ended = world.run(&[&["archive", "export", path], more].concat());
    let root = ended.expect(0).stdout;
    assert!(root.trim_end().parse::<Cid>().is_ok(), "{root}");
    file
}

fn import(world: &World, file: &std::path::Path) -> Ended {
    world.run(&["--json", "archive", "import", file.to_str().unwrap()])
}

#[test]
fn what_is_exported_builds_elsewhere_without_a_single_question() {
    let (world, fixture) = built();
    let file = export(&world, &[]);
    let other = elsewhere(&fixture);
    let done = import(&other, &file).expect(0).json().remove(0);
    assert_eq!(done["type"], "archive.imported");
    assert_eq!(done["new"], done["answers"]);
    assert!(done["new"].as_u64().unwrap() > 3, "{done}");
    builds_without_a_question(&other, &fixture);

    let again = import(&other, &file).expect(0).json().remove(0);
    assert_eq!((&again["new"], &again["known"]), (&json!(0), &done["new"]));
    // What was brought here goes on from here, to the same archive.
    let both = export(&other, &[]);
    let names = |path| fs::read(path).unwrap()[..59].to_vec();
    assert_eq!(names(both), names(file));
}

#[test]
fn a_sealed_file_shows_nothing_and_opens_with_the_key_of_its_user_alone() {
    let (world, fixture) = built();
    let open = fs::read(export(&world, &[])).unwrap();
    let file = export(&world, &["--sealed"]);
    let sealed = fs::read(&file).unwrap();
    let model = b"standin-large";
    assert!(open.windows(model.len()).any(|window| window == model));
    assert!(!sealed.windows(model.len()).any(|window| window == model));

    let other = elsewhere(&fixture);
    other
        .run(&["archive", "import", file.to_str().unwrap()])
        .expect_failure(3, "is sealed with key");
    let here = world.in_folder("again").with_commit();
    import(&here, &file).expect(0);
    builds_without_a_question(&here, &fixture);
}

#[test]
fn a_damaged_block_is_named_and_the_rest_is_brought() {
    let (world, fixture) = built();
    let file = export(&world, &[]);
    let whole = fs::read(&file).unwrap();
    let other = elsewhere(&fixture);

    // Within the body of the first answer.
    let mut damaged = whole.clone();
    damaged[59 + 2 + 36 + 10] ^= 1;
    fs::write(&file, &damaged).unwrap();
    let ended = import(&other, &file).expect(13);
    let lines = ended.json();
    let (brought, error) = (&lines[0], &lines[1]);
    let named = error["error"].as_str().unwrap();
    assert!(
        named.contains("block bafkrei") && named.contains("at byte 59"),
        "{named}"
    );
    assert!(brought["new"].as_u64() < brought["answers"].as_u64());
    assert!(brought["new"].as_u64() > Some(0));

    fs::write(&file, &whole).unwrap();
    import(&other, &file).expect(0);
    builds_without_a_question(&other, &fixture);
}

#[test]
fn a_file_that_breaks_off_or_is_no_archive_changes_nothing() {
    let (world, _) = built();
    let file = export(&world, &[]);
    let whole = fs::read(&file).unwrap();
    let path = file.to_str().unwrap();
    for (bytes, because) in [
        (&whole[..whole.len() - 5], "breaks off in the block at byte"),
        (b"PK\x03\x04".as_slice(), "as a CAR file"),
    ] {
        fs::write(&file, bytes).unwrap();
        let ended = world.run(&["archive", "import", path]);
        ended.expect_failure(13, because);
    }
    world
        .run(&["archive", "import", "missing.car"])
        .expect_failure(2, "missing.car");
}

#[test]
fn a_node_holds_what_it_cannot_read_and_gives_it_back() {
    let (world, fixture) = built();
    let node = Node::start();
    let at = node.url();
    let pushed = world.run(&["archive", "push", "--node", &at]).expect(0);
    let root: Cid = pushed.stdout.trim_end().parse().unwrap();
    assert!(node.holds(&root));
    assert!(!node.shows(b"standin-large"));
    // The same answers are the same archive.
    let again = world.run(&["archive", "push", "--node", &at]).expect(0);
    assert_eq!(again.stdout, pushed.stdout);
    let name = root.to_string();
    world
        .run(&["archive", "pin", &name, "--node", &at])
        .expect(0);

    let here = world.in_folder("again").with_commit();
    let get = ["archive", "get", name.as_str(), "--node", at.as_str()];
    here.run(&get).expect(0);
    builds_without_a_question(&here, &fixture);

    let other = elsewhere(&fixture);
    other.run(&get).expect_failure(3, "is sealed with key");
    // What a node sends is not believed.
    node.damage();
    here.run(&get)
        .expect_failure(13, "read the root of the archive");
    let left = fs::read_dir(here.folder().join(".atelier")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name());
    assert!(
        !left
            .into_iter()
            .any(|name| name.to_string_lossy().ends_with(".car"))
    );
}

#[test]
fn where_a_node_is_configured_the_end_of_a_run_archives_its_answers() {
    let fixture = chain(1).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    let node = Node::start();
    let archive = format!("archive={}", node.url());
    let build = ["-c", &archive, "build", &fixture.requirement];
    let ended = world.run(&build).expect(0);
    let told = ended.all();
    let name = told
        .split("answers as ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    assert!(node.holds(&name.unwrap().parse().unwrap()), "{told}");
    // A run is not less done for a node that is away.
    node.stop();
    let ended = world.run(&build).expect(0);
    assert!(ended.all().contains("not archived"), "{}", ended.all());
    let refused = world.run(&["-c", "archive=here", "build", "x"]);
    refused.expect_failure(2, "archive");
}

#[test]
fn a_node_that_does_not_do_it_is_named() {
    let world = World::offline();
    let node = Node::start();
    let (at, name) = (
        node.url(),
        Cid::of(atelier_archive::Codec::Raw, b"nobody has this"),
    );
    let name = name.to_string();
    for command in ["get", "pin"] {
        let ended = world.run(&["archive", command, &name, "--node", &at]);
        ended.expect_failure(14, "block was not found");
    }
    node.stop();
    world
        .run(&["archive", "push", "--node", &at])
        .expect_failure(14, "reach the node");
    world
        .run(&["archive", "push", "--node", "http://ipfs.example:5001"])
        .expect_failure(2, "https");
}

#[test]
fn an_answer_of_the_gateway_is_given_on_another_machine() {
    let script = Script::new(Mode::Scripted(vec![Answer::Text("Use sort.".to_owned())]));
    let mut world = World::with(script, Dialect::OpenAi);
    let said = json!([{"role": "user", "content": "# DESIGN\nHow do I sort?"}]);
    let body = json!({"model": "design", "messages": said, "max_completion_tokens": 100});
    let gateway = Gateway::start(&world, &[]);
    let first = gateway.post("/v1/chat/completions", "", &body);
    assert!(first.contains("x-atelier-cache: miss"), "{first}");
    gateway.stop();
    let file = export(&world, &[]);

    // Another home, and the same provider at the same address.
    let mut other = World::offline();
    other.server = world.server.take();
    import(&other, &file).expect(0);
    let gateway = Gateway::start(&other, &[]);
    let again = gateway.post("/v1/chat/completions", "", &body);
    assert!(again.contains("x-atelier-cache: hit"), "{again}");
    assert!(again.contains("Use sort."), "{again}");
    gateway.stop();
    assert_eq!(other.server().request_count(), 1);
}
