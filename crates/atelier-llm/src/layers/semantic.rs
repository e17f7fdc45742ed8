//! Answers a question with the answer to one that means the same in other words.
//!
//! Stands behind the exact cache. What is not the same word for word is asked; a share of what is
//! the same is asked too, and what comes back is compared, so that every kept question learns how
//! far it can be trusted. A state that cannot be read or written costs hits, never an answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atelier_model::{
    AskSource, BoxFuture, Digest, IdSource, MicroUsd, Reply, StopReason, Timestamp,
};
use atelier_semantic::{Bounds, Decision, Reading, Vector, agrees};
use atelier_store::{Ledger, SemanticCheck, SemanticQuestion, Store, StoreError};
use tokio::{sync::Mutex as Turn, task::yield_now};

use crate::{
    layers::{Failure, Layer, Next, Passage, cache},
    relay::{Kept, Opened, Refusal, Transit},
    semantic::{
        Embedder,
        said::said,
        shelf::{AGE_MS_MAX, Asked, CHECKS_MAX, Candidate, QUESTIONS_MAX, Shelves},
        slot::{self, Slot},
    },
};

/// Questions of all scopes in the store. The oldest leave first.
const KEPT_MAX: usize = 4 * QUESTIONS_MAX;

/// Questions that are read in one go before others have their turn.
const READ_AT_ONCE: usize = 256;

/// What relayed requests have left to be written. Beyond it a question is only remembered as long
/// as the process lives.
const UNWRITTEN_MAX: usize = 1_024;

/// Knows which questions have an answer.
#[derive(Clone, Default)]
pub(crate) struct Semantic {
    shelves: Arc<Mutex<Shelves>>,
    unwritten: Arc<Mutex<Vec<Note>>>,
    /// Scopes are read one after the other, and each once.
    loading: Arc<Turn<()>>,
}

/// Something to be written.
enum Note {
    Question(Digest, SemanticQuestion),
    Check(Digest, SemanticCheck, Timestamp),
}

impl Layer for Semantic {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let Some(asked) = asked_of_passage(passage).await else {
                return next.run(passage).await;
            };
            let odds = (passage.semantic.bounds, chance(passage.ids));
            let now = passage.clock.now();
            let hands = (passage.store, passage.embedder);
            let found = self.find(hands, &asked, odds, now).await;
            let kept = match found {
                Some(candidate) => {
                    let reply = passage.store.reply_by_key(&candidate.key).await?;
                    if reply.is_none() {
                        self.forget(passage.store, &asked.scope, &candidate.key)
                            .await;
                    }
                    reply.map(|reply| (candidate, reply))
                }
                None => None,
            };
            if let Some((candidate, reply)) = &kept
                && candidate.decision == Decision::Reuse
            {
                return hit(passage, reply, candidate).await;
            }
            let reply = next.run(passage).await?;
            self.answered(passage, &asked, kept, &reply).await;
            Ok(reply)
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        Box::pin(async move {
            let is_on = transit.routes.semantic.relayed && transit.may_share();
            let slot = is_on.then(|| slot::of_transit(transit)).flatten();
            let Some(asked) = slot.and_then(asked_by_words) else {
                return next.open(transit).await;
            };
            let (ledger, now) = (transit.hands.ledger.clone(), transit.hands.clock.now());
            let odds = (transit.routes.semantic.bounds, chance(&*transit.hands.ids));
            self.write(ledger.store()).await;
            let found = self.find((ledger.store(), None), &asked, odds, now).await;
            let kept = match found {
                Some(candidate) => self.relayed(&ledger, &asked, candidate, now).await,
                None => None,
            };
            if let Some((candidate, kept)) = &kept
                && candidate.decision == Decision::Reuse
            {
                // What is given for another question is not kept under this one.
                transit.at_end(|ending| ending.kept = None);
                return Ok(transit.hit(kept, AskSource::Semantic));
            }
            let (layer, key) = (self.clone(), transit.key);
            transit.at_end(move |ending| {
                if let Some(fresh) = &ending.kept {
                    let before = kept.map(|(candidate, kept)| (candidate, said(&kept.bytes)));
                    layer.relayed_end(&asked, (key, ending.at), before, &fresh.bytes);
                }
            });
            next.open(transit).await
        })
    }
}

impl Semantic {
    /// The kept question that has an answer for one that is asked.
    async fn find(
        &self,
        hands: (&Store, Option<&dyn Embedder>),
        asked: &Asked,
        (bounds, chance): (Bounds, f64),
        now: Timestamp,
    ) -> Option<Candidate> {
        if !self.shelves().has(&asked.scope) {
            self.load(hands, asked, now).await.ok()?;
        }
        self.shelves().find(asked, &bounds, chance, now)
    }

    /// Reads the questions of a scope and what was learnt of them.
    async fn load(
        &self,
        (store, embedder): (&Store, Option<&dyn Embedder>),
        asked: &Asked,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let _turn = self.loading.lock().await;
        if self.shelves().has(&asked.scope) {
            return Ok(());
        }
        let age = i64::try_from(AGE_MS_MAX).unwrap_or(i64::MAX);
        let since = Timestamp::from_millis(now.millis().saturating_sub(age));
        let listed = store
            .semantic_list(&asked.scope, since, QUESTIONS_MAX)
            .await?;
        let checks = store.semantic_check_list(&asked.scope, CHECKS_MAX).await?;
        let mut questions = Vec::with_capacity(listed.len());
        for (count, question) in listed.into_iter().enumerate() {
            if let Ok(reading) = Reading::of(&question.question)
                && let Some(vector) = vector(store, embedder, &question.question, &reading).await
            {
                questions.push((question, reading, vector));
            }
            if count % READ_AT_ONCE == READ_AT_ONCE - 1 {
                yield_now().await;
            }
        }
        self.shelves().load(asked.scope, questions, &checks);
        Ok(())
    }

    /// Forgets a question whose answer is gone.
    async fn forget(&self, store: &Store, scope: &Digest, key: &Digest) {
        self.shelves().forget(scope, key);
        // What stays in the store is forgotten the next time.
        let _ = store.semantic_forget(key).await;
    }

    /// Compares a reply that came with one that was kept, and keeps the question.
    async fn answered(
        &self,
        passage: &Passage<'_>,
        asked: &Asked,
        kept: Option<(Candidate, Reply)>,
        reply: &Reply,
    ) {
        if reply.source != AskSource::Provider || reply.stop != StopReason::End {
            return;
        }
        let (store, at) = (passage.store, passage.clock.now());
        if let Some((candidate, kept)) = kept {
            let check = candidate.check(reply.key, agrees(&kept.text, &reply.text));
            self.shelves().learn(&asked.scope, &check);
            let _ = store.semantic_check_put(&asked.scope, &check, at).await;
        }
        self.shelves().keep(asked, reply.key, at);
        let question = question(asked, reply.key, at);
        let _ = store.semantic_put(&asked.scope, &question, KEPT_MAX).await;
    }

    /// The kept answer of a candidate for a relayed request.
    async fn relayed(
        &self,
        ledger: &Ledger,
        asked: &Asked,
        candidate: Candidate,
        now: Timestamp,
    ) -> Option<(Candidate, Kept)> {
        let stored = ledger.answer(&candidate.key, now).await.ok()?;
        if stored.is_none() {
            self.forget(ledger.store(), &asked.scope, &candidate.key)
                .await;
        }
        stored.map(|stored| (candidate, cache::kept(stored)))
    }

    /// Compares the answer to a relayed request with one that was kept, and keeps the question.
    /// Nothing can be waited for here: it is written with the next request.
    fn relayed_end(
        &self,
        asked: &Asked,
        (key, at): (Digest, Timestamp),
        before: Option<(Candidate, String)>,
        bytes: &[u8],
    ) {
        let mut notes = Vec::new();
        if let Some((candidate, before)) = before {
            let check = candidate.check(key, agrees(&before, &said(bytes)));
            self.shelves().learn(&asked.scope, &check);
            notes.push(Note::Check(asked.scope, check, at));
        }
        self.shelves().keep(asked, key, at);
        notes.push(Note::Question(asked.scope, question(asked, key, at)));
        let mut unwritten = self.unwritten();
        if unwritten.len() < UNWRITTEN_MAX {
            unwritten.extend(notes);
        }
    }

    /// Writes what relayed requests have left.
    async fn write(&self, store: &Store) {
        let notes = std::mem::take(&mut *self.unwritten());
        for note in notes {
            // What cannot be written is remembered as long as the process lives.
            let _ = match &note {
                Note::Question(scope, question) => {
                    store.semantic_put(scope, question, KEPT_MAX).await
                }
                Note::Check(scope, check, at) => store.semantic_check_put(scope, check, *at).await,
            };
        }
    }

    /// A panic elsewhere leaves at worst one question out.
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unwritten(&self) -> MutexGuard<'_, Vec<Note>> {
        self.unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The question of an ask, where it may be answered so. One that has no vector is asked.
async fn asked_of_passage(passage: &Passage<'_>) -> Option<Asked> {
    if !passage.semantic.has(passage.ask.stage) {
        return None;
    }
    let mut asked = asked_by_words(slot::of_ask(&passage.ask, passage.key_of)?)?;
    if let Some(embedder) = passage.embedder {
        let (budget, cancel) = (passage.budgets.run.usd, passage.cancel);
        let numbers = embedder.vector(&passage.ask, &asked.question, budget, cancel);
        asked.vector = Vector::of(&numbers.await?)?;
        asked.scope = Digest::of_json(&(asked.scope, embedder.model()));
    }
    Some(asked)
}

/// The vector of a question that is kept; by a model only where that has made it already.
async fn vector(
    store: &Store,
    embedder: Option<&dyn Embedder>,
    question: &str,
    reading: &Reading,
) -> Option<Vector> {
    let Some(embedder) = embedder else {
        return Some(reading.vector());
    };
    let reply = store.reply_by_key(&embedder.key(question)).await.ok()??;
    let vectors: Vec<Vec<f32>> = serde_json::from_str(&reply.text).ok()?;
    Vector::of(vectors.first()?)
}

fn asked_by_words(slot: Slot) -> Option<Asked> {
    let reading = Reading::of(&slot.question).ok()?;
    Some(Asked {
        vector: reading.vector(),
        scope: slot.scope,
        question: slot.question,
        reading,
    })
}

fn question(asked: &Asked, key: Digest, at: Timestamp) -> SemanticQuestion {
    SemanticQuestion {
        key,
        question: asked.question.clone(),
        at,
    }
}

/// Answers an ask with the reply to another, and puts that on record.
async fn hit(
    passage: &Passage<'_>,
    reply: &Reply,
    candidate: &Candidate,
) -> Result<Reply, Failure> {
    let reply = Reply {
        source: AskSource::Semantic,
        cost: MicroUsd::ZERO,
        ..reply.clone()
    };
    let at = passage.clock.now();
    let (record, similarity) = (&passage.record, candidate.hit.similarity);
    passage
        .store
        .semantic_hit(record, &reply, similarity, at)
        .await?;
    Ok(reply)
}

/// Anything from 0 up to 1.
fn chance(ids: &dyn IdSource) -> f64 {
    const STEPS: u32 = 1 << 24;
    let step = u32::try_from(ids.bits() % u128::from(STEPS)).unwrap_or(0);
    f64::from(step) / f64::from(STEPS)
}
