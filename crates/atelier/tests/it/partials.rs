//! Halves of answers through the real program: kept, named in the audit log, shown to whoever asks.

use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    upstream::{Said, Upstream},
    world::World,
};

/// The beginning of an answer in chat completions.
fn begun(text: &str) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]})
}

#[test]
fn what_had_come_of_an_answer_is_shown_and_an_unknown_one_is_not_guessed() {
    let upstream =
        Upstream::start(|_, _| Said::events(&[begun("Once upon a time\n\u{1b}[2Jthere")]).cut());
    let world = World::offline();
    let options = upstream.options("openai");
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let gateway = Gateway::start(&world, &options);
    let question = json!({"model": "m", "max_tokens": 50, "stream": true,
        "messages": [{"role": "user", "content": "tell me a story"}]});
    let answer = gateway.post("/v1/chat/completions", "", &question);
    assert!(
        answer.contains("Once upon a time") && answer.contains("error"),
        "{answer}"
    );
    gateway.stop();
    let entries = world.run(&["--json", "audit", "show", "--kind", "request"]);
    let entries = entries.expect(0).json();
    let digest = entries[0]["fact"]["partial"].as_str().unwrap().to_owned();
    let line = world
        .run(&["audit", "show", "--kind", "request"])
        .expect(0)
        .stdout;
    assert!(
        line.contains(&format!("partial={}", &digest[..8])),
        "{line}"
    );
    let shown = world
        .run(&["audit", "show", "--partial", &digest[..8]])
        .expect(0);
    assert_eq!(shown.stdout, "Once upon a time\n [2Jthere\n");
    assert!(shown.stderr.contains("half an answer"), "{}", shown.stderr);
    let shown = world.run(&["--json", "audit", "show", "--partial", &digest]);
    let shown = shown.expect(0).json();
    assert_eq!(
        shown[0]["parts"],
        json!([{"type": "text", "text": "Once upon a time\n\u{1b}[2Jthere"}])
    );
    assert_eq!(
        (&shown[0]["provider"], &shown[0]["cut"]),
        (&json!("openai"), &json!(false))
    );
    world
        .run(&["audit", "show", "--partial", "0123456789"])
        .expect(2);
    world
        .run(&["audit", "show", "--partial", "story"])
        .expect(2);
    // What is kept is no part of what is proven.
    world.run(&["audit", "verify"]).expect(0);
}
