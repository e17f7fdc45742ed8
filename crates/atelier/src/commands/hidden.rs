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
/// A folder with `all` in it is taken as it is: what lies beside `all` is named like the task that it
/// grades. Any other folder grades the whole run.
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
    if tests.paths().any(|path| path.is_within(ALL)) {
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
