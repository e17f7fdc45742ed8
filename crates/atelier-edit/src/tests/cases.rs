//! The cases of `fixtures/edits`: `reply.md`, the files `before/`, and the files `after/` or why the
//! reply is refused in `refused.txt`; what plain files cannot say stands in `case.toml`.
//!
//! `UPDATE=1` rewrites the refusals; `EDIT_CASES=folder` runs the cases of another folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use atelier_model::{FileEntry, FileTree, Limits, Obstacle, TreePath};
use serde::Deserialize;

use crate::{FORMATS, Protection, apply_protected, parse};

/// Files that stand for an empty folder.
const KEEP: &str = ".keep";
/// Cases that there are at least.
const CASES_MIN: usize = 800;
/// Cases of one form that there are at least.
const CASES_OF_FORM_MIN: usize = 5;

/// What plain files cannot say about a case.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Setting {
    limits: Limits,
    /// Paths at which symbolic links stand.
    links: Vec<String>,
    /// Whether what is usually protected is.
    usual: bool,
    /// Patterns of files that are protected as well.
    protected: Vec<String>,
    /// Patterns of files that may be changed nevertheless.
    own: Vec<String>,
    /// Words that the refusal must have, however it is put.
    says: Vec<String>,
    /// Words that the notes on what was applied must have.
    notes: Vec<String>,
}

/// A case as it is run.
pub(super) struct Case {
    folder: PathBuf,
    pub(super) reply: String,
    setting: Setting,
}

impl Case {
    fn read(folder: &Path) -> Self {
        let setting = match fs::read_to_string(folder.join("case.toml")) {
            Ok(text) => toml::from_str(&text).unwrap(),
            Err(_) => Setting::default(),
        };
        Self {
            folder: folder.to_path_buf(),
            reply: fs::read_to_string(folder.join("reply.md")).unwrap(),
            setting,
        }
    }

    fn name(&self) -> String {
        self.folder.file_name().unwrap().to_string_lossy().into()
    }

    pub(super) fn before(&self) -> FileTree {
        let mut tree = tree(&self.folder.join("before"));
        for link in &self.setting.links {
            tree.block(TreePath::parse(link).unwrap(), Obstacle::Link);
        }
        tree
    }

    fn protection(&self) -> Protection {
        let Setting {
            usual,
            protected,
            own,
            ..
        } = &self.setting;
        let protection = if *usual {
            Protection::usual()
        } else {
            Protection::default()
        };
        protection.protect(protected).unwrap().own(own).unwrap()
    }

    /// The tree and the notes after the edits, or why they are refused.
    fn outcome(&self) -> Result<(FileTree, String), String> {
        let limits = &self.setting.limits;
        let changes = parse(&self.reply, limits).map_err(|error| error.to_string())?;
        let applied = apply_protected(&changes, &self.before(), limits, &self.protection())
            .map_err(|error| error.to_string())?;
        Ok((applied.tree, applied.notes.join("\n")))
    }

    /// What is wrong; nothing if all is well.
    fn check(&self) -> Option<String> {
        let refused = self.folder.join("refused.txt");
        match (self.outcome(), refused.exists()) {
            (Ok((after, notes)), false) => {
                let changes = tree(&self.folder.join("after")).changes_to(&after);
                if changes.is_empty() {
                    missing(&notes, &self.setting.notes)
                } else {
                    Some(format!("other than expected: {changes:#?}"))
                }
            }
            (Err(said), true) => {
                let said = format!("{said}\n");
                if std::env::var_os("UPDATE").is_some() {
                    fs::write(&refused, &said).unwrap();
                }
                let expected = fs::read_to_string(&refused).unwrap();
                let otherwise = (expected != said).then(|| format!("refused otherwise:\n{said}"));
                otherwise.or_else(|| missing(&said, &self.setting.says))
            }
            (Ok((after, _)), true) => Some(format!(
                "applied, though it must be refused: {:#?}",
                self.before().changes_to(&after)
            )),
            (Err(said), false) => Some(format!("refused: {said}")),
        }
    }
}

fn missing(text: &str, words: &[String]) -> Option<String> {
    let word = words.iter().find(|word| !text.contains(word.as_str()))?;
    Some(format!("`{word}` is missing in:\n{text}"))
}

fn folder() -> PathBuf {
    match std::env::var_os("EDIT_CASES") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/edits"),
    }
}

/// Every case, in the order of their names.
pub(super) fn all() -> Vec<Case> {
    let mut folders: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.iter().map(|folder| Case::read(folder)).collect()
}

/// The files below a folder; none where there is no folder.
fn tree(folder: &Path) -> FileTree {
    let mut tree = FileTree::default();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(KEEP) {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                let file = FileEntry {
                    bytes: fs::read(&path).unwrap(),
                    executable: executable(&path),
                };
                tree.put(TreePath::parse(name).unwrap(), file);
            }
        }
    }
    tree
}

#[cfg(unix)]
fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn executable(_: &Path) -> bool {
    false
}

#[test]
fn every_case_is_applied_exactly_or_refused_as_written_down() {
    let wrong: Vec<_> = all()
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.name(), case.check()?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_form_has_cases() {
    if std::env::var_os("EDIT_CASES").is_some() {
        return;
    }
    let cases = all();
    assert!(cases.len() >= CASES_MIN, "cases went missing");
    for format in FORMATS {
        let written = |case: &&Case| {
            parse(&case.reply, &case.setting.limits)
                .is_ok_and(|set| set.edits.iter().any(|edit| edit.format == format.name()))
        };
        let count = cases.iter().filter(written).count();
        assert!(count >= CASES_OF_FORM_MIN, "{}: {count}", format.name());
    }
}
