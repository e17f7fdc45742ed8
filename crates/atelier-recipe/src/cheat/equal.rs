//! Objects that are equal to everything, so that every comparison with them holds.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    Finding, Pair,
    code::{Language, block_end, line_of},
};

/// Lines of a body that are looked at.
const BODY_LINES_MAX: usize = 20;

/// How each language begins the function that says whether two things are equal.
static HEADS: LazyLock<Vec<(Language, Regex)>> = LazyLock::new(|| {
    let heads = [
        (
            Language::Python,
            r#"def __eq__\([^)]*\)[^:\n]*:|__eq__\s*=\s*lambda[^:\n]*:|["']__eq__["']\s*:\s*lambda[^:\n]*:"#,
        ),
        (
            Language::Rust,
            r"fn eq\(\s*&\s*self\s*,[^)]*\)\s*->\s*bool\s*\{",
        ),
        (
            Language::Go,
            r"func \([^)]*\) (?:Equals?|Eq)\([^)]*\) bool \{",
        ),
        (
            Language::Java,
            r"\b(?:boolean equals|bool Equals|fun equals|def equals)\s*\([^)]*\)[^{;\n]*\{",
        ),
        (
            Language::C,
            r"\boperator\s*==\s*\([^)]*\)\s*(?:const)?\s*(?:noexcept)?\s*\{",
        ),
        (
            Language::Script,
            r"(?m)(?:^|[\s,;{])(?:asymmetricMatch|equals|isEqual)\s*\(\s*\w*(?:\s*:[^)\n]*)?\)[^{;()\n]*\{",
        ),
        (
            Language::Ruby,
            r"(?m)def (?:==|===|eql\?)\s*\(?\w+\)?(?:[;\n]|[ \t]*=[ \t])",
        ),
    ];
    let compiled = heads
        .iter()
        .filter_map(|(language, head)| Some((*language, Regex::new(head).ok()?)));
    compiled.collect()
});

/// What compares, refuses or hands on: a body with any of it may be honest.
static COMPARES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?:==|!=|<|>|\bis\b|\bin\b|&&|\band\b|\.eq|\.equals|equal|isinstance|instanceof|typeof|matches!|compare|hash|\braise\b|\bthrow\b|panic|NotImplemented|\b[Ff]alse\b|super|all\(|any\(|every\(|match\b|test\()",
    )
    .ok()
});
static TRUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:[Tt]rue|1|not\s+False)\b|!\s*(?:0|false)\b").ok());
static OR_TRUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\bor\s+(?:True|true|1)\b|\|\|\s*(?:true|1)\b").ok());
static SAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:return|^|=>)\s*\(?\s*([\w.]+(?:\([\w.]*\))?)\s*(?:===?|is)\s*([\w.]+(?:\([\w.]*\))?)\s*\)?\s*;?\s*(?:$|\}|end)").ok()
});
/// Conditions that hold for everything there is.
static ALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:\w+ is not None|\w+ !==? (?:null|nil|undefined|nullptr)|isinstance\(\w+, object\)|True|true|1|not False)$").ok()
});
static NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\bPartialEq(?:<[^>\n]*>)?\s+for\s+(\w+)").ok());
static RETURNS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\breturn\s+([^;\n}]+)").ok());

pub(super) fn found(pair: &Pair<'_>) -> Vec<Finding> {
    let places = |text: &str| places(pair.after.language, text);
    let new = pair.new_only(places);
    new.map(|(at, text)| {
        let line = line_of(&pair.after.text, at);
        let words = "makes an object equal to everything";
        let alike = text.contains("&Self") && !has_fields(&pair.after.text, at);
        if pair.in_tests || alike {
            Finding::doubtful(line, words)
        } else {
            Finding::certain(line, words)
        }
    })
    .collect()
}

/// Whether what is compared here holds anything that could differ. Things that hold nothing are
/// equal to their like.
fn has_fields(text: &str, at: usize) -> bool {
    let before = &text[..at];
    let name = NAMED
        .iter()
        .flat_map(|one| one.captures_iter(before))
        .last();
    let Some(name) = name.and_then(|found| Some(found.get(1)?.as_str())) else {
        return false;
    };
    let begins = |body: &str| {
        let body = body.trim_start_matches(|one: char| one != '(' && one != '{' && one != ';');
        let inside = body.get(1..).unwrap_or_default().trim_start();
        !body.starts_with(';') && !body.is_empty() && !inside.starts_with(['}', ')'])
    };
    ["struct", "enum"].iter().any(|kind| {
        let head = format!("{kind} {name}");
        text.match_indices(&head)
            .any(|(at, _)| begins(&text[at + head.len()..]))
    })
}

fn places(language: Language, text: &str) -> Vec<(usize, String)> {
    let heads = HEADS.iter().filter(|(of, _)| *of == language);
    let mut all = Vec::new();
    for (_, head) in heads {
        for found in head.find_iter(text) {
            let body = body(language, text, found.end());
            if holds_always(body) {
                all.push((found.start(), format!("{}{body}", found.as_str())));
            }
        }
    }
    all
}

fn body(language: Language, text: &str, from: usize) -> &str {
    let rest = &text[from..];
    let braces = text[..from].ends_with('{');
    if braces {
        let end = block_end(text, from - 1).unwrap_or(text.len());
        return text[from..end].trim_end_matches('}');
    }
    let same_line = rest.lines().next().unwrap_or_default();
    let endless = text[..from].ends_with("= ");
    if (language == Language::Python || endless) && !same_line.trim().is_empty() {
        return same_line;
    }
    let line_start = text[..from].rfind('\n').map_or(0, |at| at + 1);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(&text[line_start..]);
    let mut length = 0;
    for line in rest.split_inclusive('\n').take(BODY_LINES_MAX) {
        if length > 0 && !line.trim().is_empty() && indent(line) <= own {
            break;
        }
        length += line.len();
    }
    &rest[..length]
}

/// Whether a body says that two things are equal whatever they are.
fn holds_always(body: &str) -> bool {
    let is = |pattern: &LazyLock<Option<Regex>>| {
        pattern
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(body))
    };
    if is(&OR_TRUE) || (is(&TRUE) && !is(&COMPARES)) {
        return true;
    }
    let same = SAME.iter().flat_map(|one| one.captures_iter(body.trim()));
    if same.into_iter().any(|found| found[1] == found[2]) {
        return true;
    }
    let mut returned = RETURNS
        .iter()
        .flat_map(|one| one.captures_iter(body))
        .map(|found| found[1].trim().to_owned())
        .peekable();
    let all = |value: String| ALL.as_ref().is_some_and(|one| one.is_match(&value));
    returned.peek().is_some() && returned.all(all)
}
