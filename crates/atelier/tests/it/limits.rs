//! Rate limits from outside: how they are configured, and what who waits too long is told.

use atelier_testkit::{Answer, Dialect, Mode, Script};
use serde_json::json;

use crate::{gateway::Gateway, world::World};

fn world() -> World {
    let answers = (0..3).map(|_| Answer::Text("A tree.".to_owned()));
    World::with(
        Script::new(Mode::Scripted(answers.collect())),
        Dialect::OpenAi,
    )
}

/// The answer to a question that nobody asked before.
fn ask(gateway: &Gateway, number: u32) -> String {
    let said = json!([{"role": "user", "content": format!("# DESIGN\nA tree, {number}.")}]);
    let body = json!({"model": "code", "messages": said, "max_completion_tokens": 100});
    gateway.post("/v1/chat/completions", "", &body)
}

#[test]
fn who_would_wait_too_long_is_told_the_limit_and_the_wait() {
    let world = world();
    world.write(
        "atelier.toml",
        "[limits]\nrate_wait_ms_max = 1000\n\n[rates.\"openai/*\"]\nrequests_per_minute = 2\n",
    );
    let gateway = Gateway::start(&world, &[]);
    for number in 0..2 {
        let answer = ask(&gateway, number);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let refused = ask(&gateway, 2);
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("\r\nretry-after: "), "{refused}");
    assert!(refused.contains("2 requests a minute"), "{refused}");
    assert_eq!(world.server().request_count(), 2);
    gateway.stop();
}

#[test]
fn a_stage_that_would_wait_too_long_ends_the_run_with_a_remedy() {
    let world = world().with_commit();
    let ended = world.run(&[
        "-c",
        "limits.rate_wait_ms_max=500",
        "-c",
        "rates.openai.requests_per_minute=1",
        "build",
        "A todo list for the terminal.",
    ]);
    let ended = ended.expect(14);
    let said = ended.all();
    assert!(said.contains("1 requests a minute"), "{said}");
    assert!(said.contains("limits.rate_wait_ms_max"), "{said}");
    assert!(world.server().request_count() <= 1);
}

#[test]
fn a_limit_is_shown_and_a_wrong_one_is_refused() {
    let world = world();
    let set = [
        "config",
        "set",
        "rates.openai/gpt-5.1.tokens_per_minute",
        "30000",
    ];
    world.run(&set).expect(0);
    let shown = world.run(&["config", "show"]).expect(0).stdout;
    assert!(
        shown.contains("rates.openai/gpt-5.1.tokens_per_minute = 30000"),
        "{shown}"
    );
    let wrong = world.run(&[
        "-c",
        "rates.openai.requests_per_minute=many",
        "config",
        "show",
    ]);
    wrong.expect_failure(2, "it must be a whole number");
    let unknown = world.run(&["-c", "rates.openai.requests_per_hour=1", "config", "show"]);
    unknown.expect_failure(2, "there is no such key");
}
