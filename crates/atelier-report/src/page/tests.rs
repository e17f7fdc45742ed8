//! The report as a page.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::{RunReport, page, sample::facts};

fn told() -> String {
    page(&RunReport::of(&facts()))
}

#[test]
fn it_loads_nothing_and_runs_nothing() {
    let told = told();
    for word in [
        "<script", "<link", "<img", "<iframe", "src=", "href=", "url(", "@import", "http:",
        "https:",
    ] {
        assert!(!told.contains(word), "{word}");
    }
    assert!(told.contains("default-src 'none'; style-src 'unsafe-inline'"));
}

#[test]
fn texts_of_others_are_no_elements() {
    let told = told();
    assert!(told.contains("<h1>todo &lt;list&gt; "));
    assert!(told.contains("a token &lt;script&gt;"));
}

#[test]
fn what_opens_is_closed() {
    let told = told();
    for name in [
        "section", "details", "table", "tbody", "dl", "ul", "div", "main", "header", "i", "b",
        "span", "small", "code", "h2", "h3", "p",
    ] {
        let opened =
            told.matches(&format!("<{name}>")).count() + told.matches(&format!("<{name} ")).count();
        assert_eq!(
            opened,
            told.matches(&format!("</{name}>")).count(),
            "{name}"
        );
    }
}

#[test]
fn statements_that_are_not_met_are_unfolded_and_stand_first() {
    let told = told();
    let place = |text: &str| told.find(text).unwrap();
    let not_met = place("<details class=\"need\" open><summary><span class=\"badge bad\">not met");
    assert!(not_met < place("<details class=\"need\"><summary><span class=\"badge ok\">met"));
}

#[test]
fn bars_stand_where_tries_were() {
    let told = told();
    // From 10 to 40 of 120 seconds after the pause is taken out.
    let first =
        "<b class=\"ok\" style=\"left:0.00%;width:25.00%\" title=\"try 1, passed, 30.0 s\"></b>";
    assert!(told.contains(first));
    let last = "<b class=\"bad\" style=\"left:50.00%;width:50.00%\"";
    assert!(told.contains(last));
}
