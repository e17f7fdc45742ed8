//! What Prometheus reads from the gateway.

use atelier_llm::Dialect;

use super::world::{Said, World};

#[tokio::test]
async fn requests_are_counted_where_prometheus_finds_them() {
    let world = World::start(Dialect::Chat).await;
    world.ask(Dialect::Chat, false).await;
    world.ask(Dialect::Chat, false).await;
    world.says(Said::CutAfter(2));
    world.ask(Dialect::Messages, true).await;

    let got = world.get("/metrics").await;
    assert_eq!(got.status, 200);
    let kind = got.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let holds = |line: &str| assert!(got.body.contains(line), "{line} is not in\n{}", got.body);
    let chat = "asker=\"chat\",provider=\"openai\",model=\"m\"";
    holds(&format!(
        "atelier_requests_total{{{chat},outcome=\"ok\"}} 2\n"
    ));
    holds(&format!(
        "atelier_answers_total{{{chat},source=\"provider\"}} 1\n"
    ));
    holds(&format!(
        "atelier_answers_total{{{chat},source=\"cache\"}} 1\n"
    ));
    holds(&format!("atelier_duration_seconds_count{{{chat}}} 1\n"));
    let messages = "asker=\"messages\",provider=\"openai\",model=\"m\"";
    holds(&format!(
        "atelier_requests_total{{{messages},outcome=\"cut\"}} 1\n"
    ));

    let posted = world.post("/metrics", "", &[]).await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn counts_are_for_those_with_a_key_where_keys_are_asked_for() {
    let world = World::with_keys(Dialect::Chat, &["a-key-of-a-client"]).await;
    assert_eq!(world.get("/metrics").await.status, 401);
}
