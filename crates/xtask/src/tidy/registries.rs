//! Registries: every entry brings the fixture or the page that proves it.

use crate::tidy::sources::{Files, has_extension};

/// Exit codes that people and scripts rely on.
const EXIT_CODES: &[&str] = &["0", "1", "2", "3", "10", "11", "12", "13", "14", "15", "16"];

/// Adds a line for every entry without its proof, and every proof without its entry.
pub(crate) fn check(files: &Files, broken: &mut Vec<String>) {
    recipes(files, broken);
    providers(files, broken);
    errors(files, broken);
}

/// A recipe is a file, a line in the list, and at least one tree that is named after it.
fn recipes(files: &Files, broken: &mut Vec<String>) {
    let trees = files.names_in("fixtures/recipes");
    let list = files.text("crates/atelier-recipe/src/recipes.rs");
    for file in files
        .names_in("recipes")
        .iter()
        .filter(|file| has_extension(file, "toml"))
    {
        let name = file.trim_end_matches(".toml");
        let shown = |tree: &&str| *tree == name || tree.starts_with(&format!("{name}-"));
        if !trees.iter().any(shown) {
            broken.push(format!(
                "recipes/{file}: has no folder fixtures/recipes/{name}-…"
            ));
        }
        if !list.contains(&format!("/recipes/{file}\"")) {
            broken.push(format!("recipes/{file}: is not in the list of recipes"));
        }
    }
}

/// A provider is a file with an entry, a word in the list, and recorded traffic.
fn providers(files: &Files, broken: &mut Vec<String>) {
    const FOLDER: &str = "crates/atelier-llm/src/providers";
    let recorded = files.names_in("fixtures/providers");
    let mut names = Vec::new();
    for file in files.names_in(FOLDER) {
        let path = format!("{FOLDER}/{file}");
        let name = file.trim_end_matches(".rs");
        if !files.text(&path).contains("const ENTRY: ProviderEntry") {
            continue;
        }
        names.push(name);
        if !recorded.contains(name) {
            broken.push(format!("{path}: has no folder fixtures/providers/{name}"));
        }
        if !files
            .text("crates/atelier-llm/src/providers.rs")
            .contains(&format!("{name}::ENTRY"))
        {
            broken.push(format!("{path}: is not in the list of providers"));
        }
    }
    for folder in recorded.iter().filter(|folder| !names.contains(folder)) {
        broken.push(format!(
            "fixtures/providers/{folder}: belongs to no provider"
        ));
    }
}

/// Every exit code has a page, and every page an exit code.
fn errors(files: &Files, broken: &mut Vec<String>) {
    let pages = files.names_in("docs/errors");
    for code in EXIT_CODES
        .iter()
        .filter(|code| !pages.contains(format!("{code}.md").as_str()))
    {
        broken.push(format!("docs/errors/{code}.md: is missing"));
    }
    for page in pages.iter().filter(|page| **page != "README.md") {
        let code = page.trim_end_matches(".md");
        if !EXIT_CODES.contains(&code) {
            broken.push(format!("docs/errors/{page}: is no exit code"));
        }
    }
}
