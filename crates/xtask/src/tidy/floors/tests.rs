//! Floors are told apart and impure crates are found.

use super::check;
use crate::tidy::sources::Files;

fn broken(files: &[(&str, &str)]) -> Vec<String> {
    let mut all = Files::default();
    for (path, text) in files {
        all.texts.insert((*path).to_owned(), (*text).to_owned());
    }
    let mut broken = Vec::new();
    check(&all, &mut broken);
    broken
}

#[test]
fn a_crate_imports_only_from_lower_floors() {
    let manifest =
        "[dependencies]\natelier-plan.workspace = true\natelier-model = { path = \"x\" }\n";
    assert_eq!(
        broken(&[("crates/atelier-llm/Cargo.toml", manifest)]),
        ["crates/atelier-llm/Cargo.toml: floor 2 may not import atelier-plan, floor 3"]
    );
    let beside = "[dependencies]\natelier-store.workspace = true\n";
    assert_eq!(
        broken(&[("crates/atelier-exec/Cargo.toml", beside)]),
        ["crates/atelier-exec/Cargo.toml: floor 1 may not import atelier-store, floor 1"]
    );
    let tests = "[dev-dependencies]\natelier-testkit.workspace = true\n";
    assert!(broken(&[("crates/atelier-llm/Cargo.toml", tests)]).is_empty());
}

#[test]
fn a_crate_without_a_floor_is_found() {
    assert_eq!(
        broken(&[("crates/atelier-cellar/Cargo.toml", "")]),
        ["crates/atelier-cellar: has no floor in crates/xtask/src/tidy/floors.rs"]
    );
}

#[test]
fn a_thinking_crate_stays_pure() {
    let manifest = "[dependencies]\ntokio.workspace = true\n";
    assert_eq!(
        broken(&[("crates/atelier-edit/Cargo.toml", manifest)]).len(),
        1
    );
    assert!(broken(&[("crates/atelier-exec/Cargo.toml", manifest)]).is_empty());
    let source = "//! Text.\nuse std::fs;\n";
    assert_eq!(
        broken(&[("crates/atelier-edit/src/lib.rs", source)]).len(),
        1
    );
    assert!(broken(&[("crates/atelier-edit/src/tests.rs", source)]).is_empty());
    assert!(broken(&[("crates/atelier-edit/src/lib.rs", "//! Not std::fs.\n")]).is_empty());
    assert_eq!(broken(&[("crates/atelier-edit/clippy.toml", "")]).len(), 1);
}
