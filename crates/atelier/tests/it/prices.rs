//! `atelier prices`: public lists are taken over, and count from the next command on.

use serde_json::json;

use crate::world::World;

/// A list as `LiteLLM` publishes it.
fn litellm(input: f64) -> String {
    json!({
        "sample_spec": {"litellm_provider": "one of many"},
        "standin-large": {"litellm_provider": "openai", "input_cost_per_token": input,
            "output_cost_per_token": 1e-5, "max_input_tokens": 1000},
        "broken": {"litellm_provider": "openai", "input_cost_per_token": -1},
    })
    .to_string()
}

#[test]
fn a_public_list_is_taken_over_and_shown() {
    let world = World::offline();
    let ended = world
        .run_with(&["prices", "import", "-"], litellm(2e-6).as_bytes())
        .expect(0);
    assert_eq!(
        ended.stdout,
        "LiteLLM: 2 prices added, 0 changed, 0 as before\n"
    );
    assert!(ended.stderr.contains("left out broken"), "{}", ended.stderr);

    let listed = world.run(&["prices", "list", "standin"]).expect(0);
    assert_eq!(
        listed.stdout,
        "openai/standin-large  $2.000 in, $10.000 out  (imported)\n\
         standin-large  $2.000 in, $10.000 out  (imported)\n"
    );

    // Another price from today on takes the place of one that was imported today.
    world.write("list.json", litellm(3e-6));
    let again = world
        .run(&["--json", "prices", "import", "list.json"])
        .expect(0);
    let done = &again.json()[0];
    assert_eq!(done["changed"], 2, "{done}");
    assert_eq!(done["left_out"][0]["model"], "broken");
    let lines = world
        .run(&["--json", "prices", "list", "standin"])
        .expect(0);
    let open: Vec<_> = lines
        .json()
        .into_iter()
        .filter(|line| line["to"].is_null())
        .collect();
    assert_eq!(open.len(), 2);
    for line in open {
        assert_eq!(line["micro_usd_per_million"]["input"], 3_000_000);
    }
}

#[test]
fn what_is_no_price_list_changes_nothing_and_says_so() {
    let world = World::offline();
    for (list, because) in [
        ("{\"a\": 1}", "neither LiteLLM's"),
        ("<html></html>", "as JSON"),
    ] {
        let refused = world.run_with(&["prices", "import", "-"], list.as_bytes());
        refused.expect_failure(2, because);
    }
    world
        .run(&["prices", "import", "missing.json"])
        .expect_failure(2, "missing.json");
    let listed = world.run(&["prices", "list", "standin"]).expect(0);
    assert_eq!(listed.stdout, "");
}
