//! A workflow of GitHub Actions.

use std::collections::BTreeMap;

use super::{
    job::{Command, Job},
    report,
    toolchain::{Cache, table},
    yaml::{Node, list, map},
};

/// The last step of what is set up before the first command.
pub(super) const READY: &str = "ready";
/// The machine: the newest release, because a named one is taken away after some years.
const MACHINE: &str = "ubuntu-latest";
/// Branches whose every change is checked; requests to merge into any branch are.
const BRANCHES: [&str; 2] = ["main", "master"];
/// Days that test reports are kept.
const REPORT_DAYS: u64 = 14;
/// Where test reports are collected.
const REPORTS: &str = "test-reports";

/// The workflow that executes these jobs.
pub(super) fn workflow(jobs: &[Job<'_>]) -> Node {
    let branches = map([("branches", list(BRANCHES))]);
    map([
        ("name", Node::from("check")),
        (
            "on",
            map([("push", branches), ("pull_request", Node::Empty)]),
        ),
        ("permissions", map([("contents", Node::from("read"))])),
        (
            "concurrency",
            map([
                ("group", "${{ github.workflow }}-${{ github.ref }}"),
                // A newer push to a request makes the older one's result useless; on a branch
                // every change has one.
                (
                    "cancel-in-progress",
                    "${{ github.event_name == 'pull_request' }}",
                ),
            ]
            .map(|(key, value)| (key, Node::from(value)))),
        ),
        (
            "defaults",
            map([("run", map([("shell", Node::from("bash"))]))]),
        ),
        (
            "jobs",
            map(jobs.iter().map(|one| (one.id.clone(), job(one)))),
        ),
    ])
}

fn job(job: &Job<'_>) -> Node {
    let mut steps = vec![checkout()];
    for setup in &job.setups {
        if let Some((action, with)) = &setup.action {
            steps.push(uses(
                action,
                with.iter().map(|(key, value)| (key.clone(), input(value))),
            ));
        }
    }
    steps.extend(packages(job));
    for setup in &job.setups {
        steps.extend(setup.github.iter().map(|line| map([("run", text(line))])));
    }
    let caches = job.setups.iter().filter_map(|setup| setup.cache.as_ref());
    steps.extend(
        caches
            .enumerate()
            .map(|(at, cache)| keep(&job.id, at, cache)),
    );
    if let Some(Node::Map(last)) = steps.last_mut() {
        last.insert(0, ("id".to_owned(), Node::from(READY)));
    }
    for (at, command) in job.commands.iter().enumerate() {
        steps.push(run(command, at == 0));
    }
    if job.commands.iter().any(Command::reports) {
        steps.push(upload(job));
    }
    let mut entries = vec![
        ("name", Node::from(job.id.clone())),
        ("runs-on", Node::from(MACHINE)),
        ("timeout-minutes", Node::from(job.minutes)),
    ];
    if !job.env.is_empty() {
        entries.push(("env", variables(&job.env)));
    }
    entries.push(("steps", Node::List(steps)));
    map(entries)
}

fn checkout() -> Node {
    // What a step runs must not find the token of the repository.
    uses(
        "actions/checkout",
        [("persist-credentials".to_owned(), Node::from(false))],
    )
}

/// A step that uses an action at the commit it was read at.
fn uses(action: &str, with: impl IntoIterator<Item = (String, Node)>) -> Node {
    let at = match table().pin(action) {
        Some(pin) => Node::Noted(format!("{action}@{}", pin.commit), pin.version.clone()),
        None => Node::from(action),
    };
    let with = map(with);
    if with.is_empty() {
        map([("uses", at)])
    } else {
        map([("uses", at), ("with", with)])
    }
}

/// An action's input: the words for truth are no texts.
fn input(value: &str) -> Node {
    match value {
        "true" => Node::from(true),
        "false" => Node::from(false),
        value => text(value),
    }
}

fn packages(job: &Job<'_>) -> Option<Node> {
    let mut names: Vec<&str> = job
        .setups
        .iter()
        .flat_map(|setup| &setup.packages)
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    let line = format!(
        "sudo apt-get update\nsudo apt-get install --yes --no-install-recommends {}",
        names.join(" ")
    );
    (!names.is_empty()).then(|| map([("run", Node::from(line))]))
}

fn keep(job: &str, at: usize, cache: &Cache) -> Node {
    let locks: Vec<String> = cache
        .locks
        .iter()
        .map(|path| format!("'{}'", quoted(path.as_str())))
        .collect();
    let begin = format!("{job}-{at}-${{{{ runner.os }}}}-");
    let key = format!("{begin}${{{{ hashFiles({}) }}}}", locks.join(", "));
    uses(
        "actions/cache",
        [
            ("path".to_owned(), Node::from(cache.folders.join("\n"))),
            ("key".to_owned(), Node::from(key)),
            ("restore-keys".to_owned(), Node::from(begin)),
        ],
    )
}

/// A text between the quotes of an expression.
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

fn run(command: &Command<'_>, is_first: bool) -> Node {
    let mut entries = vec![
        ("id", Node::from(command.id.clone())),
        ("name", text(&command.step.name)),
    ];
    if !is_first {
        entries.push(("if", Node::from(condition(command))));
    }
    if let Some(folder) = &command.step.cwd {
        entries.push(("working-directory", text(folder.as_str())));
    }
    if let Some(minutes) = command.minutes() {
        entries.push(("timeout-minutes", Node::from(minutes)));
    }
    let mut env = command
        .env
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect::<Vec<_>>();
    let place = format!("${{{{ runner.temp }}}}/{REPORTS}/{}.xml", command.id);
    if let Some((name, value)) = report::junit(command.step, &place) {
        env.push((name.to_owned(), Node::from(value)));
    }
    if !env.is_empty() {
        entries.push(("env", map(env)));
    }
    entries.push(("run", Node::from(script(command))));
    map(entries)
}

/// A step follows those that it depends on, whatever became of the others: one run tells of
/// everything that is wrong.
fn condition(command: &Command<'_>) -> String {
    let ready = [READY.to_owned()];
    let needs = if command.needs.is_empty() {
        &ready[..]
    } else {
        &command.needs
    };
    let ended_well = needs
        .iter()
        .map(|id| format!("steps.{id}.outcome == 'success'"));
    let ended_well: Vec<String> = ended_well.collect();
    format!("${{{{ !cancelled() && {} }}}}", ended_well.join(" && "))
}

fn script(command: &Command<'_>) -> String {
    let line = literal(&command.tries(&command.line()));
    if !command.reports() {
        return line;
    }
    let folder = format!("\"$RUNNER_TEMP/{REPORTS}\"");
    let file = format!("\"$RUNNER_TEMP/{REPORTS}/{}.txt\"", command.id);
    format!("mkdir -p {folder}\n{line} 2>&1 | tee {file}")
}

fn upload(job: &Job<'_>) -> Node {
    let own = format!("${{{{ runner.temp }}}}/{REPORTS}");
    let tests = job.commands.iter().filter(|command| command.reports());
    let files = tests.flat_map(|command| report::files(command.step));
    let paths: Vec<String> = [own]
        .into_iter()
        .chain(files.map(|file| literal(&file)))
        .collect();
    let Node::Map(mut entries) = uses(
        "actions/upload-artifact",
        [
            (
                "name".to_owned(),
                Node::from(format!("{REPORTS}-{}", job.id)),
            ),
            ("path".to_owned(), Node::from(paths.join("\n"))),
            ("if-no-files-found".to_owned(), Node::from("ignore")),
            ("retention-days".to_owned(), Node::from(REPORT_DAYS)),
        ],
    ) else {
        return Node::Empty;
    };
    entries.insert(0, ("if".to_owned(), Node::from("always()")));
    Node::Map(entries)
}

fn variables(env: &BTreeMap<String, String>) -> Node {
    map(env.iter().map(|(name, value)| (name.clone(), text(value))))
}

fn text(value: &str) -> Node {
    Node::from(literal(value))
}

/// A text that GitHub takes as it is, although it may look like an expression.
fn literal(text: &str) -> String {
    text.replace("${{", "${{ '${{' }}")
}
