//! The house's own rules: what neither the compiler nor clippy can see.

mod floors;
mod registries;
mod sources;
mod text;

use std::path::Path;

/// Looks at the whole workspace and says, one line each, which rules are broken.
pub(crate) fn broken_rules(root: &Path) -> Vec<String> {
    let files = sources::read(root);
    let mut broken = Vec::new();
    floors::check(&files, &mut broken);
    text::check(&files, &mut broken);
    registries::check(&files, &mut broken);
    broken.sort();
    broken.dedup();
    broken
}

#[cfg(test)]
mod tests;
