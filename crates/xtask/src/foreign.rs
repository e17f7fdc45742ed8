//! `cargo xtask sdks`, `clients`, `differential` and `cars`: the gateway beside programs of others.
//!
//! What they need is installed below `target/tools`, once.

use std::path::Path;

use crate::process::{Problem, cargo, output, run};

/// The program that is tried, as cargo builds it for tests.
const PROGRAM: &str = "target/debug/atelier";

/// The vendors' libraries before the gateway.
pub(crate) fn sdks(root: &Path) -> Result<(), Problem> {
    install(root, "sdks")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(root, "python3", &["conformance/sdks.py", PROGRAM])
}

/// The same where the libraries can be had; where they cannot, that is said and nothing is tried.
pub(crate) fn sdks_if_any(root: &Path) -> Result<(), Problem> {
    if let Err(problem) = output(root, "python3", &["conformance/install.py", "sdks"]) {
        println!("xtask: the vendors' libraries are NOT tried before the gateway: {problem}");
        return Ok(());
    }
    sdks(root)
}

/// Archives through the libraries of IPFS's makers, both ways.
pub(crate) fn cars(root: &Path) -> Result<(), Problem> {
    install(root, "cars")?;
    cargo(root, &["build", "--package", "atelier"])?;
    run(root, "python3", &["conformance/cars.py", PROGRAM])
}

/// The same where the libraries can be had; where they cannot, that is said and nothing is tried.
pub(crate) fn cars_if_any(root: &Path) -> Result<(), Problem> {
    if let Err(problem) = output(root, "python3", &["conformance/install.py", "cars"]) {
        println!("xtask: archives are NOT tried with the libraries of IPFS: {problem}");
        return Ok(());
    }
    cars(root)
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

fn install(root: &Path, set: &str) -> Result<(), Problem> {
    run(root, "python3", &["conformance/install.py", set])
}
