//! `atelier init`: makes a folder a project.

use atelier_exec::{Commit, Git};
use atelier_llm::local_servers;
use atelier_model::{Clock, Limits};
use clap::Args;

use crate::{
    app::{Place, SystemClock},
    cli::Global,
    cli_error::CliError,
    config::PROJECT_FILE,
    ui::Ui,
};

/// Milliseconds a local server has to answer.
const ANSWER_MS: u64 = 300;

/// Make this folder a project: a git repository with an `atelier.toml`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Do not look for local model servers
    #[arg(long)]
    pub(crate) offline: bool,
}

pub(crate) async fn run(global: &Global, args: &InitArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let git = if let Some(git) = place.git {
        git
    } else {
        let git = Git::init(&place.folder)?;
        ui.status(&format!("made {} a git repository", git.root().display()));
        first_commit(&git, ui)?;
        git
    };
    let file = git.root().join(PROJECT_FILE);
    if file.exists() {
        ui.status(&format!("{} is there already", file.display()));
        return Ok(0);
    }
    let servers = if args.offline {
        Vec::new()
    } else {
        local_servers(ANSWER_MS, &[]).await
    };
    let found = servers
        .iter()
        .find_map(|server| Some((server, server.models.first()?)));
    let text = if let Some((server, model)) = found {
        ui.status(&format!(
            "found {} at {} with {model}",
            server.kind.name(),
            server.base_url
        ));
        template(Some((&server.base_url, model)))
    } else {
        ui.status("no local model server answers; `offline` lays out skeletons meanwhile");
        template(None)
    };
    std::fs::write(&file, text).map_err(|source| CliError::File {
        path: file.clone(),
        source,
    })?;
    ui.out(&format!("wrote {}", file.display()));
    ui.status("  next: atelier doctor, then atelier build \"…\"");
    Ok(0)
}

/// What stands in the folder becomes the first commit, so that a run has something to start from.
fn first_commit(git: &Git, ui: &Ui) -> Result<(), CliError> {
    let files = git.dirty()?;
    if files.is_empty() {
        return Ok(());
    }
    let worktree = atelier_exec::tree_read(git.root(), &Limits::default())
        .map_err(atelier_exec::GitError::from)?;
    let listed = |path: &atelier_model::TreePath| files.iter().any(|file| file == path.as_str());
    let changes = worktree
        .iter()
        .filter(|(path, _)| listed(path))
        .map(|(path, file)| (path.clone(), Some(file.clone())))
        .collect();
    let message = "chore: what stood here before\n".to_owned();
    let made = git.commit_changes(
        &changes,
        &Commit {
            message,
            parent: None,
            at: SystemClock.now(),
        },
    )?;
    let branch = git.head()?.branch.unwrap_or_else(|| "main".to_owned());
    git.branch_set(&branch, &made, None)?;
    git.index_follow()?;
    ui.status(&format!(
        "committed {} files as {}",
        files.len(),
        super::ending::short(&made)
    ));
    Ok(())
}

fn template(found: Option<(&str, &str)>) -> String {
    let model = match found {
        Some((url, model)) => {
            format!("provider = \"openai\"\nbase_url = {url:?}\nmodel = {model:?}\n")
        }
        None => "# provider = \"openai\"        # and everything compatible; or anthropic\n\
                 # model = \"gpt-5\"\n\
                 # base_url = \"http://127.0.0.1:11434/v1\"\n"
            .to_owned(),
    };
    format!(
        "# Configuration of atelier for this project; `atelier config show --all` lists every key.\n\
         # Keys of providers belong into the environment: OPENAI_API_KEY, ANTHROPIC_API_KEY.\n\n\
         {model}\n\
         # approval = \"plan\"          # ask before a plan is executed: never, plan, task\n\
         # budget = \"2.00\"            # dollars a run may cost\n\n\
         # [stages.code]              # any stage: design, plan, detail, handoff, code, docs\n\
         # model = \"gpt-5\"\n"
    )
}
