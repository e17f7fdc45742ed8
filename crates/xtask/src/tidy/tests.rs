//! The workspace keeps its own rules.

use super::broken_rules;
use crate::root;

#[test]
fn no_rule_of_the_house_is_broken() {
    let broken = broken_rules(&root());
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}
