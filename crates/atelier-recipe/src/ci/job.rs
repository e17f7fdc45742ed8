//! Jobs: steps that belong together, in their order, with what has to be set up for them.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{BuildStep, FileTree, StepKind, TreePath};

use super::toolchain::{Setup, table};

/// Minutes that the steps of a job without a limit of their own may take together.
const MINUTES: u64 = 30;
/// Minutes that a job may take at most: no machine of GitHub's runs one longer.
const MINUTES_MAX: u64 = 360;
/// Milliseconds of a minute.
const MINUTE_MS: u64 = 60_000;
/// The job of the project at the root.
const ROOT: &str = "check";
/// Words that mean something else at the top of GitLab's file.
const RESERVED: [&str; 15] = [
    "after_script",
    "before_script",
    "cache",
    "default",
    "false",
    "image",
    "include",
    "nil",
    "pages",
    "services",
    "spec",
    "stages",
    "true",
    "variables",
    "workflow",
];

/// The steps of one project, or of several that need each other.
#[derive(Debug)]
pub(super) struct Job<'a> {
    /// Its name in a file: letters, digits, `-` and `_`.
    pub(super) id: String,
    pub(super) commands: Vec<Command<'a>>,
    pub(super) setups: Vec<Setup>,
    /// Minutes after which it is ended.
    pub(super) minutes: u64,
    /// Variables that all of its steps have.
    pub(super) env: BTreeMap<String, String>,
}

/// One step of a job.
#[derive(Debug)]
pub(super) struct Command<'a> {
    pub(super) step: &'a BuildStep,
    /// Its name in a file, unique in its job.
    pub(super) id: String,
    /// The steps of the job that must have ended well before it, by their names in the file.
    pub(super) needs: Vec<String>,
    /// Variables that not all steps of the job have.
    pub(super) env: BTreeMap<String, String>,
}

impl Command<'_> {
    /// The words as a shell takes them.
    pub(super) fn line(&self) -> String {
        shell_words::join(&self.step.argv)
    }

    /// A line that tries it as often as it may fail.
    pub(super) fn tries(&self, line: &str) -> String {
        if self.step.retries == 0 {
            return line.to_owned();
        }
        let tries = (0..=self.step.retries).map(|_| line);
        format!("{{ {}; }}", tries.collect::<Vec<_>>().join(" || "))
    }

    /// Minutes after which it is ended, where it says.
    pub(super) fn minutes(&self) -> Option<u64> {
        let minutes = self.step.timeout_ms?.div_ceil(MINUTE_MS);
        Some(minutes.clamp(1, MINUTES_MAX))
    }

    /// Whether it tells how tests ended.
    pub(super) fn reports(&self) -> bool {
        self.step.kind == StepKind::Test
    }
}

/// The jobs of these steps. Steps of one project are one job, and so are projects whose steps
/// depend on each other: a job begins with nothing but what is committed.
pub(super) fn jobs<'a>(steps: &'a [BuildStep], tree: &FileTree) -> Vec<Job<'a>> {
    let steps: Vec<&BuildStep> = steps
        .iter()
        .filter(|step| step.kind != StepKind::Run)
        .collect();
    let mut ids = BTreeSet::new();
    let jobs = groups(&steps).into_iter().map(|(label, group)| {
        let id = unique(&word(&label, ROOT), &mut ids);
        job(id, &in_order(group), tree)
    });
    jobs.collect()
}

/// What stands before the names of a project's steps.
fn label(step: &BuildStep) -> &str {
    step.name.rsplit_once(':').map_or("", |(label, _)| label)
}

/// Steps by the first label of what they belong to, in the order they came in.
fn groups<'a>(steps: &[&'a BuildStep]) -> Vec<(String, Vec<&'a BuildStep>)> {
    let labels: BTreeMap<&str, &str> = steps
        .iter()
        .map(|step| (step.name.as_str(), label(step)))
        .collect();
    let mut groups: Vec<(BTreeSet<&str>, Vec<&BuildStep>)> = Vec::new();
    for step in steps {
        let needed = step.depends_on.iter();
        let needed = needed.filter_map(|name| labels.get(name.as_str()).copied());
        let mut own: BTreeSet<&str> = needed.chain([label(step)]).collect();
        let mut members = Vec::new();
        let mut place = groups.len();
        let mut at = 0;
        while at < groups.len() {
            if groups[at].0.is_disjoint(&own) {
                at += 1;
                continue;
            }
            let (labels, steps) = groups.remove(at);
            own.extend(labels);
            members.extend(steps);
            place = place.min(at);
            at = 0;
        }
        members.push(*step);
        groups.insert(place.min(groups.len()), (own, members));
    }
    let named = |(_, steps): (BTreeSet<&str>, Vec<&'a BuildStep>)| {
        let label = steps.first().map_or("", |step| label(step));
        (label.to_owned(), steps)
    };
    groups.into_iter().map(named).collect()
}

/// Each step after those that it depends on, else as they came.
fn in_order(mut waiting: Vec<&BuildStep>) -> Vec<&BuildStep> {
    let mut done: Vec<&BuildStep> = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |step: &&BuildStep| {
            let waits = |name: &String| waiting.iter().any(|other| other.name == *name);
            !step.depends_on.iter().any(waits)
        };
        // Steps in a ring cannot be ordered; whoever hands them in has refused them before.
        let next = waiting.iter().position(is_ready).unwrap_or(0);
        done.push(waiting.remove(next));
    }
    done
}

fn job<'a>(id: String, steps: &[&'a BuildStep], tree: &FileTree) -> Job<'a> {
    let env = common(steps);
    let mut ids = BTreeSet::from([super::github::READY.to_owned()]);
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    let mut commands = Vec::new();
    for step in steps {
        let name = step
            .name
            .rsplit_once(':')
            .map_or(&*step.name, |(_, name)| name);
        let id = unique(&word(name, "step"), &mut ids);
        let needs = step.depends_on.iter();
        let needs = needs.filter_map(|name| known.get(name.as_str()).cloned());
        commands.push(Command {
            step,
            needs: needs.collect(),
            env: step
                .env
                .iter()
                .filter(|(name, _)| !env.contains_key(*name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            id: id.clone(),
        });
        known.insert(&step.name, id);
    }
    let folder: Option<&TreePath> = steps.first().and_then(|step| step.cwd.as_ref());
    let limited = commands.iter().filter_map(Command::minutes).sum::<u64>();
    Job {
        id,
        setups: table().setups(&programs(steps), tree, folder),
        minutes: (MINUTES + limited).min(MINUTES_MAX),
        env,
        commands,
    }
}

/// Variables that every step has with the same value.
fn common(steps: &[&BuildStep]) -> BTreeMap<String, String> {
    let mut env = steps
        .first()
        .map(|step| step.env.clone())
        .unwrap_or_default();
    env.retain(|name, value| steps.iter().all(|step| step.env.get(name) == Some(value)));
    env
}

/// The programs that the steps use, by their names without folders.
fn programs(steps: &[&BuildStep]) -> BTreeSet<String> {
    let of = |step: &&BuildStep| {
        let needed = step.tools.iter().map(|tool| tool.program.as_str());
        let own = step.argv.first().map(String::as_str);
        let names = needed.chain(own).map(file_name).map(str::to_owned);
        names.collect::<Vec<_>>()
    };
    steps.iter().flat_map(of).collect()
}

fn file_name(program: &str) -> &str {
    program.rsplit_once('/').map_or(program, |(_, name)| name)
}

/// A text as a word that both forges take as a name.
fn word(text: &str, instead: &str) -> String {
    let allowed = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let signs = text
        .chars()
        .map(|sign| if allowed(sign) { sign } else { '-' });
    let word: String = signs.collect();
    let word = word.trim_matches('-');
    if word.is_empty() {
        instead.to_owned()
    } else if word.starts_with(|sign: char| sign.is_ascii_digit()) || RESERVED.contains(&word) {
        format!("{instead}-{word}")
    } else {
        word.to_owned()
    }
}

fn unique(word: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = word.to_owned();
    let mut count = 1;
    while !taken.insert(name.to_ascii_lowercase()) {
        count += 1;
        name = format!("{word}-{count}");
    }
    name
}
