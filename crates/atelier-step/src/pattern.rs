//! Patterns of paths as sets: whether a path is in one, and whether two have a path in common.

use atelier_model::{PatternForm, RootPattern};

/// Alternatives in braces that are told apart; beyond, a pattern stands for all of its folder.
const ALTERNATIVES_MAX: usize = 64;

/// The paths that a pattern names.
#[derive(Debug, Clone)]
pub(crate) struct PathSet {
    alternatives: Vec<Vec<Part>>,
    /// The folder or path that everything in the set is or lies below.
    pub(crate) base: String,
}

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Any number of parts.
    Deep,
    /// One part with exactly this name.
    Name(String),
    /// One part of this shape.
    Shape(Vec<Token>),
}

/// What stands for characters of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    One(char),
    Any,
    Star,
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl PathSet {
    /// What a step writes.
    pub(crate) fn of_output(pattern: &RootPattern) -> Self {
        Self::new(pattern, pattern.form == PatternForm::Folder)
    }

    /// What a step reads: a path may be a folder, of which it then reads all.
    pub(crate) fn of_input(pattern: &RootPattern) -> Self {
        Self::new(pattern, pattern.form != PatternForm::Glob)
    }

    fn new(pattern: &RootPattern, all_below: bool) -> Self {
        let texts = match pattern.form {
            PatternForm::Path | PatternForm::Folder => vec![pattern.text.clone()],
            PatternForm::Glob => {
                unbraced(&pattern.text).unwrap_or_else(|| vec![format!("{}/**", pattern.base())])
            }
        };
        let literal = pattern.form != PatternForm::Glob;
        let alternative = |text: &String| {
            let parts = text.split('/').filter(|part| !part.is_empty());
            let mut parts: Vec<Part> = parts.map(|part| Part::read(part, literal)).collect();
            if all_below {
                parts.push(Part::Deep);
            }
            parts
        };
        let base = match pattern.form {
            PatternForm::Path | PatternForm::Folder => pattern.text.clone(),
            PatternForm::Glob => pattern.base().to_owned(),
        };
        Self {
            alternatives: texts.iter().map(alternative).collect(),
            base,
        }
    }

    /// Whether a path is in the set.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let parts: Vec<Part> = path
            .split('/')
            .map(|part| Part::Name(part.to_owned()))
            .collect();
        self.alternatives
            .iter()
            .any(|own| common(own, &parts, Part::meets))
    }

    /// Whether some path could be in both sets.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.alternatives.iter().any(|own| {
            other
                .alternatives
                .iter()
                .any(|others| common(own, others, Part::meets))
        })
    }
}

impl Part {
    fn read(text: &str, literal: bool) -> Self {
        if literal {
            return Self::Name(text.to_owned());
        }
        if text == "**" {
            return Self::Deep;
        }
        let tokens = tokens(text);
        let one = |token: &Token| match token {
            Token::One(c) => Some(*c),
            Token::Any | Token::Star | Token::Class { .. } => None,
        };
        match tokens.iter().map(one).collect::<Option<String>>() {
            Some(name) => Self::Name(name),
            None => Self::Shape(tokens),
        }
    }

    fn tokens(&self) -> Vec<Token> {
        match self {
            Self::Name(name) => name.chars().map(Token::One).collect(),
            Self::Shape(tokens) => tokens.clone(),
            Self::Deep => vec![Token::Star],
        }
    }

    /// Whether one name could fit both.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(own), Self::Name(others)) => own == others,
            _ => common(&self.tokens(), &other.tokens(), Token::meets),
        }
    }
}

impl Token {
    fn meets(&self, other: &Self) -> bool {
        let within = |ranges: &[(char, char)], negated: bool, c: char| {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != negated
        };
        match (self, other) {
            (Self::One(own), Self::One(others)) => own == others,
            (Self::One(c), Self::Class { ranges, negated })
            | (Self::Class { ranges, negated }, Self::One(c)) => within(ranges, *negated, *c),
            (
                Self::Class {
                    ranges: own,
                    negated: false,
                },
                Self::Class {
                    ranges: others,
                    negated: false,
                },
            ) => own
                .iter()
                .any(|(low, high)| others.iter().any(|(from, to)| low <= to && from <= high)),
            // Two sets of which one leaves something out have nearly everything in common.
            (Self::Class { .. }, Self::Class { .. })
            | (Self::Any | Self::Star, _)
            | (_, Self::Any | Self::Star) => true,
        }
    }
}

/// Something that stands for any number of the others beside it.
trait Repeated {
    fn repeats(&self) -> bool;
}

impl Repeated for Part {
    fn repeats(&self) -> bool {
        *self == Self::Deep
    }
}

impl Repeated for Token {
    fn repeats(&self) -> bool {
        *self == Self::Star
    }
}

/// Whether two sequences can stand for the same: the one table over both, row by row.
fn common<T: Repeated>(own: &[T], others: &[T], meets: fn(&T, &T) -> bool) -> bool {
    let mut row = vec![false; others.len() + 1];
    row[0] = true;
    for (at, other) in others.iter().enumerate() {
        row[at + 1] = row[at] && other.repeats();
    }
    for one in own {
        let mut next = vec![false; others.len() + 1];
        next[0] = row[0] && one.repeats();
        for (at, other) in others.iter().enumerate() {
            next[at + 1] = if one.repeats() || other.repeats() {
                row[at + 1] || next[at]
            } else {
                row[at] && meets(one, other)
            };
        }
        row = next;
    }
    row[others.len()]
}

/// The shape of one part. A class that does not end is an ordinary character.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let class = (c == '[').then(|| class(after)).flatten();
        if let Some((token, end)) = class {
            tokens.push(token);
            rest = &after[end..];
            continue;
        }
        match c {
            '*' if tokens.last() == Some(&Token::Star) => {}
            '*' => tokens.push(Token::Star),
            '?' => tokens.push(Token::Any),
            _ => tokens.push(Token::One(c)),
        }
        rest = after;
    }
    tokens
}

/// A class after its opening bracket, and how many bytes it takes.
fn class(text: &str) -> Option<(Token, usize)> {
    let negated = text.starts_with(['!', '^']);
    let start = usize::from(negated);
    // A closing bracket that comes first is one of the characters.
    let first = text[start..].chars().next()?.len_utf8();
    let end = start + first + text[start + first..].find(']')?;
    let chars: Vec<char> = text[start..end].chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(low) = chars.get(at) {
        let high = match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), high) => high,
            _ => None,
        };
        ranges.push((*low, *high.unwrap_or(low)));
        at += if high.is_some() { 3 } else { 1 };
    }
    Some((Token::Class { ranges, negated }, end + 1))
}

/// A glob without its braces: one text for each way to choose; `None` if there are too many.
fn unbraced(text: &str) -> Option<Vec<String>> {
    let mut open = vec![text.to_owned()];
    let mut done = Vec::new();
    while let Some(text) = open.pop() {
        let Some((before, choices, after)) = braces(&text) else {
            done.push(text);
            continue;
        };
        open.extend(
            choices
                .iter()
                .map(|choice| format!("{before}{choice}{after}")),
        );
        if open.len() + done.len() > ALTERNATIVES_MAX {
            return None;
        }
    }
    Some(done)
}

/// What stands before, in and after the first pair of braces.
fn braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let plain = outside_classes(text);
    let first = plain.iter().position(|(_, c)| *c == '{')?;
    let open = plain[first].0;
    let (mut depth, mut start, mut choices) = (0_usize, open + 1, Vec::new());
    for &(at, c) in &plain[first..] {
        match c {
            '{' => depth += 1,
            ',' if depth == 1 => {
                choices.push(&text[start..at]);
                start = at + 1;
            }
            '}' if depth == 1 => {
                choices.push(&text[start..at]);
                return Some((&text[..open], choices, &text[at + 1..]));
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The characters of a glob that are in no class, each with its place.
fn outside_classes(text: &str) -> Vec<(usize, char)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let after = at + c.len_utf8();
        let class = (c == '[').then(|| class(&text[after..])).flatten();
        if let Some((_, bytes)) = class {
            at = after + bytes;
        } else {
            found.push((at, c));
            at = after;
        }
    }
    found
}

#[cfg(test)]
mod tests;
