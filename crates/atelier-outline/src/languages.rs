//! The languages whose syntax is known.

use atelier_model::TreePath;

use crate::syntax::Lexis;

/// A language whose syntax is known.
#[derive(Debug)]
pub struct Language {
    /// Its name, in kebab-case.
    pub name: &'static str,
    /// How names of its files end, without the dot.
    pub extensions: &'static [&'static str],
    /// How it is read.
    pub(crate) reader: Reader,
}

/// How a language is read.
#[derive(Debug)]
pub(crate) enum Reader {
    /// By a grammar.
    Grammar(fn() -> tree_sitter::Language),
    /// By its brackets alone.
    Brackets(Lexis),
    /// As JSON.
    Json,
    /// As TOML.
    Toml,
}

use Reader::{Brackets, Grammar, Json, Toml};

/// Every language.
///
/// C, C++ and CSS have no grammar here: what macros make of a text, and what style sheets may hold
/// next year, is beyond any, so only their brackets are looked at. Left out are the shell, whose
/// grammar misreads one correct script in sixteen, YAML, whose grammar can exhaust its stack, and
/// HTML, in which nothing is an error.
pub const LANGUAGES: &[Language] = &[
    language(
        "rust",
        &["rs"],
        Grammar(|| tree_sitter_rust::LANGUAGE.into()),
    ),
    language(
        "python",
        &["py", "pyi"],
        Grammar(|| tree_sitter_python::LANGUAGE.into()),
    ),
    language(
        "javascript",
        &["js", "jsx", "mjs", "cjs"],
        Grammar(|| tree_sitter_javascript::LANGUAGE.into()),
    ),
    language(
        "typescript",
        &["ts", "mts", "cts"],
        Grammar(|| tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()),
    ),
    language(
        "tsx",
        &["tsx"],
        Grammar(|| tree_sitter_typescript::LANGUAGE_TSX.into()),
    ),
    language("go", &["go"], Grammar(|| tree_sitter_go::LANGUAGE.into())),
    language(
        "java",
        &["java"],
        Grammar(|| tree_sitter_java::LANGUAGE.into()),
    ),
    language(
        "c",
        &["c", "h", "cpp", "cc", "cxx", "hpp", "hh", "hxx"],
        Brackets(Lexis::C),
    ),
    language("css", &["css"], Brackets(Lexis::Css)),
    language("json", &["json"], Json),
    language("toml", &["toml"], Toml),
];

/// Files that are named like those of a language and may hold more than it: comments in JSON, and
/// declarations whose types run ahead of the grammar.
const WIDER: [&str; 8] = [
    "tsconfig*.json",
    "jsconfig*.json",
    "devcontainer*.json",
    ".eslintrc*.json",
    "tslint*.json",
    "*.d.ts",
    "*.d.mts",
    "*.d.cts",
];
/// A folder of such files.
const WIDER_FOLDER: &str = ".vscode";

const fn language(
    name: &'static str,
    extensions: &'static [&'static str],
    reader: Reader,
) -> Language {
    Language {
        name,
        extensions,
        reader,
    }
}

/// The language of a file, by its name.
pub(crate) fn of(path: &TreePath) -> Option<&'static Language> {
    let extension = path.extension()?;
    let language = LANGUAGES
        .iter()
        .find(|language| language.extensions.contains(&extension))?;
    let named = |pattern: &str| {
        let (start, end) = pattern.split_once('*').unwrap_or((pattern, ""));
        path.name().starts_with(start) && path.name().ends_with(end)
    };
    let wider = WIDER.iter().any(|pattern| named(pattern))
        || path
            .parent()
            .is_some_and(|folder| folder.name() == WIDER_FOLDER);
    (!wider).then_some(language)
}
