//! Tests that still stand there and test nothing: replaced by a later one of the same name, ended
//! before their assertions, or about something of their own.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use super::{
    Finding, Pair,
    code::{Language, line_of},
};

/// Tests whose name decides whether they run, of languages in which the last of a name counts.
static NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(?:async )?def (test\w*)").ok());
/// What is assigned to a name.
static ASSIGNED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(?:\w+\.)?(test\w*)\s*=[^=]").ok());
/// Statements after which nothing of a block is reached.
static LEAVES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:return(?:\s+(?:None|nil|null|undefined|Ok\(\(\)\)))?|break|continue)\s*;?$")
        .ok()
});
/// What may follow such a statement without being unreachable.
static FOLLOWS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:[\])}]|case\b|default\b|else\b|elif\b|elsif\b|except\b|finally\b|rescue\b|ensure\b|when\b|end\b|esac\b|fi\b|done\b|\w+:$|#\s*(?:if|else|elif|end)|;;)").ok()
});
/// Lines of a table of cases.
static ROW: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*[\[({].*[\])}]\s*,?\s*$").ok());
static LITERAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\b\d[\d_.]*"#).ok());
/// Names that a file takes from elsewhere.
static IMPORTS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let forms = [
        r"(?m)^[ \t]*from[ \t]+[\w.]+[ \t]+import[ \t]+([\w \t,]+)$",
        r"(?m)^[ \t]*from[ \t]+[\w.]+[ \t]+import[ \t]+\(([\w\s,]+)\)",
        r"(?m)^\s*import\s*\{([^}]*)\}\s*from\s*['\x22]\.",
        r"(?m)\{([^}=]*)\}\s*=\s*require\(\s*['\x22]\.",
        r"(?m)^\s*use\s+[\w:]+::\{?([\w\s,]+)\}?;",
    ];
    forms
        .iter()
        .filter_map(|form| Regex::new(form).ok())
        .collect()
});
/// Names that a file defines.
static DEFINES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^[ \t]*(?:async[ \t]+)?(?:(?:export[ \t]+)?(?:def|function|fn)[ \t]+(\w+)|(?:const|let|var)[ \t]+(\w+)[ \t]*=|(\w+)[ \t]*=[ \t]*lambda\b)").ok()
});

pub(super) fn found(pair: &Pair<'_>) -> Vec<Finding> {
    let language = pair.after.language;
    let at_line = |at: usize| line_of(&pair.after.text, at);
    let mut all = Vec::new();
    if matches!(language, Language::Python | Language::Ruby) {
        let twice = pair.new_only(replaced).map(|(at, name)| {
            let words = format!("replaces its test `{name}` by another of that name");
            Finding::certain(at_line(at), words)
        });
        all.extend(twice);
    }
    if language != Language::Shell {
        let words = "keeps an assertion from ever being reached";
        let stood = pair.before.is_some();
        let left = pair.new_only(unreached);
        all.extend(left.map(|(at, _)| {
            let finding = if stood {
                Finding::certain
            } else {
                Finding::doubtful
            };
            finding(at_line(at), words)
        }));
    }
    all.extend(own_subject(pair));
    all.extend(cases_gone(pair));
    all
}

/// Cases of a table that are gone while none came.
fn cases_gone(pair: &Pair<'_>) -> Option<Finding> {
    let before = pair.before?;
    let (had, has) = (rows(&before.text), rows(&pair.after.text));
    let stands = |row: &BTreeSet<&str>| {
        let quoted = |one: &str| pair.after.text.contains(one);
        row.iter().all(|one| quoted(one))
    };
    let gone = had.iter().filter(|row| !stands(row)).count();
    let come = has.iter().any(|row| !had.contains(row));
    if gone == 0 || come {
        return None;
    }
    let words = "leaves out a case of a test";
    let lines: BTreeSet<&str> = before.text.lines().map(str::trim).collect();
    let only_less = pair
        .after
        .text
        .lines()
        .all(|line| lines.contains(line.trim()));
    Some(if only_less {
        Finding::certain(1, words)
    } else {
        Finding::doubtful(1, words)
    })
}

/// The literals of each line of a table of cases.
fn rows(text: &str) -> Vec<BTreeSet<&str>> {
    let lines = text
        .lines()
        .filter(|line| ROW.as_ref().is_some_and(|one| one.is_match(line)));
    let literals = lines.map(|line| LITERAL.iter().flat_map(|one| one.find_iter(line)));
    let rows = literals.map(|found| found.map(|one| one.as_str()).collect::<BTreeSet<_>>());
    rows.filter(|row| row.len() > 1).collect()
}

/// Names of tests that are defined or assigned again in the block they stand in.
fn replaced(text: &str) -> Vec<(usize, String)> {
    let mut seen: BTreeSet<(usize, String)> = BTreeSet::new();
    // Indentation and number of the heads that enclose a line.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut all = Vec::new();
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        if line.trim().is_empty() {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        while open.last().is_some_and(|(of, _)| *of >= indent) {
            open.pop();
        }
        let block = open.last().map_or(0, |(_, number)| number + 1);
        open.push((indent, number));
        let name = |pattern: &LazyLock<Option<Regex>>| {
            let found = pattern.as_ref()?.captures(line)?;
            Some(found.get(1)?.as_str().to_owned())
        };
        if let Some(name) = name(&NAMED) {
            if !seen.insert((block, name.clone())) {
                all.push((start + indent, name));
            }
        } else if let Some(name) = name(&ASSIGNED)
            && seen.iter().any(|(_, known)| *known == name)
        {
            all.push((start + indent, name));
        }
    }
    all
}

/// Statements that leave a block while others of the same block follow.
fn unreached(text: &str) -> Vec<(usize, String)> {
    let is = |pattern: &LazyLock<Option<Regex>>, line: &str| {
        pattern.as_ref().is_some_and(|one| one.is_match(line))
    };
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            lines.push((at, line));
        }
        at += line.len();
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let pairs = lines.windows(2).filter_map(|two| match two {
        [(at, line), (_, next)] => Some((*at, *line, *next)),
        _ => None,
    });
    pairs
        .filter(|(_, line, next)| {
            indent(line) > 0
                && indent(line) == indent(next)
                && is(&LEAVES, line.trim())
                && !is(&FOLLOWS, next.trim())
        })
        .map(|(at, line, next)| (at + indent(line), format!("{}{}", line.trim(), next.trim())))
        .collect()
}

/// Names that a test took from the program before, and now defines itself.
fn own_subject(pair: &Pair<'_>) -> Vec<Finding> {
    let Some(before) = pair.before else {
        return Vec::new();
    };
    let (had, has) = (imported(&before.text), imported(&pair.after.text));
    let text = &pair.after.text;
    let defined = DEFINES.iter().flat_map(|one| one.captures_iter(text));
    let own = defined.filter_map(|found| {
        let name = (1..=3).find_map(|group| found.get(group))?;
        let swapped = had.contains(name.as_str()) && !has.contains(name.as_str());
        swapped.then(|| {
            let words = format!(
                "tests a `{}` of its own in place of the program's",
                name.as_str()
            );
            Finding::certain(line_of(text, name.start()), words)
        })
    });
    own.collect()
}

fn imported(text: &str) -> BTreeSet<String> {
    let found = IMPORTS.iter().flat_map(|one| one.captures_iter(text));
    let names = found.flat_map(|found| {
        let names = found[1].split([',', '\n', ' ', '(']);
        names.map(str::trim).map(str::to_owned).collect::<Vec<_>>()
    });
    names.filter(|name| !name.is_empty()).collect()
}
