//! `atelier stats` after real builds.

use atelier_testkit::{Mode, Script, chain};

use crate::world::World;
use atelier_testkit::Dialect;

#[test]
fn what_a_build_took_is_told_by_stage_and_model() {
    let fixture = chain(2).unwrap();
    let script = Script::new(Mode::FailThenFix).with_fixture(fixture.clone());
    let world = World::with(script, Dialect::OpenAi).with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    let asked = world.server().requests().len() as u64;

    let lines = world.run(&["--json", "stats"]).expect(0).json();
    let total = lines.iter().find(|line| line["name"] == "total").unwrap();
    assert_eq!(total["requests"], asked, "{total}");
    assert_eq!(total["answers"]["provider"], asked);
    assert_eq!(total["failed"], 0);
    let quality = lines.iter().find(|line| line["type"] == "quality").unwrap();
    assert_eq!(quality["verified"], 2, "{quality}");
    assert_eq!(quality["verified_at_once"], 0);
    assert_eq!(quality["checks_failed"], 2);

    let told = world.run(&["stats", "--by", "stage"]).expect(0).stdout;
    for stage in ["design", "plan", "detail", "code"] {
        assert!(told.contains(stage), "{stage} is not in\n{told}");
    }
    assert!(told.contains("whole answer: half within"), "{told}");
    assert!(told.contains("asked again 2 times"), "{told}");
    let tasks = world
        .run(&["--json", "stats", "--by", "task"])
        .expect(0)
        .json();
    let first = tasks.iter().find(|line| line["name"] == "t1.1").unwrap();
    assert_eq!(first["requests"], 2);
}

#[test]
fn where_nothing_was_asked_that_is_said() {
    let world = World::offline();
    let told = world.run(&["stats", "--days", "7"]).expect(0);
    assert_eq!(told.stdout, "nothing was asked yet\n");
    world
        .run(&["stats", "--run", "01XYZ"])
        .expect_failure(2, "01XYZ");
}
