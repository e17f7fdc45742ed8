//! What each role may do, one line a role.

use crate::{Action, Role};

/// The whole matrix, written by hand: models, metrics, runs, count, ask, embed, steer, approve,
/// audit, see keys, issue, revoke.
const MATRIX: [(Role, &str); 4] = [
    (Role::Viewer, "yyy........."),
    (Role::Builder, "yyyyyyy....."),
    (Role::Approver, "yyyyyyyyy..."),
    (Role::Admin, "yyyyyyyyyyyy"),
];

#[test]
fn every_role_may_do_what_its_line_says_and_no_more() {
    assert_eq!(MATRIX.map(|(role, _)| role), Role::ALL);
    for (role, line) in MATRIX {
        let may = Action::ALL.map(|action| if role.may(action) { 'y' } else { '.' });
        assert_eq!(may.iter().collect::<String>(), line, "{role:?}");
    }
}

#[test]
fn every_role_is_found_by_its_word() {
    for role in Role::ALL {
        assert_eq!(Role::from_name(role.name()), Some(role));
    }
    assert_eq!(Role::from_name("Admin"), None);
}
