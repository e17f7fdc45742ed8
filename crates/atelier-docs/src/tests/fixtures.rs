//! Every folder of `fixtures/documents`: a state and a tree in, documents or a refusal out.

use std::collections::BTreeSet;

use atelier_model::{FileEntry, FileTree, TaskState};
use proptest::prelude::*;

use super::case::{Case, files_below, folders, rewrite, updating};
use crate::{ProjectState, Rendered, citations, render};

/// Documents as a tree, or the refusal as its only file.
fn rendered(state: &ProjectState<'_>) -> FileTree {
    match render(state) {
        Ok(documents) => documents.iter().map(file).collect(),
        Err(error) => super::tree(&[("refused.txt", &format!("failed to {error}\n"))]),
    }
}

fn file(document: &Rendered) -> (atelier_model::TreePath, FileEntry) {
    (document.path.clone(), FileEntry::text(&document.text))
}

#[test]
fn every_case_renders_as_expected() {
    let all = folders("documents");
    assert!(all.len() >= 7, "only {} cases", all.len());
    for folder in all {
        let found = rendered(&Case::read(&folder).state());
        let expected = folder.join("expected");
        if updating() {
            rewrite(&expected, &found);
        }
        let name = folder.file_name().unwrap().to_str().unwrap();
        check_same(name, &files_below(&expected), &found);
    }
}

fn check_same(case: &str, expected: &FileTree, found: &FileTree) {
    let paths = |tree: &FileTree| tree.paths().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(paths(expected), paths(found), "{case}");
    for (path, file) in found.iter() {
        let text = |file: &FileEntry| String::from_utf8_lossy(&file.bytes).into_owned();
        let expected = text(expected.get(path).unwrap());
        assert_eq!(expected, text(file), "{case}: {path}; UPDATE=1 rewrites it");
    }
}

/// The cases that are not refused, with their documents.
fn accepted() -> Vec<(Case, Vec<Rendered>)> {
    folders("documents")
        .iter()
        .map(|folder| Case::read(folder))
        .filter_map(|case| {
            render(&case.state())
                .ok()
                .map(|documents| (case, documents))
        })
        .collect()
}

#[test]
fn rendering_again_over_the_documents_changes_nothing() {
    for (mut case, documents) in accepted() {
        for document in &documents {
            let (path, entry) = file(document);
            case.files.put(path, entry);
        }
        assert_eq!(render(&case.state()).unwrap(), documents);
    }
}

#[test]
fn the_run_and_the_moment_do_not_reach_a_document() {
    for (mut case, documents) in accepted() {
        case.run.id = atelier_model::RunId::from_text("01J11111111111111111111111");
        case.run.created_at = atelier_model::Timestamp::from_millis(1_700_000_000_000);
        case.run.trunk = Some("0123456789abcdef".to_owned());
        for task in &mut case.tasks {
            task.attempts += 1;
            task.commit = Some("0123456789abcdef".to_owned());
            if task.state == TaskState::Pending {
                task.state = TaskState::Verifying;
            }
        }
        assert_eq!(render(&case.state()).unwrap(), documents);
    }
}

#[test]
fn every_citation_in_a_section_resolves() {
    let mut cited = 0;
    for (case, documents) in accepted() {
        for document in &documents {
            let sections = managed_text(&document.text);
            cited += citations::resolve(&sections, &case.files).unwrap().len();
        }
    }
    assert!(cited > 20, "only {cited} citations");
}

/// What stands between markers.
fn managed_text(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.starts_with("<!-- atelier:") {
            inside = line.contains("atelier:begin");
        } else if inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[test]
fn a_step_is_shown_as_done_only_when_its_task_is() {
    for (case, documents) in accepted() {
        let plan = documents
            .iter()
            .find(|document| document.kind == "devplan")
            .unwrap();
        let shown = plan.text.matches("- State: done\n").count()
            + plan.text.matches("- State: done\r\n").count();
        let done = case
            .tasks
            .iter()
            .filter(|task| task.state == TaskState::Done)
            .count();
        assert_eq!(shown, done);
    }
}

#[test]
fn every_diagram_is_well_formed() {
    let charts: usize = accepted()
        .iter()
        .map(|(_, documents)| check_charts(documents))
        .sum();
    assert!(charts >= 8, "only {charts} diagrams");
}

/// Checks every diagram of some documents; how many there are.
fn check_charts(documents: &[Rendered]) -> usize {
    let mut charts = 0;
    for document in documents {
        let text = document.text.replace("\r\n", "\n");
        for chart in text.split("```mermaid\n").skip(1) {
            check_chart(chart.split("```").next().unwrap());
            charts += 1;
        }
    }
    charts
}

#[test]
fn every_kind_has_a_name_of_its_own_and_documents_in_some_case() {
    let names: BTreeSet<&str> = crate::DOCUMENTS.iter().map(|kind| kind.kind()).collect();
    assert_eq!(names.len(), crate::DOCUMENTS.len());
    let seen: BTreeSet<&str> = accepted()
        .iter()
        .flat_map(|(_, documents)| documents.iter().map(|document| document.kind))
        .collect();
    assert_eq!(seen, names);
}

/// Replaces every text of a value by the next of `texts`; tags of enums stay.
fn replace_texts(value: &mut serde_json::Value, texts: &mut impl Iterator<Item = String>) {
    match value {
        serde_json::Value::String(text) => *text = texts.next().unwrap(),
        serde_json::Value::Array(items) => {
            for item in items {
                replace_texts(item, texts);
            }
        }
        serde_json::Value::Object(fields) => {
            for (_, field) in fields.iter_mut().filter(|(name, _)| *name != "type") {
                replace_texts(field, texts);
            }
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_a_plan_says_the_documents_keep_their_form(
        texts in prop::collection::vec(super::markdown::hostile(), 1..40),
    ) {
        let folders = folders("documents");
        let base = folders.iter().find(|folder| folder.ends_with("all-done")).unwrap();
        let mut case = Case::read(base);
        let mut plan = serde_json::to_value(&case.plan).unwrap();
        replace_texts(&mut plan, &mut texts.iter().cloned().cycle());
        case.plan = serde_json::from_value(plan).unwrap();
        for (task, text) in case.tasks.iter_mut().zip(texts.iter().cycle()) {
            task.title.clone_from(text);
            task.description.clone_from(text);
            task.outputs = vec![text.clone(), "src/main.rs".to_owned()];
        }
        let documents = render(&case.state()).unwrap();
        check_charts(&documents);
        for document in &documents {
            let sections = managed_text(&document.text);
            prop_assert!(citations::resolve(&sections, &case.files).is_ok(), "{}", sections);
            let (path, entry) = file(document);
            case.files.put(path, entry);
        }
        prop_assert_eq!(render(&case.state()).unwrap(), documents);
    }
}

fn check_chart(chart: &str) {
    let mut lines = chart.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    let mut ids = BTreeSet::new();
    for line in lines {
        let line = line.trim();
        if let Some((from, to)) = line.split_once(" --> ") {
            assert!(
                ids.contains(from) && ids.contains(to) && from != to,
                "{line}"
            );
        } else {
            let (id, label) = line.split_once("[\"").unwrap();
            let label = label.strip_suffix("\"]").unwrap();
            assert!(ids.insert(id.to_owned()), "{line}");
            assert!(!label.is_empty(), "{line}");
            let plain = |c: char| c.is_alphanumeric() || " ,/_-.#;…".contains(c);
            assert!(label.chars().all(plain), "{line}");
        }
    }
    assert!(!ids.is_empty());
}
