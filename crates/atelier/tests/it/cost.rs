//! What was spent, and how well models write edits, as the program tells it.

use atelier_testkit::{Dialect, chain};
use serde_json::json;

use crate::world::World;

#[test]
fn what_was_spent_is_told_by_run_stage_and_model() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    world.run(&["build", &fixture.requirement]).expect(0);

    let parts = world.run(&["--json", "cost"]).expect(0).json();
    let stages: Vec<_> = parts.iter().map(|part| part["stage"].clone()).collect();
    assert_eq!(
        stages,
        ["design", "plan", "detail", "handoff", "code", "docs"]
    );
    let asks: u64 = parts
        .iter()
        .map(|part| part["asks"].as_u64().unwrap())
        .sum();
    assert_eq!(asks, u64::try_from(world.server().request_count()).unwrap());
    let spent: u64 = parts
        .iter()
        .map(|part| part["cost_micro_usd"].as_u64().unwrap())
        .sum();
    let run = &world.run(&["--json", "status"]).expect(0).json()[0];
    assert_eq!(json!(spent), run["cost_micro_usd"]);
    for part in &parts {
        assert_eq!(part["model"], "standin-large");
        assert_eq!((&part["cached"], &part["failed"]), (&json!(0), &json!(0)));
        assert!(part["usage"]["input"].as_u64().unwrap() > 0, "{part}");
    }

    let said = world.run(&["cost"]).expect(0).stdout;
    for stage in ["design", "code", "standin-large", "2 asks"] {
        assert!(said.contains(stage), "no `{stage}` in {said}");
    }
    let id = run["run"]["id"].as_str().unwrap();
    assert_eq!(world.run(&["cost", id]).expect(0).stdout, said);
}

#[test]
fn how_well_a_model_writes_edits_is_told_by_form() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    world.run(&["plan", &fixture.requirement]).expect(0);
    let none = world.run(&["cost", "--formats"]).expect(0).stdout;
    assert_eq!(none, "no model was asked for edits yet\n");
    world.run(&["build", &fixture.requirement]).expect(0);

    let said = world.run(&["--json", "cost", "--formats"]).expect(0).json();
    assert_eq!(
        said,
        [json!({
            "v": 1, "type": "format", "model": "standin-large", "family": "other", "form": "whole",
            "asked": 2, "well_formed": 2, "applied": 2, "applied_permille": 1000,
            "asked_next": "search-replace",
        })]
    );
    let said = world.run(&["cost", "--formats"]).expect(0).stdout;
    assert_eq!(
        said,
        "standin-large  larger files are asked for as search-replace\n  whole            100.0 %  \
         2 asked, 2 well formed, 2 applied\n"
    );

    // The same words again ask nothing and count nothing.
    let asked = world.server().request_count();
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(world.server().request_count(), asked);
    assert_eq!(world.run(&["cost", "--formats"]).expect(0).stdout, said);
}
