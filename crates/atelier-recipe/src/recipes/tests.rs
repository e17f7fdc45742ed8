//! The built-in recipes can be read.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{BUILTIN, builtin};
use crate::recipe::Recipe;

#[test]
fn every_builtin_recipe_can_be_read() {
    for (name, text) in BUILTIN {
        let recipe = Recipe::parse(name, text).unwrap();
        recipe.check_patterns().unwrap();
    }
    assert_eq!(builtin().len(), BUILTIN.len());
}
