//! What the documents are rendered from.

use std::collections::BTreeMap;

use atelier_model::{
    Component, DevPlan, FileTree, Handoff, Prose, RequirementItem, Run, Step, Task, TaskId,
    TaskState, TreePath,
};

use crate::codex::FOLDER;

/// What the verification of one finished task showed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// Tests that were executed.
    pub tests: u64,
    /// Checks that passed.
    pub checks: u64,
    /// Subject line of the task's commit.
    pub subject: String,
    /// Paths the task wrote.
    pub outputs: Vec<String>,
    /// Protected files that were put back before the checks ran, one line each.
    pub restored: Vec<String>,
}

/// Everything that decides what the documents say.
#[derive(Debug, Clone, Copy)]
pub struct ProjectState<'a> {
    /// The run. Only its requirement is read: its id, times and money never reach a document.
    pub run: &'a Run,
    /// The plan.
    pub plan: &'a DevPlan,
    /// The handoff, once there is one.
    pub handoff: Option<&'a Handoff>,
    /// Prose of the docs stage, once there is some.
    pub prose: Option<&'a Prose>,
    /// The tasks in the order they were added.
    pub tasks: &'a [Task],
    /// Proofs of the tasks that are done.
    pub proofs: &'a BTreeMap<TaskId, Proof>,
    /// The tree the documents will stand in, with the documents that are already there.
    pub files: &'a FileTree,
}

/// Where a task stands, as far as a reader needs to know.
///
/// The states between `pending` and `merging` are one word here: a document must not depend on
/// the moment within a task at which it was rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Done,
    Open,
    NeedsPerson,
    Failed,
    Cancelled,
    Skipped,
    Waived,
}

impl Standing {
    pub(crate) fn of(state: TaskState) -> Self {
        match state {
            TaskState::Done => Self::Done,
            TaskState::Pending
            | TaskState::Ready
            | TaskState::Running
            | TaskState::Verifying
            | TaskState::Merging => Self::Open,
            TaskState::Blocked => Self::NeedsPerson,
            TaskState::Failed => Self::Failed,
            TaskState::Cancelled => Self::Cancelled,
            TaskState::Skipped => Self::Skipped,
            TaskState::Waived => Self::Waived,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Open => "open",
            Self::NeedsPerson => "needs a person",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Waived => "waived",
        }
    }
}

const ROOT_DOCUMENTS: [&str; 4] = [
    "docs/DESIGN.md",
    "docs/DEVPLAN.md",
    "docs/INDEX.md",
    "HANDOFF.md",
];
const COMPONENT_DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "PROGRESS.md"];

/// Whether a path is that of a document, whoever wrote it.
///
/// Lists of files leave documents out: otherwise writing them would change what they say.
pub(crate) fn is_document(path: &TreePath) -> bool {
    let (whole, name) = (path.as_str(), path.name());
    path.is_within(FOLDER)
        || ROOT_DOCUMENTS
            .iter()
            .any(|known| whole.eq_ignore_ascii_case(known))
        || COMPONENT_DOCUMENTS
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
}

/// A component of the design with the folder it owns in the tree.
#[derive(Debug, Clone)]
pub(crate) struct Folder<'a> {
    pub(crate) path: TreePath,
    pub(crate) components: Vec<&'a Component>,
}

impl<'a> ProjectState<'a> {
    pub(crate) fn task_of(&self, step: &Step) -> Option<&'a Task> {
        let number = Some(step.number.as_str());
        self.tasks
            .iter()
            .find(|task| task.step.as_deref() == number)
    }

    /// How a step stands; open while it has no task.
    pub(crate) fn standing(&self, step: &Step) -> Standing {
        self.task_of(step)
            .map_or(Standing::Open, |task| Standing::of(task.state))
    }

    /// Tasks that no step of the plan became.
    pub(crate) fn added(&self) -> impl Iterator<Item = &'a Task> {
        self.tasks.iter().filter(|task| task.step.is_none())
    }

    pub(crate) fn done_count(&self) -> usize {
        let done = |task: &&Task| task.state == TaskState::Done;
        self.tasks.iter().filter(done).count()
    }

    /// The proof of a task that is done.
    pub(crate) fn proof(&self, task: &Task) -> Option<&'a Proof> {
        (task.state == TaskState::Done)
            .then(|| self.proofs.get(&task.id))
            .flatten()
    }

    /// The folders of the design's components that hold files of the project, in path order.
    pub(crate) fn folders(&self) -> Vec<Folder<'a>> {
        let mut folders: BTreeMap<TreePath, Vec<&Component>> = BTreeMap::new();
        for component in &self.plan.design.components {
            if let Ok(path) = TreePath::parse(&component.path)
                && self.files_in(&path).next().is_some()
            {
                folders.entry(path).or_default().push(component);
            }
        }
        folders
            .into_iter()
            .map(|(path, components)| Folder { path, components })
            .collect()
    }

    /// The files below a folder in path order, documents left out.
    pub(crate) fn files_in(&self, folder: &TreePath) -> impl Iterator<Item = &'a TreePath> {
        let folder = folder.clone();
        self.files
            .paths()
            .filter(move |path| **path != folder && path.is_within(folder.as_str()))
            .filter(|path| !is_document(path))
    }

    /// The steps that have an acceptance for a requirement. An acceptance that names none serves
    /// those of its step.
    pub(crate) fn proving(&self, item: &RequirementItem) -> Vec<&'a Step> {
        let proves = |step: &&Step| {
            step.acceptance.iter().any(|acceptance| {
                let named = &acceptance.requirements;
                let served = if named.is_empty() {
                    &step.requirements
                } else {
                    named
                };
                served.contains(&item.id)
            })
        };
        self.plan.steps().filter(proves).collect()
    }
}
