//! Hidden tests: laid down where the engine reads them, and no model.

use std::{fs, path::Path};

use atelier_model::{FileTree, Limits, TreePath};

use crate::cli_error::CliError;

/// Where hidden tests lie below the project's root.
const FOLDER: &str = ".atelier/hidden";
/// The folder of those that grade the whole run.
const ALL: &str = "all";

/// Lays the hidden tests of a folder down in the place of those that lie there.
///
/// A folder with `all` in it, or with nothing but folders named like steps, is taken as it is: each of
/// its folders grades what it is named after. Any other folder grades the whole run.
pub(super) fn lay_down(root: &Path, folder: &Path, limits: &Limits) -> Result<(), CliError> {
    let failed = |source| CliError::HiddenTests {
        path: folder.to_owned(),
        source,
    };
    let tests = atelier_exec::tree_read(folder, limits).map_err(|source| CliError::HiddenRead {
        path: folder.to_owned(),
        source,
    })?;
    let place = root.join(FOLDER);
    fs::create_dir_all(&place).map_err(failed)?;
    let lying = atelier_exec::tree_read(&place, limits).map_err(|source| CliError::HiddenRead {
        path: place.clone(),
        source,
    })?;
    let changes = lying.changes_to(&arranged(&tests));
    atelier_exec::tree_write(&place, &changes).map_err(CliError::HiddenWrite)
}

fn arranged(tests: &FileTree) -> FileTree {
    let sorted = |path: &TreePath| {
        let first = path.as_str().split_once('/');
        first.is_some_and(|(folder, _)| is_step(folder))
    };
    if tests.paths().any(|path| path.is_within(ALL)) || tests.paths().all(sorted) {
        return tests.clone();
    }
    let Ok(all) = TreePath::parse(ALL) else {
        return tests.clone();
    };
    let moved = tests.iter();
    moved
        .map(|(path, file)| (path.clone().below(&all), file.clone()))
        .collect()
}

/// Whether a folder is named like a step (`2.3`) or its task (`t2.3`).
fn is_step(name: &str) -> bool {
    let numbers = name.strip_prefix('t').unwrap_or(name).split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.clone().count() > 1 && numbers.into_iter().all(is_number)
}
