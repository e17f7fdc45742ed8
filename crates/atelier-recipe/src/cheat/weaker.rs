//! Assertions of tests that stood before and now ask for less.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Pair, code::line_of};

/// What an assertion asks for, from nothing in particular to one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// That something is there, or holds.
    Holds,
    /// That a value contains another, or is of a shape.
    Resembles,
    /// That a value is another, as far as a tolerance goes.
    Close,
    /// That a value is another.
    Equals,
}

#[derive(Debug, Clone, PartialEq)]
struct Assertion {
    at: usize,
    text: String,
    strength: Strength,
    /// What is compared, without blanks.
    values: Vec<String>,
    /// How far values may lie apart; larger is weaker.
    tolerance: Option<f64>,
}

/// Calls that assert, by what they ask for.
const CALLS: [(Strength, &str); 4] = [
    (
        Strength::Equals,
        r"(?:self\.)?assert(?:Equal|ListEqual|DictEqual|SetEqual|TupleEqual|MultiLineEqual|CountEqual|SequenceEqual|Is|IsNone|Equals|ArrayEquals|False)|assert(?:\.strict)?\.(?:strictEqual|deepStrictEqual|equal|deepEqual|Equal|EqualValues|Exactly)|require\.(?:Equal|EqualValues)|(?:debug_)?assert_eq!|assert_equal|EXPECT_(?:EQ|STREQ)|ASSERT_(?:EQ|STREQ)",
    ),
    (
        Strength::Close,
        r"(?:self\.)?assertAlmostEqual|assert_in_delta|assert\.InDelta|require\.InDelta|EXPECT_NEAR|ASSERT_NEAR",
    ),
    (
        Strength::Resembles,
        r"(?:self\.)?assert(?:In|Regex|GreaterEqual|LessEqual|Greater|Less|IsInstance|NotEqual)|assert\.(?:match|includes?|Contains|Greater|Less|notStrictEqual|notEqual|notDeepStrictEqual|NotEqual)|require\.Contains|assert_(?:includes|match)|assert_ne!",
    ),
    (
        Strength::Holds,
        r"(?:self\.)?assert(?:True|IsNotNone|NotNull)|assert\.(?:ok|True|NotNil|NotEmpty|NoError|doesNotThrow)|require\.(?:True|NotNil|NoError)|assert!|assert_not_nil|EXPECT_TRUE|ASSERT_TRUE|ASSERT_NE|EXPECT_NE|\bassert",
    ),
];
static COMPILED: LazyLock<Vec<(Strength, Option<Regex>)>> = LazyLock::new(|| {
    let call = |names: &str| Regex::new(&format!(r"(?:^|[^\w.])(?:{names})\s*\(")).ok();
    CALLS
        .iter()
        .map(|(strength, names)| (*strength, call(names)))
        .collect()
});
static BARE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^[ \t]*assert[ \t]+([^\n]+)$").ok());
/// Assertions whose arguments stand in no brackets.
static OPEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^[ \t]*((?:assert|refute)_\w+)[ \t]+([^\n(][^\n]*)$").ok());
/// Conditions that a shell checks.
static CHECKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^[ \t]*\[\[?[ \t]+([^\n]+?)[ \t]+\]\]?[ \t]*$").ok());
/// What is equal to everything, and conditions that hold whatever else is said.
static ANYTHING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:mock\.)?ANY\b|\banything\(\)|\bexpect\.any\(|\bor[ \t]+(?:True|true|1|not[ \t]+False)\b|\|\|[ \t]*(?:true|1)\b").ok()
});
static EXPECT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bexpect\s*\(").ok());
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(places|delta|abs|rel|digits|abs_tol|rel_tol)\s*=\s*([\d.]+(?:e-?\d+)?)|<=?\s*([\d.]+(?:e-?\d+)?)").ok()
});

static TEST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\bdef test|#\[(?:\w+::)*test\b|\b(?:test|it)\s*\(|\bfunc Test|@Test\b|\bTEST\w*\(")
        .ok()
});
/// Conditions under which a test of Go fails.
static FAILS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\bif\s+([^{}\n]+?)\s*\{\s*\n?[^\n]*\bt\.(?:Error|Fatal|Fail)").ok()
});

pub(super) fn found(pair: &Pair<'_>) -> Vec<Finding> {
    let Some(before) = pair.before else {
        return Vec::new();
    };
    let (old, new) = (assertions(&before.text), assertions(&pair.after.text));
    let same = |one: &Assertion, other: &Assertion| one.text == other.text;
    let gone: Vec<_> = old
        .iter()
        .filter(|one| !new.iter().any(|other| same(one, other)))
        .collect();
    let come: Vec<_> = new
        .iter()
        .filter(|one| !old.iter().any(|other| same(one, other)))
        .collect();
    let mut all = Vec::new();
    for was in &gone {
        let about = come.iter().filter(|now| shares(was, now));
        let Some(strongest) = about.max_by(|a, b| a.strength.cmp(&b.strength)) else {
            // Where a test goes as a whole, the number of tests says so.
            if come.is_empty() && !fewer_tests(pair) {
                all.push(Finding::certain(1, "leaves out an assertion of a test"));
            }
            continue;
        };
        let line = line_of(&pair.after.text, strongest.at);
        if strongest.strength < was.strength {
            all.push(Finding::certain(line, "compares less than the test did"));
        } else if wider(was, strongest) {
            all.push(Finding::certain(line, "widens a tolerance of the test"));
        } else if strongest.strength == was.strength && was.strength >= Strength::Close {
            all.push(Finding::doubtful(
                line,
                "expects another value than the test did",
            ));
        }
    }
    all
}

fn fewer_tests(pair: &Pair<'_>) -> bool {
    let count = |text: &str| TEST.iter().flat_map(|one| one.find_iter(text)).count();
    count(&pair.after.text) < count(pair.before_text())
}

/// Whether two assertions are about the same value.
fn shares(one: &Assertion, other: &Assertion) -> bool {
    let telling = |value: &&String| value.contains('(') || value.contains('.') || value.len() > 3;
    one.values
        .iter()
        .filter(telling)
        .any(|value| other.values.iter().any(|seen| covers(seen, value)))
}

/// Whether a value is another, or is wrapped around it.
fn covers(seen: &str, value: &str) -> bool {
    seen == value || (value.contains('(') && seen.contains(value))
}

fn wider(was: &Assertion, now: &Assertion) -> bool {
    match (was.tolerance, now.tolerance) {
        (Some(was), Some(now)) => now > was,
        (None, Some(_)) => was.strength == Strength::Close,
        (_, None) => false,
    }
}

fn assertions(text: &str) -> Vec<Assertion> {
    let mut all: Vec<Assertion> = Vec::new();
    for (strength, pattern) in COMPILED.iter() {
        for found in pattern.iter().flat_map(|one| one.find_iter(text)) {
            let Some(end) = call_end(text, found.end() - 1) else {
                continue;
            };
            let args = arguments(&text[found.end()..end - 1]);
            all.push(assertion(
                found.start(),
                &text[found.start()..end],
                *strength,
                args,
            ));
        }
    }
    for found in BARE.iter().flat_map(|one| one.captures_iter(text)) {
        let (Some(whole), Some(said)) = (found.get(0), found.get(1)) else {
            continue;
        };
        let condition = arguments(said.as_str()).into_iter().take(1).collect();
        all.push(assertion(
            whole.start(),
            whole.as_str(),
            Strength::Holds,
            condition,
        ));
    }
    for found in OPEN.iter().flat_map(|one| one.captures_iter(text)) {
        let (Some(whole), Some(said)) = (found.get(0), found.get(2)) else {
            continue;
        };
        let strength = open_strength(&found[1]);
        all.push(assertion(
            whole.start(),
            whole.as_str(),
            strength,
            arguments(said.as_str()),
        ));
    }
    for found in CHECKED.iter().flat_map(|one| one.captures_iter(text)) {
        let (Some(whole), Some(said)) = (found.get(0), found.get(1)) else {
            continue;
        };
        all.push(checked(whole.start(), said.as_str()));
    }
    for found in FAILS.iter().flat_map(|one| one.captures_iter(text)) {
        let Some(condition) = found.get(1) else {
            continue;
        };
        all.extend(failing(condition.start(), condition.as_str()));
    }
    for found in EXPECT.iter().flat_map(|one| one.find_iter(text)) {
        all.extend(expectation(text, found.start(), found.end()));
    }
    all.sort_by_key(|one| one.at);
    all
}

/// What an assertion asks for whose arguments stand in no brackets.
fn open_strength(name: &str) -> Strength {
    match name {
        "assert_equal" | "assert_same" | "assert_nil" | "assert_raises" | "assert_output" => {
            Strength::Equals
        }
        "assert_in_delta" | "assert_in_epsilon" => Strength::Close,
        _ => Strength::Resembles,
    }
}

/// A condition that a shell checks; quotes make no difference.
fn checked(at: usize, condition: &str) -> Assertion {
    let plain = condition.replace(['"', '\''], "");
    let signs = [" = ", " == ", " -eq "];
    let sides = signs.iter().find_map(|sign| plain.split_once(sign));
    let (strength, values) = if let Some((left, right)) = sides {
        (Strength::Equals, vec![left.to_owned(), right.to_owned()])
    } else {
        let words = plain.split_whitespace();
        let told = words.filter(|word| !word.starts_with('-') && *word != "!");
        (Strength::Holds, told.map(str::to_owned).collect())
    };
    Assertion {
        at,
        text: squeezed(&plain),
        strength,
        values: values.iter().map(|value| squeezed(value)).collect(),
        tolerance: None,
    }
}

/// What must not be for a test of Go to pass, each on its own.
fn failing(at: usize, condition: &str) -> Vec<Assertion> {
    let condition = condition.rsplit(';').next().unwrap_or(condition);
    let parts = condition.split("||").map(str::trim);
    let made = parts.map(|part| {
        let (strength, values) = match split_top(part, "!=") {
            Some((left, right)) if matches!(right.trim(), "nil" | "\"\"" | "0") => {
                (Strength::Holds, vec![left])
            }
            Some((left, right)) => (Strength::Equals, vec![left, right]),
            None => {
                let (strength, values) = condition_strength(part);
                // What must not be equal may be anything else.
                (strength.min(Strength::Resembles), values)
            }
        };
        Assertion {
            at,
            text: squeezed(part),
            strength,
            values: values.iter().map(|value| squeezed(value)).collect(),
            tolerance: None,
        }
    });
    made.collect()
}

/// `expect(value).toBe(other)`, with anything between.
fn expectation(text: &str, start: usize, open: usize) -> Option<Assertion> {
    let end = call_end(text, open - 1)?;
    let rest = &text[end..];
    let mut values = arguments(&text[open..end - 1]);
    let length = rest.find([';', '\n']).unwrap_or(rest.len());
    let matcher = &rest[..length];
    let strength = if matcher.contains(".not.") {
        Strength::Holds
    } else if matcher.contains("toBeCloseTo") {
        Strength::Close
    } else if [
        ".toBe(",
        ".toEqual(",
        ".toStrictEqual(",
        ".to.equal(",
        ".toBeNull",
        ".toBeFalse",
    ]
    .iter()
    .any(|one| matcher.contains(one))
    {
        Strength::Equals
    } else if [
        ".toContain",
        ".toMatch",
        ".toHaveLength",
        ".toBeGreater",
        ".toBeLess",
        ".toThrow",
    ]
    .iter()
    .any(|one| matcher.contains(one))
    {
        Strength::Resembles
    } else {
        Strength::Holds
    };
    let whatever = ANYTHING.as_ref().is_some_and(|one| one.is_match(matcher));
    let strength = if whatever { Strength::Holds } else { strength };
    values.push(squeezed(matcher));
    let mut made = assertion(start, &text[start..end + length], strength, values);
    if strength == Strength::Close {
        let digits = matcher.rsplit_once(',').map_or("2", |(_, rest)| rest);
        made.tolerance = digits
            .trim_matches([')', ' ', ';'])
            .parse()
            .ok()
            .map(f64::exp2)
            .map(f64::recip);
    }
    Some(made)
}

fn assertion(at: usize, text: &str, strength: Strength, values: Vec<String>) -> Assertion {
    let mut strength = strength;
    let mut values = values;
    if strength == Strength::Holds
        && let Some(condition) = values.first().cloned()
    {
        let (of, sides) = condition_strength(&condition);
        strength = of;
        values = sides;
    }
    let tolerance = tolerance(text);
    let alike = matches!(values.as_slice(), [left, right, ..] if squeezed(left) == squeezed(right));
    let whatever = ANYTHING.as_ref().is_some_and(|one| one.is_match(text));
    if alike || whatever {
        strength = Strength::Holds;
    }
    if strength == Strength::Equals && (text.contains("approx(") || text.contains("isclose(")) {
        strength = Strength::Close;
    }
    Assertion {
        at,
        text: squeezed(text),
        strength,
        values: values.iter().map(|value| squeezed(value)).collect(),
        tolerance,
    }
}

/// What a condition that must hold asks for, and its sides.
fn condition_strength(condition: &str) -> (Strength, Vec<String>) {
    let top = |sign: &str| split_top(condition, sign);
    for (sign, strength) in [
        ("===", Strength::Equals),
        ("==", Strength::Equals),
        (" is not ", Strength::Holds),
        ("!=", Strength::Resembles),
        (" is ", Strength::Equals),
        (" in ", Strength::Resembles),
        (">=", Strength::Resembles),
        ("<=", Strength::Resembles),
        (" < ", Strength::Resembles),
        (" > ", Strength::Resembles),
    ] {
        if let Some((left, right)) = top(sign) {
            let close = condition.contains("abs(") && sign.contains('<');
            let strength = if close { Strength::Close } else { strength };
            return (strength, vec![left, right]);
        }
    }
    if [".contains(", ".includes(", ".starts_with(", "isinstance("]
        .iter()
        .any(|one| condition.contains(one))
    {
        return (Strength::Resembles, vec![condition.to_owned()]);
    }
    (Strength::Holds, vec![condition.to_owned()])
}

/// How far apart values may lie that an assertion takes for the same.
fn tolerance(text: &str) -> Option<f64> {
    let found = NUMBER.iter().find_map(|one| one.captures(text))?;
    if let Some(bound) = found.get(3) {
        return text.contains("abs(").then(|| bound.as_str().parse().ok())?;
    }
    let number: f64 = found.get(2)?.as_str().parse().ok()?;
    match found.get(1)?.as_str() {
        "places" | "digits" => Some(number.exp2().recip()),
        _ => Some(number),
    }
}

/// A text without blanks, so that formatting makes no difference.
fn squeezed(text: &str) -> String {
    let kept = text.chars().filter(|one| !one.is_whitespace());
    kept.collect::<String>().trim_matches([',', ';']).to_owned()
}

/// Where a call ends whose bracket opens at a place.
fn call_end(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, next) in text.get(open..)?.char_indices() {
        if let Some(mark) = quote {
            if escaped {
                escaped = false;
            } else if next == '\\' {
                escaped = true;
            } else if next == mark || next == '\n' {
                quote = None;
            }
            continue;
        }
        match next {
            '"' | '`' => quote = Some(next),
            '\'' if text[open + at + 1..].contains('\'') => quote = Some(next),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(open + at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The arguments of a call, split at commas that are in no bracket.
fn arguments(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = text.to_owned();
    while let Some((first, more)) = split_top(&rest, ",") {
        all.push(first);
        rest = more;
    }
    all.push(rest);
    all.retain(|one| !one.trim().is_empty());
    all
}

/// A text on both sides of a sign that stands in no bracket and no quotes.
fn split_top(text: &str, sign: &str) -> Option<(String, String)> {
    let mut depth = 0_i32;
    let mut quote: Option<char> = None;
    for (at, next) in text.char_indices() {
        if let Some(mark) = quote {
            if next == mark {
                quote = None;
            }
            continue;
        }
        match next {
            '"' | '\'' | '`' => quote = Some(next),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && quote.is_none() && text[at..].starts_with(sign) {
            return Some((text[..at].to_owned(), text[at + sign.len()..].to_owned()));
        }
    }
    None
}
