//! The plan is judged before anything runs, without a model.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{
    Acceptance, Check, DevPlan, FileTree, GraphError, Limits, Step, TaskGraph, TaskId, TreePath,
};

/// One thing that is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The phase that can mend it; `None` where the plan as a whole is at fault.
    pub phase: Option<u32>,
    /// What is wrong and what would be right, worded for the one who must mend it.
    pub text: String,
}

/// Everything that is wrong with a plan; empty when it can be executed.
///
/// `files` is the project as it stands before the first step.
pub fn lint(plan: &DevPlan, files: &FileTree, limits: &Limits) -> Vec<Problem> {
    let mut found = executable(plan, files, limits);
    let phases = plan.phases.len();
    if phases > limits.phases_max {
        let most = limits.phases_max;
        let text = format!("the plan has {phases} phases; at most {most}");
        found.push(Problem { phase: None, text });
    }
    requirements(plan, &mut found);
    tests(plan, files, &mut found);
    for phase in &plan.phases {
        for step in &phase.steps {
            complete(step, &mut |text| {
                found.push(Problem {
                    phase: Some(phase.outline.number),
                    text,
                });
            });
        }
    }
    found
}

/// Everything that keeps a plan of another tool from being executed. Its steps may name no output and
/// no check: the project's build and tests are then their proof. It may have any number of phases:
/// nobody is asked for each of them.
pub fn executable(plan: &DevPlan, files: &FileTree, limits: &Limits) -> Vec<Problem> {
    let mut found = Vec::new();
    sizes(plan, limits, &mut found);
    if plan.steps().count() > limits.steps_max {
        return found;
    }
    numbers(plan, &mut found);
    for phase in &plan.phases {
        for step in &phase.steps {
            let mut say = |text: String| {
                found.push(Problem {
                    phase: Some(phase.outline.number),
                    text,
                });
            };
            step_alone(step, &mut say);
        }
    }
    match graph(plan) {
        Ok(graph) => {
            inputs(plan, files, &graph, &mut found);
            owners(plan, &graph, &mut found);
        }
        Err(error) => found.push(Problem {
            phase: phase_of(&error),
            text: graph_text(&error),
        }),
    }
    found
}

fn id(number: &str) -> TaskId {
    TaskId::from_text(number)
}

fn graph(plan: &DevPlan) -> Result<TaskGraph, GraphError> {
    TaskGraph::from_edges(plan.steps().map(|step| {
        (
            id(&step.number),
            step.depends_on.iter().map(|need| id(need)).collect(),
        )
    }))
}

fn phase_of(error: &GraphError) -> Option<u32> {
    let number = match error {
        GraphError::Unknown { task, .. } => task.as_str(),
        GraphError::Cycle(tasks) => tasks.first()?.as_str(),
    };
    number.split('.').next()?.parse().ok()
}

fn graph_text(error: &GraphError) -> String {
    match error {
        GraphError::Unknown { task, needs } => format!(
            "step {task} depends on step {needs}, which does not exist: name an existing step or \
             leave it out"
        ),
        GraphError::Cycle(tasks) => {
            let list: Vec<_> = tasks.iter().map(TaskId::as_str).collect();
            format!(
                "steps {} depend on each other in a circle: remove one of the dependencies",
                list.join(", ")
            )
        }
    }
}

fn sizes(plan: &DevPlan, limits: &Limits, found: &mut Vec<Problem>) {
    let mut whole = |text: String| found.push(Problem { phase: None, text });
    if plan.phases.is_empty() {
        whole("the plan has no phase".to_owned());
    }
    let steps = plan.steps().count();
    if steps > limits.steps_max {
        whole(format!(
            "the plan has {steps} steps; at most {}",
            limits.steps_max
        ));
    }
    for phase in plan.phases.iter().filter(|phase| phase.steps.is_empty()) {
        let number = phase.outline.number;
        found.push(Problem {
            phase: Some(number),
            text: format!("phase {number} has no step: give it at least one"),
        });
    }
}

/// Phases and steps are told apart by their numbers.
fn numbers(plan: &DevPlan, found: &mut Vec<Problem>) {
    let (mut phases, mut steps) = (BTreeSet::new(), BTreeSet::new());
    for phase in &plan.phases {
        let number = phase.outline.number;
        let mut say = |what: String| {
            found.push(Problem {
                phase: Some(number),
                text: format!("{what} stands twice: give each its own number"),
            });
        };
        if !phases.insert(number) {
            say(format!("phase {number}"));
        }
        for step in &phase.steps {
            if !steps.insert(step.number.as_str()) {
                say(format!("step {}", step.number));
            }
        }
    }
}

/// Each requirement is proved by at least one acceptance.
fn requirements(plan: &DevPlan, found: &mut Vec<Problem>) {
    let proved: BTreeSet<&str> = plan.steps().flat_map(proved_by).collect();
    let known: BTreeSet<&str> = plan
        .design
        .requirements
        .iter()
        .map(|item| item.id.as_str())
        .collect();
    if known.is_empty() {
        found.push(Problem {
            phase: None,
            text: "the design names no requirement".to_owned(),
        });
    }
    for item in plan
        .design
        .requirements
        .iter()
        .filter(|item| !proved.contains(item.id.as_str()))
    {
        let serves = |phase: &&atelier_model::Phase| phase.outline.requirements.contains(&item.id);
        let phase = plan.phases.iter().rfind(serves).or(plan.phases.last());
        found.push(Problem {
            phase: phase.map(|phase| phase.outline.number),
            text: format!(
                "no acceptance proves requirement {} ({}): add one that names it in \
                 `requirements`",
                item.id, item.text
            ),
        });
    }
    for step in plan.steps() {
        for unknown in proved_by(step).filter(|name| !known.contains(name)) {
            found.push(Problem {
                phase: step
                    .number
                    .split('.')
                    .next()
                    .and_then(|phase| phase.parse().ok()),
                text: format!(
                    "step {} names requirement {unknown}, which the design does not have",
                    step.number
                ),
            });
        }
    }
}

/// The requirements a step's acceptances prove: those each names, else those of the step.
fn proved_by(step: &Step) -> impl Iterator<Item = &str> {
    step.acceptance.iter().flat_map(|acceptance| {
        let own = &acceptance.requirements;
        if own.is_empty() {
            &step.requirements
        } else {
            own
        }
        .iter()
        .map(String::as_str)
    })
}

/// Whether a step names what it makes and how that is proved.
fn complete(step: &Step, say: &mut impl FnMut(String)) {
    let number = &step.number;
    if step.outputs.is_empty() {
        say(format!(
            "step {number} names no output: list the paths it creates or changes"
        ));
    }
    if step.acceptance.is_empty() {
        say(format!(
            "step {number} has no acceptance: add one with a runnable check"
        ));
    }
}

fn step_alone(step: &Step, say: &mut impl FnMut(String)) {
    let number = &step.number;
    if step.title.trim().is_empty() {
        say(format!("step {number} has no title"));
    }
    for path in step.outputs.iter().chain(&step.owns) {
        if let Err(error) = TreePath::parse(path) {
            say(format!(
                "step {number} cannot {error}; name files or folders, no globs"
            ));
        }
    }
    let mut ids = BTreeSet::new();
    for acceptance in &step.acceptance {
        let label = format!("{number}/{}", acceptance.id);
        if !ids.insert(acceptance.id.as_str()) {
            say(format!(
                "acceptance {label} stands twice: give each its own id"
            ));
        }
        check_alone(&label, acceptance, say);
    }
}

fn check_alone(label: &str, acceptance: &Acceptance, say: &mut impl FnMut(String)) {
    match &acceptance.check {
        Check::Command { argv, cwd } => {
            argv_alone(label, argv, say);
            if let Some(cwd) = cwd
                .as_ref()
                .filter(|cwd| !matches!(cwd.as_str(), "" | "." | "./"))
            {
                path_alone(label, cwd, say);
            }
        }
        Check::Http { start, path, .. } => {
            argv_alone(label, start, say);
            if !path.starts_with('/') {
                say(format!(
                    "{label}: the request path `{path}` must begin with `/`"
                ));
            }
        }
        Check::File { path, .. } => path_alone(label, path, say),
        Check::Regex { path, pattern } => {
            path_alone(label, path, say);
            regex_alone(label, pattern, say);
            if regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match("")) {
                say(format!(
                    "{label}: the expression `{pattern}` matches an empty file: it proves nothing"
                ));
            }
        }
        Check::Human { question } if question.trim().is_empty() => {
            say(format!("{label}: a human check needs a question"));
        }
        Check::Human { .. } => {}
    }
    if let Some(pattern) = &acceptance.expect.output {
        regex_alone(label, pattern, say);
    }
}

/// Programs that prove nothing.
const IDLE: [&str; 6] = ["true", ":", "echo", "printf", "sleep", "yes"];

fn argv_alone(label: &str, argv: &[String], say: &mut impl FnMut(String)) {
    let Some(program) = argv.first().filter(|program| !program.trim().is_empty()) else {
        say(format!("{label}: the command is empty"));
        return;
    };
    let operators = ["&&", "||", "|", ";", ">", "<"];
    let name = program.rsplit('/').next().unwrap_or(program);
    if IDLE.contains(&name) {
        say(format!(
            "{label}: `{name}` succeeds whatever the project does: run something that can fail"
        ));
    } else if program.contains(' ') {
        say(format!(
            "{label}: `{program}` must be split into program and arguments; there is no shell"
        ));
    } else if argv.iter().any(|word| operators.contains(&word.as_str())) {
        say(format!(
            "{label}: there is no shell: use one plain command, or one check each"
        ));
    }
}

fn path_alone(label: &str, path: &str, say: &mut impl FnMut(String)) {
    if let Err(error) = TreePath::parse(path) {
        say(format!("{label} cannot {error}"));
    }
}

fn regex_alone(label: &str, pattern: &str, say: &mut impl FnMut(String)) {
    if let Err(error) = regex::Regex::new(pattern) {
        let line = error
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .trim()
            .to_owned();
        say(format!(
            "{label}: the expression `{pattern}` does not compile: {line}"
        ));
    }
}

/// A run is verified only once a test was executed, so a plan for a project that has none speaks of
/// them somewhere: known before the work is paid for.
fn tests(plan: &DevPlan, files: &FileTree, found: &mut Vec<Problem>) {
    let is_one = |text: &str| {
        let text = text.to_lowercase();
        text.contains("test") || text.contains("spec")
    };
    let speaks = |step: &Step| {
        let words = [&step.title, &step.description];
        let paths = step.outputs.iter().chain(&step.owns);
        let all = paths.chain(words).map(String::as_str).any(is_one);
        all || step.acceptance.iter().any(|one| {
            let counted = one.expect.tests_min.is_some_and(|least| least > 0);
            counted || is_one(&one.text) || is_one(&one.how())
        })
    };
    let last = plan.phases.iter().rfind(|phase| !phase.steps.is_empty());
    let Some(last) = last else { return };
    if files.paths().any(|path| is_one(path.as_str())) || plan.steps().any(speaks) {
        return;
    }
    found.push(Problem {
        phase: Some(last.outline.number),
        text:
            "no step writes or runs a test, and a run is verified only once a test was executed: \
               let a step write tests, and a criterion run them"
                .to_owned(),
    });
}

/// Each input is in the project or is the output of a step that comes before.
fn inputs(plan: &DevPlan, files: &FileTree, graph: &TaskGraph, found: &mut Vec<Problem>) {
    let outputs: BTreeMap<&str, &[String]> = plan
        .steps()
        .map(|step| (step.number.as_str(), step.outputs.as_slice()))
        .collect();
    for phase in &plan.phases {
        for step in &phase.steps {
            let own = id(&step.number);
            for input in &step.inputs {
                let there = files.paths().any(|path| path.is_within(input));
                let made = || {
                    outputs.iter().any(|(number, made)| {
                        made.iter().any(|output| touches(output, input))
                            && graph.depends(&own, &id(number))
                    })
                };
                if !there && !made() {
                    found.push(Problem {
                        phase: Some(phase.outline.number),
                        text: format!(
                            "step {} reads `{input}`, which neither exists nor is made by a step \
                             it depends on",
                            step.number
                        ),
                    });
                }
            }
        }
    }
}

/// Two steps that may run at once own no common path.
fn owners(plan: &DevPlan, graph: &TaskGraph, found: &mut Vec<Problem>) {
    let steps: Vec<&Step> = plan.steps().collect();
    for (index, one) in steps.iter().enumerate() {
        for two in &steps[index + 1..] {
            let common = one
                .owns
                .iter()
                .find(|own| two.owns.iter().any(|two| touches(own, two)));
            let (a, b) = (id(&one.number), id(&two.number));
            let ordered = || graph.depends(&a, &b) || graph.depends(&b, &a);
            if let Some(path) = common.filter(|_| !ordered()) {
                found.push(Problem {
                    phase: two
                        .number
                        .split('.')
                        .next()
                        .and_then(|phase| phase.parse().ok()),
                    text: format!(
                        "steps {} and {} may run at the same time and both own `{path}`: let one \
                         depend on the other or give them different files",
                        one.number, two.number
                    ),
                });
            }
        }
    }
}

/// Whether two paths are the same or one lies in the other.
fn touches(one: &str, two: &str) -> bool {
    let (Ok(one), Ok(two)) = (TreePath::parse(one), TreePath::parse(two)) else {
        return false;
    };
    one.is_within(two.as_str()) || two.is_within(one.as_str())
}

#[cfg(test)]
mod tests;
