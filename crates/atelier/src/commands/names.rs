//! Names of tasks, runs and documents, for completion.

use crate::{app::Place, cli::Global, cli_error::CliError, ui::plain};

/// Runs that are offered.
const RUNS_MAX: u32 = 20;

/// What can be named in a project, each with a word on what it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    /// Tasks of the newest run, with their titles.
    pub(super) tasks: Vec<(String, String)>,
    /// Runs, newest first, with the first line of their requirement.
    pub(super) runs: Vec<(String, String)>,
    /// Documents, with their kinds.
    pub(super) documents: Vec<(String, String)>,
}

impl Lists {
    /// Reads what there is now.
    pub(super) async fn read(global: &Global) -> Result<Self, CliError> {
        let store = Place::find(global)?.store().await?;
        let runs = store.run_list(RUNS_MAX).await?;
        let tasks = match runs.first() {
            Some(run) => store.task_list(&run.id).await?,
            None => Vec::new(),
        };
        let documents = store.document_list().await?;
        let first = |text: &str| plain(text.lines().next().unwrap_or_default());
        Ok(Self {
            tasks: tasks
                .iter()
                .map(|one| (one.id.to_string(), plain(&one.title)))
                .collect(),
            runs: runs
                .iter()
                .map(|one| (one.id.to_string(), first(&one.requirement)))
                .collect(),
            documents: documents
                .into_iter()
                .map(|one| (plain(&one.path), one.kind))
                .collect(),
        })
    }

    /// The names that may follow some words of a command line.
    pub(super) fn after(&self, words: &[&str]) -> Vec<(String, String)> {
        match words {
            ["open"] => self.documents.clone(),
            ["execute-task" | "diff"] | ["task", "show" | "retry" | "execute"] => {
                self.tasks.clone()
            }
            ["show"] => {
                let whats = ["requirement", "design", "plan", "handoff"];
                let whats = whats.map(|what| (what.to_owned(), String::new()));
                whats.into_iter().chain(self.tasks.clone()).collect()
            }
            ["resume" | "status" | "report" | "log" | "run" | "cost"]
            | ["task", "list"]
            | [.., "--run"] => self.runs.clone(),
            _ => Vec::new(),
        }
    }
}
