//! The documents of `.codex/` as they must stand beside a tree.

use std::{collections::BTreeSet, fmt::Write as _};

use atelier_model::{FileEntry, FileTree, TaskId, TreePath};

use super::{
    ARCHITECTURE_FILE, Agent, Answers, PRD_FILE, PROPOSALS_FILE, ROSTER_FILE, Roster,
    TASK_LOG_FILE, proposals::marked, proposals::proposals,
};
use crate::{
    DocumentError, DocumentProblem, Draft, ProjectState, RenderDocumentsError, Rendered, Section,
    managed,
    markdown::{block, cell, code, line, titled, words},
    render::{finish, place},
};

/// The section of the roster.
const ROSTER: &str = "roster";
/// The section of what is proposed.
const PROPOSED: &str = "proposed";

/// What decides these documents, beside the state of the project.
#[derive(Debug, Clone, Copy)]
pub struct CodexState<'a> {
    /// The project.
    pub project: &'a ProjectState<'a>,
    /// Its agents.
    pub roster: &'a Roster,
    /// Proposals that are new.
    pub proposed: &'a [String],
    /// Tasks that came of proposals, by their texts.
    pub taken: &'a [(String, TaskId)],
    /// The log with what is new in it; none where nothing is.
    pub log: Option<&'a str>,
}

/// Renders the documents of `.codex/`, merged with the files of the state.
pub fn render(state: &CodexState<'_>) -> Result<Vec<Rendered>, RenderDocumentsError> {
    let files = state.project.files;
    let drafts = [
        roster_draft(state.roster, files),
        prd(state),
        architecture(state),
    ];
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    let mut take = |path: String, rendered: Result<Rendered, DocumentError>| match rendered {
        Ok(document) => documents.push(document),
        Err(error) => problems.push(DocumentProblem { path, error }),
    };
    for draft in drafts {
        take(draft.path.clone(), finish("codex", draft, files));
    }
    take(PROPOSALS_FILE.to_owned(), proposed(state));
    if let Some(text) = state.log {
        take(TASK_LOG_FILE.to_owned(), log(text, files));
    }
    if problems.is_empty() {
        Ok(documents)
    } else {
        Err(RenderDocumentsError { problems })
    }
}

/// The roster file with all agents in it, and what people wrote there.
pub fn roster_document(roster: &Roster, files: &FileTree) -> Result<Rendered, DocumentError> {
    finish("codex", roster_draft(roster, files), files)
}

fn roster_draft(roster: &Roster, files: &FileTree) -> Draft {
    let mut table = String::from(
        "| Agent | What for | Writes | Model | Then |\n| --- | --- | --- | --- | --- |\n",
    );
    for agent in roster.agents() {
        let goal = cell(&agent.goal, files);
        let model = agent.model.as_deref().map(code).unwrap_or_default();
        let then = agent.then.as_deref().map(code).unwrap_or_default();
        let name = code(&agent.name);
        let writes = writes(agent);
        _ = writeln!(table, "| {name} | {goal} | {writes} | {model} | {then} |");
    }
    Draft {
        path: ROSTER_FILE.to_owned(),
        title: "Agents".to_owned(),
        about: "Who works on the project.".to_owned(),
        sections: vec![Section::new(ROSTER, table)],
    }
}

/// What an agent may write, for a cell of a table.
fn writes(agent: &Agent) -> String {
    match agent.answer {
        Answers::Findings => return "findings".to_owned(),
        Answers::Edits => {}
    }
    let own: Vec<String> = agent
        .writes
        .iter()
        .map(|one| escaped(&one.to_string()))
        .collect();
    let mut text = if own.is_empty() {
        "what its task names".to_owned()
    } else {
        own.join(", ")
    };
    if !agent.tests {
        text.push_str("; no tests");
    }
    text
}

/// A pattern is no path that has to exist: it stands as plain text.
fn escaped(pattern: &str) -> String {
    pattern
        .replace('*', "\\*")
        .replace('_', "\\_")
        .replace('|', "\\|")
}

fn prd(state: &CodexState<'_>) -> Draft {
    let project = state.project;
    let (design, files) = (&project.plan.design, project.files);
    let mut goals = String::new();
    for goal in &design.objectives {
        _ = writeln!(goals, "- {}", line(goal, files));
    }
    let mut scope = String::new();
    for item in &design.requirements {
        let (id, text) = (words(&item.id, files), line(&item.text, files));
        _ = writeln!(scope, "- **{id}** {text}");
    }
    Draft {
        path: PRD_FILE.to_owned(),
        title: "Product requirements".to_owned(),
        about: "What the product is, for whom, and what belongs to it.".to_owned(),
        sections: vec![
            Section::new(
                "vision",
                titled(2, "Vision", &block(&design.summary, 3, files)),
            ),
            Section::new("goals", titled(2, "Goals", &goals)),
            Section::new("scope", titled(2, "Scope", &scope)),
        ],
    }
}

fn architecture(state: &CodexState<'_>) -> Draft {
    let project = state.project;
    let (design, files) = (&project.plan.design, project.files);
    let overview = block(&design.architecture_overview, 3, files);
    let mut parts = String::new();
    for part in &design.components {
        let (name, purpose) = (words(&part.name, files), line(&part.purpose, files));
        _ = writeln!(parts, "- **{name}**: {purpose}");
    }
    Draft {
        path: ARCHITECTURE_FILE.to_owned(),
        title: "Architecture".to_owned(),
        about: "How the product is built, and how agents exchange what they know.".to_owned(),
        sections: vec![
            Section::new("overview", titled(2, "Overview", &overview)),
            Section::new("parts", titled(2, "Parts", &parts)),
            Section::new("contract", titled(2, "How agents exchange", CONTRACT)),
        ],
    }
}

const CONTRACT: &str = "\
- An agent keeps nothing from one task to the next: what it has to know stands in the files.
- A task has one goal. Agents read and write Markdown.
- What was done stands in [TASK-LOG.json](<TASK-LOG.json>): task, agent, date, summary and output files; it is only added to.
- What could be done next stands in [PROPOSED-TASKS.md](<PROPOSED-TASKS.md>): whoever ticks a line makes a task of it.
- An agent that ends with the words *Once complete, invoke NAME* hands on to that one.
";

const EMPTY: &str = "Nothing is proposed.";

/// The proposals: those that stand there as they are, with the names of their tasks, then new ones.
fn proposed(state: &CodexState<'_>) -> Result<Rendered, DocumentError> {
    let files = state.project.files;
    let path = place(PROPOSALS_FILE, files)?;
    let existing = match files.get(&path) {
        Some(file) => file.as_text().ok_or(DocumentError::NotText)?,
        None => "",
    };
    let taken: Vec<(String, String)> = state
        .taken
        .iter()
        .map(|(text, task)| (text.clone(), task.to_string()))
        .collect();
    let existing = marked(existing, &taken);
    let known = proposals(&existing).into_iter().map(|one| one.text);
    let mut known: BTreeSet<String> = known.collect();
    let mut body = managed::body(&existing, PROPOSED)
        .unwrap_or_default()
        .to_owned();
    if body.trim() == EMPTY {
        body.clear();
    }
    for text in state.proposed {
        let text = line(text, files);
        if !text.is_empty() && known.insert(text.clone()) {
            _ = writeln!(body, "- [ ] {text}");
        }
    }
    if body.trim().is_empty() {
        EMPTY.clone_into(&mut body);
    }
    let draft = Draft {
        path: path.to_string(),
        title: "Proposed tasks".to_owned(),
        about: "What could be done next; a ticked line becomes a task.".to_owned(),
        sections: vec![
            Section::new("how", HOW.to_owned()),
            Section::new(PROPOSED, body),
        ],
    };
    if existing.is_empty() {
        return finish("codex", draft, files);
    }
    let mut now = FileTree::default();
    now.put(path, FileEntry::text(existing));
    finish("codex", draft, &now)
}

const HOW: &str = "Tick a line (`[x]`) and commit it: the next `atelier build`, `atelier resume` or \
                   `atelier task sync` makes a task of it. Delete what nobody wants.";

fn log(text: &str, files: &FileTree) -> Result<Rendered, DocumentError> {
    let path: TreePath = place(TASK_LOG_FILE, files)?;
    Ok(Rendered {
        path,
        kind: "codex",
        title: "Task log".to_owned(),
        about: "What was done, one entry a task.".to_owned(),
        text: text.to_owned(),
    })
}
