//! `PROGRESS.md`, of the project and of each component that is a folder.

use std::fmt::Write as _;

use atelier_model::{Task, TreePath};

use super::{
    Document, Draft, ProjectState, Rendered, Section, counted, fact, folder_name, paths,
    proof_words, task_name,
};
use crate::{
    markdown::{cell, code, titled, words},
    state::{Folder, Standing},
};

pub(super) struct Progress;

impl Document for Progress {
    fn kind(&self) -> &'static str {
        "progress"
    }

    fn drafts(&self, state: &ProjectState<'_>, _: &[Rendered]) -> Vec<Draft> {
        let all: Vec<&Task> = state.tasks.iter().collect();
        let sections = vec![
            Section::new("summary", summary(&all)),
            Section::new("tasks", titled(2, "Tasks", &table(state, &all))),
            Section::new(
                "requirements",
                titled(2, "Requirements", &requirements(state)),
            ),
            Section::new("done", titled(2, "What was done", &done(state, &all))),
        ];
        vec![Draft {
            path: "PROGRESS.md".to_owned(),
            title: "Progress".to_owned(),
            about: "Which tasks are done, what proves it, and what is open.".to_owned(),
            sections,
        }]
    }
}

pub(super) struct ComponentProgress;

impl Document for ComponentProgress {
    fn kind(&self) -> &'static str {
        "component-progress"
    }

    fn drafts(&self, state: &ProjectState<'_>, _: &[Rendered]) -> Vec<Draft> {
        state
            .folders()
            .iter()
            .map(|folder| draft(state, folder))
            .collect()
    }
}

fn draft(state: &ProjectState<'_>, folder: &Folder<'_>) -> Draft {
    let within = |path: &String| {
        TreePath::parse(path).is_ok_and(|path| path.is_within(folder.path.as_str()))
    };
    let wrote = |task: &&Task| {
        let proved = state
            .proof(task)
            .map_or(&[][..], |proof| proof.outputs.as_slice());
        task.outputs.iter().chain(proved).any(within)
    };
    let here: Vec<&Task> = state.tasks.iter().filter(wrote).collect();
    let names: Vec<&str> = folder
        .components
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    Draft {
        path: format!("{}/PROGRESS.md", folder.path),
        title: format!("Progress of {}", folder_name(folder.path.as_str())),
        about: format!("The tasks that create or change {}.", names.join(", ")),
        sections: vec![
            Section::new("summary", summary(&here)),
            Section::new("tasks", titled(2, "Tasks", &table(state, &here))),
            Section::new("done", titled(2, "What was done", &done(state, &here))),
        ],
    }
}

fn summary(tasks: &[&Task]) -> String {
    let count = |wanted: Standing| {
        tasks
            .iter()
            .filter(|task| Standing::of(task.state) == wanted)
            .count()
    };
    let mut text = format!("{} of {} tasks done", count(Standing::Done), tasks.len());
    for other in [
        Standing::NeedsPerson,
        Standing::Failed,
        Standing::Cancelled,
        Standing::Skipped,
        Standing::Waived,
    ] {
        match count(other) {
            0 => {}
            number => _ = write!(text, ", {number} {}", other.word()),
        }
    }
    text.push_str(".\n");
    text
}

fn table(state: &ProjectState<'_>, tasks: &[&Task]) -> String {
    if tasks.is_empty() {
        return String::new();
    }
    let mut text = String::from("| Task | Title | State | Proof |\n| --- | --- | --- | --- |\n");
    for task in tasks {
        let number = task.step.as_deref().unwrap_or(task.id.as_str());
        let number = code(number).replace('|', "\\|");
        let title = cell(&task.title, state.files);
        let word = Standing::of(task.state).word();
        let proof = proof_words(state, task);
        _ = writeln!(text, "| {number} | {title} | {word} | {proof} |");
    }
    text
}

/// Each requirement with the steps that prove it. It is proven when all of them are done.
fn requirements(state: &ProjectState<'_>) -> String {
    let items = &state.plan.design.requirements;
    if items.is_empty() {
        return String::new();
    }
    let mut text =
        String::from("| Requirement | Text | Steps | State |\n| --- | --- | --- | --- |\n");
    for item in items {
        let steps = state.proving(item);
        let done = steps
            .iter()
            .filter(|step| state.standing(step) == Standing::Done)
            .count();
        let word = match (steps.len(), done) {
            (0, _) => "nothing proves it".to_owned(),
            (all, done) if all == done => "proven".to_owned(),
            (all, done) => format!("{done} of {all} steps done"),
        };
        let numbers: Vec<&str> = steps.iter().map(|step| step.number.as_str()).collect();
        let (id, words) = (cell(&item.id, state.files), cell(&item.text, state.files));
        let numbers = cell(&numbers.join(", "), state.files);
        _ = writeln!(text, "| {id} | {words} | {numbers} | {word} |");
    }
    text
}

fn done(state: &ProjectState<'_>, tasks: &[&Task]) -> String {
    let mut text = String::new();
    for task in tasks {
        let Some(proof) = state.proof(task) else {
            continue;
        };
        let files = state.files;
        _ = writeln!(text, "### {}\n", task_name(task, files));
        text.push_str(&fact("Commit", &words(&proof.subject, files)));
        text.push_str(&fact("Wrote", &paths(&proof.outputs, files)));
        text.push_str(&fact("Proof", &proof_words(state, task)));
        let restored: Vec<String> = proof.restored.iter().map(|one| words(one, files)).collect();
        if !restored.is_empty() {
            let count = counted(restored.len() as u64, "protected file");
            text.push_str(&fact(
                &format!("Put back before the checks, {count}"),
                &restored.join("; "),
            ));
        }
        text.push('\n');
    }
    text
}
