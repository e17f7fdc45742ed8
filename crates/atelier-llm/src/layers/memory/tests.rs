//! What is remembered, for how long, and how much of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use atelier_model::{AskSource, BoxFuture, Digest, MicroUsd, Reply, StopReason, Timestamp, Usage};

use super::{AGE_MS_MAX, BYTES_AROUND, BYTES_MAX, Memory};
use crate::{
    AskError, Route,
    layers::{Failure, Layer, Layers, Next, Passage},
    tests::world::{World, ask_of, limits},
};

fn reply(name: &str, bytes: usize) -> Reply {
    let text = "x".repeat(bytes);
    Reply {
        key: Digest::of(name),
        digest: Digest::of(&text),
        text,
        stop: StopReason::End,
        provider: "openai".to_owned(),
        model: "priced".to_owned(),
        usage: Usage::default(),
        cost: MicroUsd(7),
        latency_ms: 5,
        source: AskSource::Provider,
    }
}

fn after(millis: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}

#[test]
fn a_reply_is_recalled_until_it_is_too_old() {
    let memory = Memory::default();
    let kept = reply("a", 10);
    memory.keep(kept.clone(), after(0));
    assert_eq!(
        memory.recall(&kept.key, after(AGE_MS_MAX)),
        Some(kept.clone())
    );
    assert_eq!(memory.recall(&Digest::of("b"), after(0)), None);
    assert_eq!(memory.recall(&kept.key, after(AGE_MS_MAX + 1)), None);
    // What is too old is gone, not hidden.
    assert_eq!(memory.recall(&kept.key, after(0)), None);
    assert_eq!(memory.replies().weight(), 0);
}

#[test]
fn memory_is_bounded_by_bytes() {
    let memory = Memory::default();
    for number in 0..1_000 {
        memory.keep(reply(&number.to_string(), 100_000), after(0));
        assert!(memory.replies().weight() <= BYTES_MAX);
    }
    let kept = u64::try_from(memory.replies().len()).unwrap();
    assert!(kept * (100_000 + BYTES_AROUND) > BYTES_MAX / 2);
}

#[test]
fn a_reply_larger_than_the_memory_is_not_kept() {
    let memory = Memory::default();
    let small = reply("small", 10);
    memory.keep(small.clone(), after(0));
    let large = reply("large", usize::try_from(BYTES_MAX).unwrap());
    memory.keep(large.clone(), after(0));
    assert_eq!(memory.recall(&large.key, after(0)), None);
    assert_eq!(memory.recall(&small.key, after(0)), Some(small));
}

#[test]
fn what_is_asked_for_often_outlives_what_is_asked_for_once() {
    let memory = Memory::default();
    let wanted: Vec<_> = (0..20)
        .map(|n| reply(&format!("wanted {n}"), 100_000))
        .collect();
    for reply in &wanted {
        memory.keep(reply.clone(), after(0));
    }
    for turn in 0..50 {
        for reply in &wanted {
            memory.recall(&reply.key, after(0));
        }
        for number in 0..20 {
            memory.keep(reply(&format!("{turn} {number}"), 100_000), after(0));
        }
    }
    let left = wanted
        .iter()
        .filter(|reply| memory.recall(&reply.key, after(0)).is_some());
    assert_eq!(left.count(), wanted.len());
}

/// Counts the asks that come through, which is what the memory is to prevent.
struct Counted(Arc<AtomicUsize>);

impl Layer for Counted {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        next.run(passage)
    }
}

/// Lets what lies behind it fail.
struct Broken;

impl Layer for Broken {
    fn ask<'a>(
        &'a self,
        _: &'a mut Passage<'_>,
        _: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async { Err(Failure::free(AskError::Truncated { tries: 1 })) })
    }
}

#[tokio::test]
async fn a_reply_in_memory_needs_nothing_behind_it_and_is_recorded() {
    let mut world = World::new(Route::new("offline", "offline", 1_000), limits()).await;
    let passed = Arc::<AtomicUsize>::default();
    let ask = ask_of(&world.run);
    let memory = Memory::default();
    let known = Reply {
        key: world.gateway.key(&ask),
        ..reply("a", 10)
    };
    memory.keep(known.clone(), world.clock().now());
    let counted = Counted(passed.clone());
    world.relayer(Layers::only(vec![
        Box::new(memory),
        Box::new(counted),
        Box::new(Broken),
    ]));
    for _ in 0..3 {
        let reply = world.ask(&ask, Some(MicroUsd::ZERO)).await.unwrap();
        assert_eq!(
            (reply.source, reply.cost),
            (AskSource::Cache, MicroUsd::ZERO)
        );
        assert_eq!(reply.text, known.text);
    }
    assert_eq!(passed.load(Ordering::Relaxed), 0);
    let cost = world.cost().await;
    assert_eq!((cost.asks, cost.cached, cost.spent), (3, 3, MicroUsd::ZERO));
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let mut world = World::new(Route::new("offline", "offline", 1_000), limits()).await;
    let passed = Arc::<AtomicUsize>::default();
    let counted = Counted(passed.clone());
    let layers: Vec<Box<dyn Layer>> = vec![
        Box::new(Memory::default()),
        Box::new(counted),
        Box::new(Broken),
    ];
    world.relayer(Layers::only(layers));
    let ask = ask_of(&world.run);
    for _ in 0..2 {
        world.ask(&ask, None).await.unwrap_err();
    }
    assert_eq!(passed.load(Ordering::Relaxed), 2);
}
