//! Programs of a project, and the options that their sources know.

use std::collections::BTreeSet;

use super::Project;

/// Options that every program has, or may have from its library.
const USUAL: [&str; 6] = [
    "help",
    "version",
    "verbose-help",
    "color",
    "colour",
    "no-color",
];

/// A long option of a program of this project that no source of it names; `None` where there is
/// none, or where the program is not the project's.
pub(super) fn unknown_option(project: &Project<'_>, name: &str, rest: &[&str]) -> Option<String> {
    let own = rest.iter().take_while(|word| **word != "--");
    let long = own.filter_map(|word| word.strip_prefix("--"));
    let asked = long.map(|word| word.split('=').next().unwrap_or(word));
    let unknown = asked
        .filter(|option| option.len() > 1 && !USUAL.contains(option))
        .find(|option| !project.names_option(option))?;
    Some(format!(
        "names an option that no source of `{name}` has: `--{unknown}`"
    ))
}

/// Names of the programs that the manifests of a project give it.
pub(super) fn names(project: &Project<'_>) -> BTreeSet<String> {
    let mut all = super::commands::programs_of_cargo(project);
    for (path, text) in project.texts() {
        match path.name() {
            "pyproject.toml" => all.extend(scripts(text)),
            "package.json" => all.extend(bins(text)),
            _ => {}
        }
    }
    all
}

/// The keys of the section of scripts.
fn scripts(text: &str) -> Vec<String> {
    let Ok(file) = toml::from_str::<toml::Table>(text) else {
        return Vec::new();
    };
    let of = |keys: &[&str]| {
        let mut at = file.get(*keys.first()?)?;
        for key in keys.iter().skip(1) {
            at = at.get(*key)?;
        }
        Some(at.as_table()?.keys().cloned().collect::<Vec<_>>())
    };
    let all = [
        of(&["project", "scripts"]),
        of(&["tool", "poetry", "scripts"]),
    ];
    all.into_iter().flatten().flatten().collect()
}

/// The programs that a package of Node installs.
fn bins(text: &str) -> Vec<String> {
    let file: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let name = |key: &str| file.as_ref().and_then(|file| file.get(key));
    match name("bin") {
        Some(serde_json::Value::Object(bins)) => bins.keys().cloned().collect(),
        Some(serde_json::Value::String(_)) => {
            let named = name("name").and_then(|one| one.as_str());
            named.map(str::to_owned).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
