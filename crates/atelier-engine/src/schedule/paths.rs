//! Which paths are being written: found without looking at all of them.

use std::collections::BTreeMap;

/// Paths that are taken, each as often as it was taken. The empty path is the whole project.
#[derive(Debug, Default)]
pub(super) struct Claims(BTreeMap<String, usize>);

impl Claims {
    pub(super) fn take(&mut self, paths: &[String]) {
        for path in paths {
            *self.0.entry(path.clone()).or_default() += 1;
        }
    }

    pub(super) fn give_back(&mut self, paths: &[String]) {
        for path in paths {
            if let Some(count) = self.0.get_mut(path) {
                *count -= 1;
                if *count == 0 {
                    self.0.remove(path);
                }
            }
        }
    }

    /// Whether none of the paths is taken, lies in a folder that is, or is a folder in which
    /// something is.
    pub(super) fn are_free(&self, paths: &[String]) -> bool {
        paths.iter().all(|path| self.is_free(path))
    }

    fn is_free(&self, path: &str) -> bool {
        if path.is_empty() {
            return self.0.is_empty();
        }
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        if folders
            .chain(["", path])
            .any(|held| self.0.contains_key(held))
        {
            return false;
        }
        let below = format!("{path}/");
        let next = self.0.range(below.clone()..).next();
        next.is_none_or(|(held, _)| !held.starts_with(&below))
    }
}

/// A path as a person or a model writes it, without what makes no difference.
pub(super) fn plain(path: &str) -> String {
    let path = path.trim_start_matches("./");
    let path = path.trim_end_matches("/**").trim_end_matches("/*");
    let path = path.trim_end_matches('/');
    if matches!(path, "." | "*" | "**") {
        return String::new();
    }
    path.to_owned()
}

#[cfg(test)]
mod tests;
