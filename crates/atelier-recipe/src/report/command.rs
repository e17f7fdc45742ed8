//! Commands: which of them are test runners, and how their reports are read.

use crate::ReportFormat;

/// Programs before the program: taken off, with their own options, at most this often.
const WRAPPERS_MAX: usize = 4;

/// The report a command prints, if it is a test runner.
pub fn recognise_tests(argv: &[String]) -> Option<ReportFormat> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let mut words = words.as_slice();
    for _ in 0..WRAPPERS_MAX {
        match unwrapped(words) {
            Some(inner) => words = inner,
            None => break,
        }
    }
    let (program, arguments) = words.split_first()?;
    runner(program_name(program), arguments)
}

/// `python3.12` for `.venv/bin/python3.12`, `mvn` for `mvn.cmd`.
fn program_name(program: &str) -> &str {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let known = [".exe", ".cmd", ".bat"].iter();
    known.fold(name, |name, end| name.strip_suffix(end).unwrap_or(name))
}

/// The command that a wrapper starts.
fn unwrapped<'a, 'w>(words: &'w [&'a str]) -> Option<&'w [&'a str]> {
    let (program, rest) = words.split_first()?;
    let after_options = |rest: &'w [&'a str]| {
        let start = rest.iter().position(|word| !word.starts_with('-'));
        start.map(|start| &rest[start..])
    };
    match (program_name(program), rest.first().copied()) {
        ("env", _) => {
            let start = rest
                .iter()
                .position(|word| !word.starts_with('-') && !word.contains('='));
            start.map(|start| &rest[start..])
        }
        ("npx" | "bunx" | "time" | "nice", _) => after_options(rest),
        ("bundle", Some("exec")) => after_options(&rest[1..]),
        ("npm" | "pnpm" | "yarn", Some("exec" | "dlx" | "x"))
        | ("uv" | "poetry" | "pdm" | "pipenv" | "hatch" | "rye", Some("run")) => {
            after_options(&rest[1..])
        }
        ("coverage", Some("run")) => Some(&rest[1..]),
        (name, Some("-m")) if is_python(name) || name == "-m" => Some(&rest[1..]),
        (name, Some(option)) if is_python(name) && is_python_switch(option) => {
            let module = rest.iter().position(|word| *word == "-m")?;
            rest[..module]
                .iter()
                .all(|word| is_python_switch(word))
                .then(|| &rest[module + 1..])
        }
        _ => None,
    }
}

fn is_python(name: &str) -> bool {
    let version = name
        .strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"));
    version.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
        || name == "py"
}

fn is_python_switch(word: &str) -> bool {
    word.starts_with('-') && word != "-m" && word != "-c"
}

fn runner(program: &str, arguments: &[&str]) -> Option<ReportFormat> {
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(word));
    let first = arguments
        .iter()
        .copied()
        .find(|word| !word.starts_with(['-', '+']));
    match program {
        "cargo" => {
            let tests = matches!(first, Some("test" | "t" | "nextest")) && !has(&["--no-run"]);
            tests.then_some(ReportFormat::Cargo)
        }
        "unittest" => Some(ReportFormat::Unittest),
        "pytest" | "py.test" => (!has(&["--collect-only"])).then_some(ReportFormat::Pytest),
        "node" => has(&["--test"]).then_some(ReportFormat::NodeTest),
        "vitest" => Some(ReportFormat::Vitest),
        "jest" => Some(ReportFormat::Jest),
        "mocha" | "_mocha" => Some(ReportFormat::Mocha),
        "bun" if first == Some("test") => Some(ReportFormat::Bun),
        "npm" | "pnpm" | "yarn" | "bun" => package_script(arguments),
        "go" => (first == Some("test")).then_some(ReportFormat::Go),
        "ctest" => (!has(&["-N", "--show-only"])).then_some(ReportFormat::Ctest),
        "cmake" => has(&["test", "check"]).then_some(ReportFormat::Ctest),
        "mvn" | "mvnw" => {
            let skips = arguments.iter().any(|word| {
                word.starts_with("-DskipTests") || word.starts_with("-Dmaven.test.skip")
            });
            let tests = has(&["test", "verify", "package", "install"]) && !skips;
            tests.then_some(ReportFormat::Surefire)
        }
        "make" | "gmake" | "just" | "task" | "ninja" | "gradle" | "gradlew" => {
            has(&["test", "tests", "check"]).then_some(ReportFormat::Any)
        }
        "tox" | "nox" => Some(ReportFormat::Any),
        "deno" => (first == Some("test")).then_some(ReportFormat::Deno),
        "rspec" => (!has(&["--dry-run"])).then_some(ReportFormat::Rspec),
        "crystal" => (first == Some("spec")).then_some(ReportFormat::Rspec),
        "phpunit" | "pest" => Some(ReportFormat::Phpunit),
        "mix" | "gleam" => (first == Some("test")).then_some(ReportFormat::Exunit),
        "rebar3" => (first == Some("eunit")).then_some(ReportFormat::Exunit),
        "meson" => (first == Some("test") && !has(&["--list"])).then_some(ReportFormat::Meson),
        "zig" => has(&["test"]).then_some(ReportFormat::Zig),
        "nimble" => (first == Some("test")).then_some(ReportFormat::Nim),
        "dotnet" => {
            let tests = first == Some("test") && !has(&["--list-tests", "-t"]);
            tests.then_some(ReportFormat::Dotnet)
        }
        "swift" => (first == Some("test")).then_some(ReportFormat::Swift),
        "dart" | "flutter" => (first == Some("test")).then_some(ReportFormat::Dart),
        "sbt" => has(&["test"]).then_some(ReportFormat::Sbt),
        "terraform" | "tofu" => (first == Some("test")).then_some(ReportFormat::Terraform),
        "rake" => has(&["test", "spec"]).then_some(ReportFormat::Any),
        "cabal" | "stack" | "dune" => has(&["test"]).then_some(ReportFormat::Any),
        "busted" => has(&["TAP", "--output=TAP"]).then_some(ReportFormat::Tap),
        "prove" => has(&["-v", "--verbose"]).then_some(ReportFormat::Tap),
        "bats" => Some(ReportFormat::Tap),
        "sh" | "bash" | "dash" | "zsh" => shell_line(arguments),
        _ => None,
    }
}

/// `npm test`, `npm --prefix web t`, `pnpm run test:unit`.
fn package_script(arguments: &[&str]) -> Option<ReportFormat> {
    let run = arguments
        .iter()
        .position(|word| matches!(*word, "run" | "run-script"));
    let tests = match run {
        Some(run) => {
            let mut names = arguments[run + 1..]
                .iter()
                .filter(|word| !word.starts_with('-'));
            names
                .next()
                .is_some_and(|script| *script == "test" || script.starts_with("test:"))
        }
        None => arguments
            .iter()
            .any(|word| matches!(*word, "test" | "t" | "tst")),
    };
    tests.then_some(ReportFormat::Any)
}

/// `sh -c "cd web && npm test"`: any of its commands may be the runner.
fn shell_line(arguments: &[&str]) -> Option<ReportFormat> {
    let line = arguments
        .iter()
        .position(|word| word.starts_with('-') && word.ends_with('c'))?;
    let line = arguments.get(line + 1)?;
    let commands = line.split(['&', '|', ';', '\n']);
    let mut formats = commands.filter_map(|command| recognise_words(command.split_whitespace()));
    let first = formats.next()?;
    let same = formats.all(|format| format == first);
    Some(if same { first } else { ReportFormat::Any })
}

fn recognise_words<'a>(words: impl Iterator<Item = &'a str>) -> Option<ReportFormat> {
    let unquoted = words.map(|word| word.trim_matches(['"', '\'']).to_owned());
    let words: Vec<String> = unquoted.skip_while(|word| word.contains('=')).collect();
    let nested = matches!(
        words.first().map(|word| program_name(word)),
        Some("sh" | "bash")
    );
    if nested {
        None
    } else {
        recognise_tests(&words)
    }
}
