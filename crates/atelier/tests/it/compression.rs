//! `compression = "safe"`: models are shown less, and what they are to change whole.

use atelier_testkit::{Dialect, chain};

use crate::world::{World, count};

#[test]
fn a_build_that_shows_less_is_as_good_and_says_what_it_saved() {
    let fixture = chain(3).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    world
        .run(&["build", "-c", "compression=safe", &fixture.requirement])
        .expect(0);
    let events = world.events();
    let packed: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "context.packed")
        .collect();
    assert_eq!(packed.len(), 3, "one for each task");
    for event in packed {
        let bytes = |name: &str| event[name].as_u64().unwrap();
        // Blocks stand apart by a blank line, which is all that may be more.
        assert!(bytes("bytes") <= bytes("bytes_full") + 100, "{event}");
        assert!(bytes("bytes") > 0, "{event}");
    }
    assert_eq!(count(&events, "edits.refused"), 0);
}

#[test]
fn without_compression_nothing_is_said_of_it() {
    let fixture = chain(1).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(count(&world.events(), "context.packed"), 0);
}

#[test]
fn a_compression_that_is_none_is_told_with_its_key_and_the_words_there_are() {
    let world = World::offline();
    let ended = world.run(&["-c", "compression=most", "config", "show"]);
    ended.expect_failure(
        2,
        "use `compression` from -c compression: it must be off or safe",
    );
}
