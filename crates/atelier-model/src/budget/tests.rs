//! Changes of budgets, marks, words.

use super::{Bound, Budget, BudgetChange, Resource, Used, marks_passed};
use crate::MicroUsd;

const NONE: Budget = Budget {
    usd: None,
    tokens: None,
    calls: None,
    wall_ms: None,
};

#[test]
fn a_change_is_absolute_or_relative_to_the_limit_or_to_what_is_used() {
    let used = Used {
        usd: MicroUsd(300),
        tokens: 40,
        calls: 5,
        wall_ms: 60,
    };
    let before = Budget {
        usd: Some(MicroUsd(500)),
        tokens: Some(100),
        ..NONE
    };
    let change = BudgetChange {
        usd: Some(Bound::More(1_000)),
        tokens: None,
        calls: Some(Bound::More(10)),
        wall_ms: Some(Bound::At(7)),
    };
    let after = Budget {
        usd: Some(MicroUsd(1_500)),
        tokens: Some(100),
        calls: Some(15),
        wall_ms: Some(7),
    };
    assert_eq!(change.apply(before, used), after);
    assert_eq!(BudgetChange::default().apply(before, used), before);
    assert_eq!(BudgetChange::from(after).apply(NONE, used), after);
    let endless = BudgetChange {
        usd: Some(Bound::More(u64::MAX)),
        ..BudgetChange::default()
    };
    assert_eq!(
        endless.apply(before, used).limit(Resource::Usd),
        Some(u64::MAX)
    );
}

#[test]
fn each_limit_is_its_own() {
    for (place, resource) in (1_u64..).zip(Resource::ALL) {
        let budget = NONE.with(resource, Some(place));
        for other in Resource::ALL {
            assert_eq!(budget.limit(other), (other == resource).then_some(place));
        }
        assert_eq!(NONE.or(budget), budget);
        assert_eq!(budget.or(NONE.with(resource, Some(99))), budget);
        assert!(!budget.is_none());
    }
    assert!(NONE.is_none());
}

#[test]
fn marks_are_passed_at_fifty_eighty_and_a_hundred_percent() {
    let marks = |used, limit| marks_passed(used, limit).collect::<Vec<_>>();
    assert_eq!(marks(0, 10), Vec::<u64>::new());
    assert_eq!(marks(0, 0), Vec::<u64>::new());
    assert_eq!(marks(49, 100), Vec::<u64>::new());
    assert_eq!(marks(50, 100), [50]);
    assert_eq!(marks(79, 100), [50]);
    assert_eq!(marks(80, 100), [50, 80]);
    assert_eq!(marks(100, 100), [50, 80, 100]);
    assert_eq!(marks(1, 0), [50, 80, 100]);
    assert_eq!(marks(u64::MAX, u64::MAX), [50, 80, 100]);
}

#[test]
fn amounts_are_said_in_words() {
    let said = |resource: Resource, amount| resource.in_words(amount);
    assert_eq!(said(Resource::Usd, 1_250_000), "$1.250");
    assert_eq!(said(Resource::Tokens, 12), "12 tokens");
    assert_eq!(said(Resource::Calls, 1), "1 call");
    assert_eq!(said(Resource::Calls, 2), "2 calls");
    assert_eq!(said(Resource::Wall, 2_540), "2.5s");
    assert_eq!(said(Resource::Wall, 303_000), "5m 03s");
    assert_eq!(said(Resource::Wall, 3_900_000), "1h 05m");
}
