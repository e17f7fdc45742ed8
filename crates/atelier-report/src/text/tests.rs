//! The report for a terminal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::{Mark, RunReport, sample::facts, text};

fn told() -> String {
    let report = RunReport::of(&facts());
    text(&report, &|mark, text| match mark {
        Mark::Bad => format!("<{text}>"),
        Mark::Good | Mark::Strong | Mark::Faint => text.to_owned(),
    })
}

#[test]
fn what_needs_a_person_stands_first() {
    let told = told();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "todo <list>  <not finished>");
    assert!(lines[1].contains("failed to") && lines[1].contains("do task t2.1"));
    let place = |text: &str| told.find(text).unwrap();
    assert!(place("<not met   >  R2") < place("<unproven  >  R3"));
    assert!(place("<unproven  >  R3") < place("met         R1"));
    assert!(told.contains("2.1/A1 failed: exit code 101, not 0"));
}

#[test]
fn figures_stand_beside_what_was_expected() {
    let told = told();
    for line in [
        "  cost        $0.015\n",
        "  time        2 min 20 s of work within 6 min 40 s; 1.1 tasks at once on average, 2 at most\n",
        "  expected    $0.040, 2 min 0 s and 10,000 tokens with the plan at hand\n",
        "  budget      $0.015 of $1.000 used, 1 %\n",
        "  tokens      3,000 in, 600 out\n",
        "  asks        5 asks, 2 of them answered without a provider, 1 without an answer\n",
        "  cache       1 answer of the same words saved $0.002; 1 answer of the same meaning saved $0.002\n",
        "  tasks       2 of 3 done, 2 tries that did not pass\n",
        "  changed     4 files, 120 lines added, 3 deleted\n",
        "  longest way t1.1 → t1.2 → t2.1\n",
    ] {
        assert!(told.contains(line), "{line} is not in\n{told}");
    }
}

#[test]
fn no_line_ends_in_blanks_and_no_section_is_empty() {
    let told = told();
    for pair in told.lines().collect::<Vec<_>>().windows(2) {
        assert_eq!(pair[0], pair[0].trim_end());
        let is_title = !pair[0].is_empty() && !pair[0].starts_with(' ');
        assert!(!is_title || !pair[1].is_empty(), "{} is empty", pair[0]);
    }
}
