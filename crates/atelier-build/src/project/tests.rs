//! Steps of recipes, put in order.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{FileEntry, FileTree};
use atelier_recipe::Recipes;

use super::Project;

#[test]
fn what_a_recipe_builds_first_comes_first_whatever_takes_longer() {
    let mut tree = FileTree::default();
    for (path, text) in [
        (
            "CMakeLists.txt",
            "project(x C)\nenable_testing()\nadd_test(NAME t COMMAND t)\n",
        ),
        ("main.c", "int main(void) { return 0; }\n"),
        ("tests/test_x.c", "int main(void) { return 0; }\n"),
    ] {
        tree.put(path.parse().unwrap(), FileEntry::text(text));
    }
    let project = Project::of_tree(&tree, &Recipes::builtin(), &BTreeMap::new()).unwrap();
    let needs = |name: &str| -> BTreeSet<String> {
        let found = project.steps.iter().find(|step| step.name == name).unwrap();
        found.depends_on.clone()
    };
    assert_eq!(needs("configure"), BTreeSet::new());
    assert_eq!(needs("build"), BTreeSet::from(["configure".to_owned()]));
    let both = ["build", "configure"].map(str::to_owned);
    assert_eq!(needs("test"), BTreeSet::from(both));
}
