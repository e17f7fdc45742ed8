//! What there is in a project for documents to speak of.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{FileTree, TreePath};

/// Endings that sites leave out of links, or replace.
const PAGES: [&str; 5] = [".md", ".mdx", "/README.md", "/index.md", "/_index.md"];
/// Endings of documents, whose words prove nothing.
const DOCUMENTS: [&str; 5] = ["md", "mdx", "markdown", "rst", "lock"];
/// Bytes of a file whose words are read.
const FILE_BYTES_MAX: usize = 2_000_000;

/// The files of a project, and what they define.
#[derive(Debug)]
pub struct Project<'a> {
    files: &'a FileTree,
    folders: BTreeSet<String>,
    /// Paths and folders by their last part.
    by_name: BTreeMap<String, Vec<String>>,
    /// Every word of the sources.
    words: BTreeSet<&'a str>,
    /// Names that sources define.
    defined: BTreeSet<String>,
    /// Programs that its manifests give it.
    programs: BTreeSet<String>,
}

impl<'a> Project<'a> {
    /// Reads what there is.
    pub fn of(files: &'a FileTree) -> Self {
        let mut folders = BTreeSet::new();
        for path in files.paths() {
            let mut at = path.parent();
            while let Some(folder) = at {
                at = folder.parent();
                if !folders.insert(folder.to_string()) {
                    break;
                }
            }
        }
        let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let paths = files.paths().map(ToString::to_string);
        for path in paths.chain(folders.iter().cloned()) {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            by_name.entry(name).or_default().push(path);
        }
        let (mut words, mut defined) = (BTreeSet::new(), BTreeSet::new());
        for (path, file) in files.iter() {
            let is_document = path.extension().is_some_and(|end| DOCUMENTS.contains(&end));
            let Some(text) = file.as_text().filter(|text| text.len() <= FILE_BYTES_MAX) else {
                continue;
            };
            if is_document {
                continue;
            }
            words.extend(
                text.split(|one: char| !is_word(one))
                    .filter(|one| one.len() > 1),
            );
            let names = atelier_outline::definitions(path, text).unwrap_or_default();
            defined.extend(names.into_iter().map(|one| one.name));
        }
        let mut project = Self {
            files,
            folders,
            by_name,
            words,
            defined,
            programs: BTreeSet::new(),
        };
        project.programs = super::programs::names(&project);
        project
    }

    pub(super) fn has_file(&self, path: &TreePath) -> bool {
        self.files.contains(path)
    }

    pub(super) fn text(&self, path: &TreePath) -> Option<&'a str> {
        self.files.text(path)
    }

    /// The text of a file at a place that may be none.
    pub(super) fn text_at(&self, path: &str) -> Option<&'a str> {
        self.files.text(&TreePath::parse(path).ok()?)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (&'a TreePath, &'a str)> {
        let files = self.files.iter();
        files.filter_map(|(path, file)| Some((path, file.as_text()?)))
    }

    /// Whether a file or folder is there.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.folders.contains(path)
            || TreePath::parse(path).is_ok_and(|path| self.files.contains(&path))
    }

    /// Whether a path begins in a folder of the project's root.
    pub(super) fn begins_inside(&self, path: &str) -> bool {
        let first = path.split('/').next().unwrap_or_default();
        path.contains('/') && self.folders.contains(first)
    }

    /// Whether the target of a link is there, or is not for us to know.
    pub(super) fn has_linked(&self, document: &TreePath, target: &str) -> bool {
        let Some(path) = beside(document, target) else {
            return true;
        };
        if path.is_empty() || self.has(&path) {
            return true;
        }
        let stem = path.strip_suffix(".html").unwrap_or(&path);
        PAGES.iter().any(|end| self.has(&format!("{stem}{end}")))
    }

    /// Whether its manifests give it a program of this name.
    pub(super) fn has_program(&self, name: &str) -> bool {
        self.programs.contains(name)
    }

    /// The file that the target of a link leads to.
    pub(super) fn linked_file(&self, document: &TreePath, target: &str) -> Option<TreePath> {
        let path = TreePath::parse(&beside(document, target)?).ok()?;
        self.has_file(&path).then_some(path)
    }

    /// Whether the sources name an option of a command line, in any of its spellings.
    pub(super) fn names_option(&self, option: &str) -> bool {
        let snake = option.replace('-', "_");
        let mut parts = option.split('-');
        let mut camel = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let mut letters = part.chars();
            camel.extend(letters.next().map(|one| one.to_ascii_uppercase()));
            camel.push_str(letters.as_str());
        }
        // What is switched off is named by what it switches.
        let positive = option.strip_prefix("no-");
        let spelt = self.words.contains(snake.as_str()) || self.words.contains(camel.as_str());
        spelt
            || positive.is_some_and(|option| self.names_option(option))
            || self.sources().any(|text| text.contains(option))
    }

    /// Texts that are no documents.
    fn sources(&self) -> impl Iterator<Item = &'a str> {
        let all = self.texts().filter(|(path, _)| {
            let end = path.extension();
            !end.is_some_and(|end| DOCUMENTS.contains(&end))
        });
        all.map(|(_, text)| text)
    }

    /// Whether a path that a text names is there: from the root, from the document's folder, or as
    /// the end of a longer one.
    pub(super) fn has_named(&self, document: &TreePath, path: &str) -> bool {
        let plain = path.trim_start_matches("./").trim_end_matches('/');
        if self.has(plain) || beside(document, path).is_some_and(|path| self.has(&path)) {
            return true;
        }
        let name = plain.rsplit('/').next().unwrap_or(plain);
        let end = format!("/{plain}");
        let longer = self.by_name.get(name).into_iter().flatten();
        longer.into_iter().any(|one| one.ends_with(&end))
    }

    /// Whether the last part of a name is a word of the sources.
    pub(super) fn has_word(&self, name: &str) -> bool {
        let last = name.trim_end_matches("()").trim_end_matches('!');
        let last = last.rsplit([':', '.']).next().unwrap_or(last);
        self.words.contains(last) || self.defined.contains(last)
    }

    pub(super) fn defines(&self, name: &str) -> bool {
        self.defined.contains(name)
    }

    /// The nearest file of one of these names in a folder or above it.
    pub(super) fn nearest(&self, folder: &str, names: &[&str]) -> Option<&'a str> {
        let mut at = folder.trim_end_matches('/');
        loop {
            for name in names {
                let path = if at.is_empty() {
                    (*name).to_owned()
                } else {
                    format!("{at}/{name}")
                };
                if let Some(text) = self.text_at(&path) {
                    return Some(text);
                }
            }
            if at.is_empty() {
                return None;
            }
            at = at.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &'a TreePath> {
        self.files.paths()
    }
}

pub(super) fn is_word(one: char) -> bool {
    one.is_alphanumeric() || one == '_' || one == '$'
}

/// A path beside a document, from the root; `None` where it leads out of the project.
fn beside(document: &TreePath, target: &str) -> Option<String> {
    let folder = document.parent().map(|folder| folder.to_string());
    let mut parts: Vec<&str> = folder
        .as_deref()
        .map(|at| at.split('/').collect())
        .unwrap_or_default();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
