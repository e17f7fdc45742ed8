//! Pipelines of every example tree.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its fixtures"
)]

use std::{env, fs, path::Path};

use super::*;
use crate::{Recipes, detect};

#[test]
fn every_recipe_has_its_pipelines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recipes");
    let mut written = 0;
    for folder in fs::read_dir(root).unwrap() {
        let folder = folder.unwrap();
        let tree =
            detect::tests::tree(&fs::read_to_string(folder.path().join("tree.txt")).unwrap());
        let steps: Vec<BuildStep> = Recipes::builtin()
            .detect(&tree)
            .iter()
            .flat_map(|project| project.steps(&tree))
            .collect();
        for forge in Forge::ALL {
            let Some(text) = pipeline(forge, &steps, &tree) else {
                continue;
            };
            written += 1;
            assert_eq!(Authorship::of(&text), Authorship::Generated);
            if let Some(place) = env::var_os("CI_FILES") {
                let name = folder.file_name().into_string().unwrap();
                let file = Path::new(&place).join(name).join(forge.path());
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
        }
    }
    assert!(written > 150);
}
