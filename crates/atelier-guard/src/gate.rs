//! Which of many patterns match at a place, in one pass and without memory of its own.

use std::sync::{Mutex, PoisonError};

use regex_automata::{
    Anchored, Input, MatchKind,
    hybrid::dfa::{Cache, DFA},
    util::syntax,
};

/// Bytes of the states that are remembered.
const CACHE_BYTES_MAX: usize = 32 << 20;

/// Bytes of the compiled patterns.
const PATTERNS_BYTES_MAX: usize = 32 << 20;

/// Caches that are kept for the next scan.
const CACHES_MAX: usize = 16;

/// A set of patterns, at most as many as there are bits in [`Patterns`].
#[derive(Debug)]
pub(crate) struct Gate {
    automaton: DFA,
    caches: Mutex<Vec<Cache>>,
}

/// Patterns by their numbers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Patterns(u128);

/// What one scan remembers of the automaton.
pub(crate) struct Turn<'g> {
    gate: &'g Gate,
    cache: Option<Cache>,
}

impl Gate {
    /// An automaton for all patterns; `None` where they are too many or too large.
    pub(crate) fn new(patterns: &[String]) -> Option<Self> {
        if patterns.len() > Patterns::MAX {
            return None;
        }
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .unicode_word_boundary(true)
            .cache_capacity(CACHE_BYTES_MAX);
        let nfa = regex_automata::nfa::thompson::Config::new();
        let automaton = DFA::builder()
            .configure(config)
            .syntax(syntax::Config::new())
            .thompson(nfa.nfa_size_limit(Some(PATTERNS_BYTES_MAX)))
            .build_many(patterns)
            .ok()?;
        Some(Self {
            automaton,
            caches: Mutex::default(),
        })
    }

    /// Begins a scan.
    pub(crate) fn turn(&self) -> Turn<'_> {
        // A cache is put back whole or not at all.
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = caches.pop();
        drop(caches);
        Turn {
            gate: self,
            cache: cache.or_else(|| Some(self.automaton.create_cache())),
        }
    }
}

impl Turn<'_> {
    /// The patterns that match at the beginning of a text; where that cannot be told, all of them.
    pub(crate) fn matches(&mut self, text: &[u8]) -> Patterns {
        let Some(cache) = &mut self.cache else {
            return Patterns::ALL;
        };
        walked(&self.gate.automaton, cache, text).unwrap_or(Patterns::ALL)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut caches = self.gate.caches.lock();
        let caches = caches.as_mut().ok().filter(|all| all.len() < CACHES_MAX);
        if let (Some(caches), Some(cache)) = (caches, self.cache.take()) {
            caches.push(cache);
        }
    }
}

fn walked(automaton: &DFA, cache: &mut Cache, text: &[u8]) -> Option<Patterns> {
    let mut found = Patterns(0);
    let input = Input::new(text).anchored(Anchored::Yes);
    let mut state = automaton.start_state_forward(cache, &input).ok()?;
    for byte in text {
        state = automaton.next_state(cache, state, *byte).ok()?;
        if state.is_tagged() {
            if state.is_dead() {
                return Some(found);
            }
            if state.is_quit() {
                return None;
            }
            if state.is_match() {
                found.add(automaton, cache, state);
            }
        }
    }
    state = automaton.next_eoi_state(cache, state).ok()?;
    if state.is_match() {
        found.add(automaton, cache, state);
    }
    Some(found)
}

impl Patterns {
    const MAX: usize = 128;
    const ALL: Self = Self(u128::MAX);

    fn add(&mut self, automaton: &DFA, cache: &Cache, state: regex_automata::hybrid::LazyStateID) {
        for at in 0..automaton.match_len(cache, state) {
            self.0 |= 1 << automaton.match_pattern(cache, state, at).as_usize();
        }
    }
}

impl Iterator for Patterns {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let next = usize::try_from(self.0.trailing_zeros()).ok()?;
        if next == Self::MAX {
            return None;
        }
        self.0 &= self.0 - 1;
        Some(next)
    }
}
