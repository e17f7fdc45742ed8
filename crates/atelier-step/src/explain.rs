//! Why a step was executed, or was not: what its descriptor and its outputs differ in.

use std::collections::BTreeMap;

use atelier_model::{Digest, Timestamp, TreePath};
use serde::{Deserialize, Serialize};

use crate::{Descriptor, InputChange};

mod words;

/// Further reasons that are told after the first.
const FURTHER_MAX: usize = 20;
/// Characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 60;
/// Characters before the first difference that are shown, where a long value differs late.
const LEAD_CHARS: usize = 20;
/// Stands for the value of a variable that nobody wrote down.
const HIDDEN: &str = "hidden";

/// How something with a name came to differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// It was not there.
    Added {
        /// What it says now.
        to: String,
    },
    /// It is there no longer.
    Removed {
        /// What it said.
        from: String,
    },
    /// It says something else.
    Changed {
        /// What it said.
        from: String,
        /// What it says now.
        to: String,
    },
}

/// What is wrong with an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputFault {
    /// It is gone.
    Missing,
    /// It is not as the step made it.
    Tampered,
}

/// What the cache holds under a step's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// A result that can be used.
    #[default]
    Good,
    /// Nothing any more.
    Evicted,
    /// A result that is not what was stored.
    Corrupt,
    /// A failure.
    Failed,
    /// A result that came only on another try.
    Flaky,
}

/// What is found beside the descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Whether a person asked for it to be executed.
    pub forced: bool,
    /// Whether its result may never be used again.
    pub uncached: bool,
    /// Outputs that do not stand as they were made.
    pub outputs: BTreeMap<String, OutputFault>,
    /// What the cache holds under its key.
    pub kept: Kept,
    /// The variables of every step, by the digests of their values, at its last execution and now.
    pub surroundings: [BTreeMap<String, Digest>; 2],
}

/// What the recipe says of a step beside its command and environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipeField {
    /// The folder it runs in.
    Folder,
    /// What it is to make.
    Outputs,
    /// How tightly it is confined.
    Sandbox,
    /// How far it may reach.
    Network,
    /// What it depends on.
    Dependencies,
}

/// Why a step had to be executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reason {
    /// A person asked for it.
    Forced,
    /// It was never executed before.
    NeverRun,
    /// Its result may never be used again.
    Uncached,
    /// Its command is another one.
    Command {
        /// As it was.
        from: String,
        /// As it is.
        to: String,
    },
    /// The recipe says something else of it.
    Recipe {
        /// Of what.
        field: RecipeField,
        /// As it was, and as it is.
        change: Change,
    },
    /// A variable has another value.
    Environment {
        /// Its name.
        name: String,
        /// How.
        change: Change,
    },
    /// Variables of every step have other values.
    Surroundings,
    /// A program is another one.
    Tool {
        /// Its name.
        name: String,
        /// How.
        change: Change,
    },
    /// It runs on another system.
    Platform {
        /// As it was.
        from: String,
        /// As it is.
        to: String,
    },
    /// Keys are made in another way since.
    Version,
    /// A file that it reads differs.
    Input {
        /// The file.
        path: String,
        /// How.
        change: InputChange,
    },
    /// A step before it made something else.
    Dependency {
        /// The step.
        step: String,
        /// The file in which that shows, where it is one that the step reads.
        path: Option<String>,
    },
    /// Something it made is not there as it was made.
    Output {
        /// The file.
        path: String,
        /// What is wrong.
        fault: OutputFault,
    },
    /// Its result was removed from the cache to make room.
    CacheEvicted,
    /// Its result in the cache was damaged.
    CacheCorrupt,
    /// It failed the last time.
    FailedBefore,
    /// It ended well the last time only after it had failed, which is no proof.
    FlakyBefore,
    /// Nothing differs that is known.
    Unknown,
}

/// Why a step was not executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Spared {
    /// Everything is as it was when it was last executed, and its result stands.
    UpToDate {
        /// When that was.
        since: Timestamp,
    },
    /// Nothing of its own has changed, and the steps before it made what they made before.
    CutOff {
        /// Those of them that were executed in this run.
        executed: Vec<String>,
    },
    /// What it makes was made before from the same, and was brought back.
    Restored {
        /// When it was made.
        made: Timestamp,
    },
    /// Another machine has executed it, from the same.
    Shared {
        /// When that was.
        made: Timestamp,
    },
}

/// The reason for an execution, and what else differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What decided it.
    pub reason: Reason,
    /// Other differences, as far as they are told.
    pub further: Vec<Reason>,
    /// How many more there are.
    pub untold: usize,
}

/// Why a step is executed now, by what differs from its last execution.
///
/// `producer` names the step that makes a path, if one does.
pub fn explain(
    previous: Option<&Descriptor>,
    now: &Descriptor,
    findings: &Findings,
    producer: impl Fn(&str) -> Option<String>,
) -> Explanation {
    let mut told = Told::default();
    if findings.forced {
        told.add(Reason::Forced);
    }
    match previous {
        None => told.add(Reason::NeverRun),
        Some(previous) => {
            command(previous, now, &mut told);
            recipe(previous, now, &mut told);
            surroundings(previous, now, findings, &mut told);
            inputs(previous, now, &producer, &mut told);
            dependencies(previous, now, &mut told);
        }
    }
    if findings.uncached {
        told.add(Reason::Uncached);
    }
    for (path, fault) in &findings.outputs {
        told.add(Reason::Output {
            path: path.clone(),
            fault: *fault,
        });
    }
    match findings.kept {
        Kept::Good => {}
        Kept::Evicted => told.add(Reason::CacheEvicted),
        Kept::Corrupt => told.add(Reason::CacheCorrupt),
        Kept::Failed => told.add(Reason::FailedBefore),
        Kept::Flaky => told.add(Reason::FlakyBefore),
    }
    Explanation {
        reason: told.first.unwrap_or(Reason::Unknown),
        further: told.further,
        untold: told.untold,
    }
}

/// Reasons in the order in which they are found: the first is the one that decides.
#[derive(Default)]
struct Told {
    first: Option<Reason>,
    further: Vec<Reason>,
    untold: usize,
}

impl Told {
    fn add(&mut self, reason: Reason) {
        if self.first.is_none() {
            self.first = Some(reason);
        } else if self.further.len() < FURTHER_MAX {
            self.further.push(reason);
        } else {
            self.untold += 1;
        }
    }
}

fn command(previous: &Descriptor, now: &Descriptor, told: &mut Told) {
    if previous.argv != now.argv {
        let (from, to) = difference(&previous.argv.join(" "), &now.argv.join(" "));
        told.add(Reason::Command { from, to });
    }
}

fn recipe(previous: &Descriptor, now: &Descriptor, told: &mut Told) {
    let mut field = |field, from: String, to: String| {
        if from != to {
            let (from, to) = difference(&from, &to);
            let change = Change::Changed { from, to };
            told.add(Reason::Recipe { field, change });
        }
    };
    let folder = |one: &Descriptor| one.cwd.as_ref().map_or("", TreePath::as_str).to_owned();
    field(RecipeField::Folder, folder(previous), folder(now));
    let word = |one: &Descriptor| one.sandbox.as_str().to_owned();
    field(RecipeField::Sandbox, word(previous), word(now));
    let word = |one: &Descriptor| one.network.as_str().to_owned();
    field(RecipeField::Network, word(previous), word(now));
    let patterns = |one: &Descriptor| one.outputs.iter().map(|path| (path.clone(), ())).collect();
    for (path, change) in changes(&patterns(previous), &patterns(now), |()| String::new()) {
        let change = match change {
            Change::Removed { .. } => Change::Removed { from: path },
            Change::Added { .. } | Change::Changed { .. } => Change::Added { to: path },
        };
        told.add(Reason::Recipe {
            field: RecipeField::Outputs,
            change,
        });
    }
}

fn surroundings(previous: &Descriptor, now: &Descriptor, findings: &Findings, told: &mut Told) {
    if previous.surroundings != now.surroundings {
        let [before, after] = &findings.surroundings;
        let named = changes(before, after, |_| HIDDEN.to_owned());
        if named.is_empty() {
            told.add(Reason::Surroundings);
        }
        for (name, change) in named {
            told.add(Reason::Environment { name, change });
        }
    }
    for (name, change) in changes(&previous.env, &now.env, Clone::clone) {
        told.add(Reason::Environment { name, change });
    }
    let set = |one: &Descriptor| -> BTreeMap<String, Digest> {
        let pairs = one.env_pass.iter();
        pairs
            .filter_map(|(name, value)| Some((name.clone(), (*value)?)))
            .collect()
    };
    for (name, change) in changes(&set(previous), &set(now), |_| HIDDEN.to_owned()) {
        told.add(Reason::Environment { name, change });
    }
    for (name, change) in changes(&previous.tools, &now.tools, Clone::clone) {
        told.add(Reason::Tool { name, change });
    }
    if previous.platform != now.platform {
        told.add(Reason::Platform {
            from: previous.platform.clone(),
            to: now.platform.clone(),
        });
    }
    if previous.version != now.version {
        told.add(Reason::Version);
    }
}

fn inputs(
    previous: &Descriptor,
    now: &Descriptor,
    producer: &impl Fn(&str) -> Option<String>,
    told: &mut Told,
) {
    for (path, change) in previous.inputs.changes_to(&now.inputs) {
        let path = path.to_owned();
        told.add(match producer(&path) {
            Some(step) => Reason::Dependency {
                step,
                path: Some(path),
            },
            None => Reason::Input { path, change },
        });
    }
}

fn dependencies(previous: &Descriptor, now: &Descriptor, told: &mut Told) {
    for (step, change) in changes(&previous.dependencies, &now.dependencies, |made| {
        made.short()
    }) {
        told.add(match change {
            Change::Changed { .. } => Reason::Dependency { step, path: None },
            Change::Added { .. } => Reason::Recipe {
                field: RecipeField::Dependencies,
                change: Change::Added { to: step },
            },
            Change::Removed { .. } => Reason::Recipe {
                field: RecipeField::Dependencies,
                change: Change::Removed { from: step },
            },
        });
    }
}

/// What differs between two maps, by name, in order.
fn changes<V: PartialEq>(
    before: &BTreeMap<String, V>,
    after: &BTreeMap<String, V>,
    text: impl Fn(&V) -> String,
) -> Vec<(String, Change)> {
    let show = |value: &V| shown(&text(value));
    let mut found = BTreeMap::new();
    for (name, from) in before {
        let change = match after.get(name) {
            Some(to) if to == from => continue,
            Some(to) => {
                let (from, to) = difference(&text(from), &text(to));
                Change::Changed { from, to }
            }
            None => Change::Removed { from: show(from) },
        };
        found.insert(name.clone(), change);
    }
    for (name, to) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        found.insert(name.clone(), Change::Added { to: show(to) });
    }
    found.into_iter().collect()
}

/// Two values where they begin to differ.
fn difference(from: &str, to: &str) -> (String, String) {
    let same = from
        .chars()
        .zip(to.chars())
        .take_while(|(a, b)| a == b)
        .count();
    if same < SHOWN_CHARS_MAX / 2 {
        return (shown(from), shown(to));
    }
    let late = |text: &str| -> String {
        let rest: String = text.chars().skip(same - LEAD_CHARS).collect();
        format!("…{}", shown(&rest))
    };
    (late(from), late(to))
}

/// The beginning of a value, safe to print.
fn shown(text: &str) -> String {
    let visible = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    let mut start: String = text.chars().take(SHOWN_CHARS_MAX).map(visible).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests;
