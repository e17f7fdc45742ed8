//! Whole answers, stage by stage, as the pipeline asks for them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use atelier_model::{
    Ask, BasicPlan, Check, Design, DetailedPhase, DevPlan, Digest, Handoff, Phase, Prose, RunId,
    Stage, Step,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{ScaffoldError, answer};

const TODO: &str = "Build a Rust command-line tool called `todo-list`.\n\n\
    - Add a task with a due date\n- List open tasks, the most urgent first.\n";

fn ask(stage: Stage, facts: Value) -> Result<String, ScaffoldError> {
    answer(&Ask {
        stage,
        run: RunId::from_text("run"),
        task: None,
        messages: Vec::new(),
        schema: None,
        template: stage.name().to_owned(),
        template_version: Digest::of(b""),
        attempt: 1,
        facts,
    })
}

fn artifact<T: DeserializeOwned>(stage: Stage, facts: Value) -> T {
    let reply = ask(stage, facts).unwrap();
    let json = reply.strip_prefix("```json\n").unwrap();
    serde_json::from_str(json.strip_suffix("\n```\n").unwrap()).unwrap()
}

fn design(requirement: &str, files: &[&str]) -> Design {
    artifact(
        Stage::Design,
        json!({"requirement": requirement, "files": files}),
    )
}

/// The whole plan, as the stages would put it together.
fn plan(requirement: &str, files: &[&str]) -> DevPlan {
    let design = design(requirement, files);
    let outline: BasicPlan = artifact(
        Stage::Plan,
        json!({"requirement": requirement, "files": files, "design": design}),
    );
    let phases = outline
        .phases
        .iter()
        .map(|phase| {
            let detailed: DetailedPhase = artifact(
                Stage::Detail,
                json!({"requirement": requirement, "files": files, "design": design, "plan": outline,
                    "phase": phase.number}),
            );
            Phase {
                outline: phase.clone(),
                steps: detailed.steps,
            }
        })
        .collect();
    DevPlan {
        design,
        summary: outline.summary,
        phases,
    }
}

fn code(requirement: &str, plan: &DevPlan, step: &Step) -> Result<String, ScaffoldError> {
    ask(
        Stage::Code,
        json!({"requirement": requirement, "design": plan.design, "step": step, "files": [], "attempt": 1}),
    )
}

/// The files a reply writes: each path with the lines of its fence.
fn written(reply: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut lines = reply.lines();
    while let Some(line) = lines.next() {
        let Some(path) = line.strip_prefix("### File: `") else {
            continue;
        };
        let opening = lines.next().unwrap();
        let fence: String = opening.chars().take_while(|c| *c == '`').collect();
        let content: Vec<&str> = lines.by_ref().take_while(|line| *line != fence).collect();
        let path = path.strip_suffix('`').unwrap().to_owned();
        files.push((path, content.join("\n") + "\n"));
    }
    files
}

#[test]
fn every_requirement_is_proved_by_a_check_that_runs() {
    let requirements = [
        TODO,
        "A Python library for geometry",
        "An HTTP API in Go",
        "A landing page",
    ];
    for (requirement, files) in requirements
        .iter()
        .flat_map(|r| [(r, vec![]), (r, vec!["a.c"])])
    {
        let plan = plan(requirement, &files);
        let stated: BTreeSet<_> = plan.design.requirements.iter().map(|r| &r.id).collect();
        let proved: BTreeSet<_> = plan
            .steps()
            .flat_map(|step| &step.acceptance)
            .filter(|criterion| !matches!(criterion.check, Check::Human { .. }))
            .flat_map(|criterion| &criterion.requirements)
            .collect();
        assert_eq!(stated, proved, "{requirement}");
    }
}

#[test]
fn a_step_depends_on_earlier_steps_and_owns_what_no_other_owns() {
    let plan = plan(TODO, &[]);
    let mut seen = BTreeSet::new();
    let mut owned = BTreeSet::new();
    for step in plan.steps() {
        assert!(step.depends_on.iter().all(|number| seen.contains(number)));
        assert!(!step.outputs.is_empty() && !step.acceptance.is_empty());
        assert!(step.owns.iter().all(|path| owned.insert(path.clone())));
        seen.insert(step.number.clone());
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn each_step_writes_exactly_its_outputs() {
    let plan = plan(TODO, &[]);
    for step in plan.steps() {
        let reply = code(TODO, &plan, step).unwrap();
        let head = format!("# EXECUTE TASK {}: {}\n", step.number, step.title);
        assert!(reply.starts_with(&head), "{reply}");
        let paths: Vec<_> = written(&reply).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, step.outputs);
    }
}

#[test]
fn every_file_check_holds_for_what_the_steps_write() {
    let plan = plan(TODO, &[]);
    let files: Vec<_> = plan
        .steps()
        .flat_map(|step| written(&code(TODO, &plan, step).unwrap()))
        .collect();
    let mut held = 0;
    for criterion in plan.steps().flat_map(|step| &step.acceptance) {
        let Check::File { path, contains } = &criterion.check else {
            continue;
        };
        let (_, content) = files.iter().find(|(written, _)| written == path).unwrap();
        assert!(
            content.contains(contains.as_deref().unwrap_or_default()),
            "{criterion:?}"
        );
        held += 1;
    }
    assert_eq!(held, 6);
}

#[test]
fn features_are_recorded_word_for_word() {
    let plan = plan(TODO, &[]);
    let last = plan.steps().last().unwrap();
    let reply = code(TODO, &plan, last).unwrap();
    let (path, content) = written(&reply).pop().unwrap();
    assert_eq!(path, "PROPOSED-TASKS.md");
    assert!(content.contains("\n## 1. Add a task with a due date\n"));
    assert!(content.contains("\n> List open tasks, the most urgent first.\n"));
    assert!(content.contains("\n> - Add a task with a due date\n"));
}

#[test]
fn a_project_with_sources_gets_proposals_and_nothing_else() {
    let plan = plan(TODO, &["src/main.c", "PROPOSED-TASKS.md"]);
    let steps: Vec<_> = plan.steps().collect();
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].outputs, ["PROPOSED-TASKS-2.md"]);
    assert!(plan.design.summary.contains("nothing is changed"));
    let files = written(&code(TODO, &plan, steps[0]).unwrap());
    assert_eq!(files.len(), 1);
}

#[test]
fn files_that_are_there_stay_as_they_are() {
    let there = ["README.md", ".gitignore", "LICENSE", "atelier.toml"];
    let plan = plan(TODO, &there);
    let outputs: Vec<_> = plan.steps().flat_map(|step| &step.outputs).collect();
    assert!(outputs.iter().any(|path| *path == "Cargo.toml"));
    assert!(
        there
            .iter()
            .all(|path| !outputs.iter().any(|output| output == path))
    );
    let said =
        "These files are there already and stay as they are: .gitignore, LICENSE, README.md.";
    assert!(
        plan.design
            .challenges
            .iter()
            .any(|challenge| challenge == said)
    );
}

#[test]
fn a_hygiene_that_is_all_there_needs_no_step_of_its_own() {
    let there = ["README.md", "LICENSE", ".github/workflows/ci.yml"];
    let plan = plan(TODO, &there);
    let numbers: Vec<_> = plan.steps().map(|step| step.number.as_str()).collect();
    assert_eq!(numbers, ["1.1", "2.1"]);
    assert!(plan.steps().all(|step| !step.outputs.is_empty()));
}

#[test]
fn a_step_beyond_the_skeleton_needs_a_model() {
    let plan = plan(TODO, &[]);
    let mut step = plan.phases[0].steps[0].clone();
    step.outputs.push("src/feature.rs".to_owned());
    let error = code(TODO, &plan, &step).unwrap_err();
    assert!(matches!(error, ScaffoldError::NeedsModel { .. }), "{error}");
    step.outputs.clear();
    let error = code(TODO, &plan, &step).unwrap_err();
    assert!(matches!(error, ScaffoldError::NeedsModel { .. }), "{error}");
}

#[test]
fn handoff_and_prose_say_that_the_features_are_not_written() {
    let plan = plan(TODO, &[]);
    let facts = json!({"requirement": TODO, "design": plan.design, "plan": plan});
    let handoff: Handoff = artifact(Stage::Handoff, facts);
    assert_eq!(handoff.how_to_run.len(), 3);
    assert!(handoff.risks[0].contains("not written yet"));
    let facts = json!({"requirement": TODO, "design": plan.design, "files": ["Cargo.toml"]});
    let prose: Prose = artifact(Stage::Docs, facts);
    assert!(prose.overview.contains("PROPOSED-TASKS.md"));
    assert!(prose.usage.contains("cargo test"));
    assert_eq!(prose.components.len(), 2);
}

#[test]
fn the_same_ask_gets_the_same_bytes() {
    let facts = || json!({"requirement": TODO, "files": []});
    assert_eq!(
        ask(Stage::Design, facts()).unwrap(),
        ask(Stage::Design, facts()).unwrap()
    );
}

#[test]
fn facts_of_another_form_are_refused() {
    let error = ask(Stage::Plan, json!({"requirement": TODO})).unwrap_err();
    assert_eq!(error.to_string(), "read the facts of the plan stage");
}
