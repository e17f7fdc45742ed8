//! Build steps: the commands of a project, derived from its recipe and its tree.

use std::collections::BTreeSet;

use atelier_model::{BuildStep, Tool, TreePath};

use crate::{
    folder::Findings,
    recipe::{Recipe, StepRule},
};

/// The steps of a recipe in a folder: of each name the first rule whose conditions hold.
pub(crate) fn steps(
    recipe: &Recipe,
    findings: &Findings<'_>,
    folder: Option<&TreePath>,
    label: &str,
) -> Vec<BuildStep> {
    let mut steps: Vec<BuildStep> = Vec::new();
    for rule in &recipe.steps {
        let name = rule.step_name(label);
        if steps.iter().all(|step| step.name != name) && findings.hold(&rule.when) {
            steps.push(step(recipe, rule, findings, folder, label));
        }
    }
    keep_known_dependencies(&mut steps);
    steps.sort_by_key(|step| step.kind);
    steps
}

/// A rule may name steps that this project does not have, such as an installation that it does not
/// need.
fn keep_known_dependencies(steps: &mut [BuildStep]) {
    let names: BTreeSet<String> = steps.iter().map(|step| step.name.clone()).collect();
    for step in steps {
        step.depends_on.retain(|name| names.contains(name));
    }
}

fn step(
    recipe: &Recipe,
    rule: &StepRule,
    findings: &Findings<'_>,
    folder: Option<&TreePath>,
    label: &str,
) -> BuildStep {
    let name = rule.step_name(label);
    let mut argv = rule.argv.clone();
    let mut env = recipe.env.clone();
    env.extend(rule.env.clone());
    let mut report_files = rule.report_files.clone();
    for addition in &rule.add {
        if findings.hold(&addition.when) {
            argv.extend(addition.argv.iter().cloned());
            argv.extend(findings.files(&addition.files, addition.containing.as_ref()));
            env.extend(addition.env.clone());
            report_files.extend(addition.report_files.iter().cloned());
        }
    }
    let argv: Vec<String> = argv.iter().map(|text| findings.fill(text)).collect();
    let script = rule.shell.as_ref().map(|script| findings.fill(script));
    let needed = argv.first().into_iter().chain(&rule.tools);
    let tools = needed
        .filter_map(|program| recipe.tools.get_key_value(program))
        .map(|(program, hint)| Tool {
            program: program.clone(),
            hint: hint.clone(),
            version_args: recipe.versions.get(program).cloned().unwrap_or_default(),
        })
        .collect();
    let plain = match script {
        Some(script) => BuildStep::script(name, rule.kind, script),
        None => BuildStep::new(name, rule.kind, argv),
    };
    let depends_on = rule.depends_on.iter().map(|other| label.to_owned() + other);
    BuildStep {
        tools,
        cwd: folder.cloned(),
        env,
        env_pass: rule.env_pass.clone(),
        inputs: rule.inputs.clone(),
        outputs: rule.outputs.clone(),
        marks: rule.marks.clone(),
        depends_on: depends_on.collect(),
        network: rule.reach(),
        sandbox: rule.sandbox,
        timeout_ms: rule.timeout_ms,
        idle_timeout_ms: rule.idle_timeout_ms,
        cpu: rule.cpu.unwrap_or(plain.cpu),
        memory_bytes: rule.memory_bytes,
        tokens: rule.tokens.clone(),
        retries: rule.retries,
        cacheable: rule.cacheable.unwrap_or(plain.cacheable),
        report: rule.report,
        report_files,
        ..plain
    }
}
