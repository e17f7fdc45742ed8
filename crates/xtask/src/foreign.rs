//! `cargo xtask sdks`, `clients`, `differential`, `cars`, `cache`, `pipelines` and `recipes`: the program
//! beside those of others.
//!
//! What they need is installed below `target/tools`, once.

use std::path::Path;

use crate::process::{Problem, cargo, run};

/// The program that is tried, as cargo builds it for tests.
const PROGRAM: &str = "target/debug/atelier";

/// The vendors' libraries before the gateway.
pub(crate) fn sdks(root: &Path) -> Result<(), Problem> {
    install(root, "sdks")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(root, "python3", &["conformance/sdks.py", PROGRAM])
}

/// Archives through the libraries of IPFS's makers, both ways.
pub(crate) fn cars(root: &Path) -> Result<(), Problem> {
    install(root, "cars")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(root, "python3", &["conformance/cars.py", PROGRAM])
}

/// Results of steps through a cache server of others.
pub(crate) fn cache(root: &Path) -> Result<(), Problem> {
    install(root, "cache")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(root, "python3", &["conformance/shared_cache.py", PROGRAM])
}

/// The pipelines of every recipe before the linters of others.
pub(crate) fn pipelines(root: &Path) -> Result<(), Problem> {
    install(root, "pipelines")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(root, "python3", &["conformance/pipelines.py", PROGRAM])
}

/// Coding programs, each finishing a task through the gateway; all, or the named ones.
pub(crate) fn clients(root: &Path, names: &[&str]) -> Result<(), Problem> {
    install(root, "clients")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(
        root,
        "python3",
        &[&["conformance/clients.py", PROGRAM], names].concat(),
    )
}

/// Exchanges translated by the gateway and by another translator, compared.
pub(crate) fn differential(root: &Path) -> Result<(), Problem> {
    install(root, "peers")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(root, "python3", &["conformance/differential.py", PROGRAM])
}

/// Projects of every kind that can be installed here, built and their tests counted; all, or the
/// named ones.
pub(crate) fn recipes(root: &Path, names: &[&str]) -> Result<(), Problem> {
    install(root, "recipes")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(
        root,
        "python3",
        &[&["conformance/recipes.py", PROGRAM], names].concat(),
    )
}

fn install(root: &Path, set: &str) -> Result<(), Problem> {
    run(root, "python3", &["conformance/install.py", set])
}
