//! A plan of ours in the forms of other tools.

use std::{collections::BTreeSet, fmt::Write as _};

use atelier_model::{DevPlan, Step};
use serde_json::{Value, json};

use crate::{Files, Format, own};

/// What is exported.
#[derive(Debug, Clone, Copy)]
pub struct Exported<'a> {
    /// The run the plan belongs to.
    pub run: Option<&'a str>,
    /// What is asked for as a whole.
    pub requirement: &'a str,
    /// The plan.
    pub plan: &'a DevPlan,
    /// Numbers of the steps that are done.
    pub done: &'a BTreeSet<String>,
}

/// Writes a plan. What a form has no place for is told in words there.
pub fn export(format: Format, exported: &Exported<'_>) -> Files {
    let one = |name: &str, text: String| Files::from([(name.to_owned(), text)]);
    match format {
        Format::Atelier => one(
            "plan.toml",
            own::write(exported.run, exported.requirement, exported.plan),
        ),
        Format::SpecKit => spec_kit(exported),
        Format::TaskMaster => one("tasks.json", pretty(&task_master(exported))),
        Format::GitHub => one("issues.json", pretty(&github(exported))),
        Format::Markdown => one("plan.md", markdown(exported)),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The acceptance in words, one line each.
fn accepted(step: &Step) -> Vec<String> {
    let line =
        |one: &atelier_model::Acceptance| format!("{}: {} ({})", one.id, one.text, one.how());
    step.acceptance.iter().map(line).collect()
}

fn markdown(exported: &Exported<'_>) -> String {
    let plan = exported.plan;
    let mut text = format!(
        "# Plan of {}\n\n{}\n",
        plan.design.name,
        plan.summary.trim()
    );
    for item in &plan.design.requirements {
        _ = write!(text, "\n- {}: {}", item.id, item.text);
    }
    text.push('\n');
    for phase in &plan.phases {
        let outline = &phase.outline;
        _ = write!(
            text,
            "\n## {}. {}\n\n{}\n",
            outline.number, outline.title, outline.description
        );
        for step in &phase.steps {
            _ = write!(
                text,
                "\n### {} {} {}\n\n",
                mark(exported, step),
                step.number,
                step.title
            );
            _ = writeln!(text, "{}\n", step.description.trim());
            told(&mut text, "Depends on", &step.depends_on);
            told(&mut text, "Files", &step.outputs);
            for line in accepted(step) {
                _ = writeln!(text, "- Accept {line}");
            }
        }
    }
    text
}

fn told(text: &mut String, word: &str, list: &[String]) {
    if !list.is_empty() {
        _ = writeln!(text, "- {word}: {}", list.join(", "));
    }
}

fn mark(exported: &Exported<'_>, step: &Step) -> &'static str {
    if exported.done.contains(&step.number) {
        "[x]"
    } else {
        "[ ]"
    }
}

/// Steps by one number each, as other tools have them: the place in their phase where that tells
/// them apart, since texts that came from such a tool name each other by it; else counted from one.
fn counted(plan: &DevPlan) -> Vec<(u64, &Step)> {
    let place = |step: &Step| step.number.rsplit('.').next()?.parse().ok();
    let places: Option<Vec<u64>> = plan.steps().map(place).collect();
    let apart = |places: &Vec<u64>| places.iter().collect::<BTreeSet<_>>().len() == places.len();
    match places.filter(apart) {
        Some(places) => places.into_iter().zip(plan.steps()).collect(),
        None => (1..).zip(plan.steps()).collect(),
    }
}

fn place(steps: &[(u64, &Step)], number: &str) -> Option<u64> {
    let found = steps.iter().find(|(_, step)| step.number == number);
    found.map(|(count, _)| *count)
}

fn task_master(exported: &Exported<'_>) -> Value {
    let steps = counted(exported.plan);
    let task = |(count, step): &(u64, &Step)| {
        let needs: Vec<u64> = step
            .depends_on
            .iter()
            .filter_map(|need| place(&steps, need))
            .collect();
        let done = exported.done.contains(&step.number);
        json!({
            "id": count, "title": step.title, "description": step.why,
            "details": detailed(step), "testStrategy": accepted(step).join("\n"),
            "status": if done { "done" } else { "pending" }, "priority": "medium",
            "dependencies": needs, "subtasks": [],
        })
    };
    let tasks: Vec<Value> = steps.iter().map(task).collect();
    json!({"master": {
        "tasks": tasks,
        "metadata": {"description": exported.requirement},
    }})
}

/// The description with the number of the step and the files it writes.
fn detailed(step: &Step) -> String {
    let mut text = format!("{}\n\nStep {}.", step.description.trim(), step.number);
    if !step.outputs.is_empty() {
        _ = write!(text, " Files: {}", step.outputs.join(", "));
    }
    text.trim().to_owned()
}

fn github(exported: &Exported<'_>) -> Value {
    let steps = counted(exported.plan);
    let title_of = |step: &Step| -> String {
        let mut phases = exported.plan.phases.iter();
        let phase = phases.find(|phase| phase.steps.iter().any(|one| one.number == step.number));
        phase
            .map(|phase| phase.outline.title.clone())
            .unwrap_or_default()
    };
    let issue = |(count, step): &(u64, &Step)| {
        let needs = step
            .depends_on
            .iter()
            .filter_map(|need| place(&steps, need));
        let needs: Vec<String> = needs.map(|need| format!("#{need}")).collect();
        let mut body = detailed(step);
        if !needs.is_empty() {
            _ = write!(body, "\n\nDepends on {}", needs.join(", "));
        }
        for line in accepted(step) {
            _ = write!(body, "\n- [ ] {line}");
        }
        let done = exported.done.contains(&step.number);
        json!({
            "number": count, "title": step.title, "body": body, "labels": [],
            "state": if done { "CLOSED" } else { "OPEN" },
            "milestone": {"title": title_of(step)},
        })
    };
    Value::Array(steps.iter().map(issue).collect())
}

fn spec_kit(exported: &Exported<'_>) -> Files {
    let plan = exported.plan;
    let name = &plan.design.name;
    let mut spec = format!(
        "# Feature Specification: {name}\n\n{}\n",
        exported.requirement.trim()
    );
    spec.push_str("\n## Requirements\n\n### Functional Requirements\n\n");
    for (count, item) in (1..).zip(&plan.design.requirements) {
        _ = writeln!(spec, "- **FR-{count:03}**: {} ({})", item.text, item.id);
    }
    let stack = &plan.design.technology_stack;
    let technical = format!(
        "# Implementation Plan: {name}\n\n## Summary\n\n{}\n\n## Technical Context\n\n\
         **Language/Version**: {}\n**Primary Dependencies**: {}\n**Testing**: {}\n\n{}\n",
        plan.summary.trim(),
        stack.language,
        plan.design.dependencies.join(", "),
        stack.testing,
        plan.design.architecture_overview.trim(),
    );
    Files::from([
        ("spec.md".to_owned(), spec),
        ("plan.md".to_owned(), technical),
        ("tasks.md".to_owned(), spec_tasks(exported)),
    ])
}

fn spec_tasks(exported: &Exported<'_>) -> String {
    let plan = exported.plan;
    let steps = counted(plan);
    let mut text = format!("# Tasks: {}\n", plan.design.name);
    for phase in &plan.phases {
        let outline = &phase.outline;
        _ = write!(text, "\n## Phase {}: {}\n\n", outline.number, outline.title);
        _ = write!(text, "**Goal**: {}\n\n", outline.description.trim());
        for step in &phase.steps {
            let count = place(&steps, &step.number).unwrap_or_default();
            let done = if exported.done.contains(&step.number) {
                "X"
            } else {
                " "
            };
            let files = step.outputs.join(", ");
            let files = if files.is_empty() {
                files
            } else {
                format!(" in {files}")
            };
            _ = writeln!(text, "- [{done}] T{count:03} {}{files}", step.title);
            let needs = step
                .depends_on
                .iter()
                .filter_map(|need| place(&steps, need));
            let needs: Vec<String> = needs.map(|need| format!("T{need:03}")).collect();
            let description = step.description.lines().map(str::to_owned);
            let mut lines: Vec<String> =
                description.filter(|line| !line.trim().is_empty()).collect();
            if !needs.is_empty() {
                lines.push(format!("Depends on {}", needs.join(", ")));
            }
            lines.extend(accepted(step));
            for line in lines {
                _ = writeln!(text, "  - {line}");
            }
        }
    }
    text
}
