//! A pipeline of GitLab CI.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    job::{Command, Job},
    report,
    toolchain::Cache,
    yaml::{Node, list, map},
};

/// The image of a job whose programs need none of their own.
const IMAGE: &str = "debian:stable";
/// Where test reports are collected.
const REPORTS: &str = "test-reports";
/// Where programs keep what they downloaded: only what is in the project is kept.
const CACHES: &str = ".cache";
/// Files that a cache's key is made of, at most.
const KEY_FILES_MAX: usize = 2;
/// How long test reports are kept.
const REPORTS_KEPT: &str = "2 weeks";

/// The pipeline that executes these jobs.
pub(super) fn pipeline(jobs: &[Job<'_>]) -> Node {
    let rules = [
        "$CI_PIPELINE_SOURCE == \"merge_request_event\"",
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
    ];
    let rules = rules.map(|rule| map([("if", Node::from(rule))]));
    let head = [
        ("workflow".to_owned(), map([("rules", list(rules))])),
        (
            "default".to_owned(),
            map([("interruptible", Node::from(true))]),
        ),
    ];
    let jobs = jobs.iter().map(|one| (one.id.clone(), job(one)));
    map(head.into_iter().chain(jobs))
}

fn job(job: &Job<'_>) -> Node {
    let mut entries = vec![
        ("image", image(job)),
        ("timeout", Node::from(format!("{} minutes", job.minutes))),
    ];
    let caches: Vec<&Cache> = job
        .setups
        .iter()
        .filter_map(|setup| setup.cache.as_ref())
        .filter(|cache| cache.moved.is_some())
        .collect();
    let variables = variables(job, &caches);
    if !variables.is_empty() {
        entries.push(("variables", variables));
    }
    if !caches.is_empty() {
        entries.push((
            "cache",
            list(caches.into_iter().map(|cache| keep(&job.id, cache))),
        ));
    }
    let before = before(job);
    if !before.is_empty() {
        entries.push(("before_script", list(before)));
    }
    entries.push(("script", list(job.commands.iter().flat_map(script))));
    if job.commands.iter().any(Command::reports) {
        entries.push(("artifacts", artifacts(job)));
    }
    map(entries)
}

fn image(job: &Job<'_>) -> Node {
    let image = job.setups.iter().find_map(|setup| setup.image.as_ref());
    match image {
        Some((name, true)) => map([
            ("name", Node::from(name.clone())),
            ("entrypoint", list([""])),
        ]),
        Some((name, false)) => Node::from(name.clone()),
        None => Node::from(IMAGE),
    }
}

fn variables(job: &Job<'_>, caches: &[&Cache]) -> Node {
    let own = job
        .env
        .iter()
        .map(|(name, value)| (name.clone(), Node::from(value.replace('$', "$$"))));
    let moved = caches.iter().filter_map(|cache| cache.moved.as_ref());
    let moved = moved.map(|(name, folder)| {
        let place = format!("$CI_PROJECT_DIR/{CACHES}/{folder}");
        (name.clone(), Node::from(place))
    });
    map(own.chain(moved).collect::<BTreeMap<String, Node>>())
}

fn keep(job: &str, cache: &Cache) -> Node {
    let folder = cache.moved.as_ref().map_or("", |(_, folder)| folder);
    let files = cache.locks.iter().take(KEY_FILES_MAX);
    let key = map([
        ("files", list(files.map(ToString::to_string))),
        ("prefix", Node::from(format!("{job}-{folder}"))),
    ]);
    map([
        ("key", key),
        ("paths", list([format!("{CACHES}/{folder}/")])),
    ])
}

/// What is set up before the first command.
fn before(job: &Job<'_>) -> Vec<String> {
    let packages = job.setups.iter().flat_map(|setup| &setup.gitlab_packages);
    let mut packages: Vec<&str> = packages.map(String::as_str).collect();
    packages.sort_unstable();
    packages.dedup();
    let mut lines = Vec::new();
    if !packages.is_empty() {
        lines.push("apt-get update".to_owned());
        lines.push(format!(
            "apt-get install --yes --no-install-recommends {}",
            packages.join(" ")
        ));
    }
    lines.extend(
        job.setups
            .iter()
            .flat_map(|setup| setup.gitlab.iter().cloned()),
    );
    if job.commands.iter().any(Command::reports) {
        lines.push(format!("mkdir -p {REPORTS}"));
    }
    lines
}

fn script(command: &Command<'_>) -> Vec<String> {
    let mut line = String::new();
    for (name, value) in &command.env {
        let _ = write!(line, "{name}={} ", shell_words::quote(value));
    }
    let file = format!("$CI_PROJECT_DIR/{REPORTS}/{}", command.id);
    let junit = report::junit(command.step, &format!("{file}.xml"));
    if let Some((name, value)) = &junit {
        let _ = write!(line, "{name}=\"{value}\" ");
    }
    line = command.tries(&(line + &command.line()));
    if let Some(folder) = &command.step.cwd {
        line = format!("(cd {} && {line})", shell_words::quote(folder.as_str()));
    }
    if !command.reports() || junit.is_some() || !command.step.report_files.is_empty() {
        return vec![line];
    }
    // Not every image's shell can tell how the first program of a pipe ended.
    let (text, failed) = (
        format!("{REPORTS}/{}.txt", command.id),
        format!("{REPORTS}/{}.failed", command.id),
    );
    vec![
        format!("{{ {line} 2>&1 || touch {failed}; }} | tee {text}"),
        format!("test ! -e {failed}"),
    ]
}

fn artifacts(job: &Job<'_>) -> Node {
    let tests = || job.commands.iter().filter(|command| command.reports());
    let mut junit: Vec<String> = Vec::new();
    for command in tests() {
        junit.extend(report::files(command.step));
        let file = format!("{REPORTS}/{}.xml", command.id);
        junit.extend(report::junit(command.step, &file).map(|_| file));
    }
    let mut entries = vec![
        ("when", Node::from("always")),
        ("expire_in", Node::from(REPORTS_KEPT)),
        ("paths", list([format!("{REPORTS}/")])),
    ];
    if !junit.is_empty() {
        entries.push(("reports", map([("junit", list(junit))])));
    }
    map(entries)
}
