//! Trust: what is wrong is looked at more often, and what is right is not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{Bounds, Check, Decision, Hit, Trust};
use crate::{Difference, Likeness};

const BOUNDS: Bounds = Bounds {
    error_max: 0.005,
    checked_min: 0.02,
};

fn hit(likeness: Likeness, similarity: f32) -> Hit {
    Hit {
        likeness,
        similarity,
    }
}

fn learnt(checks: &[(bool, f32, bool)]) -> Trust {
    let mut trust = Trust::default();
    for &(is_same, similarity, agreed) in checks {
        trust.learn(Check {
            is_same,
            similarity,
            agreed,
        });
    }
    trust
}

/// The least chance at which the answer is given.
fn threshold(scope: &Trust, own: &Trust, hit: Hit) -> f64 {
    let given = |step: u32| {
        let chance = f64::from(step) / 1_000.0;
        scope.decide(own, &hit, &BOUNDS, chance).unwrap() == Decision::Reuse
    };
    (0..1_000)
        .find(|step| given(*step))
        .map_or(1.0, |step| f64::from(step) / 1_000.0)
}

#[test]
fn at_first_the_same_is_given_but_for_a_sample_and_the_alike_is_asked() {
    let none = Trust::default();
    let same = threshold(&none, &none, hit(Likeness::Same, 0.9));
    let alike = threshold(&none, &none, hit(Likeness::Alike, 0.9));
    assert!((same - 0.02).abs() < 0.001, "{same}");
    assert!(alike >= 0.98, "{alike}");
}

#[test]
fn a_question_that_differs_is_never_answered() {
    let none = Trust::default();
    let differs = hit(Likeness::Different(Difference::Number), 1.0);
    assert_eq!(none.decide(&none, &differs, &BOUNDS, 0.99), None);
}

#[test]
fn one_wrong_answer_has_its_question_looked_at_nearly_always() {
    let wrong = learnt(&[(true, 0.8, false)]);
    let same = hit(Likeness::Same, 0.8);
    assert!(threshold(&wrong, &wrong, same) > 0.85);
    assert!(threshold(&wrong, &Trust::default(), same) < 0.1);
    let nearer = hit(Likeness::Same, 0.99);
    assert!(threshold(&wrong, &wrong, nearer) < 0.1);
}

#[test]
fn right_answers_at_a_lower_similarity_win_trust_for_the_alike() {
    let rights: Vec<(bool, f32, bool)> = (0..250).map(|_| (false, 0.7, true)).collect();
    let trust = learnt(&rights);
    let alike = |similarity| threshold(&trust, &Trust::default(), hit(Likeness::Alike, similarity));
    assert!(alike(0.75) < 0.03, "{}", alike(0.75));
    assert!(alike(0.6) >= 0.98, "{}", alike(0.6));
}

proptest! {
    #[test]
    fn what_is_more_alike_is_never_the_greater_risk(
        checks in prop::collection::vec((any::<bool>(), 0.0_f32..1.0, any::<bool>()), 0..40),
        low in 0.0_f32..1.0,
        more in 0.0_f32..1.0,
    ) {
        let trust = learnt(&checks);
        let high = low + (1.0 - low) * more;
        for is_same in [true, false] {
            let (near, far) = (trust.risk(&trust, is_same, high), trust.risk(&trust, is_same, low));
            prop_assert!(near <= far);
            prop_assert!(near > 0.0 && far <= 1.0);
        }
    }

    #[test]
    fn wrong_answers_given_stay_below_the_bound(
        checks in prop::collection::vec((any::<bool>(), 0.0_f32..1.0, any::<bool>()), 0..40),
        similarity in 0.0_f32..1.0,
    ) {
        let trust = learnt(&checks);
        let hit = hit(Likeness::Same, similarity);
        let given = 1.0 - threshold(&trust, &trust, hit);
        let risk = trust.risk(&trust, true, similarity);
        prop_assert!(given * risk <= BOUNDS.error_max + 0.001);
    }
}
