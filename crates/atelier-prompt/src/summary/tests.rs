//! Summaries: when, what of, and what none may say.

use atelier_model::Summary;

use super::{SOURCE_TOKENS_MIN, SummaryFault, extract, fault, passages, pays, render};
use crate::tokens;

const TEXT: &str = "# Ledger\n\nA ledger for a small club. It keeps entries in `ledger.json`.\n\
    Every entry has an amount\nin cents.\n\n## Rules\n\n- An amount must lie between 1 and 100000 cents.\n\
    - Dates are written as `YYYY-MM-DD`; other forms are never accepted.\n- The report is sorted.\n\n\
    ```\nmust not be read\n```\n\nNobody knows yet who prints it.\n";

fn summary(goal: &str, constraints: &[&str], names: &[&str]) -> Summary {
    let all = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Summary {
        goal: goal.to_owned(),
        constraints: all(constraints),
        names: all(names),
        ..Summary::default()
    }
}

#[test]
fn an_extract_is_the_first_sentences_the_rules_and_the_names() {
    let found = extract(TEXT, 600);
    let expected = summary(
        "Ledger A ledger for a small club. It keeps entries in `ledger.json`.",
        &[
            "An amount must lie between 1 and 100000 cents.",
            "Dates are written as `YYYY-MM-DD`; other forms are never accepted.",
        ],
        &["`ledger.json`", "`YYYY-MM-DD`"],
    );
    assert_eq!(found, expected);
    assert_eq!(fault(&found, TEXT), None, "an extract adds nothing");
}

#[test]
fn an_extract_keeps_to_its_budget_and_loses_names_first() {
    let short = extract(TEXT, 40);
    assert!(tokens::estimate(&render(&short)) <= 40);
    assert_eq!(short.names, [""; 0]);
    assert_eq!(short.constraints.len(), 1);
    assert_eq!(extract("", 10), Summary::default());
}

#[test]
fn what_a_text_does_not_say_makes_a_summary_unusable() {
    let check = |summary: Summary, expected: Option<SummaryFault>| {
        assert_eq!(fault(&summary, TEXT), expected, "{summary:?}");
    };
    let invented = |word: &str| Some(SummaryFault::Invented(word.to_owned()));
    check(
        summary(
            "A ledger.",
            &["Amounts up to 100000 cents."],
            &["ledger.json"],
        ),
        None,
    );
    check(summary(" ", &[], &[]), Some(SummaryFault::NoGoal));
    check(
        summary("A ledger.", &["Amounts up to 250000 cents."], &[]),
        invented("250000"),
    );
    check(
        summary("A ledger in `data.db`.", &[], &[]),
        invented("data.db"),
    );
    check(
        summary("A ledger.", &[], &["`journal.json`"]),
        invented("journal.json"),
    );
    // A small number is as often a word.
    check(summary("A ledger in 3 parts.", &[], &[]), None);
    let long = "A ledger for a club. ".repeat(300);
    assert!(matches!(
        fault(&summary(&long, &[], &[]), TEXT),
        Some(SummaryFault::TooLong { .. })
    ));
}

#[test]
fn a_summary_is_asked_for_only_where_it_saves_more_than_it_costs() {
    // 8,000 tokens in each of 20 prompts, or 600 and one ask.
    assert!(pays(8_000, 600, 20));
    // Once is never enough, and twice saves less than the summary itself costs.
    assert!(!pays(8_000, 600, 1));
    assert!(!pays(2_000, 600, 2));
    assert!(pays(8_000, 600, 2));
    // What is short is shown, however often.
    assert!(!pays(SOURCE_TOKENS_MIN - 1, 600, 1_000));
    // What would be shown instead is as long.
    assert!(!pays(8_000, 7_900, 50));
}

#[test]
fn the_passages_are_those_that_share_rare_words_with_the_work() {
    let text = "The shop sells books.\n\nAn invoice has a number and a customer.\n\n\
        A customer has an address.\n\nThe archive keeps invoices for ten years.\n\nThe shop is open.";
    let about = "Print the number on the invoice";
    assert_eq!(
        passages(text, about, 200),
        "An invoice has a number and a customer."
    );
    let two = passages(
        text,
        "the archive of addresses, an address and a number",
        200,
    );
    assert_eq!(
        two,
        "An invoice has a number and a customer.\n\nA customer has an address.\n\nThe archive keeps invoices for ten years."
    );
    assert_eq!(passages(text, about, 3), "");
    assert_eq!(passages(text, "", 200), "");
    assert_eq!(passages("", about, 200), "");
}

#[test]
fn a_summary_reads_as_text() {
    let made = Summary {
        decisions: vec!["Plain\n  files.".to_owned()],
        open: vec!["Who prints it.".to_owned()],
        ..summary("A ledger.", &["Cents."], &["`a`"])
    };
    assert_eq!(
        render(&made),
        "A ledger.\n\nDecisions:\n- Plain files.\n\nWhat must hold:\n- Cents.\n\nNames:\n- `a`\n\nLeft open:\n- Who prints it."
    );
}
