//! `cargo xtask test`: every test of the workspace.

use std::path::Path;

use crate::{
    foreign,
    process::{Problem, cargo, starts},
    tools,
};

/// Installs what tests need, runs the examples in the documentation, the vendors' libraries before
/// the gateway and the linters over pipelines, then all other tests.
///
/// The other tests come last so that the runner's closing line is the last line; they run even if
/// something before them fails.
pub(crate) fn run(root: &Path) -> Result<(), Problem> {
    tools::prepare(root)?;
    let examples = cargo(root, &["test", "--doc", "--workspace", "--quiet"]);
    let libraries = foreign::sdks(root)
        .and(foreign::cars(root))
        .and(foreign::cache(root))
        .and(foreign::pipelines(root));
    let tests = if starts(root, "cargo-nextest", "--version") {
        cargo(root, &["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        cargo(
            root,
            &["test", "--workspace", "--all-targets", "--no-fail-fast"],
        )
    };
    tests.and(examples).and(libraries)
}
