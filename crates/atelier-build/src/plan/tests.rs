//! What is told before the work.

use super::Plan;

fn check(plan: &Plan, said: &str) {
    assert_eq!(plan.to_string(), said);
}

#[test]
fn a_plan_says_what_is_due_and_why() {
    let plan = Plan {
        steps: 340,
        due: 13,
        changed: 10,
        failed: 2,
        lost: 1,
        failed_first: 2,
        about_ms: Some(39_001),
        ..Plan::default()
    };
    check(
        &plan,
        "13 of 340 steps: 10 changed, 2 failed last time, 1 to be brought back; about 40 s, failed \
         tests first",
    );
}

#[test]
fn what_nobody_knows_is_not_said() {
    let plan = Plan {
        steps: 2,
        due: 2,
        new: 2,
        ..Plan::default()
    };
    check(&plan, "2 of 2 steps: 2 never run before");
}

#[test]
fn moments_are_not_told() {
    let plan = Plan {
        steps: 2,
        due: 1,
        forced: 1,
        about_ms: Some(999),
        ..Plan::default()
    };
    check(&plan, "1 of 2 steps: 1 asked for");
}
