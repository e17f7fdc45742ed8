//! Who wrote a line: a person, or a task with its requirement, prompt, model and price.

use std::collections::BTreeMap;

use atelier_exec::{Git, GitError};
use atelier_model::{Run, RunId, Task, TaskId};
use atelier_store::{Store, StoreError};
use serde::Serialize;

use super::TraceError;
use crate::replay::trailer;

/// Who made a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Author {
    /// The commit.
    pub commit: String,
    /// Its subject line.
    pub subject: String,
    /// The person whose name it has, where no run made it.
    pub person: Option<String>,
    /// The run that made it.
    pub run: Option<String>,
    /// The requirement of the run, where the state is here.
    pub requirement: Option<String>,
    /// The task it brings.
    pub task: Option<String>,
    /// The title of the task.
    pub title: Option<String>,
    /// The requirements that the task serves.
    pub serves: Vec<String>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// Digest of what it was asked with.
    pub prompt: Option<String>,
    /// Digest of its reply.
    pub reply: Option<String>,
    /// Digest of what was shown of it.
    pub evidence: Option<String>,
    /// What it cost.
    pub cost: Option<String>,
}

/// Who made each of these commits. The state adds what it knows.
pub async fn authors<'a>(
    git: &Git,
    commits: impl IntoIterator<Item = &'a str>,
    store: Option<&Store>,
) -> Result<BTreeMap<String, Author>, TraceError> {
    let mut found = BTreeMap::new();
    let mut runs = BTreeMap::new();
    for commit in commits {
        if found.contains_key(commit) {
            continue;
        }
        let mut author = author(git, commit)?;
        if let (Some(store), Some(run)) = (store, author.run.clone()) {
            if !runs.contains_key(&run) {
                runs.insert(run.clone(), known(store, &run).await?);
            }
            if let Some(Some((run, tasks))) = runs.get(&run) {
                author.join(run, tasks);
            }
        }
        found.insert(commit.to_owned(), author);
    }
    Ok(found)
}

/// What a commit says of itself.
fn author(git: &Git, commit: &str) -> Result<Author, GitError> {
    let entry = git.log(commit, 1)?.into_iter().next();
    let message = entry.as_ref().map_or("", |entry| entry.message.as_str());
    let said = |name: &str| trailer(message, &format!("Atelier-{name}"));
    let run = said("Run");
    let person = entry.as_ref().map(|entry| entry.author.clone());
    Ok(Author {
        commit: commit.to_owned(),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        person: person.filter(|_| run.is_none()),
        run,
        requirement: None,
        task: said("Task"),
        title: None,
        serves: Vec::new(),
        model: said("Model"),
        prompt: said("Prompt"),
        reply: said("Reply"),
        evidence: said("Evidence"),
        cost: said("Cost"),
    })
}

/// A run with its tasks; `None` where the state does not know it.
async fn known(store: &Store, run: &str) -> Result<Option<(Run, Vec<Task>)>, StoreError> {
    let id = RunId::from_text(run);
    let found = store.run_find(run).await?;
    let Some(run) = found.into_iter().find(|one| one.id == id) else {
        return Ok(None);
    };
    let tasks = store.task_list(&run.id).await?;
    Ok(Some((run, tasks)))
}

impl Author {
    fn join(&mut self, run: &Run, tasks: &[Task]) {
        self.requirement = Some(run.requirement.clone());
        let id = self.task.as_deref().map(TaskId::from_text);
        if let Some(task) = tasks.iter().find(|task| Some(&task.id) == id.as_ref()) {
            self.title = Some(task.title.clone());
            self.serves.clone_from(&task.requirements);
        }
    }
}
