//! The difference between two trees, as `git apply` and `patch -p1` read it.

use std::fmt::Write as _;

use atelier_model::{FileEntry, FileTree, TreePath};
use similar::TextDiff;

/// Lines around a change that are shown.
const CONTEXT: usize = 3;

/// The unified difference; files in the order of their paths.
pub(super) fn unified(
    before: &FileTree,
    after: &FileTree,
    moved: &[(TreePath, TreePath)],
) -> String {
    let mut text = String::new();
    for (path, new) in before.changes_to(after) {
        let to = moved.iter().find(|(_, to)| *to == path);
        let gone = new.is_none() && moved.iter().any(|(from, _)| *from == path);
        if gone && !after.contains(&path) {
            continue;
        }
        let from = to.map_or(&path, |(from, _)| from);
        file(from, before.get(from), &path, new.as_ref(), &mut text);
    }
    text
}

fn file(
    from: &TreePath,
    old: Option<&FileEntry>,
    to: &TreePath,
    new: Option<&FileEntry>,
    text: &mut String,
) {
    let _ = writeln!(text, "diff --git a/{from} b/{to}");
    match (old, new) {
        (None, Some(new)) => {
            let _ = writeln!(text, "new file mode {}", mode(new));
        }
        (Some(old), None) => {
            let _ = writeln!(text, "deleted file mode {}", mode(old));
        }
        (Some(old), Some(new)) if old.executable != new.executable => {
            let _ = writeln!(text, "old mode {}\nnew mode {}", mode(old), mode(new));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    if from != to {
        let _ = writeln!(text, "rename from {from}\nrename to {to}");
    }
    let (old_bytes, new_bytes) = (bytes(old), bytes(new));
    if old_bytes == new_bytes {
        return;
    }
    let name = |side: &str, path: &TreePath, file: Option<&FileEntry>| match file {
        Some(_) => format!("{side}/{path}"),
        None => "/dev/null".to_owned(),
    };
    let (old_name, new_name) = (name("a", from, old), name("b", to, new));
    if old_bytes.contains(&0) || new_bytes.contains(&0) {
        let _ = writeln!(text, "Binary files {old_name} and {new_name} differ");
        return;
    }
    // What is no UTF-8 can be shown only nearly; it is for reading.
    let (old, new) = (
        String::from_utf8_lossy(old_bytes),
        String::from_utf8_lossy(new_bytes),
    );
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    let mut shown = diff.unified_diff();
    shown.context_radius(CONTEXT).header(&old_name, &new_name);
    let _ = write!(text, "{shown}");
}

fn bytes(file: Option<&FileEntry>) -> &[u8] {
    file.map_or(&[], |file| &file.bytes)
}

fn mode(file: &FileEntry) -> &'static str {
    if file.executable { "100755" } else { "100644" }
}
