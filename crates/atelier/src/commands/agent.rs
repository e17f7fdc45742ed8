//! `atelier agent`: who works on a project, one more of them, and a task for one.

use std::collections::BTreeMap;

use atelier_docs::codex::{self, AGENTS_FOLDER, Agent, Answers, Roster};
use atelier_engine::{NewTask, Overrides, task_add};
use atelier_model::{FileEntry, FileTree, TaskSource, TreePath};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::drive::{self, Work};
use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    ui::{Tone, Ui, plain},
};

/// List and show the agents of this project, add one, give one a task
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// List the agents: those that come along and those of this project
    List,
    /// Show an agent: what it is for, what it may write, what it is told
    Show(AgentNamed),
    /// Add an agent, or one of your own in the place of one that comes along
    Add(AgentAddArgs),
    /// Give an agent a task and execute it
    Run(AgentRunArgs),
}

/// An agent.
#[derive(Debug, Args)]
pub(crate) struct AgentNamed {
    /// The agent
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// A new agent.
#[derive(Debug, Args)]
pub(crate) struct AgentAddArgs {
    /// Its name: lowercase letters, digits, `-` and `_`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// What it is for, in one sentence
    #[arg(long, value_name = "TEXT")]
    pub(crate) goal: Option<String>,

    /// What it is told, in your words
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,

    /// The model that is asked
    #[arg(long = "by", value_name = "MODEL")]
    pub(crate) by: Option<String>,

    /// Files it may write, such as "docs/**"; may be given several times
    #[arg(long = "writes", value_name = "PATTERN")]
    pub(crate) writes: Vec<String>,

    /// Steps of a plan are its own where all their files match; may be given several times
    #[arg(long = "takes", value_name = "PATTERN")]
    pub(crate) takes: Vec<String>,

    /// It may not write tests
    #[arg(long)]
    pub(crate) no_tests: bool,

    /// It answers findings, not edits
    #[arg(long)]
    pub(crate) findings: bool,

    /// The file it writes for the task of another one, with {task} for that one's id
    #[arg(long, value_name = "PATH")]
    pub(crate) output: Option<String>,

    /// The agent that comes next
    #[arg(long, value_name = "NAME")]
    pub(crate) then: Option<String>,
}

/// A task for an agent.
#[derive(Debug, Args)]
pub(crate) struct AgentRunArgs {
    /// The agent
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// What it is to do
    #[arg(value_name = "GOAL", required = true)]
    pub(crate) goal: Vec<String>,

    /// A path it will write; may be given several times
    #[arg(long = "output", value_name = "PATH")]
    pub(crate) outputs: Vec<String>,

    #[command(flatten)]
    pub(crate) options: RunOptions,
}

pub(crate) async fn run(global: &Global, command: &AgentCommand, ui: &Ui) -> Result<u8, CliError> {
    match command {
        AgentCommand::List => list(global, ui),
        AgentCommand::Show(args) => show(global, args, ui),
        AgentCommand::Add(args) => add(global, args, ui),
        AgentCommand::Run(args) => Box::pin(execute(global, args, ui)).await,
    }
}

fn list(global: &Global, ui: &Ui) -> Result<u8, CliError> {
    let roster = Roster::read(&Place::find(global)?.tree()?)?;
    for agent in roster.agents() {
        if ui.is_json() {
            ui.out(&as_json(agent, &roster).to_string());
            continue;
        }
        let name = ui.ink(Tone::Good, &format!("{:<16}", agent.name));
        let then = agent.then.as_deref();
        let then = then.map_or_else(String::new, |then| format!(" → {then}"));
        let own = if roster.is_builtin(agent) {
            ""
        } else {
            " (of this project)"
        };
        let goal = plain(&agent.goal);
        ui.out(&format!("{name} {goal}{then}{}", ui.ink(Tone::Faint, own)));
    }
    Ok(0)
}

fn as_json(agent: &Agent, roster: &Roster) -> serde_json::Value {
    let mut value = json!(agent);
    value["v"] = json!(1);
    value["type"] = json!("agent");
    value["own"] = json!(!roster.is_builtin(agent));
    value
}

fn show(global: &Global, args: &AgentNamed, ui: &Ui) -> Result<u8, CliError> {
    let roster = Roster::read(&Place::find(global)?.tree()?)?;
    let agent = roster.find(&args.name)?;
    if ui.is_json() {
        ui.out(&as_json(agent, &roster).to_string());
        return Ok(0);
    }
    ui.out(&format!("{}: {}", agent.name, plain(&agent.goal)));
    let listed = |patterns: &[codex::Pattern]| {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        patterns.join(", ")
    };
    let answers = match agent.answer {
        Answers::Edits => "edits",
        Answers::Findings => "findings",
    };
    let writes = match listed(&agent.writes) {
        none if none.is_empty() => "what its task names".to_owned(),
        patterns => patterns,
    };
    let facts = [
        ("answers", answers.to_owned()),
        ("writes", writes),
        ("tests", if agent.tests { "yes" } else { "no" }.to_owned()),
        ("takes", listed(&agent.takes)),
        ("output", agent.output.clone().unwrap_or_default()),
        ("model", agent.model.clone().unwrap_or_default()),
        ("then", agent.then.clone().unwrap_or_default()),
    ];
    for (name, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        ui.out(&format!("  {name:<8} {}", plain(fact)));
    }
    if !agent.prompt.is_empty() {
        ui.out("");
        for line in agent.prompt.lines() {
            ui.out(&plain(line));
        }
    }
    Ok(0)
}

/// The front matter of a new agent's file.
#[derive(Serialize)]
struct Front<'a> {
    name: &'a str,
    goal: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    writes: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    takes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    tests: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<&'a str>,
}

/// The file of a new agent: that of the one that comes along where nothing is said of it.
fn text(args: &AgentAddArgs) -> Result<String, CliError> {
    let builtin = codex::BUILTIN.iter().find(|(name, _)| *name == args.name);
    let goal = match (&args.goal, builtin) {
        (Some(goal), _) => goal.as_str(),
        (None, Some((_, text))) => return Ok((*text).to_owned()),
        (None, None) => {
            let said = format!("add agent {} without --goal: say what it is for", args.name);
            return Err(CliError::Usage(said));
        }
    };
    let front = Front {
        name: &args.name,
        goal,
        model: args.by.as_deref(),
        writes: &args.writes,
        takes: &args.takes,
        tests: args.no_tests.then_some(false),
        answer: args.findings.then_some("findings"),
        output: args.output.as_deref(),
        then: args.then.as_deref(),
    };
    let front = toml::to_string(&front).unwrap_or_default();
    let prompt = args.prompt.as_deref().unwrap_or(goal).trim();
    Ok(format!("+++\n{front}+++\n{prompt}\n"))
}

fn add(global: &Global, args: &AgentAddArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let mut tree = place.tree()?;
    let text = text(args)?;
    // Its name is judged before it becomes a path.
    Agent::read(&text).map_err(|source| {
        let path = args.name.clone();
        CliError::NewAgent(codex::RosterError::Agent { path, source })
    })?;
    let path = format!("{AGENTS_FOLDER}/{}.md", args.name);
    let path = TreePath::parse(&path).map_err(|_| CliError::Usage(format!("write {path}")))?;
    if tree.contains(&path) {
        let said = format!("add agent {}: {path} is there already; edit it", args.name);
        return Err(CliError::Usage(said));
    }
    // What is wrong without the new one is not its fault.
    Roster::read(&tree)?;
    let before = tree.clone();
    tree.put(path.clone(), FileEntry::text(text));
    let roster = Roster::read(&tree).map_err(CliError::NewAgent)?;
    write_roster(&place, &before, tree, &roster)?;
    if ui.is_json() {
        ui.out(&as_json(roster.find(&args.name)?, &roster).to_string());
    } else {
        ui.out(&path.to_string());
    }
    ui.status("  runs read what is committed: git add .codex && git commit");
    Ok(0)
}

fn write_roster(
    place: &Place,
    before: &FileTree,
    mut tree: FileTree,
    roster: &Roster,
) -> Result<(), CliError> {
    let document = codex::roster_document(roster, &tree).map_err(CliError::RosterDocument)?;
    tree.put(document.path, FileEntry::text(document.text));
    let changes: BTreeMap<_, _> = before.changes_to(&tree);
    atelier_exec::tree_write(&place.root, &changes).map_err(CliError::Documents)
}

async fn execute(global: &Global, args: &AgentRunArgs, ui: &Ui) -> Result<u8, CliError> {
    let roster = Roster::read(&Place::find(global)?.tree()?)?;
    let agent = roster.find(&args.name)?;
    let (ctx, settings) = drive::open(global, &args.options, ui).await?;
    let new = NewTask {
        title: args.goal.join(" "),
        description: String::new(),
        outputs: args.outputs.clone(),
        checks: Vec::new(),
        priority: 10,
        agent: Some(agent.name.clone()),
        source: TaskSource::User,
    };
    let (run, id) = task_add(&ctx, &new).await?;
    ui.status(&format!("  {id} of run {run}, done by {}", agent.name));
    let base = super::run::overrides(&args.options, &settings, true)?;
    let overrides = Overrides {
        only: Some(id),
        ..base
    };
    Box::pin(drive::to_its_end(
        &ctx,
        &settings,
        ui,
        &Work::Resume(run, overrides),
    ))
    .await
}
