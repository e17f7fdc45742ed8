//! The same question in other words: answered once, by the gateway and by the stages of a plan.

use atelier_testkit::{Answer, Dialect, Mode, Script, chain};
use serde_json::json;

use crate::{gateway::Gateway, world::World};

/// On for other programs, and nothing looked at again.
const GATEWAY: [&str; 4] = [
    "-c",
    "gateway.semantic_cache=on",
    "-c",
    "semantic_checked_min=0",
];

/// On for our own stages.
const STAGES: [&str; 4] = ["-c", "semantic_cache=on", "-c", "semantic_checked_min=0"];

fn ask(gateway: &Gateway, headers: &str, question: &str) -> String {
    let said = json!([{"role": "user", "content": format!("# DESIGN\n{question}")}]);
    let body = json!({"model": "design", "messages": said, "max_completion_tokens": 100});
    gateway.post("/v1/chat/completions", headers, &body)
}

#[test]
fn the_gateway_answers_the_same_question_in_other_words_without_its_provider() {
    let answers = ["Use sorted.", "Use sort.", "Use sorted again."].map(str::to_owned);
    let script = Script::new(Mode::Scripted(answers.map(Answer::Text).into()));
    let world = World::with(script, Dialect::OpenAi);
    let gateway = Gateway::start(&world, &GATEWAY);
    let first = ask(&gateway, "", "How do I sort a list in Python?");
    assert!(first.contains("x-atelier-cache: miss"), "{first}");
    let again = ask(
        &gateway,
        "",
        "in Python, could you please show me how to sort lists?",
    );
    assert!(again.contains("x-atelier-cache: semantic"), "{again}");
    assert!(again.contains("Use sorted."), "{again}");
    let other = ask(&gateway, "", "How do I sort a list in Ruby?");
    assert!(
        other.contains("x-atelier-cache: miss") && other.contains("Use sort."),
        "{other}"
    );
    let refused = ask(
        &gateway,
        "cache-control: no-cache\r\n",
        "How to sort a list in Python?",
    );
    assert!(refused.contains("Use sorted again."), "{refused}");
    gateway.stop();
    assert_eq!(world.server().request_count(), 3);
    // The next process knows it too.
    let gateway = Gateway::start(&world, &GATEWAY);
    let later = ask(
        &gateway,
        "",
        "Please tell me how I can sort a list in Python",
    );
    assert!(later.contains("x-atelier-cache: semantic"), "{later}");
    gateway.stop();
    assert_eq!(world.server().request_count(), 3);
}

#[test]
fn a_plan_for_the_same_requirement_in_other_words_asks_nobody() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    let plan = |requirement: &str| {
        let args = [&STAGES[..], &["plan", requirement]].concat();
        world.run(&args).expect(0);
        world.server().request_count()
    };
    let asked = plan(&fixture.requirement);
    let rest = fixture.requirement.strip_prefix("Write").unwrap();
    let again = plan(&format!("Could you please write{rest}"));
    assert_eq!(again, asked);
    let cost = world.run(&["--json", "cost"]).expect(0).json();
    let kept = cost
        .iter()
        .filter(|part| part["cached"].as_u64().unwrap() > 0);
    let kept: Vec<_> = kept.map(|part| part["stage"].as_str().unwrap()).collect();
    assert_eq!(kept, ["design", "plan", "detail", "handoff"]);
}

#[test]
fn where_code_is_written_it_is_refused_with_the_reason() {
    let world = World::with(Script::new(Mode::Echo), Dialect::OpenAi);
    let refused = world.run(&["-c", "stages.code.semantic_cache=on", "plan", "a clock"]);
    refused.expect_failure(2, "code for a similar task is wrong code");
}
