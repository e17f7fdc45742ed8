//! Where a document claims something.

use std::ops::Range;

use atelier_model::TreePath;

use super::{
    Project,
    cited::{self, Cited},
    commands,
};
use crate::markdown::{Fences, Line, code_spans};

/// Languages of code blocks whose lines are typed into a shell.
const SHELLS: [&str; 6] = ["sh", "bash", "shell", "console", "zsh", "shell-session"];
/// First parts of types of media, which look like paths.
const MEDIA: [&str; 7] = [
    "text",
    "application",
    "image",
    "audio",
    "video",
    "font",
    "multipart",
];
/// Names of files that are written in capitals.
const CAPITALS: [&str; 18] = [
    "README",
    "CHANGELOG",
    "ARCHITECTURE",
    "CONTRIBUTING",
    "LICENSE",
    "SECURITY",
    "PROGRESS",
    "DESIGN",
    "HANDOFF",
    "DEVPLAN",
    "AGENTS",
    "CLAUDE",
    "INDEX",
    "TODO",
    "NOTICE",
    "AUTHORS",
    "PRD",
    "BUILD",
];
/// Letters of the longest ending of a file that a name may have behind its point.
const ENDING_LETTERS_MAX: usize = 5;
/// Marks of something else to be put in their place.
const PLACEHOLDERS: [char; 13] = [
    '<', '>', '*', '{', '}', '$', '%', '…', '|', '\\', '~', '?', '=',
];

/// Something that a document claims.
pub(super) struct Claim {
    pub(super) line: usize,
    pub(super) text: String,
    /// Its place in the document.
    pub(super) range: Range<usize>,
    pub(super) said: Said,
}

/// What is claimed.
pub(super) enum Said {
    /// The target of a link: a file, and a place in it.
    Link { path: String, place: Option<String> },
    /// A path in a code span.
    Path(String),
    /// A name in a code span.
    Symbol(String),
    /// A command, and the folder it is typed in.
    Command { folder: String, argv: Vec<String> },
    /// Lines of a file.
    Citation(Cited),
}

pub(super) fn claims(document: &TreePath, text: &str, project: &Project<'_>) -> Vec<Claim> {
    let mut all = Vec::new();
    let mut fences = Fences::default();
    let mut shell: Option<Place> = None;
    let mut at = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let line = whole.trim_end_matches(['\n', '\r']);
        let here = Here {
            document,
            project,
            number: index + 1,
            at,
            line,
        };
        at += whole.len();
        match fences.next(line) {
            Line::Fence => {
                let info = line.trim().trim_matches(['`', '~']).trim();
                let language = info.split([' ', ',', '{']).next().unwrap_or_default();
                let opens = shell.is_none() && SHELLS.contains(&language);
                shell = opens.then(Place::default);
            }
            Line::Code => {
                if let Some(place) = &mut shell {
                    all.extend(here.typed(place));
                }
            }
            Line::Text => {
                shell = None;
                all.extend(here.prose());
            }
        }
    }
    if is_history(document) {
        all.retain(|claim| matches!(claim.said, Said::Citation(_)));
    }
    all
}

/// Whether a document tells what was, of which nothing need be there now.
fn is_history(document: &TreePath) -> bool {
    let stem = document.name().split('.').next().unwrap_or_default();
    let stem = stem.to_lowercase().replace(['-', '_'], "");
    let names = [
        "changelog",
        "changes",
        "history",
        "news",
        "releases",
        "releasenotes",
    ];
    names.contains(&stem.as_str())
}

/// Where commands of a block are typed.
#[derive(Default)]
struct Place {
    /// The folder, from the root of the project.
    folder: String,
    /// The folder that the project was fetched into.
    fetched: Option<String>,
}

impl Place {
    /// Follows a command that changes the folder, or fetches the project; `false` for any other.
    fn follow(&mut self, argv: &[String]) -> bool {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["git", "clone", rest @ ..] => {
                let mut plain = rest.iter().filter(|word| !word.starts_with('-'));
                let last = plain.next_back().copied().unwrap_or_default();
                let name = last.trim_end_matches('/').rsplit(['/', ':']).next();
                self.fetched = name.map(|name| name.trim_end_matches(".git").to_owned());
                true
            }
            ["cd" | "pushd", to] => {
                if self.folder.is_empty() && self.fetched.as_deref() == Some(to.trim_matches('/')) {
                    self.fetched = None;
                    return true;
                }
                let mut parts: Vec<&str> = self.folder.split('/').collect();
                for part in to.split('/') {
                    match part {
                        "" | "." => {}
                        ".." => _ = parts.pop(),
                        part => parts.push(part),
                    }
                }
                parts.retain(|part| !part.is_empty());
                self.folder = parts.join("/");
                true
            }
            ["popd"] => {
                self.folder.clear();
                true
            }
            _ => false,
        }
    }
}

/// One line of a document.
struct Here<'a> {
    document: &'a TreePath,
    project: &'a Project<'a>,
    number: usize,
    /// Where it begins in the document.
    at: usize,
    line: &'a str,
}

impl Here<'_> {
    fn claim(&self, range: Range<usize>, said: Said) -> Claim {
        Claim {
            line: self.number,
            text: self.line[range.clone()].to_owned(),
            range: self.at + range.start..self.at + range.end,
            said,
        }
    }

    /// Commands of a line that is typed into a shell; a change of folder holds for those after it.
    fn typed(&self, place: &mut Place) -> Vec<Claim> {
        let line = self.line.trim_start();
        let line = line.strip_prefix("$ ").unwrap_or(line);
        if line.starts_with('#') {
            return Vec::new();
        }
        let start = self.line.len() - line.len();
        let mut found = Vec::new();
        for (offset, part) in commands::parts(line) {
            let argv = commands::words(part);
            if place.follow(&argv) {
                continue;
            }
            if commands::claims(self.project, &place.folder, &argv) {
                let range = start + offset..start + offset + part.len();
                let folder = place.folder.clone();
                found.push(self.claim(range, Said::Command { folder, argv }));
            }
        }
        found
    }

    /// Links, citations and code spans of a line of prose.
    fn prose(&self) -> Vec<Claim> {
        let (spans, _) = code_spans(self.line);
        let in_code = |range: &Range<usize>| {
            let crosses = |span: &Range<usize>| span.start < range.end && range.start < span.end;
            spans.iter().any(crosses)
        };
        let mut found = Vec::new();
        for (range, inside) in crate::citations::brackets(self.line) {
            if !in_code(&range)
                && let Some(cited) = cited::parse(inside, self.project)
            {
                found.push(self.claim(range, Said::Citation(cited)));
            }
        }
        for range in links(self.line) {
            let target = target(&self.line[range.clone()]);
            if !in_code(&range)
                && let Some((path, place)) = target
            {
                found.push(self.claim(range, Said::Link { path, place }));
            }
        }
        let code: Vec<Range<usize>> = spans.iter().map(|span| self.inside(span)).collect();
        let paths: Vec<&Range<usize>> = code.iter().filter(|one| self.is_path(one)).collect();
        let about_source = paths
            .iter()
            .any(|one| self.is_source(&self.line[(*one).clone()]))
            || found.iter().any(|claim| match &claim.said {
                Said::Citation(cited) => self.is_source(cited.path.as_str()),
                Said::Link { path, .. } => self.is_source(path),
                Said::Path(_) | Said::Symbol(_) | Said::Command { .. } => false,
            });
        for range in &code {
            let text = &self.line[range.clone()];
            if self.is_path(range) {
                let path = without_line(text).to_owned();
                found.push(self.claim(range.clone(), Said::Path(path)));
            } else if self.is_symbol(text, about_source) {
                found.push(self.claim(range.clone(), Said::Symbol(text.to_owned())));
            } else {
                let argv = commands::words(text);
                let folder = String::new();
                if argv.len() > 1 && commands::claims(self.project, &folder, &argv) {
                    found.push(self.claim(range.clone(), Said::Command { folder, argv }));
                }
            }
        }
        found.sort_by_key(|claim| claim.range.start);
        found
    }

    /// A code span without its backticks and the blanks beside them.
    fn inside(&self, span: &Range<usize>) -> Range<usize> {
        let text = &self.line[span.clone()];
        let plain = text.trim_start_matches('`');
        let start = span.start + (text.len() - plain.len());
        let plain = plain.trim_end_matches('`');
        let blank = plain.len() - plain.trim_start().len();
        start + blank..start + blank + plain.trim().len()
    }

    /// Whether a code span can only be a path of this project.
    fn is_path(&self, range: &Range<usize>) -> bool {
        let text = without_line(&self.line[range.clone()]);
        let plain = text.trim_start_matches("./");
        let first = plain.split('/').next().unwrap_or_default();
        let odd = |one: char| one.is_whitespace() || PLACEHOLDERS.contains(&one) || one == ':';
        let is_name = |one: char| one.is_alphanumeric() || "_-./@+#[]()".contains(one);
        !text.contains(odd)
            && text.chars().all(is_name)
            && !text.contains("..")
            && !text.starts_with(['/', '@', '#'])
            && self.project.begins_inside(plain)
            && (!MEDIA.contains(&first) || text.contains('.'))
            && !plain.split('/').any(is_placeholder)
            && (plain.ends_with('/') || last_is_telling(plain))
    }

    /// Whether a path is that of a source that is there.
    fn is_source(&self, path: &str) -> bool {
        let path = without_line(path).split('#').next().unwrap_or_default();
        let code = TreePath::parse(path).ok().and_then(|path| {
            let end = path.extension()?.to_owned();
            Some(!matches!(
                end.as_str(),
                "md" | "txt" | "toml" | "json" | "yml" | "yaml" | "lock"
            ))
        });
        code == Some(true) && self.project.has_named(self.document, path)
    }

    /// Whether a code span can only be a name of this project's sources.
    fn is_symbol(&self, text: &str, about_source: bool) -> bool {
        let name = text
            .strip_suffix("()")
            .unwrap_or(text)
            .trim_end_matches('!');
        let parts: Vec<&str> = name.split("::").flat_map(|part| part.split('.')).collect();
        let is_word = |part: &&str| {
            part.len() > 2
                && part.chars().all(super::project::is_word)
                && !part.starts_with(|one: char| one.is_ascii_digit())
        };
        if parts.is_empty() || !parts.iter().all(is_word) {
            return false;
        }
        if let [.., owner, _] = parts.as_slice()
            && text.contains("::")
        {
            let named = owner.chars().next().is_some_and(char::is_uppercase);
            return named && self.project.defines(owner);
        }
        let last = parts.last().copied().unwrap_or_default();
        if let [owner, _] = parts.as_slice()
            && owner.starts_with(|one: char| one.is_uppercase())
            && self.project.defines(owner)
        {
            // Short words behind a point may be the ending of a file.
            return last.len() > ENDING_LETTERS_MAX || text.ends_with("()");
        }
        let humps = last.chars().filter(char::is_ascii_uppercase).count();
        let lower = last.chars().any(|one| one.is_ascii_lowercase());
        // One that begins small has no other way to be told from a word.
        let humps_min = if last.starts_with(|one: char| one.is_lowercase()) {
            1
        } else {
            2
        };
        let is_constant = last.trim_matches('_').contains('_') && !lower && humps > 1;
        let telling = text.ends_with("()")
            || (last.trim_matches('_').contains('_') && lower)
            || (humps >= humps_min && lower && last.chars().all(char::is_alphanumeric))
            || (is_constant && !self.is_about_environment());
        about_source && telling && parts.len() <= 2
    }
}

impl Here<'_> {
    /// Whether a line speaks of variables that are set outside of the sources.
    fn is_about_environment(&self) -> bool {
        let line = self.line.to_lowercase();
        ["environment", "variable", "env", "export", "set ", "="]
            .iter()
            .any(|word| line.contains(word))
    }
}

/// Whether a word in capitals stands for something else: `NAME`, `NAME.rs`, `LANGUAGE-KIND`.
pub(super) fn is_placeholder(word: &str) -> bool {
    let stem = word.split('.').next().unwrap_or(word);
    let capital =
        |one: char| one.is_ascii_uppercase() || one.is_ascii_digit() || "_-".contains(one);
    let letters = stem.chars().filter(char::is_ascii_uppercase).count();
    letters > 1 && stem.chars().all(capital) && !CAPITALS.contains(&stem)
}

/// A path without the line that stands behind it.
fn without_line(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((path, line)) if !line.is_empty() && line.bytes().all(|one| one.is_ascii_digit()) => {
            path
        }
        _ => text,
    }
}

/// Whether the last part of a path looks like a file or a folder, and not like half of a pair of
/// words.
fn last_is_telling(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or(path);
    let ending = last.rsplit_once('.').map_or("", |(_, end)| end);
    let file = (1..=8).contains(&ending.len()) && ending.chars().all(char::is_alphanumeric);
    file || path.matches('/').count() > 1
}

/// The targets of the links of a line: behind `](`, and behind `]:` where a line defines one.
fn links(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("](") {
        let start = at + 2;
        let mut depth = 1_u32;
        let end = line[start..].char_indices().find_map(|(offset, one)| {
            match one {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(start + offset)
        });
        if let Some(end) = end {
            found.push(start..end);
        }
    }
    for attribute in ["href=\"", "src=\""] {
        for (at, _) in line.match_indices(attribute) {
            let start = at + attribute.len();
            if let Some(length) = line[start..].find('"') {
                found.push(start..start + length);
            }
        }
    }
    if let Some((name, target)) = line.split_once("]: ")
        && name.starts_with('[')
        && !name.starts_with("[^")
    {
        let start = name.len() + 3;
        found.push(start..start + target.trim_end().len());
    }
    found
}

/// The path that a link leads to, and the place in that file; `None` where it leads elsewhere.
fn target(text: &str) -> Option<(String, Option<String>)> {
    let text = text.trim();
    let text = match text.strip_prefix('<') {
        Some(inside) => inside.split('>').next().unwrap_or_default(),
        None => text.split_whitespace().next().unwrap_or_default(),
    };
    let path = text.split(['#', '?']).next().unwrap_or_default();
    let place = text.split_once('#').map(|(_, place)| place.to_owned());
    let nowhere = place
        .as_deref()
        .is_none_or(|place| matches!(place, "" | "top"));
    let elsewhere = (path.is_empty() && nowhere)
        || path.starts_with(['/', '@'])
        || path.contains("://")
        || path.contains(':')
        || path.contains(PLACEHOLDERS.map(|one| if one == '%' { '<' } else { one }));
    (!elsewhere).then(|| (path.replace("%20", " "), place))
}
