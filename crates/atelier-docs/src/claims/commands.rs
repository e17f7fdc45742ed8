//! Commands that name something of the project: targets, scripts, packages, modules.

use std::collections::BTreeSet;

use super::{Project, find::is_placeholder, programs};

/// Files of targets.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "Makefile", "makefile"];
const JUSTFILES: [&str; 3] = ["justfile", "Justfile", ".justfile"];
/// What `cargo` does with packages of the workspace.
const CARGO: [&str; 9] = [
    "build", "check", "clippy", "test", "nextest", "run", "bench", "doc", "b",
];
/// Scripts that package managers run by their bare names.
const BARE: [&str; 2] = ["test", "start"];
/// Programs that run a file.
const RUNNERS: [&str; 8] = [
    "python", "python3", "node", "sh", "bash", "zsh", "ruby", "source",
];
const SCRIPTS: [&str; 8] = [".sh", ".py", ".js", ".mjs", ".ts", ".rb", ".pl", ".ps1"];

/// The commands of a line with their places, parted by what joins commands.
pub(super) fn parts(line: &str) -> Vec<(usize, &str)> {
    let mut all = Vec::new();
    let mut start = 0;
    let code = line.split(" #").next().unwrap_or(line);
    for (at, sign) in code.match_indices(['&', '|', ';']) {
        if at >= start {
            all.push((start, &code[start..at]));
        }
        start = at + sign.len();
    }
    all.push((start, &code[start..]));
    all.into_iter()
        .map(|(at, part)| {
            let blank = part.len() - part.trim_start().len();
            (at + blank, part.trim())
        })
        .filter(|(_, part)| !part.is_empty())
        .collect()
}

/// The words of a command, without variables that are set for it.
pub(super) fn words(part: &str) -> Vec<String> {
    let words = part
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']));
    let is_setting = |word: &&str| {
        word.split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(super::project::is_word))
    };
    words.skip_while(is_setting).map(str::to_owned).collect()
}

/// Whether a command names something that the project must have.
pub(super) fn claims(project: &Project<'_>, folder: &str, argv: &[String]) -> bool {
    wanted(project, folder, argv).is_some()
}

/// What is wrong with a command; `None` where it can be run.
pub(super) fn problem(project: &Project<'_>, folder: &str, argv: &[String]) -> Option<String> {
    match wanted(project, folder, argv)? {
        Wanted::Holds => None,
        Wanted::Missing(problem) => Some(problem),
    }
}

enum Wanted {
    Holds,
    Missing(String),
}

fn wanted(project: &Project<'_>, folder: &str, argv: &[String]) -> Option<Wanted> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let open =
        |word: &&str| word.contains(['<', '>', '*', '$', '…', '{', '[']) || is_placeholder(word);
    if words.iter().any(open) {
        return None;
    }
    let (name, rest) = words.split_first()?;
    match *name {
        "make" => make(project, folder, rest),
        "just" => just(project, folder, rest),
        "npm" | "pnpm" | "yarn" | "bun" => script(project, folder, rest),
        "cargo" => cargo(project, rest),
        "go" => go(project, folder, rest),
        "pytest" => pytest(project, folder, rest),
        "pip" | "pip3" => listed(project, folder, rest, &["-r", "--requirement"]),
        "docker" | "docker-compose" | "podman" => containers(project, folder, rest),
        "cp" => example(project, folder, rest),
        name if RUNNERS.contains(&name) => runs(project, folder, rest),
        name if name.starts_with("./") => file(project, folder, name),
        name if project.has_program(name) => {
            let unknown = programs::unknown_option(project, name, rest);
            Some(unknown.map_or(Wanted::Holds, Wanted::Missing))
        }
        _ => None,
    }
}

fn told(holds: bool, problem: impl FnOnce() -> String) -> Wanted {
    if holds {
        Wanted::Holds
    } else {
        Wanted::Missing(problem())
    }
}

fn is_plain(word: &str) -> bool {
    !word.starts_with('-') && !word.contains('=')
}

fn make(project: &Project<'_>, folder: &str, rest: &[&str]) -> Option<Wanted> {
    // With an option the words after it may be its values.
    if rest.iter().any(|word| word.starts_with('-')) {
        return None;
    }
    let text = project.nearest(folder, &MAKEFILES)?;
    let opaque = |line: &str| line.starts_with("include") || line.starts_with("-include");
    if text.lines().any(opaque) || text.contains("$(eval") {
        return None;
    }
    let targets = heads(text);
    if targets.iter().any(|one| one.contains('%')) {
        return None;
    }
    let mut asked = rest.iter().filter(|word| is_plain(word)).peekable();
    asked.peek()?;
    let missing = asked.find(|word| !targets.contains(**word));
    Some(told(missing.is_none(), || {
        format!(
            "names a target that the makefile does not have: `{}`",
            missing.map_or("", |one| one)
        )
    }))
}

/// What stands before a colon at the beginning of a line.
fn heads(text: &str) -> BTreeSet<&str> {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with(['\t', ' ', '#', '@']));
    let heads = lines.filter_map(|line| line.split_once(':'));
    heads
        .filter(|(_, rest)| !rest.starts_with('='))
        .flat_map(|(names, _)| names.split_whitespace())
        .collect()
}

fn just(project: &Project<'_>, folder: &str, rest: &[&str]) -> Option<Wanted> {
    let text = project.nearest(folder, &JUSTFILES)?;
    let recipe = rest.first().filter(|word| is_plain(word))?;
    if text
        .lines()
        .any(|line| line.starts_with("import") || line.starts_with("mod "))
    {
        return None;
    }
    let named = |line: &str| {
        let head = line.split_once(':').map_or("", |(head, _)| head);
        let alias = line.strip_prefix("alias ");
        alias.unwrap_or(head).split_whitespace().next() == Some(*recipe)
    };
    Some(told(text.lines().any(named), || {
        format!("names a recipe that the justfile does not have: `{recipe}`")
    }))
}

fn script(project: &Project<'_>, folder: &str, rest: &[&str]) -> Option<Wanted> {
    let option = |word: &&str| matches!(*word, "--prefix" | "-C" | "--dir" | "--cwd");
    if let Some(at) = rest.iter().position(option) {
        let inside = within(folder, rest.get(at + 1)?);
        let others = [&rest[..at], &rest[at + 2..]].concat();
        return script(project, &inside, &others);
    }
    let asked = match rest {
        ["run" | "run-script", name, ..] if is_plain(name) => *name,
        [name] if BARE.contains(name) => *name,
        _ => return None,
    };
    let text = project.nearest(folder, &["package.json"])?;
    let scripts = object(text, "scripts")?;
    Some(told(scripts.contains(asked), || {
        format!("names a script that `package.json` does not have: `{asked}`")
    }))
}

/// The keys of an object in a text of JSON, without reading the rest of it.
fn object(text: &str, key: &str) -> Option<BTreeSet<String>> {
    let file: serde_json::Value = serde_json::from_str(text).ok()?;
    let keys = file.get(key)?.as_object()?.keys().cloned();
    Some(keys.collect())
}

fn cargo(project: &Project<'_>, rest: &[&str]) -> Option<Wanted> {
    let (does, rest) = rest.split_first()?;
    if !CARGO.contains(does) {
        return None;
    }
    project.text_at("Cargo.toml")?;
    let own = rest.iter().take_while(|word| **word != "--");
    let words: Vec<&str> = own.copied().collect();
    let mut held = None;
    for pair in words.windows(2) {
        let [option, name] = pair else { continue };
        let has = match *option {
            "-p" | "--package" => packages(project).contains(*name),
            "--bin" => binaries(project, "bin").contains(*name),
            "--example" => binaries(project, "examples").contains(*name),
            _ => continue,
        };
        if !has {
            let problem = format!("names what the workspace does not have: `{option} {name}`");
            return Some(Wanted::Missing(problem));
        }
        held = Some(Wanted::Holds);
    }
    held
}

/// Names of the packages of a workspace.
fn packages(project: &Project<'_>) -> BTreeSet<String> {
    let manifests = project.paths().filter(|path| path.name() == "Cargo.toml");
    let texts = manifests.filter_map(|path| project.text(path));
    texts.filter_map(|text| named(text, "[package]")).collect()
}

/// The `name` in a section of a manifest.
fn named(text: &str, section: &str) -> Option<String> {
    let inside = text.split_once(section)?.1;
    let lines = inside.lines().take_while(|line| !line.starts_with('['));
    let mut names = lines.filter_map(|line| line.split_once('='));
    let (_, value) = names.find(|(key, _)| key.trim() == "name")?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// Programs that the manifests of a workspace name.
pub(super) fn programs_of_cargo(project: &Project<'_>) -> BTreeSet<String> {
    let manifests = project.paths().filter(|path| path.name() == "Cargo.toml");
    let texts = manifests.filter_map(|path| project.text(path));
    let sections = texts.flat_map(|text| {
        let places = text.match_indices("[[bin]]");
        places.filter_map(|(at, _)| named(&text[at..], "[[bin]]"))
    });
    sections.collect()
}

/// Names of the programs, or of the examples, of a workspace.
fn binaries(project: &Project<'_>, folder: &str) -> BTreeSet<String> {
    let mut names = if folder == "bin" {
        packages(project)
    } else {
        BTreeSet::new()
    };
    for path in project.paths() {
        let parts: Vec<&str> = path.as_str().split('/').collect();
        if path.name() == "Cargo.toml"
            && let Some(text) = project.text(path)
        {
            let section = if folder == "bin" {
                "[[bin]]"
            } else {
                "[[example]]"
            };
            let sections = text.match_indices(section);
            names.extend(sections.filter_map(|(at, _)| named(&text[at..], section)));
        }
        if let Some(at) = parts.iter().position(|part| *part == folder)
            && let Some(name) = parts.get(at + 1)
        {
            names.insert(name.trim_end_matches(".rs").to_owned());
        }
    }
    names
}

fn go(project: &Project<'_>, folder: &str, rest: &[&str]) -> Option<Wanted> {
    let (does, rest) = rest.split_first()?;
    if !matches!(*does, "run" | "test" | "build" | "vet" | "install") {
        return None;
    }
    project.nearest(folder, &["go.mod", "go.work"])?;
    let named = rest.iter().find(|word| word.starts_with("./"))?;
    let path = named.trim_end_matches("...").trim_end_matches('/');
    if matches!(path, "." | "./" | "") {
        return Some(Wanted::Holds);
    }
    Some(told(project.has(&within(folder, path)), || {
        format!("names a package that is not there: `{named}`")
    }))
}

fn within(folder: &str, path: &str) -> String {
    let path = path.trim_start_matches("./");
    if folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

fn runs(project: &Project<'_>, folder: &str, rest: &[&str]) -> Option<Wanted> {
    match rest {
        ["-m", "pytest", rest @ ..] => pytest(project, folder, rest),
        ["-m", "pip", rest @ ..] => listed(project, folder, rest, &["-r", "--requirement"]),
        ["-m", module, ..] => {
            let path = module.replace('.', "/");
            let (first, inside) = path.split_once('/')?;
            // Only packages of the project, not those that are installed.
            let roots = [within(folder, ""), within(folder, "src/")];
            let package = format!("{first}/__init__.py");
            let root = roots
                .iter()
                .find(|root| project.has(&format!("{root}{package}")));
            let root = root.filter(|_| !inside.is_empty())?;
            let here = format!("{root}{path}");
            let there = project.has(&here) || project.has(&format!("{here}.py"));
            Some(told(there, || {
                format!("names a module that is not there: `{module}`")
            }))
        }
        [path, ..] if is_plain(path) => file(project, folder, path),
        _ => None,
    }
}

/// Files of tests, perhaps with the name of a test behind them.
fn pytest(project: &Project<'_>, folder: &str, rest: &[&str]) -> Option<Wanted> {
    let mut named = rest.iter().filter(|word| word.contains(".py")).peekable();
    named.peek()?;
    for word in named {
        let (path, test) = word.split_once("::").unwrap_or((word, ""));
        let here = within(folder, path);
        if !project.has(&here) {
            let problem = format!("names a file that is not there: `{path}`");
            return Some(Wanted::Missing(problem));
        }
        let source = project.text_at(&here).unwrap_or_default();
        let plain = test.split('[').next().unwrap_or_default();
        let name = plain.rsplit("::").next().unwrap_or_default();
        if !source.contains(name) {
            let problem = format!("names a test that `{path}` does not have: `{name}`");
            return Some(Wanted::Missing(problem));
        }
    }
    Some(Wanted::Holds)
}

/// Files that stand behind these options.
fn listed(project: &Project<'_>, folder: &str, rest: &[&str], options: &[&str]) -> Option<Wanted> {
    let pairs = rest.windows(2).filter_map(|pair| match pair {
        [option, path] => options.contains(option).then_some(*path),
        _ => None,
    });
    let ours = |path: &&str| !path.starts_with(['/', '~', '-']) && !path.contains("..");
    let mut paths = pairs.filter(ours).peekable();
    paths.peek()?;
    let gone = paths.find(|path| !project.has(&within(folder, path)));
    Some(told(gone.is_none(), || {
        format!(
            "names a file that is not there: `{}`",
            gone.unwrap_or_default()
        )
    }))
}

/// Files that images and groups of containers are made from.
fn containers(project: &Project<'_>, folder: &str, rest: &[&str]) -> Option<Wanted> {
    let makes = rest
        .iter()
        .any(|word| matches!(*word, "build" | "compose" | "up"));
    makes.then(|| listed(project, folder, rest, &["-f", "--file"]))?
}

/// An example that is copied to be filled in.
fn example(project: &Project<'_>, folder: &str, rest: &[&str]) -> Option<Wanted> {
    let from = rest.iter().find(|word| is_plain(word))?;
    let name = from.rsplit('/').next().unwrap_or(from);
    let marks = [".example", ".sample", ".template", ".dist"];
    let is_example = marks.iter().any(|mark| name.contains(mark));
    if !is_example || from.starts_with(['/', '~']) || from.contains("..") {
        return None;
    }
    Some(told(project.has(&within(folder, from)), || {
        format!("names a file that is not there: `{from}`")
    }))
}

/// A script: it must be there where it lies in a folder of the project, or has the ending of one.
fn file(project: &Project<'_>, folder: &str, path: &str) -> Option<Wanted> {
    let here = within(folder, path);
    let is_script = SCRIPTS.iter().any(|end| here.ends_with(end));
    let ours = project.begins_inside(&here) && (is_script || !path.contains(':'));
    let beside = path.starts_with("./") && !here.contains('/') && is_script;
    if !ours && !beside {
        return None;
    }
    Some(told(project.has(&here), || {
        format!("names a file that is not there: `{path}`")
    }))
}
