//! The programming language a requirement names.

use crate::{
    ScaffoldError,
    request::token::{Statement, Word, listed},
};

/// A language with packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript on Node, with types in comments.
    JavaScript,
    /// Go.
    Go,
    /// C.
    C,
}

impl Language {
    /// Every language.
    pub(crate) const ALL: [Self; 5] = [
        Self::Rust,
        Self::Python,
        Self::JavaScript,
        Self::Go,
        Self::C,
    ];

    /// The name a design uses for the language.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::Go => "Go",
            Self::C => "C",
        }
    }

    /// The first part of the names of its packs' folders.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "node",
            Self::Go => "go",
            Self::C => "c",
        }
    }

    /// The language's test tool.
    pub(crate) fn testing(self) -> &'static str {
        match self {
            Self::Rust => "cargo test",
            Self::Python => "unittest",
            Self::JavaScript => "node:test",
            Self::Go => "go test",
            Self::C => "ctest",
        }
    }

    /// The language a design names.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let first = name.split([' ', ',', '/', '(']).next().unwrap_or(name);
        Self::ALL
            .into_iter()
            .find(|language| language.name().eq_ignore_ascii_case(first))
            .or_else(|| surely(&first.to_lowercase()))
    }
}

/// Languages in the order of their weight.
#[derive(Debug, Default)]
pub(crate) struct Languages {
    /// The primary language first.
    pub named: Vec<Language>,
    /// Whether the primary language stands where the language of the project stands.
    pub placed: bool,
    /// Whether TypeScript was among them.
    pub typescript: bool,
}

/// Words that mean a language whatever stands around them.
fn surely(lower: &str) -> Option<Language> {
    Some(match lower {
        "cargo" | "cargo.toml" | "crate" | "rustc" | "clippy" | "rustlang" | "tokio" | "axum"
        | "serde" => Language::Rust,
        "python" | "python2" | "python3" | "pip" | "pypi" | "pytest" | "unittest"
        | "pyproject.toml" | "fastapi" | "django" | "requirements.txt" | "asyncio" | "argparse"
        | "pydantic" | "cpython" => Language::Python,
        "javascript" | "typescript" | "node.js" | "nodejs" | "npm" | "package.json"
        | "tsconfig.json" | "ecmascript" | "deno" | "bun" | "vitest" | "express.js"
        | "commonjs" | "pnpm" => Language::JavaScript,
        "golang" | "go.mod" | "gofmt" | "goroutine" | "goroutines" => Language::Go,
        _ => match lower
            .rsplit_once('.')
            .filter(|(stem, _)| !stem.is_empty())?
            .1
        {
            "rs" => Language::Rust,
            "py" => Language::Python,
            "js" | "mjs" | "ts" | "mts" | "tsx" | "jsx" => Language::JavaScript,
            "go" => Language::Go,
            extension => return versioned(lower, extension),
        },
    })
}

/// `python3.12` and its like.
fn versioned(lower: &str, minor: &str) -> Option<Language> {
    let numbered = minor.chars().all(|c| c.is_ascii_digit());
    (numbered && lower.starts_with("python3.")).then_some(Language::Python)
}

/// Words that mean a language only in the right company: they are English words as well.
fn perhaps(word: &Word) -> Option<Language> {
    Some(match word.lower.as_str() {
        "rust" => Language::Rust,
        "go" => Language::Go,
        "node" | "js" | "ts" => Language::JavaScript,
        "c" | "c89" | "c99" | "c11" | "c17" | "c23" => Language::C,
        _ => return None,
    })
}

/// Languages without a pack, recognised only in the right company.
const WITHOUT_PACK: &[(&str, &str)] = &[
    ("java", "Java"),
    ("c++", "C++"),
    ("cpp", "C++"),
    ("c#", "C#"),
    ("ruby", "Ruby"),
    ("php", "PHP"),
    ("swift", "Swift"),
    ("kotlin", "Kotlin"),
    ("scala", "Scala"),
    ("haskell", "Haskell"),
    ("elixir", "Elixir"),
    ("erlang", "Erlang"),
    ("perl", "Perl"),
    ("lua", "Lua"),
    ("zig", "Zig"),
    ("dart", "Dart"),
    ("ocaml", "OCaml"),
    ("julia", "Julia"),
    ("clojure", "Clojure"),
    ("fortran", "Fortran"),
    ("cobol", "COBOL"),
    ("nim", "Nim"),
    ("crystal", "Crystal"),
    ("net", ".NET"),
    ("f#", "F#"),
    ("matlab", "MATLAB"),
    ("bash", "Bash"),
];

/// Words before the language of the project.
const BEFORE: &str = "in with using use idiomatic pure 用 使用 en auf на";
/// Words after the language of the project.
const AFTER: &str = "api app application backend binary cli code command command-line console crate daemon \
    executable http language lib library microservice module package program project rest script \
    sdk server service terminal tool utility web webservice website";
/// Words shortly before a language that is not wanted.
const NEGATIONS: &str = "not no without instead than never avoid isn't don't";

/// How surely a word names the language of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// The word is there.
    Named,
    /// It stands where the language of the project stands: `in Rust`, `a Rust library`.
    Placed,
}

/// Every language that is named, the one in the strongest place first, then in order.
pub(crate) fn find(statements: &[Statement]) -> Result<Languages, ScaffoldError> {
    let mut found: Vec<(Weight, Language)> = Vec::new();
    let mut foreign = None;
    let mut typescript = false;
    for statement in statements {
        for (index, word) in statement.words.iter().enumerate() {
            if negated(&statement.words, index) {
                continue;
            }
            let weight = weight(&statement.words, index);
            let placed = weight == Weight::Placed;
            if let Some(language) = named(&statement.words, index, placed) {
                typescript |= matches!(word.lower.as_str(), "typescript" | "ts" | "tsconfig.json");
                typescript |= word
                    .lower
                    .rsplit_once('.')
                    .is_some_and(|(_, end)| end == "ts");
                found.push((weight, language));
            } else if foreign.is_none() && (placed || heads_a_kind(&statement.words, index)) {
                foreign = without_pack(word);
            }
        }
    }
    let placed_own = found.iter().any(|(weight, _)| *weight == Weight::Placed);
    if let Some(name) = foreign.filter(|_| !placed_own) {
        return Err(ScaffoldError::NoPack(format!("a project in {name}")));
    }
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let mut named: Vec<Language> = Vec::new();
    for (_, language) in found {
        if !named.contains(&language) {
            named.push(language);
        }
    }
    Ok(Languages {
        named,
        placed: placed_own,
        typescript,
    })
}

/// Words between an article and the kind of project: `a Java Spring Boot service`.
const BETWEEN_MAX: usize = 3;

fn heads_a_kind(words: &[Word], index: usize) -> bool {
    let article = index
        .checked_sub(1)
        .is_some_and(|at| matches!(words[at].lower.as_str(), "a" | "an"));
    let near = words.iter().skip(index + 1).take(BETWEEN_MAX);
    article
        && near
            .map(|word| word.lower.as_str())
            .any(|word| listed(AFTER, word))
}

fn without_pack(word: &Word) -> Option<&'static str> {
    let capital = word.text.starts_with(|c: char| !c.is_lowercase());
    WITHOUT_PACK
        .iter()
        .find(|(lower, _)| capital && *lower == word.lower)
        .map(|(_, name)| *name)
}

fn named(words: &[Word], index: usize, placed: bool) -> Option<Language> {
    let word = &words[index];
    surely(&word.lower).or_else(|| {
        let capital = word.text.starts_with(char::is_uppercase);
        let sure = match perhaps(word)? {
            // A single letter is many things.
            Language::C => capital && (placed || word.text.len() > 1),
            Language::Rust | Language::Python | Language::JavaScript | Language::Go => {
                placed || (capital && index > 0)
            }
        };
        perhaps(word).filter(|_| sure)
    })
}

fn weight(words: &[Word], index: usize) -> Weight {
    let word = words[index].lower.as_str();
    if word.contains('.') && !matches!(word, "node.js" | "express.js") {
        // The name of a file says what the project deals with, wherever it stands.
        return Weight::Named;
    }
    let before = index.checked_sub(1).map(|at| words[at].lower.as_str());
    let after = words.get(index + 1).map(|word| word.lower.as_str());
    let before_fits = before.is_some_and(|word| listed(BEFORE, word) || word.ends_with('用'));
    let after_fits = after.is_some_and(|word| listed(AFTER, word));
    if before_fits || after_fits {
        Weight::Placed
    } else {
        Weight::Named
    }
}

fn negated(words: &[Word], index: usize) -> bool {
    let from = index.saturating_sub(2);
    words[from..index]
        .iter()
        .any(|word| listed(NEGATIONS, word.lower.as_str()))
}
