//! One pass over a text that tries each rule only where it can begin.

use std::{ops::Range, sync::OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::{RegexSet, RegexSetBuilder};

use crate::{
    kind::Kind,
    names,
    policy::Policy,
    rule::{Rule, RuleError, Start},
    rules,
};

/// Bytes of all compiled number patterns together.
const NUMBERS_BYTES_MAX: usize = 32 << 20;

/// Bytes after the beginning of a number that decide which rules are tried there.
const NUMBER_BYTES_MAX: usize = 96;

/// How strong a rule is whose span is not looked into for more.
const CERTAIN_STRENGTH: u8 = 50;

/// Digits below which nothing that begins with a number is personal.
const NUMBER_DIGITS_MIN: usize = 4;

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
    /// For each anchor, the rules that are tried at it.
    anchored: Vec<Vec<usize>>,
    /// The rules that are tried at numbers, in the order of `gate`.
    numbers: Vec<usize>,
    gate: OnceLock<Option<RegexSet>>,
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
        let mut words: Vec<String> = Vec::new();
        let mut anchored: Vec<Vec<usize>> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            for anchor in &rule.anchors {
                let anchor = anchor.to_ascii_lowercase();
                if let Some(known) = words.iter().position(|word| *word == anchor) {
                    anchored[known].push(index);
                } else {
                    words.push(anchor);
                    anchored.push(vec![index]);
                }
            }
        }
        let anchors = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)
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
            anchored,
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
        self.at_anchors(text, policy, &mut found);
        if policy == Policy::All {
            self.at_numbers(text, &mut found);
            self.at_names(text, &mut found);
        }
        self.strongest(found)
    }

    /// The name of the rule that found a span.
    pub fn rule_name(&self, span: &Span) -> &str {
        self.rules.get(span.rule).map_or("", |rule| &rule.name)
    }

    fn at_anchors(&self, text: &str, policy: Policy, found: &mut Vec<Span>) {
        // A rule that found something goes on behind it.
        let mut done = vec![0; self.rules.len()];
        for word in self.anchors.find_overlapping_iter(text) {
            for &index in &self.anchored[word.pattern().as_usize()] {
                let rule = &self.rules[index];
                if !policy.covers(rule.kind) || word.start() < done[index] {
                    continue;
                }
                if let Some(span) = rule.find(text, word.range()) {
                    done[index] = span.end;
                    found.push(self.span(index, span));
                }
            }
        }
    }

    /// Only personal data begins like a number.
    fn at_numbers(&self, text: &str, found: &mut Vec<Span>) {
        let Some(gate) = self.gate() else { return };
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if !is_number_start(bytes, at) {
                at += 1;
                continue;
            }
            let end = text.ceil_char_boundary((at + NUMBER_BYTES_MAX).min(bytes.len()));
            let Some(window) = text
                .get(at..end)
                .filter(|window| has_digits(window.as_bytes()))
            else {
                at += 1;
                continue;
            };
            let mut behind = at + 1;
            for pattern in gate.matches(window) {
                let index = self.numbers[pattern];
                if let Some(span) = self.rules[index].find(text, at..at) {
                    if self.rules[index].strength >= CERTAIN_STRENGTH {
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

    fn gate(&self) -> Option<&RegexSet> {
        let build = || {
            let patterns = self
                .numbers
                .iter()
                .map(|index| self.rules[*index].placed_pattern());
            let mut builder = RegexSetBuilder::new(patterns);
            builder
                .size_limit(NUMBERS_BYTES_MAX)
                .dfa_size_limit(NUMBERS_BYTES_MAX)
                .build()
                .ok()
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
        let rank = |span: &Span| {
            let strength = self.rules[span.rule].strength;
            (
                std::cmp::Reverse((strength, span.end - span.start)),
                span.start,
                span.rule,
            )
        };
        found.sort_by_key(rank);
        let mut kept: std::collections::BTreeMap<usize, Span> = std::collections::BTreeMap::new();
        for span in found {
            let before = kept.range(..span.end).next_back();
            if before.is_none_or(|(_, other)| other.end <= span.start) {
                kept.insert(span.start, span);
            }
        }
        kept.into_values().collect()
    }
}

/// Whether something that is mostly digits may begin here.
fn is_number_start(bytes: &[u8], at: usize) -> bool {
    let byte = bytes[at];
    if at > 0 && is_word(bytes[at - 1]) {
        return false;
    }
    let next = |by: usize| bytes.get(at + by).copied().unwrap_or_default();
    match byte {
        b'0'..=b'9' => true,
        b'+' | b'(' => next(1).is_ascii_digit() || next(1) == b'+' || next(1) == b'(',
        b'a'..=b'z' | b'A'..=b'Z' => {
            next(1).is_ascii_digit()
                || (next(1).is_ascii_alphabetic() && next(2).is_ascii_digit())
                || (next(1).is_ascii_uppercase() && next(2) == b' ' && next(3).is_ascii_digit())
                || (byte.is_ascii_hexdigit()
                    && (1..=4).any(|by| next(by) == b':' || next(by) == b'-'))
        }
        b':' => next(1) == b':',
        _ => false,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether there are enough digits near for anything.
fn has_digits(window: &[u8]) -> bool {
    let mut digits = window.iter().filter(|byte| byte.is_ascii_hexdigit());
    digits.nth(NUMBER_DIGITS_MIN - 1).is_some()
}
