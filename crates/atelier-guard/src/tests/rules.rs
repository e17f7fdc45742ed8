//! Every rule finds its own examples, alone and among the others, and nothing in its rejects.

use std::fmt::Write as _;

use crate::{Guard, Policy, rule::Rule, rules::FILES};

/// A text without its marks, and the span they enclose.
fn marked(example: &str) -> (String, usize, usize) {
    let start = example.find('«').unwrap();
    let end = example.find('»').unwrap() - '«'.len_utf8();
    (example.replace(['«', '»'], ""), start, end)
}

fn complaints(name: &str, matches: &[String], rejects: &[String], alone: &Guard) -> String {
    let mut wrong = String::new();
    for example in matches {
        let (text, start, end) = marked(example);
        let spans = alone.scan(&text, Policy::All);
        let found: Vec<_> = spans.iter().map(|span| &text[span.range()]).collect();
        if spans.len() != 1 || spans[0].range() != (start..end) {
            writeln!(wrong, "{name}: {example}\n    finds {found:?}").unwrap();
        }
        let spans = Guard::builtin().scan(&text, Policy::All);
        let covered = |at: usize| spans.iter().any(|span| span.range().contains(&at));
        if !(start..end).all(covered) {
            writeln!(wrong, "{name}: among all rules, not covered: {example}").unwrap();
        }
    }
    for text in rejects {
        for span in alone.scan(text, Policy::All) {
            writeln!(wrong, "{name}: `{}` in `{text}`", &text[span.range()]).unwrap();
        }
    }
    wrong
}

#[test]
fn every_pattern_compiles() {
    Guard::parse(FILES).unwrap();
}

#[test]
fn every_rule_keeps_what_its_examples_promise() {
    let mut wrong = String::new();
    for file in FILES {
        for rule in Rule::parse_all(file).unwrap() {
            let (name, matches, rejects) =
                (rule.name.clone(), rule.matches.clone(), rule.reject.clone());
            assert!(!matches.is_empty() && !rejects.is_empty(), "{name}");
            let alone = Guard::with(vec![rule]).unwrap();
            wrong += &complaints(&name, &matches, &rejects, &alone);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
