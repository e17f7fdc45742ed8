//! What people write for terms, and what comes of it.

use super::*;

fn args() -> KeysIssueArgs {
    KeysIssueArgs {
        name: "laptop".to_owned(),
        role: "builder".to_owned(),
        models: Vec::new(),
        dialects: Vec::new(),
        expires: None,
        budget: Vec::new(),
        rpm: None,
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

#[test]
fn ends_are_dates_instants_and_times_from_now() {
    let cases = [
        ("12h", 1_800_000_000_000 + 12 * 3_600_000),
        ("30d", 1_800_000_000_000 + 30 * 86_400_000),
        ("2027-01-31", 1_801_353_600_000),
        ("2027-01-31T18:00:00Z", 1_801_353_600_000 + 18 * 3_600_000),
    ];
    for (text, millis) in cases {
        assert_eq!(
            end(text, now()).ok().map(Timestamp::millis),
            Some(millis),
            "{text}"
        );
    }
    for text in [
        "",
        "h",
        "0h",
        "-1d",
        "soon",
        "2020-01-01",
        "99999999d",
        "1w",
    ] {
        assert!(end(text, now()).is_err(), "{text}");
    }
}

#[test]
fn budgets_are_in_all_a_day_or_both() {
    let given = |budget: &[&str]| {
        let budget = budget.iter().map(|&text| text.to_owned()).collect();
        let args = KeysIssueArgs { budget, ..args() };
        let terms = terms(&args, now()).ok();
        terms.map(|terms| (terms.budget_total, terms.budget_day))
    };
    let (two, twenty) = (MicroUsd(2_000_000), MicroUsd(20_000_000));
    assert_eq!(given(&[]), Some((None, None)));
    assert_eq!(given(&["20"]), Some((Some(twenty), None)));
    assert_eq!(given(&["2/day"]), Some((None, Some(two))));
    assert_eq!(given(&["20", "2/day"]), Some((Some(twenty), Some(two))));
    assert_eq!(given(&["2/week"]), None);
    assert_eq!(given(&["2", "20"]), None, "the larger one would win");
    assert_eq!(given(&["2/day", "20/day"]), None);
}

#[test]
fn roles_and_dialects_that_do_not_exist_are_refused() {
    let role = KeysIssueArgs {
        role: "king".to_owned(),
        ..args()
    };
    let error = terms(&role, now()).err().map(|error| error.text());
    assert!(error.is_some_and(|text| text.contains("viewer, builder, approver, admin")));
    let dialect = KeysIssueArgs {
        dialects: vec!["latin".to_owned()],
        ..args()
    };
    let error = terms(&dialect, now()).err().map(|error| error.text());
    assert!(error.is_some_and(|text| text.contains("chat, completions, responses")));
}
