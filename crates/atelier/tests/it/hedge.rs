//! A second asking through the real program: a gateway whose provider keeps the first one waiting.

use std::sync::{Mutex, mpsc};

use serde_json::json;

use crate::{
    gateway::Gateway,
    upstream::{Said, Upstream, chat},
    world::World,
};

const SETTINGS: [&str; 6] = [
    "-c",
    "hedge_ms=50",
    "-c",
    "prices.m.input=2",
    "-c",
    "prices.m.output=8",
];

#[test]
fn a_client_has_the_answer_that_is_there_first_and_both_askings_are_on_record() {
    let (done, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let upstream = Upstream::start(move |turn, _| {
        if turn == 0 {
            // Until the test is over.
            let _ = waits.lock().unwrap().recv();
        }
        Said::json(&chat(&format!("Answer {turn}.")))
    });
    let world = World::offline();
    let options = upstream.options("openai");
    let options: Vec<&str> = options.iter().map(String::as_str).chain(SETTINGS).collect();
    let gateway = Gateway::start(&world, &options);
    let question = json!({"model": "m", "max_tokens": 50,
        "messages": [{"role": "user", "content": "say something"}]});
    let answer = gateway.post("/v1/chat/completions", "", &question);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("Answer 1."), "{answer}");
    assert_eq!(upstream.count(), 2);
    gateway.stop();
    drop(done);
    let cost = world.run(&["--json", "cost", "--gateway"]).expect(0);
    let cost = cost.json();
    assert_eq!(
        (&cost[0]["requests"], &cost[0]["failed"]),
        (&json!(2), &json!(1))
    );
    // 10 tokens at 2 dollars a million and 3 at 8; of the first nobody knows, so all that it may
    // have used counts.
    let micros = cost[0]["cost_micro_usd"].as_u64().unwrap();
    assert!(micros > 44 + 50 * 8, "{micros}");
    let audit = world.run(&["--json", "audit", "show", "--kind", "route.chosen"]);
    assert!(audit.expect(0).stdout.contains("\"hedge\""));
}
