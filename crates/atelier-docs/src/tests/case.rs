//! One case of `fixtures/documents`: a state in a file, a tree in a folder.

#![expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use atelier_model::{
    Approval, Budget, DevPlan, Digest, FileEntry, FileTree, Handoff, Prose, Run, RunId, RunMode,
    RunStatus, Step, Task, TaskId, TaskSource, TaskState, Timestamp, TreePath,
};
use serde::Deserialize;

use crate::{ProjectState, Proof};

/// What a case's `state.json` holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    requirement: String,
    plan: DevPlan,
    handoff: Option<Handoff>,
    prose: Option<Prose>,
    /// States of the steps' tasks by number; a step that is not here has no task.
    #[serde(default)]
    states: BTreeMap<String, TaskState>,
    /// Tasks of people.
    #[serde(default)]
    added: Vec<Added>,
    /// Proofs by the id of the task.
    #[serde(default)]
    proofs: BTreeMap<String, ProofFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    state: TaskState,
    #[serde(default)]
    depends_on: Vec<TaskId>,
    title: String,
    description: String,
    outputs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    tests: u64,
    checks: u64,
    subject: String,
    outputs: Vec<String>,
    #[serde(default)]
    restored: Vec<String>,
}

/// A state that owns what [`ProjectState`] borrows.
pub(super) struct Case {
    pub(super) run: Run,
    pub(super) plan: DevPlan,
    handoff: Option<Handoff>,
    prose: Option<Prose>,
    pub(super) tasks: Vec<Task>,
    proofs: BTreeMap<TaskId, Proof>,
    pub(super) files: FileTree,
}

impl Case {
    pub(super) fn read(folder: &Path) -> Self {
        let text = read(&folder.join("state.json"));
        let state: StateFile = serde_json::from_slice(&text).unwrap();
        let mut tasks: Vec<Task> = state
            .plan
            .steps()
            .filter_map(|step| Some(step_task(step, *state.states.get(&step.number)?)))
            .collect();
        for (index, added) in state.added.into_iter().enumerate() {
            tasks.push(user_task(index + 1, added));
        }
        let proofs = state.proofs.into_iter().map(|(id, proof)| {
            let ProofFile {
                tests,
                checks,
                subject,
                outputs,
                restored,
            } = proof;
            (
                TaskId::from_text(id),
                Proof {
                    tests,
                    checks,
                    subject,
                    outputs,
                    restored,
                },
            )
        });
        Self {
            run: run(&state.requirement),
            plan: state.plan,
            handoff: state.handoff,
            prose: state.prose,
            tasks,
            proofs: proofs.collect(),
            files: files_below(&folder.join("tree")),
        }
    }

    pub(super) fn state(&self) -> ProjectState<'_> {
        ProjectState {
            run: &self.run,
            plan: &self.plan,
            handoff: self.handoff.as_ref(),
            prose: self.prose.as_ref(),
            tasks: &self.tasks,
            proofs: &self.proofs,
            files: &self.files,
        }
    }
}

fn run(requirement: &str) -> Run {
    Run {
        id: RunId::from_text("01J00000000000000000000000"),
        requirement: requirement.to_owned(),
        requirement_digest: Digest::of(requirement),
        mode: RunMode::Build,
        approval: Approval::Never,
        budget: Budget::default(),
        base_branch: None,
        base_commit: None,
        branch: "atelier/01j0".to_owned(),
        trunk: None,
        status: RunStatus::Running,
        exit_code: None,
        reason: String::new(),
        created_at: Timestamp::from_millis(0),
        ended_at: None,
    }
}

fn step_task(step: &Step, state: TaskState) -> Task {
    let id = |number: &String| TaskId::from_text(format!("t{number}"));
    Task {
        id: id(&step.number),
        run: RunId::from_text("01J00000000000000000000000"),
        step: Some(step.number.clone()),
        title: step.title.clone(),
        description: step.description.clone(),
        why: step.why.clone(),
        requirements: step.requirements.clone(),
        depends_on: step.depends_on.iter().map(id).collect(),
        inputs: step.inputs.clone(),
        outputs: step.outputs.clone(),
        owns: step.owns.clone(),
        protected: step.protected.clone(),
        acceptance: step.acceptance.clone(),
        context: step.context.clone(),
        priority: 0,
        source: TaskSource::Plan,
        agent: None,
        round_first: 1,
        attempts: 1,
        state,
        commit: None,
    }
}

fn user_task(number: usize, added: Added) -> Task {
    Task {
        id: TaskId::from_text(format!("u{number}")),
        run: RunId::from_text("01J00000000000000000000000"),
        step: None,
        title: added.title,
        description: added.description,
        why: String::new(),
        requirements: Vec::new(),
        depends_on: added.depends_on,
        inputs: Vec::new(),
        outputs: added.outputs,
        owns: Vec::new(),
        protected: Vec::new(),
        acceptance: Vec::new(),
        context: atelier_model::ContextHints::default(),
        priority: 10,
        source: TaskSource::User,
        agent: None,
        round_first: 1,
        attempts: 0,
        state: added.state,
        commit: None,
    }
}

/// The folders of a fixture kind, in order.
pub(super) fn folders(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(kind);
    let mut all = entries(&root);
    all.retain(|path| path.is_dir());
    all
}

/// The files below a folder as a tree; empty where there is no folder.
pub(super) fn files_below(folder: &Path) -> FileTree {
    let mut tree = FileTree::default();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(entries(&path));
        } else if path.is_file() {
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
            let bytes = read(&path);
            tree.put(
                TreePath::parse(name).unwrap(),
                FileEntry {
                    bytes,
                    executable: false,
                },
            );
        }
    }
    tree
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    all
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Replaces the files below a folder by those of a tree.
pub(super) fn rewrite(folder: &Path, tree: &FileTree) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    for (path, file) in tree.iter() {
        let path = folder.join(path.as_str());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.bytes).unwrap();
    }
}

/// Whether the expected results are to be written anew.
pub(super) fn updating() -> bool {
    std::env::var_os("UPDATE").is_some()
}
