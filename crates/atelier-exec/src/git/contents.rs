//! Single files of many commits, read in one go.

use std::fmt::Write as _;

use atelier_model::TreePath;

use super::{Git, GitError, accept_bytes, unexpected};

impl Git {
    /// What stands at paths of commits, in their order; `None` where there is no file.
    pub fn files_at(&self, places: &[(&str, &TreePath)]) -> Result<Vec<Option<Vec<u8>>>, GitError> {
        let mut asked = String::new();
        for (commit, path) in places {
            // Writing to a string cannot fail.
            let _ = writeln!(asked, "{commit}:{path}");
        }
        let output = self.output(&["cat-file", "--batch"], asked.as_bytes())?;
        let bytes = accept_bytes("cat-file", output)?;
        read(&bytes, places.len()).ok_or_else(|| unexpected("cat-file"))
    }
}

/// Damages that are told.
const DAMAGES_MAX: usize = 20;

impl Git {
    /// What is wrong with the objects of the repository: those that are not what their names say, and
    /// those that are missing.
    pub fn damages(&self) -> Result<Vec<String>, GitError> {
        let args = [
            "fsck",
            "--full",
            "--no-dangling",
            "--no-reflogs",
            "--no-progress",
        ];
        let output = self.output(&args, &[])?;
        if output.status.success() {
            return Ok(Vec::new());
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &output.stderr;
        let lines = said.lines().filter(|line| !line.is_empty());
        Ok(lines.take(DAMAGES_MAX).map(str::to_owned).collect())
    }
}

/// Reads `object type size<LF>content<LF>`, or `what was asked missing<LF>`.
fn read(mut bytes: &[u8], count: usize) -> Option<Vec<Option<Vec<u8>>>> {
    let mut found = Vec::new();
    for _ in 0..count {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, rest) = bytes.split_at_checked(end + 1)?;
        bytes = rest;
        let head = std::str::from_utf8(head).ok()?.trim_end();
        if head.ends_with(" missing") {
            found.push(None);
            continue;
        }
        let mut columns = head.rsplit(' ');
        let size: usize = columns.next()?.parse().ok()?;
        let is_file = columns.next()? == "blob";
        let (content, rest) = bytes.split_at_checked(size)?;
        bytes = rest.strip_prefix(b"\n")?;
        found.push(is_file.then(|| content.to_vec()));
    }
    bytes.is_empty().then_some(found)
}

#[cfg(test)]
mod tests;
