//! The rules of a project for those who write in it: those nearest to the files that are written.

use std::collections::BTreeSet;

use atelier_model::{FileTree, Task, TreePath};

use crate::report;

/// The file that holds the rules of a folder.
const FILE: &str = "AGENTS.md";
/// Bytes of all rules that a task is shown.
const BYTES_MAX: usize = 32 * 1024;

/// The rules for a task: those of the project, then those of the folders that it writes in, the
/// nearest of each file last. What is nearer counts more, and is left out last.
pub(crate) fn conventions(files: &FileTree, task: &Task) -> String {
    let written = task.outputs.iter().chain(&task.owns);
    let paths = written.filter_map(|path| path.trim_start_matches("./").parse::<TreePath>().ok());
    let nearest: BTreeSet<TreePath> = paths.filter_map(|path| nearest(files, &path)).collect();
    let of_project = report::conventions(files);
    if nearest.is_empty() {
        return of_project.to_owned();
    }
    let mut parts = Vec::new();
    let mut left = BYTES_MAX;
    let mut take = |title: String, text: &str| {
        let shown = &text[..text.floor_char_boundary(left)];
        left -= shown.len();
        if !shown.trim().is_empty() {
            parts.push(format!("{title}{}", shown.trim_end()));
        }
    };
    for path in nearest.iter().rev() {
        let folder = path.parent().map(|folder| folder.to_string());
        let title = format!("# For `{}/`\n\n", folder.unwrap_or_default());
        take(title, files.text(path).unwrap_or_default());
    }
    take(String::new(), of_project);
    parts.reverse();
    parts.join("\n\n")
}

/// The rules nearest to a path, below the root.
fn nearest(files: &FileTree, path: &TreePath) -> Option<TreePath> {
    let folders = std::iter::successors(path.parent(), TreePath::parent);
    let mut rules = folders.filter_map(|folder| TreePath::parse(&format!("{folder}/{FILE}")).ok());
    // The roster is about who works, not about how.
    rules.find(|path| files.contains(path) && path.as_str() != super::codex::ROSTER_FILE)
}
