//! The committed pages are what the program says of itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use super::{cli, configuration};

/// Compares a page with its file; with `UPDATE=1` writes it instead.
fn check(file: &str, page: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let path = root.join(file);
    let page = format!("{}\n", page.trim_end());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/reference/{file} is stale: run with UPDATE=1, or cargo xtask gen"
    );
}

#[test]
fn the_page_of_the_command_line_is_current() {
    check("cli.md", &cli());
}

#[test]
fn the_page_of_the_configuration_is_current() {
    check("configuration.md", &configuration());
}
