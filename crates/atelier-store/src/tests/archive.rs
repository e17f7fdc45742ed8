//! Answers leave a state and come into another one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    ArchiveEntry, ArchiveKind, AskSource, Digest, MicroUsd, StopReason, Timestamp, Usage,
};

use super::{ask, later, memory, prompt, reply, run};
use crate::{ArchivedAnswer, Store, StoredAnswer};

fn answer(kind: ArchiveKind, name: &str, body: &str) -> ArchivedAnswer {
    ArchivedAnswer {
        entry: ArchiveEntry {
            kind,
            key: Digest::of(name),
            stop: (kind == ArchiveKind::Ask).then_some(StopReason::Length),
            provider: "openai".to_owned(),
            model: "large".to_owned(),
            usage: Some(Usage {
                input: 1,
                output: 2,
                cached_input: 3,
                cache_write: 4,
                cache_write_hour: 3,
            }),
            cost: MicroUsd(if kind == ArchiveKind::Ask { 5 } else { 0 }),
            latency_ms: if kind == ArchiveKind::Ask { 6 } else { 0 },
            at: Timestamp::from_millis(7),
        },
        body: body.as_bytes().to_vec(),
    }
}

async fn all(store: &Store, kind: ArchiveKind) -> Vec<ArchivedAnswer> {
    let mut all: Vec<ArchivedAnswer> = Vec::new();
    loop {
        let after = all.last().map(|answer| answer.entry.key);
        let page = store.archive_page(kind, after.as_ref()).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

#[tokio::test]
async fn what_is_put_comes_back_page_by_page_in_the_order_of_its_keys() {
    for kind in ArchiveKind::ALL {
        let store = memory().await;
        let mut answers: Vec<_> = (0..150)
            .map(|number| {
                answer(
                    kind,
                    &format!("ask {number}"),
                    &format!("body {}", number / 2),
                )
            })
            .collect();
        assert_eq!(store.archive_put(&answers).await.unwrap(), 150);
        assert_eq!(store.archive_put(&answers).await.unwrap(), 0);
        answers.sort_by_key(|answer| answer.entry.key);
        assert_eq!(all(&store, kind).await, answers);
    }
}

#[tokio::test]
async fn an_imported_reply_answers_its_ask_at_no_cost() {
    let store = memory().await;
    let given = answer(ArchiveKind::Ask, "what", "that");
    store
        .archive_put(std::slice::from_ref(&given))
        .await
        .unwrap();
    let reply = store.reply_by_key(&given.entry.key).await.unwrap().unwrap();
    assert_eq!((reply.text.as_str(), reply.cost), ("that", MicroUsd::ZERO));
    assert_eq!(
        (reply.stop, reply.source),
        (StopReason::Length, AskSource::Cache)
    );
    let other = Digest::of("other");
    assert_eq!(store.reply_by_key(&other).await.unwrap(), None);
}

#[tokio::test]
async fn an_imported_answer_is_given_to_a_relayed_request() {
    let store = memory().await;
    let given = answer(ArchiveKind::Relay, "what", "{}");
    store
        .archive_put(std::slice::from_ref(&given))
        .await
        .unwrap();
    let stored = store.answer_fetch(&given.entry.key).await.unwrap();
    let expected = StoredAnswer {
        bytes: b"{}".to_vec(),
        provider: "openai".to_owned(),
        model: "large".to_owned(),
        usage: given.entry.usage,
        at: given.entry.at,
    };
    assert_eq!(stored, Some(expected));
}

#[tokio::test]
async fn what_was_answered_here_stays_and_is_archived_once() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let asked = ask("r1", "a1", 10);
    let budgets = Some(MicroUsd(100)).into();
    store
        .ask_begin(&asked, &prompt("a1"), budgets)
        .await
        .unwrap();
    let own = reply(&asked, 8);
    let finished = store.ask_finish(&asked.id, &own, budgets, later(1));
    finished.await.unwrap();

    let mut foreign = answer(ArchiveKind::Ask, "other", "foreign");
    foreign.entry.key = asked.key;
    let fresh = store.archive_put(std::slice::from_ref(&foreign)).await;
    assert_eq!(fresh.unwrap(), 0);
    let kept = store.reply_by_key(&asked.key).await.unwrap().unwrap();
    assert_eq!(kept.text, own.text);
    let all = all(&store, ArchiveKind::Ask).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].body, own.text.as_bytes());
    assert_eq!(all[0].entry.cost, own.cost);
}
