//! The questions that are remembered, scope by scope: as many as have room in memory.

use std::collections::BTreeMap;

use atelier_model::{Digest, Timestamp};
use atelier_semantic::{Bounds, Check, Decision, Hit, Index, Likeness, Reading, Trust, Vector};
use atelier_store::{SemanticCheck, SemanticQuestion};

/// Questions of one scope. The oldest leave first.
pub(crate) const QUESTIONS_MAX: usize = 100_000;

/// Bytes of all questions in memory. Scopes that were not asked for the longest leave first; they
/// are read from the store again when they are asked for.
const BYTES_MAX: usize = 64 << 20;

/// Milliseconds after which a question is forgotten: 30 days.
pub(crate) const AGE_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Comparisons that are remembered of one scope.
pub(crate) const CHECKS_MAX: usize = 4_096;

/// Questions that are compared with one that is asked.
const CANDIDATES_MAX: usize = 8;

/// How similar a question must be to be compared at all.
const SIMILARITY_MIN: f32 = 0.5;

/// Bytes a question takes beside its reading and its vector.
const BYTES_AROUND: usize = 64;

/// A question that is asked now.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) scope: Digest,
    pub(crate) question: String,
    pub(crate) reading: Reading,
    pub(crate) vector: Vector,
}

/// A kept question that has an answer for one that is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    /// Key of the answer.
    pub(crate) key: Digest,
    /// How the questions compare.
    pub(crate) hit: Hit,
    /// What is to be done with it.
    pub(crate) decision: Decision,
}

impl Candidate {
    /// What a comparison of its answer with the one that was asked for shows.
    pub(crate) fn check(&self, asked: Digest, agreed: bool) -> SemanticCheck {
        SemanticCheck {
            key: self.key,
            asked,
            is_same: self.hit.likeness == Likeness::Same,
            similarity: self.hit.similarity,
            agreed,
        }
    }
}

/// Every scope in memory.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    shelves: BTreeMap<Digest, Shelf>,
    /// How often any was asked for.
    uses: u64,
}

/// The questions of one scope.
#[derive(Debug, Default)]
struct Shelf {
    kept: Vec<Kept>,
    index: Index,
    trust: Trust,
    /// What is known of single questions.
    own: BTreeMap<Digest, Trust>,
    /// The place that the next question takes where there is no more room.
    oldest: usize,
    bytes: usize,
    used: u64,
}

#[derive(Debug)]
struct Kept {
    key: Digest,
    at: Timestamp,
    reading: Reading,
}

impl Shelves {
    /// Whether the questions of a scope are in memory.
    pub(crate) fn has(&self, scope: &Digest) -> bool {
        self.shelves.contains_key(scope)
    }

    /// Takes in a scope as the store has it.
    pub(crate) fn load(
        &mut self,
        scope: Digest,
        questions: Vec<(SemanticQuestion, Reading, Vector)>,
        checks: &[SemanticCheck],
    ) {
        let scoped = self.shelves.entry(scope).or_default();
        for (question, reading, vector) in questions {
            scoped.keep(question.key, question.at, reading, &vector);
        }
        for check in checks {
            scoped.learn(check);
        }
        self.use_up(&scope);
    }

    /// The best of the kept questions that has an answer for one that is asked. What is given is
    /// preferred to what is only looked at, and what means the same to what is alike.
    pub(crate) fn find(
        &mut self,
        asked: &Asked,
        bounds: &Bounds,
        chance: f64,
        now: Timestamp,
    ) -> Option<Candidate> {
        self.use_up(&asked.scope);
        let scoped = self.shelves.get(&asked.scope)?;
        let found = scoped
            .index
            .nearest(&asked.vector, CANDIDATES_MAX, SIMILARITY_MIN);
        let unknown = Trust::default();
        let mut best: Option<Candidate> = None;
        for found in found {
            let Some(kept) = scoped.kept.get(found.place) else {
                continue;
            };
            if now.millis_since(kept.at) > AGE_MS_MAX {
                continue;
            }
            let hit = Hit {
                likeness: kept.reading.likeness(&asked.reading),
                similarity: found.similarity,
            };
            let own = scoped.own.get(&kept.key).unwrap_or(&unknown);
            let Some(decision) = scoped.trust.decide(own, &hit, bounds, chance) else {
                continue;
            };
            let candidate = Candidate {
                key: kept.key,
                hit,
                decision,
            };
            if best.is_none_or(|best| rank(&candidate) > rank(&best)) {
                best = Some(candidate);
            }
        }
        best
    }

    /// Keeps a question that was answered.
    pub(crate) fn keep(&mut self, asked: &Asked, key: Digest, at: Timestamp) {
        if let Some(scoped) = self.shelves.get_mut(&asked.scope) {
            scoped.keep(key, at, asked.reading.clone(), &asked.vector);
        }
        self.make_room(&asked.scope);
    }

    /// Forgets a question whose answer is gone.
    pub(crate) fn forget(&mut self, scope: &Digest, key: &Digest) {
        if let Some(scoped) = self.shelves.get_mut(scope) {
            scoped.forget(key);
        }
    }

    /// Counts a comparison.
    pub(crate) fn learn(&mut self, scope: &Digest, check: &SemanticCheck) {
        if let Some(scoped) = self.shelves.get_mut(scope) {
            scoped.learn(check);
        }
    }

    fn use_up(&mut self, scope: &Digest) {
        self.uses += 1;
        if let Some(scoped) = self.shelves.get_mut(scope) {
            scoped.used = self.uses;
        }
        self.make_room(scope);
    }

    /// Lets the scopes go that were not asked for the longest, but for one.
    fn make_room(&mut self, but: &Digest) {
        let mut bytes: usize = self.shelves.values().map(|scoped| scoped.bytes).sum();
        while bytes > BYTES_MAX {
            let others = self.shelves.iter().filter(|(scope, _)| *scope != but);
            let oldest = others.min_by_key(|(_, scoped)| scoped.used);
            let Some(scope) = oldest.map(|(scope, _)| *scope) else {
                return;
            };
            let gone = self.shelves.remove(&scope);
            bytes -= gone.map_or(0, |scoped| scoped.bytes);
        }
    }
}

/// What is the better candidate.
fn rank(candidate: &Candidate) -> (bool, bool) {
    let is_given = candidate.decision == Decision::Reuse;
    (candidate.hit.likeness == Likeness::Same, is_given)
}

impl Shelf {
    fn keep(&mut self, key: Digest, at: Timestamp, reading: Reading, vector: &Vector) {
        if self.kept.iter().rev().any(|kept| kept.key == key) {
            return;
        }
        let bytes = weight(&reading, vector);
        let has_room = self.kept.len() < QUESTIONS_MAX && self.bytes + bytes <= BYTES_MAX;
        let fresh = Kept { key, at, reading };
        if has_room {
            if self.index.push(vector) {
                self.bytes += bytes;
                self.kept.push(fresh);
            }
            return;
        }
        let place = self.oldest % self.kept.len().max(1);
        if self.index.replace(place, vector)
            && let Some(old) = self.kept.get_mut(place)
        {
            self.bytes = self.bytes - weight(&old.reading, vector) + bytes;
            self.own.remove(&old.key);
            *old = fresh;
            self.oldest = place + 1;
        }
    }

    fn forget(&mut self, key: &Digest) {
        let Some(place) = self.kept.iter().position(|kept| kept.key == *key) else {
            return;
        };
        let gone = self.kept.swap_remove(place);
        let before = self.index.bytes();
        self.index.swap_remove(place);
        let freed = before - self.index.bytes() + gone.reading.bytes() + BYTES_AROUND;
        self.bytes = self.bytes.saturating_sub(freed);
        self.own.remove(key);
    }

    fn learn(&mut self, check: &SemanticCheck) {
        let SemanticCheck {
            is_same,
            similarity,
            agreed,
            ..
        } = *check;
        let learnt = Check {
            is_same,
            similarity,
            agreed,
        };
        self.trust.learn(learnt);
        // A right answer says as much of the scope as of its question; a wrong one more of that,
        // and nobody knows which of the two it is.
        for key in [check.key, check.asked] {
            let has_room = self.own.contains_key(&key) || self.own.len() < 2 * CHECKS_MAX;
            if has_room && !agreed {
                self.own.entry(key).or_default().learn(learnt);
            }
        }
    }
}

/// Bytes that a question takes.
fn weight(reading: &Reading, vector: &Vector) -> usize {
    reading.bytes() + vector.dimensions() + BYTES_AROUND
}

#[cfg(test)]
mod tests;
