//! A rule as data: where to look, what it looks like there, and what must hold besides.

use std::{collections::BTreeMap, ops::Range, sync::OnceLock};

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::{
    check::{Check, Found},
    kind::Kind,
};

/// Bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 4 << 20;

/// Bytes that matching a pattern may remember; a name has many states.
const PATTERN_CACHE_BYTES_MAX: usize = 16 << 20;

/// How deep the shared pieces of patterns are nested.
const PARTS_DEPTH_MAX: usize = 4;

/// Bytes after its beginning that a match may reach, unless the rule says otherwise.
const REACH_BYTES: usize = 320;

/// The border of a word in a pattern, and the one that is cheap where letters beyond ASCII are.
const WORD_BORDER: &str = r"\b";
const WORD_BORDER_ASCII: &str = r"(?-u:\b)";

/// Letters of a setting's name behind the word that makes it one.
const NAME_BYTES_MAX: usize = 30;

/// Signs and blanks between the name of a setting and what assigns it.
const SIGNS_MAX: usize = 7;

/// Signs and blanks between an address and the separator before it.
const LIST_SIGNS_MAX: usize = 4;

/// Bytes before a match that are searched for the words a rule wants around it.
const CONTEXT_BYTES: usize = 48;

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The text is not what a list of rules looks like.
    #[error("read the rules")]
    Toml(#[from] toml::de::Error),
    /// A pattern is not a regular expression.
    #[error("read the pattern of rule `{rule}`")]
    Pattern {
        /// The rule.
        rule: String,
        /// What is wrong with it.
        #[source]
        source: Box<regex::Error>,
    },
    /// A rule is never tried.
    #[error("use rule `{0}`: it names neither anchors nor a start")]
    NoStart(String),
    /// The words looked for cannot be brought together.
    #[error("bring the words of the rules together")]
    Anchors(#[source] Box<aho_corasick::BuildError>),
}

/// A place where a rule without anchors is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Start {
    /// A word that begins like a number or an identifier with digits.
    Number,
    /// A word in capitals and small letters that is known as a given name.
    GivenName,
}

/// One rule, as its file says it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The rule is tried where one of these stands, in whatever case.
    #[serde(default)]
    pub(crate) anchors: Vec<String>,
    #[serde(default)]
    pub(crate) start: Option<Start>,
    /// Bytes in front of the anchor where the match may begin; 0 means at the anchor.
    #[serde(default)]
    pub(crate) before: usize,
    /// Bytes after the beginning that the match may reach.
    #[serde(default = "reach")]
    pub(crate) reach: usize,
    /// What stands around the anchor, as is told before anything is matched.
    #[serde(default)]
    pub(crate) around: Option<Around>,
    /// Where the span is in the match, if groups need not be looked for.
    #[serde(default)]
    pub(crate) value: Option<Value>,
    /// Words touch the anchor on both sides.
    #[serde(default)]
    pub(crate) joined: bool,
    /// The match may begin inside a word.
    #[serde(default)]
    pub(crate) inside: bool,
    /// The first group that takes part is the span, else the whole match.
    pub(crate) pattern: String,
    /// Of two overlapping spans the stronger one stays.
    pub(crate) strength: u8,
    #[serde(default)]
    pub(crate) checks: Vec<Check>,
    /// One of these words stands shortly before the match.
    #[serde(default)]
    pub(crate) context: Option<String>,
    /// Parts of which one is in whatever `context` finds, in whatever case of ASCII letters: where
    /// none is near, nothing else is tried.
    #[serde(default)]
    pub(crate) near: Vec<String>,
    /// How far before the match the words may stand.
    #[serde(default = "context_reach")]
    pub(crate) context_reach: usize,
    /// What stands directly before the match does not look like this.
    #[serde(default)]
    pub(crate) not_after: Option<String>,
    /// Texts with the span between `«` and `»`, which the rule finds.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "examples are read by the tests only")
    )]
    #[serde(rename = "match")]
    pub(crate) matches: Vec<String>,
    /// Texts in which the rule finds nothing.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "examples are read by the tests only")
    )]
    #[serde(default)]
    pub(crate) reject: Vec<String>,
    #[serde(skip)]
    compiled: OnceLock<Option<Compiled>>,
}

fn reach() -> usize {
    REACH_BYTES
}

fn context_reach() -> usize {
    CONTEXT_BYTES
}

/// What can be told of the text around an anchor by a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Around {
    /// The anchor is in the name of a setting, and something is assigned behind it.
    Assigned,
    /// A separator of lists stands shortly before the word that touches the anchor.
    Listed,
}

impl Around {
    fn holds(self, text: &str, place: &Range<usize>) -> bool {
        match self {
            Self::Assigned => is_assigned(text, place.end),
            Self::Listed => is_listed(text, place.start),
        }
    }
}

/// Where a value stands in a match, as far as a look tells without groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Value {
    /// At the end, as far back as letters, digits and the signs of keys go.
    Key,
    /// Between the last two quotation marks.
    Quoted,
    /// Behind what assigns it, to the end.
    Assigned,
}

impl Value {
    fn within(self, text: &str, whole: &Range<usize>) -> Range<usize> {
        let matched = text.as_bytes().get(whole.clone()).unwrap_or_default();
        let (from, to) = match self {
            Self::Key => (matched.len() - run_back(matched, is_of_key), matched.len()),
            Self::Quoted => {
                let is_end = |byte| b"\"'`\\".contains(&byte);
                let to = matched.len() - run_back(matched, is_end);
                (quoted_from(&matched[..to]), to)
            }
            Self::Assigned => (assigned_from(matched), matched.len()),
        };
        whole.start + from..whole.start + to
    }
}

/// How many bytes at the end are of a kind.
fn run_back(bytes: &[u8], is_of_kind: impl Fn(u8) -> bool) -> usize {
    let run = bytes.iter().rev().take_while(|byte| is_of_kind(**byte));
    run.count()
}

fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._~+/=@-".contains(&byte)
}

/// Where a value begins that goes to the end and has no quotation mark in it; a slash in it may be
/// escaped.
fn quoted_from(bytes: &[u8]) -> usize {
    let mut from = bytes.len();
    while let Some(at) = from.checked_sub(1) {
        let is_slash = bytes[at] == b'\\' && bytes.get(from) == Some(&b'/');
        if !is_slash && (b"\"'`\\".contains(&bytes[at]) || bytes[at].is_ascii_whitespace()) {
            break;
        }
        from = at;
    }
    from
}

/// Where a value begins behind the first sign that assigns it.
fn assigned_from(bytes: &[u8]) -> usize {
    let sign = bytes.iter().position(|byte| b"=:".contains(byte));
    let sign = sign.unwrap_or(bytes.len());
    let rest = &bytes[sign.min(bytes.len())..];
    let length = match rest {
        [b':', b'=', ..] | [b'=', b'>', ..] => 2,
        [_, ..] => 1,
        [] => 0,
    };
    let blanks = rest[length..].iter();
    sign + length + blanks.take_while(|byte| b" \t".contains(byte)).count()
}

#[derive(Debug)]
struct Compiled {
    pattern: Regex,
    context: Option<Regex>,
    not_after: Option<Regex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Pieces of patterns that several rules share, written there as `<<name>>`.
    #[serde(default)]
    parts: BTreeMap<String, String>,
    rule: Vec<Rule>,
}

impl Rule {
    /// Reads one file of rules.
    pub(crate) fn parse_all(text: &str) -> Result<Vec<Self>, RuleError> {
        let File { parts, mut rule } = toml::from_str(text)?;
        for rule in &mut rule {
            if rule.anchors.is_empty() && rule.start.is_none() {
                return Err(RuleError::NoStart(rule.name.clone()));
            }
            // Parts are made of parts.
            for (name, part) in std::iter::repeat_n(&parts, PARTS_DEPTH_MAX).flatten() {
                rule.pattern = rule.pattern.replace(&format!("<<{name}>>"), part);
            }
        }
        Ok(rule)
    }

    /// The pattern as it is tried: at one place only, unless the match may begin before it.
    pub(crate) fn placed_pattern(&self) -> String {
        if self.before == 0 {
            format!("^(?:{})", self.pattern)
        } else {
            self.pattern.clone()
        }
    }

    /// Compiles the patterns and says what is wrong with them.
    pub(crate) fn check_patterns(&self) -> Result<(), RuleError> {
        self.compile().map(drop)
    }

    fn compile(&self) -> Result<Compiled, RuleError> {
        let build = |pattern: &str| {
            let mut builder = RegexBuilder::new(pattern);
            let built = builder
                .size_limit(PATTERN_BYTES_MAX)
                .dfa_size_limit(PATTERN_CACHE_BYTES_MAX)
                .build();
            built.map_err(|source| RuleError::Pattern {
                rule: self.name.clone(),
                source: Box::new(source),
            })
        };
        let around = |words: &String| words.replace(WORD_BORDER, WORD_BORDER_ASCII);
        let context = |words: &String| build(&format!("(?i)(?:{})", around(words)));
        Ok(Compiled {
            pattern: build(&self.placed_pattern())?,
            context: self.context.as_ref().map(context).transpose()?,
            not_after: self
                .not_after
                .as_ref()
                .map(|words| build(&format!("(?i)(?:{})$", around(words))))
                .transpose()?,
        })
    }

    /// The compiled patterns, made at first use: most texts need few of the rules.
    fn compiled(&self) -> Option<&Compiled> {
        let compiled = self.compiled.get_or_init(|| self.compile().ok());
        compiled.as_ref()
    }

    /// The span of this rule around `place`, the bytes of an anchor or the beginning of a number.
    pub(crate) fn find(&self, text: &str, place: Range<usize>) -> Option<Range<usize>> {
        if self.before == 0 && !self.inside && is_inside_word(text, place.start) {
            return None;
        }
        if self.joined && !(is_inside_word(text, place.start) && begins_word(text, place.end)) {
            return None;
        }
        if self
            .around
            .is_some_and(|around| !around.holds(text, &place))
        {
            return None;
        }
        let compiled = self.compiled()?;
        let from = text.floor_char_boundary(place.start.saturating_sub(self.before));
        let to = text.ceil_char_boundary(place.end.saturating_add(self.reach).min(text.len()));
        let whole = compiled.find(text, from..to, place.start)?;
        if !self.inside && is_inside_word(text, whole.start) {
            return None;
        }
        let start = whole.start;
        let span = match self.value {
            Some(value) => value.within(text, &whole),
            None => compiled.group(text, from..to, &whole)?,
        };
        let found = Found { text, whole, span };
        let checked = self
            .checks
            .iter()
            .try_fold(found, |found, check| check.apply(found))?;
        let span = checked.span;
        let fits = !span.is_empty()
            && !ends_inside_word(text, span.end)
            && compiled.fits_around(text, start, self.context_reach);
        fits.then_some(span)
    }
}

impl Compiled {
    /// The match over a place within a window.
    fn find(&self, text: &str, window: Range<usize>, place: usize) -> Option<Range<usize>> {
        let from = window.start;
        let window = text.get(window)?;
        let shifted = |range: Range<usize>| from + range.start..from + range.end;
        let covers = |range: &Range<usize>| range.start <= place && place < range.end;
        let mut matches = self.pattern.find_iter(window).map(|found| found.range());
        let whole = matches.find(|range| covers(&shifted(range.clone())))?;
        Some(shifted(whole))
    }

    /// The span inside a match. Groups are dear, by the length of what they are looked for in, so
    /// what follows the match is cut off unless the match depends on it.
    fn group(
        &self,
        text: &str,
        window: Range<usize>,
        whole: &Range<usize>,
    ) -> Option<Range<usize>> {
        if self.pattern.captures_len() == 1 {
            return Some(whole.clone());
        }
        let from = window.start;
        let span = |window: Range<usize>| {
            let groups = self
                .pattern
                .captures_at(text.get(window)?, whole.start - from)?;
            let shifted = |range: Range<usize>| from + range.start..from + range.end;
            let all = shifted(groups.get(0)?.range());
            let group = groups.iter().skip(1).flatten().next();
            let group = group.map(|group| shifted(group.range()));
            Some((group.unwrap_or(all.clone()), all))
        };
        match span(from..whole.end) {
            Some((span, all)) if all == *whole => Some(span),
            Some(_) | None => span(window).map(|(span, _)| span),
        }
    }

    fn fits_around(&self, text: &str, start: usize, context_reach: usize) -> bool {
        if self.context.is_none() && self.not_after.is_none() {
            return true;
        }
        let from = text.floor_char_boundary(start.saturating_sub(context_reach));
        let before = text.get(from..start).unwrap_or_default();
        let wanted = self.context.as_ref().is_none_or(|it| it.is_match(before));
        wanted
            && !self
                .not_after
                .as_ref()
                .is_some_and(|it| it.is_match(before))
    }
}

/// Whether a setting's name that goes on at `at` is followed by what may assign it.
fn is_assigned(text: &str, at: usize) -> bool {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    let name = rest.iter().take(NAME_BYTES_MAX).take_while(is_name).count();
    let is_sign = |byte: &&u8| byte.is_ascii_whitespace() || b"\\\"'`]".contains(byte);
    let signs = rest[name..].iter().take(SIGNS_MAX).take_while(is_sign);
    let after = rest.get(name + signs.count());
    after.is_some_and(|byte| b"=:,(".contains(byte))
}

/// Whether a separator stands before the word that ends at `at`, but for blanks and quotation marks.
fn is_listed(text: &str, at: usize) -> bool {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let is_local =
        |byte: &&u8| byte.is_ascii_alphanumeric() || **byte >= 0x80 || b"_.%+-".contains(byte);
    let local = before.iter().rev().take_while(is_local).count();
    let before = &before[..before.len() - local];
    let mut signs = before.iter().rev().take(LIST_SIGNS_MAX);
    signs.any(|byte| b",;|\t<(".contains(byte))
}

/// Whether a word goes on or begins at `at`.
fn begins_word(text: &str, at: usize) -> bool {
    let after = text.as_bytes().get(at);
    after.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)
}

/// Whether the letters before and after `at` belong to the same word.
fn ends_inside_word(text: &str, at: usize) -> bool {
    let after = text.as_bytes().get(at);
    is_inside_word(text, at)
        && after.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Whether the byte before `at` continues a word.
fn is_inside_word(text: &str, at: usize) -> bool {
    let before = text.as_bytes().get(..at).and_then(<[u8]>::last);
    before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80)
}
