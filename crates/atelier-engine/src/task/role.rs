//! The agent that does a task: what it is told, what of its answer counts, and what follows.

use atelier_docs::codex::{Answers, Findings};
use atelier_edit::{ChangeSet, Edit};
use atelier_model::{FileEntry, Role, TreePath};
use atelier_prompt::answer;
use serde_json::{Value, json};

use super::{
    Work,
    edited::{Edited, Refusal},
    number,
};
use crate::{BuildError, agents};

impl Work<'_> {
    /// Whether findings are asked for, not edits.
    pub(super) fn finds(&self) -> bool {
        self.agent.answer == Answers::Findings
    }

    /// The template of the first question.
    pub(super) fn template(&self) -> &'static str {
        if self.finds() { "review" } else { "code" }
    }

    /// The form of the answer, where it is none of edits.
    pub(super) fn schema(&self) -> Option<(String, Value)> {
        let named = || ("findings".to_owned(), answer::schema::<Findings>());
        self.finds().then(named)
    }

    /// Tells the agent who it is, behind the standing instructions.
    pub(super) fn take_role(&mut self) -> Result<(), BuildError> {
        let Some(brief) = agents::brief(self.ctx, &self.agent)? else {
            return Ok(());
        };
        let mut standing = self.messages.iter_mut();
        if let Some(system) = standing.find(|message| message.role == Role::System) {
            system.text.push_str("\n\n");
            system.text.push_str(&brief);
        }
        Ok(())
    }

    /// Takes the edits out that the agent may not make; the second value says what was tried.
    pub(super) fn permitted(&self, set: ChangeSet) -> (ChangeSet, Vec<String>) {
        let refused = |path: &TreePath| agents::refusal(&self.agent, &self.task, path);
        let (kept, out) = set.split(|path| refused(path).is_none());
        let said = |edit: &Edit| {
            let why = edit.paths().find_map(refused).unwrap_or_default();
            format!("{}: change dropped: {why}", edit.path)
        };
        (kept, out.iter().map(said).collect())
    }

    /// What findings make of the tree: the document that tells them.
    pub(super) fn found(&self, reply: &str) -> Result<Edited, Refusal> {
        let read = answer::read::<Findings>(reply);
        let findings = read.map_err(|error| Refusal {
            problems: vec![format!("failed to {error}")],
            tried: Vec::new(),
            wrote: None,
        })?;
        let title = format!("{} ({})", self.task.title, number(&self.task));
        let document = findings.value.document(&title, self.sends_back, &self.tree);
        let mut edited = Edited {
            tree: self.tree.clone(),
            written: Vec::new(),
            deleted: Vec::new(),
            notes: Vec::new(),
            restored: Vec::new(),
            doubtful: Vec::new(),
            wrote: None,
        };
        for path in self.report_paths() {
            edited
                .tree
                .put(path.clone(), FileEntry::text(document.clone()));
            edited.written.push(path);
        }
        Ok(edited)
    }

    /// Where findings are told: in the file of the task, or in that of the agent.
    fn report_paths(&self) -> Vec<TreePath> {
        let own = self.agent.output.as_deref();
        let own = own.map(|path| path.replace("{task}", number(&self.task)));
        let own = own.filter(|_| self.task.outputs.is_empty());
        let named = self.task.outputs.iter().chain(&own);
        named
            .filter_map(|path| TreePath::parse(path).ok())
            .collect()
    }

    /// Whether what this work finds may go back to whoever did what it looks at.
    pub(super) async fn may_send_back(&self) -> Result<bool, BuildError> {
        Ok(self.finds() && agents::may_send_back(self.ctx, &self.task).await?)
    }

    /// Sends the work back that this review, which is merged now, found wanting.
    pub(super) async fn send_back(&self, reply: &str) -> Result<(), BuildError> {
        if !self.sends_back {
            return Ok(());
        }
        agents::send_back(self.ctx, &self.desk.store, &self.task, reply).await
    }

    /// What is said where findings could not be read.
    pub(super) fn asked_again(&mut self, problems: &[String]) -> Result<String, BuildError> {
        let inputs = json!({"error": problems.join("\n")});
        let prompt = self.ctx.library.render("reask", &inputs)?;
        let turn = prompt.messages.into_iter();
        let turn = turn.filter(|message| message.role == Role::User);
        let text = turn
            .map(|message| message.text)
            .collect::<Vec<_>>()
            .join("\n\n");
        self.say(Role::User, text.clone());
        Ok(text)
    }
}
