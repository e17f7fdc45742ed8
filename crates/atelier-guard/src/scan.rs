//! One pass over a text that tries each rule only where it can begin.

use std::{collections::BTreeMap, ops::Range, sync::OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::{
    gate::Gate,
    kind::Kind,
    names,
    policy::Policy,
    rule::{Rule, RuleError, Start},
    rules, words,
};

/// Bytes after the beginning of a number that decide which rules are tried there.
const NUMBER_BYTES_MAX: usize = 96;

/// How strong a rule is whose span is not looked into for more.
const CERTAIN_STRENGTH: u8 = 50;

/// A stretch of text and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// Which rule found it, as an index.
    rule: usize,
}

impl Span {
    /// The bytes of the text.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The same up to another end.
    pub(crate) fn stretched(self, end: usize) -> Self {
        Self { end, ..self }
    }
}

/// Finds personal data and secrets in text.
#[derive(Debug)]
pub struct Guard {
    rules: Vec<Rule>,
    anchors: AhoCorasick,
    /// For each word, the rules that are tried at it.
    anchored: Vec<Vec<usize>>,
    /// For each word, the slots of the rules that want one of their words near.
    nearby: Vec<Vec<usize>>,
    /// For each rule, its slot where it wants one of its words near.
    wanting: Vec<Option<usize>>,
    slots: usize,
    /// The rules that are tried at numbers, in the order of `gate`.
    numbers: Vec<usize>,
    gate: OnceLock<Option<Gate>>,
    /// The rules that are tried at given names.
    named: Vec<usize>,
}

impl Guard {
    /// The rules that come with Atelier.
    pub fn builtin() -> &'static Self {
        rules::builtin()
    }

    /// Reads files of rules; every pattern is compiled once, so that none fails later.
    pub fn parse(files: &[&str]) -> Result<Self, RuleError> {
        let guard = Self::parse_unchecked(files)?;
        guard.rules.iter().try_for_each(Rule::check_patterns)?;
        Ok(guard)
    }

    /// Reads files of rules whose patterns are known to be good.
    pub(crate) fn parse_unchecked(files: &[&str]) -> Result<Self, RuleError> {
        let mut rules = Vec::new();
        for file in files {
            rules.append(&mut Rule::parse_all(file)?);
        }
        Self::with(rules)
    }

    pub(crate) fn with(rules: Vec<Rule>) -> Result<Self, RuleError> {
        let mut words = Words::default();
        let mut wanting = Vec::with_capacity(rules.len());
        let mut slots = 0;
        for (index, rule) in rules.iter().enumerate() {
            for anchor in &rule.anchors {
                words.slot(anchor).0.push(index);
            }
            for near in &rule.near {
                words.slot(near).1.push(slots);
            }
            wanting.push((!rule.near.is_empty()).then_some(slots));
            slots += usize::from(!rule.near.is_empty());
        }
        let anchors = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words.all)
            .map_err(|error| RuleError::Anchors(Box::new(error)))?;
        let starting = |start: Start| {
            let all = rules.iter().enumerate();
            let those = all.filter(move |(_, rule)| rule.start == Some(start));
            those.map(|(index, _)| index).collect()
        };
        let (numbers, named) = (starting(Start::Number), starting(Start::GivenName));
        Ok(Self {
            rules,
            anchors,
            anchored: words.anchored,
            nearby: words.nearby,
            wanting,
            slots,
            numbers,
            gate: OnceLock::new(),
            named,
        })
    }

    /// The spans that the policy covers, in order; no two overlap.
    pub fn scan(&self, text: &str, policy: Policy) -> Vec<Span> {
        if policy == Policy::Off {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut near = self.at_anchors(text, policy, &mut found);
        if policy == Policy::All {
            near.rewind();
            self.at_numbers(text, &mut near, &mut found);
            self.at_names(text, &mut found);
        }
        self.strongest(found)
    }

    /// The name of the rule that found a span.
    pub fn rule_name(&self, span: &Span) -> &str {
        self.rules.get(span.rule).map_or("", |rule| &rule.name)
    }

    /// Tries the rules that begin at words, and says where those are that other rules want near.
    fn at_anchors(&self, text: &str, policy: Policy, found: &mut Vec<Span>) -> Near {
        // A rule that found something goes on behind it.
        let mut done = vec![0; self.rules.len()];
        let mut near = Near::new(self.slots);
        for word in self.anchors.find_overlapping_iter(text) {
            let pattern = word.pattern().as_usize();
            if policy == Policy::All {
                near.note(&self.nearby[pattern], word.end());
            }
            for &index in &self.anchored[pattern] {
                let rule = &self.rules[index];
                if !policy.covers(rule.kind)
                    || word.start() < done[index]
                    || !near.has(rule, self.wanting[index], word.start())
                {
                    continue;
                }
                if let Some(span) = rule.find(text, word.range()) {
                    done[index] = span.end;
                    found.push(self.span(index, span));
                }
            }
        }
        near
    }

    /// Only personal data begins like a number.
    fn at_numbers(&self, text: &str, near: &mut Near, found: &mut Vec<Span>) {
        let Some(gate) = self.gate() else { return };
        let mut turn = gate.turn();
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(start) = number_start(bytes, at) {
            at = start;
            let end = text.ceil_char_boundary((at + NUMBER_BYTES_MAX).min(bytes.len()));
            let window = text.get(at..end).unwrap_or_default();
            let mut behind = at + 1;
            for pattern in turn.matches(window.as_bytes()) {
                let Some(&index) = self.numbers.get(pattern) else {
                    break;
                };
                let rule = &self.rules[index];
                let span = near
                    .has(rule, self.wanting[index], at)
                    .then(|| rule.find(text, at..at));
                if let Some(span) = span.flatten() {
                    if rule.strength >= CERTAIN_STRENGTH {
                        behind = behind.max(span.end);
                    }
                    found.push(self.span(index, span));
                }
            }
            at = behind;
        }
    }

    fn at_names(&self, text: &str, found: &mut Vec<Span>) {
        let mut done = 0;
        for word in names::capitalised(text).filter(|_| !self.named.is_empty()) {
            if word.start < done || !names::is_given(&text[word.clone()]) {
                continue;
            }
            for &index in &self.named {
                if let Some(span) = self.rules[index].find(text, word.clone()) {
                    done = span.end;
                    found.push(self.span(index, span));
                }
            }
        }
    }

    fn gate(&self) -> Option<&Gate> {
        let build = || {
            let numbers = self.numbers.iter();
            let patterns: Vec<String> = numbers
                .map(|index| self.rules[*index].placed_pattern())
                .collect();
            Gate::new(&patterns)
        };
        self.gate.get_or_init(build).as_ref()
    }

    fn span(&self, rule: usize, range: Range<usize>) -> Span {
        Span {
            start: range.start,
            end: range.end,
            kind: self.rules[rule].kind,
            rule,
        }
    }

    /// Of overlapping spans the strongest stays, then the longest, then the first.
    fn strongest(&self, mut found: Vec<Span>) -> Vec<Span> {
        found.sort_unstable_by_key(|span| (span.start, span.end, span.rule));
        let mut kept = Vec::with_capacity(found.len());
        let mut rest = found.as_mut_slice();
        while let Some(first) = rest.first() {
            // Spans that hang together, directly or through others.
            let mut end = first.end;
            let length = rest
                .iter()
                .position(|span| {
                    let is_apart = span.start >= end;
                    end = end.max(span.end);
                    is_apart
                })
                .unwrap_or(rest.len());
            let (together, behind) = rest.split_at_mut(length);
            self.keep_strongest(together, &mut kept);
            rest = behind;
        }
        kept
    }

    fn keep_strongest(&self, together: &mut [Span], kept: &mut Vec<Span>) {
        if let [only] = together {
            kept.push(*only);
            return;
        }
        together.sort_by_key(|span| {
            let strength = self.rules[span.rule].strength;
            let rank = std::cmp::Reverse((strength, span.end - span.start));
            (rank, span.start, span.rule)
        });
        let mut apart: BTreeMap<usize, Span> = BTreeMap::new();
        for span in together {
            let before = apart.range(..span.end).next_back();
            if before.is_none_or(|(_, other)| other.end <= span.start) {
                apart.insert(span.start, *span);
            }
        }
        kept.extend(apart.into_values());
    }
}

/// All words that are looked for, each once, with the rules that want them.
#[derive(Default)]
struct Words {
    all: Vec<String>,
    anchored: Vec<Vec<usize>>,
    nearby: Vec<Vec<usize>>,
}

impl Words {
    /// The rules tried at a word, and the slots of those that want it near.
    fn slot(&mut self, word: &str) -> (&mut Vec<usize>, &mut Vec<usize>) {
        let word = word.to_ascii_lowercase();
        let known = self.all.iter().position(|known| *known == word);
        let at = known.unwrap_or_else(|| {
            self.all.push(word);
            self.anchored.push(Vec::new());
            self.nearby.push(Vec::new());
            self.all.len() - 1
        });
        (&mut self.anchored[at], &mut self.nearby[at])
    }
}

/// Where the words end that rules want near; by rule, in order.
struct Near(Vec<Ends>);

/// The ends of the words of one rule, and how many of them are behind the place asked for last.
#[derive(Default, Clone)]
struct Ends {
    all: Vec<usize>,
    passed: usize,
}

impl Near {
    /// None so far, of so many rules.
    fn new(rules: usize) -> Self {
        Self(vec![Ends::default(); rules])
    }

    fn note(&mut self, slots: &[usize], end: usize) {
        for slot in slots {
            self.0[*slot].all.push(end);
        }
    }

    /// Places are asked for in order from here on.
    fn rewind(&mut self) {
        for ends in &mut self.0 {
            ends.passed = 0;
        }
    }

    /// Whether a rule wants no word near, or has one before this place.
    fn has(&mut self, rule: &Rule, slot: Option<usize>, at: usize) -> bool {
        let Some(ends) = slot.and_then(|slot| self.0.get_mut(slot)) else {
            return true;
        };
        let further = ends.all[ends.passed..].iter();
        ends.passed += further.take_while(|end| **end <= at).count();
        let from = at.saturating_sub(rule.context_reach);
        let last = ends.passed.checked_sub(1).map(|last| ends.all[last]);
        last.is_some_and(|end| end >= from)
    }
}

/// The next place where something that is mostly digits may begin.
fn number_start(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // Inside a word nothing begins.
    if at > 0 && is_word(bytes[at - 1]) {
        at += words::length(&bytes[at..]);
    }
    while let Some(&byte) = bytes.get(at) {
        if is_number_start(byte, &bytes[at + 1..]) {
            return Some(at);
        }
        at += if is_word(byte) {
            words::length(&bytes[at..])
        } else {
            1
        };
    }
    None
}

/// Whether a byte and those behind it may begin something that is mostly digits.
fn is_number_start(byte: u8, rest: &[u8]) -> bool {
    let next = |by: usize| rest.get(by - 1).copied().unwrap_or_default();
    match byte {
        b'0'..=b'9' => true,
        b'+' | b'(' => next(1).is_ascii_digit() || next(1) == b'+' || next(1) == b'(',
        b'a'..=b'z' | b'A'..=b'Z' => {
            next(1).is_ascii_digit()
                || (next(1).is_ascii_alphabetic() && next(2).is_ascii_digit())
                || (next(1).is_ascii_alphabetic()
                    && (next(2) == b' ' || next(2) == b'-')
                    && next(3).is_ascii_digit())
                || (byte.is_ascii_hexdigit() && begins_hexadecimal(rest))
        }
        b':' => next(1) == b':',
        _ => false,
    }
}

/// Whether the hexadecimal digits of an address go on here, up to their first sign and behind it.
fn begins_hexadecimal(rest: &[u8]) -> bool {
    let digits = rest
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_hexdigit());
    let digits = digits.count();
    let after = rest.get(digits + 1);
    match rest.get(digits) {
        Some(b':') => after.is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':'),
        Some(b'-' | b'.') => after.is_some_and(u8::is_ascii_hexdigit),
        Some(_) | None => false,
    }
}

fn is_word(byte: u8) -> bool {
    words::IS_PART[usize::from(byte)]
}
